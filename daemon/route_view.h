/* SPDX-License-Identifier: MIT */
/*
 * The inside of ordering, shared by route.c (who is let through) and route_view.c (what is known of
 * each candidate, and in which order the strategy puts them). Nobody else includes it.
 */
#ifndef LLMFO_ROUTE_VIEW_H
#define LLMFO_ROUTE_VIEW_H

#include "route.h"

/*
 * Fills the candidates of want->chain in the order of its strategy: target, place, what they lack
 * or are barred by, their estimates.
 */
void route_view(
	struct route *route, struct health *health, const struct route_want *want, int64_t now_ms);

#endif
