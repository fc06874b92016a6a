== run status --json
== result status
{
 "daemon": {
  "version": "0.1.0",
  "pid": 1
 },
 "rate": 0.1,
 "one": 1.0,
 "none": null,
 "yes": true,
 "text": "a\"\\\n\t\u001b\u007f\u0085\u00fc\u202e",
 "list": [],
 "map": {},
 "nested": [
  [
   1,
   -2
  ],
  {
   "x": []
  }
 ]
}
== stdout
{
  "daemon": {
    "version": "0.1.0",
    "pid": 1
  },
  "rate": 0.1,
  "one": 1.0,
  "none": null,
  "yes": true,
  "text": "a\"\\\n\t\u001b\u007f\u0085ü\u202e",
  "list": [
  ],
  "map": {
  },
  "nested": [
    [
      1,
      -2
    ],
    {
      "x": [
      ]
    }
  ]
}
== exit 0
