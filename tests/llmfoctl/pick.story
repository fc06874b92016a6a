== run pick --chain default
== request pick
[{"chain":"default"}]
== result pick
{
 "target": "openai/gpt-4o-mini",
 "provider": "openai",
 "model": "gpt-4o-mini",
 "api": "openai",
 "base_url": "https://api.openai.com/v1"
}
== stdout
target    openai/gpt-4o-mini
provider  openai
model     gpt-4o-mini
api       openai
base_url  https://api.openai.com/v1
== exit 0
