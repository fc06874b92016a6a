== run drill --plan deep
== request drill
[{"plan":true,"chain":"deep"}]
== result drill
{
 "chain": "default",
 "plan": true,
 "rows": [
  {"target": "a/m", "asked": false, "ok": null, "class": null, "message": "A_KEY is not set", "latency_ms": 0, "cost_picousd": 0},
  {"target": "b/m", "asked": true, "ok": null, "class": null, "latency_ms": 0, "cost_picousd": 150000000}
 ],
 "cost_picousd": 150000000
}
== stdout
TARGET  RESULT     TIME      COST  WHY
a/m     not asked     -         -  A_KEY is not set
b/m     asked         -  $0.00015
== exit 0
