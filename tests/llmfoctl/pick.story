== run pick --chain default --task auto --require vision,region:eu --prefer code --max-latency 3s --budget 0.05 --user u
== request pick
[{"chain":"default","task_type":"auto","require":["vision","region:eu"],"prefer":["code"],"max_latency_ms":3000,"budget_remaining_usd":"0.05","user":"u"}]
== result pick
{
 "target": "openai/gpt-4o-mini",
 "provider": "openai",
 "model": "gpt-4o-mini",
 "api": "openai",
 "base_url": "https://api.openai.com/v1",
 "lease": "5f0e0b3c9d1c4b6f8a7e2d4c6b8a0f1e",
 "valid_ms": 120000,
 "cost_estimate_picousd": 7500000000,
 "latency_estimate_ms": 1410
}
== stdout
target    openai/gpt-4o-mini
provider  openai
model     gpt-4o-mini
api       openai
base_url  https://api.openai.com/v1
lease     5f0e0b3c9d1c4b6f8a7e2d4c6b8a0f1e
cost      $0.0075
latency   1.4 s
== exit 0
