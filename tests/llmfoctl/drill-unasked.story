== run drill
== request drill
[{"plan":true}]
== result drill
{
 "chain": "default",
 "plan": true,
 "rows": [
  {"target": "a/m", "asked": true, "ok": null, "class": null, "latency_ms": 0, "cost_picousd": 0},
  {"target": "b/m", "asked": true, "ok": null, "class": null, "latency_ms": 0, "cost_picousd": 150000000}
 ],
 "cost_picousd": 150000000, "cost_unknown": true
}
== stderr
chain default: 2 small calls, one after the other; cost: $0.00015 or more
llmfoctl drill: nobody can be asked here: --yes has it done
== exit 1
