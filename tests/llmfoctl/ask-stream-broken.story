== run ask --stream hello
== deltas generate
{"text": "Hello th"}
== error generate
{
 "code": "interrupted",
 "message": "b/model broke off after 8 bytes",
 "partial": "Hello th",
 "attempts": [
  {
   "target": "b/model",
   "class": "connect_failed",
   "message": "connection reset"
  }
 ]
}
== stdout
Hello th
== stderr
b/model failed: connect_failed: connection reset
llmfoctl: interrupted: b/model broke off after 8 bytes
== exit 1
