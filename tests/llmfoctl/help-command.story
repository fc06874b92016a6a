== run force-provider --help
== stdout
usage: llmfoctl force-provider [options] NAME|--clear

move a provider's targets to the front for a while

  --for DURATION         how long (default 1h, at most 7d)
  --strict               use nothing else, not even when it fails
  --clear                force no provider any more
== exit 0
