/* SPDX-License-Identifier: MIT */
/* See provider_echo.h. */
#include "provider_echo.h"

#include <string.h>

#include "provider_common.h"

#define ECHO_MAX_BYTES ((size_t)256 << 20)

void
provider_echo_init(struct provider_echo *echo, const struct provider_preset *preset,
	const struct provider_chat *chat)
{
	const unsigned repeats = PROVIDER_ECHOES | PROVIDER_ECHOES_BLANK;
	const struct json *last = provider_last_message(chat);
	struct buf *text = &echo->text;
	size_t seen;

	buf_init(text, ECHO_MAX_BYTES);
	echo->needed = 0;
	if (!(preset->flags & repeats) || !provider_is_prefill(last))
		return;
	provider_plain_text(json_get(last, "content"), text);
	for (seen = text->len; seen > 0 && provider_is_blank(text->data + seen - 1, 1);)
		seen--;
	if (preset->flags & PROVIDER_ECHOES)
		echo->needed = seen;
	else
		buf_consume(text, seen);
}

void
provider_echo_free(struct provider_echo *echo)
{
	buf_free(&echo->text);
}

bool
provider_echo_cut(struct provider_echo *echo, struct buf *answer, bool whole)
{
	size_t same = 0;

	while (same < echo->text.len && same < answer->len &&
		echo->text.data[same] == answer->data[same])
		same++;
	if (!whole && same == answer->len && same < echo->text.len)
		return false;
	if (same > 0 && same >= echo->needed)
		buf_consume(answer, same);
	buf_free(&echo->text);
	return true;
}
