== run providers
== result providers
{
 "providers": [
  {
   "name": "ollama",
   "api": "ollama",
   "base_url": "http://localhost:11434",
   "local": true,
   "state": "closed",
   "configured": true,
   "models": [
    "llama3.2",
    "gemma3:1b"
   ],
   "key": "none"
  },
  {
   "name": "groq",
   "api": "openai",
   "base_url": "https://api.groq.com/openai/v1",
   "local": false,
   "state": "not_configured",
   "configured": false,
   "reason": "GROQ_API_KEY is not set",
   "models": [],
   "key": "missing"
  }
 ]
}
== stdout
PROVIDER  API     STATE           KEY      PLACE   MODELS               BASE URL
ollama    ollama  closed          none     local   llama3.2, gemma3:1b  http://localhost:11434
groq      openai  not_configured  missing  remote                       https://api.groq.com/openai/v1  GROQ_API_KEY is not set
== exit 0
