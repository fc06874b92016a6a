== run explain
== request explain
[{}]
== result explain
{
 "candidates": [
  {
   "target": "b/y",
   "in": true,
   "why": null,
   "rank": 1,
   "state": "closed",
   "out_for_ms": null
  },
  {
   "target": "a/x",
   "in": false,
   "why": "its circuit is open",
   "rank": null,
   "state": "open",
   "out_for_ms": 252000
  }
 ]
}
== stdout
RANK  TARGET  STATE   OUT FOR  WHY
   1  b/y     closed           in
   -  a/x     open     4m 12s  out: its circuit is open
== exit 0
