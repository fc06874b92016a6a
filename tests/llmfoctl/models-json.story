== run --json models --capability vison
== error models
{
 "code": "invalid_request",
 "message": "parameter `capability`: there is no capability `vison`; one of chat, code"
}
== stdout
{
  "error": {
    "code": "invalid_request",
    "message": "parameter `capability`: there is no capability `vison`; one of chat, code"
  }
}
== stderr
llmfoctl: invalid_request: parameter `capability`: there is no capability `vison`; one of chat, code
== exit 1
