== run models --provider openai --capability code,tools --cheapest --fastest --max-cost 2.50 --max-latency 1m30s
== request models
[{"provider":"openai","capability":["code","tools"],"cheapest":true,"fastest":true,"max_latency_ms":90000,"max_cost_picousd":2500000}]
== result models
{
 "rows": []
}
== stdout
there are no models like that
== exit 0
