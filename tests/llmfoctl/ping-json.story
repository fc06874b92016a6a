== run ping --json
== result hello
{
 "server": "llmfod",
 "version": "0.1.0",
 "protocol": 1,
 "features": []
}
== stdout
{
  "server": "llmfod",
  "version": "0.1.0",
  "protocol": 1,
  "features": [
  ]
}
== exit 0
