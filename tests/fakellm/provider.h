/* SPDX-License-Identifier: MIT */
/*
 * One simulated provider: its name, format, key and models, its two scripts, what it was asked and
 * what it counted. It owns no socket; the server keeps its listener beside it.
 */
#ifndef FAKELLM_PROVIDER_H
#define FAKELLM_PROVIDER_H

#include <stdbool.h>
#include <stdint.h>

#include "journal.h"
#include "script.h"

struct reply;
struct shape;

struct provider_stats {
	int64_t requests; /* chat requests, refused ones too */
	int64_t checks;   /* everything else but control */
	int64_t connections_open;
	int64_t connections_total;
	int64_t in_flight;
	int64_t in_flight_max;
	int64_t held;      /* answers that wait for `release` */
	int64_t cancelled; /* the client closed while its answer was under way */
};

/* The last reply that may be given again to the same bytes. */
struct provider_memory {
	struct request *req;
	const struct step *step;
	struct reply *reply;
};

struct provider {
	char *name;
	const struct shape *shape;
	int port;      /* 0 until it listens, when any will do */
	char *key;     /* NULL: any key, or none, will do */
	char **models; /* NULL-terminated; NULL: any model, the format's own are listed */
	struct script chat;
	struct script check;
	struct journal journal;
	struct provider_stats stats;
	struct provider_memory memory;
	int64_t serial; /* makes the ids of answers */
};

/* From NAME=FORMAT[@PORT]; NULL with the reason in *why, which is a constant text. */
struct provider *provider_new(const char *spec, const char **why);
void provider_free(struct provider *p);
void provider_set_models(struct provider *p, const char *comma_separated);
/* 0, or -1 with the reason in *why, which the caller frees. */
int provider_set_script(struct provider *p, bool check, const char *text, char **why);
bool provider_has_model(const struct provider *p, const char *model);
/* The models to list, NULL-terminated. */
const char *const *provider_models(const struct provider *p);
void provider_remember(
	struct provider *p, struct request *req, const struct step *step, struct reply *reply);
void provider_forget(struct provider *p);
void provider_print_stats(const struct provider *p, struct out *o);

#endif
