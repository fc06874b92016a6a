/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one function over bytes that must survive them all, and abort() where what it
 * watches does not hold. libFuzzer drives it (--enable-fuzzers); `make check` drives it with the
 * seeds of tests/fuzz/corpus and mutations of them (replay.c).
 */
#ifndef LLMFO_TESTS_FUZZ_H
#define LLMFO_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The folder of its seeds. */
extern const char fuzz_name[];

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

#endif
