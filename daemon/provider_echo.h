/* SPDX-License-Identifier: MIT */
/*
 * What a model that goes on from an assistant's last words says of those again: Mistral begins with
 * all of them, and the white space that Anthropic does not let stand at their end comes anew. The
 * answer is what is behind that.
 */
#ifndef LLMFO_PROVIDER_ECHO_H
#define LLMFO_PROVIDER_ECHO_H

#include "provider.h"

struct provider_echo {
	struct buf text; /* empty: nothing is said again */
	size_t needed;   /* less than this of it is chance, and belongs to the answer */
};

/* What a chat's answer may begin with. */
void provider_echo_init(struct provider_echo *echo, const struct provider_preset *preset,
	const struct provider_chat *chat);
void provider_echo_free(struct provider_echo *echo);
/*
 * Cuts it from the beginning of an answer, once. False: that is too short yet to tell, and left as
 * it is; whole says that no more will come.
 */
bool provider_echo_cut(struct provider_echo *echo, struct buf *answer, bool whole);

#endif
