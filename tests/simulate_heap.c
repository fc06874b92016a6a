/* SPDX-License-Identifier: MIT */
/*
 * See simulate_heap.h. The C library's allocator stays what it is: glibc lets a program put its own
 * names before it, and has it under other ones. A sanitizer has these names for itself, and looks
 * for leaks in its own way.
 */
#include "simulate_heap.h"

#include <errno.h>
#include <stdlib.h>

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTS 1
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#undef COUNTS
#endif
#endif

static long blocks;

long
simulate_heap_blocks(void)
{
	return blocks;
}

#ifdef COUNTS

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *old, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *block);
void *memalign(size_t alignment, size_t bytes);

static void *
counted(void *block)
{
	blocks += block != NULL;
	return block;
}

void *
malloc(size_t bytes)
{
	return counted(__libc_malloc(bytes));
}

void *
calloc(size_t count, size_t bytes)
{
	return counted(__libc_calloc(count, bytes));
}

void *
realloc(void *old, size_t bytes)
{
	void *block = __libc_realloc(old, bytes);

	blocks += (block && !old) - (old && !block && bytes == 0);
	return block;
}

void *
memalign(size_t alignment, size_t bytes)
{
	return counted(__libc_memalign(alignment, bytes));
}

void *
aligned_alloc(size_t alignment, size_t bytes)
{
	return counted(__libc_memalign(alignment, bytes));
}

int
posix_memalign(void **block, size_t alignment, size_t bytes)
{
	*block = counted(__libc_memalign(alignment, bytes));
	return *block ? 0 : ENOMEM;
}

void
free(void *block)
{
	blocks -= block != NULL;
	__libc_free(block);
}

#endif
