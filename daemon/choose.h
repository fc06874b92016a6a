/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it may be: from what a call names and demands to its chain, its strategy and what its
 * candidates have to fit. The same for generate, pick and explain.
 */
#ifndef LLMFO_CHOOSE_H
#define LLMFO_CHOOSE_H

#include "call.h"

/* What a call says of it. All borrowed; NULL and 0: not said. */
struct choose_wish {
	const char *chain, *agent, *provider, *model, *strategy, *task_type;
	const char *const *targets; /* a chain for this call */
	size_t target_count;
	const char *const *require, *const *prefer; /* capabilities; local, region:NAME */
	size_t require_count, prefer_count;
	int64_t max_latency_ms;
	bool has_budget;
	int64_t budget_picousd;
};

/*
 * Fills the choosing half of a request whose configuration, content and parameters are there and
 * judged (call_request_judge()). 0; LLMFO_EINVALID_REQUEST or LLMFO_ENOT_FOUND with why, which
 * names what there is.
 */
int choose(struct call_request *request, const struct choose_wish *wish,
	struct buf *why) UTIL_MUST_CHECK;
/* Gives one user of a sticky chain the same luck every time, where weights draw the order. */
void choose_stick(struct call_request *request);
/* Draws the luck of its order, where that has some and it was not drawn yet; choose_stick() comes
 * first. */
void choose_draw(struct call_request *request, struct call_env *env);
/* Frees what choose() put into a request's demand. */
void choose_free(struct call_request *request);

#endif
