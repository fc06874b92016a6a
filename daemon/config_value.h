/* SPDX-License-Identifier: MIT */
/*
 * The values a configuration is written in: durations, sizes, numbers, ${VAR}. Pure: text in, value
 * or the reason why not out. Ranges are the caller's.
 */
#ifndef LLMFO_CONFIG_VALUE_H
#define LLMFO_CONFIG_VALUE_H

#include "config.h"

/* A value with its variables filled in may have at most this size. */
#define CONFIG_VALUE_MAX_BYTES 65536

/* Each: 0, or LLMFO_EINVALID_REQUEST with the reason and the remedy appended to why. */
/* Whole numbers with units (ms s m h d), put together as in 1m30s; above 0 but for 0s. */
int config_value_duration(const char *text, int64_t *ms, struct buf *why) UTIL_MUST_CHECK;
/* A whole number with a unit: B, KiB, MiB, GiB, KB, MB, GB. */
int config_value_size(const char *text, int64_t *bytes, struct buf *why) UTIL_MUST_CHECK;
int config_value_int(const char *text, int64_t *number, struct buf *why) UTIL_MUST_CHECK;
int config_value_decimal(const char *text, double *number, struct buf *why) UTIL_MUST_CHECK;
int config_value_bool(const char *text, bool *yes, struct buf *why) UTIL_MUST_CHECK;
/* USD per million tokens as a decimal, in pico-USD a token: exactly, so at most six places. */
int config_value_price(const char *text, int64_t *picousd, struct buf *why) UTIL_MUST_CHECK;
/* Permissions of a file as three or four octal digits. */
int config_value_mode(const char *text, unsigned *mode, struct buf *why) UTIL_MUST_CHECK;

/* "1m30s", "16MiB": as they would be written in a file. */
void config_value_print_duration(int64_t ms, struct buf *out);
void config_value_print_size(int64_t bytes, struct buf *out);
void config_value_print_price(int64_t picousd, struct buf *out);

/*
 * Fills in ${VAR}, ${VAR:-default} and ${VAR:?message}; $${ stands for a literal ${, any other
 * dollar for itself. *variable becomes the name of the first variable (a new string, NULL if there
 * is none), *unset that of the first without a default that is unset or empty (NULL; new).
 * LLMFO_EINVALID_REQUEST: it is no such expression, or ${VAR:?} is unset; why says which.
 */
int config_value_expand(const char *text, const struct config_env *env, struct buf *out,
	char **variable, char **unset, struct buf *why) UTIL_MUST_CHECK;

#endif
