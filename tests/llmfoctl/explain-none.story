== run explain
== result explain
{
 "candidates": []
}
== stdout
there are no candidates
== exit 0
