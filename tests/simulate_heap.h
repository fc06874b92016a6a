/* SPDX-License-Identifier: MIT */
/* How many blocks of memory the program has at the moment, to the last one. */
#ifndef LLMFO_SIMULATE_HEAP_H
#define LLMFO_SIMULATE_HEAP_H

/* Always 0 where that cannot be told. */
long simulate_heap_blocks(void);

#endif
