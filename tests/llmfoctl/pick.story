== run pick --chain default
== request pick
[{"chain":"default"}]
== result pick
{
 "target": "openai/gpt-4o-mini",
 "provider": "openai",
 "model": "gpt-4o-mini",
 "api": "openai",
 "base_url": "https://api.openai.com/v1",
 "lease": "5f0e0b3c9d1c4b6f8a7e2d4c6b8a0f1e",
 "valid_ms": 120000
}
== stdout
target    openai/gpt-4o-mini
provider  openai
model     gpt-4o-mini
api       openai
base_url  https://api.openai.com/v1
lease     5f0e0b3c9d1c4b6f8a7e2d4c6b8a0f1e
== exit 0
