== run models --max-cost $2
== stderr
llmfoctl models: --max-cost takes USD per million tokens, such as 2.50, not '$2'
'llmfoctl models --help' says more
== exit 2
