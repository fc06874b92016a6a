/* SPDX-License-Identifier: MIT */
/*
 * A forked child of a test that goes on in the test's own code. Check keeps its record of a test in
 * a file that such a child shares, position and all: two that write there at once garble it.
 */
#ifndef LLMFO_TESTS_CHILD_H
#define LLMFO_TESTS_CHILD_H

/* In the child, first of all: what it asserts from now on reaches nobody's record. */
void child_leaves_check(void);

#endif
