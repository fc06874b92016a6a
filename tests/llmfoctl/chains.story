== run chains
== result chains
{
 "chains": [
  {
   "name": "default",
   "agent": false,
   "strategy": "sequential",
   "targets": [
    "a/x",
    "b/y"
   ],
   "default": true
  },
  {
   "name": "hello-agent",
   "agent": true,
   "strategy": "sequential",
   "targets": [
    "b/y"
   ],
   "default": false
  },
  {
   "name": "balanced",
   "agent": false,
   "builtin": true,
   "strategy": "balanced",
   "targets": [
    "a/x"
   ],
   "default": false
  }
 ]
}
== stdout
NAME         KIND      STRATEGY    TARGETS
default *    chain     sequential  a/x, b/y
hello-agent  agent     sequential  b/y
balanced     built-in  balanced    a/x
== exit 0
