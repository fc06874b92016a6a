== run --json status
== stdout
{
  "error": {
    "code": "no_daemon",
    "message": "no daemon at @SOCKET@: No such file or directory"
  }
}
== stderr
llmfoctl: no daemon at @SOCKET@: No such file or directory
is llmfod running? --socket or LLMFO_SOCKET names another place
== exit 3
