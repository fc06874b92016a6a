/* SPDX-License-Identifier: MIT */
/*
 * Collecting faults while a configuration is read. Every text passes through here, so this is where
 * secrets and control characters are kept out of them, and where there is an end to their number.
 */
#ifndef LLMFO_CONFIG_FAULT_H
#define LLMFO_CONFIG_FAULT_H

#include <stdarg.h>

#include "config.h"

/* Beyond so many no more are kept (they are still counted as errors). */
#define CONFIG_FAULTS_MAX 500

struct config_place {
	const char *file;
	int line, column; /* 0: the file as a whole */
	const char *path;
};

void config_fault_add(struct config_faults *faults, bool warning, struct config_place place,
	const char *format, ...) UTIL_PRINTF(4, 5);
void config_fault_vadd(struct config_faults *faults, bool warning, struct config_place place,
	const char *format, va_list args) UTIL_PRINTF(4, 0);
/* Sorts by file (in order of appearance), then by position. */
void config_faults_sort(struct config_faults *faults);

#endif
