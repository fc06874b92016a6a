== run --json ask hello
== error generate
{
 "code": "all_failed",
 "message": "all 1 targets failed: a/x auth",
 "attempts": []
}
== stdout
{
  "error": {
    "code": "all_failed",
    "message": "all 1 targets failed: a/x auth",
    "attempts": [
    ]
  }
}
== stderr
llmfoctl: all_failed: all 1 targets failed: a/x auth
== exit 1
