/* SPDX-License-Identifier: MIT */
/* See fake_state.h. */
#include "fake_state.h"

static void
save(struct state *state, struct snapshot *snapshot)
{
	struct fake_state *fake = UTIL_OWNER(state, struct fake_state, state);

	snapshot_free(&fake->newest);
	fake->newest = *snapshot;
	*snapshot = (struct snapshot){0};
	fake->saves++;
}

void
fake_state_init(struct fake_state *fake)
{
	static const struct state_ops ops = {.save = save};

	*fake = (struct fake_state){.state = {&ops}, .newest = {.forced_age_ms = -1}};
}

void
fake_state_free(struct fake_state *fake)
{
	snapshot_free(&fake->newest);
}
