== run version --json
== result hello
{
 "server": "llmfod",
 "version": "0.1.0",
 "protocol": 1,
 "features": []
}
== stdout
{
  "llmfoctl": "0.1.0",
  "daemon": {
    "server": "llmfod",
    "version": "0.1.0",
    "protocol": 1,
    "features": [
    ]
  }
}
== exit 0
