== run pick --help
== stdout
usage: llmfoctl pick [options]

say which target a call would use, without making it

  --chain NAME             the chain to use
  --agent NAME             the agent whose targets to use
  --targets A/M,B/N        these targets, in this order
  --model NAME             this model alone, or first
  --provider NAME          this provider alone, or first
  --strategy NAME          how the candidates are ordered
  --task TYPE              the chain for such a task, or auto
  --require CAPABILITY,... what a target must have: vision, local, region:eu
  --prefer CAPABILITY,...  what capability_match counts besides
  --max-latency DURATION   no slower target
  --budget USD             no dearer target
  --user NAME              for whom a sticky chain draws
== exit 0
