/* SPDX-License-Identifier: MIT */
/*
 * A client's bytes against everything behind them, on a fake clock and a fake network: every reply
 * can be read, nothing is left over at the end.
 */
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"
#include "log.h"
#include "../support/talk.h"

const char fuzz_name[] = "session";

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
	struct wire_reply reply;
	struct talk talk;
	unsigned replies = 0;

	log_setup(LOG_ERROR, LOG_TEXT, false);
	talk_begin(&talk, "limits: {calls: 3, queue: 2}\n", geteuid());
	talk_feed(&talk, (const char *)bytes, count);
	fake_clock_advance(&talk.clock, 10);
	if (!talk.closed)
		session_end_of_input(talk.session);
	fake_clock_advance(&talk.clock, 300000);
	while (!(reply = talk_reply(&talk)).closed) {
		wire_reply_free(&reply);
		replies++;
	}
	if (!talk.closed || replies != talk.sent || talk.out.len > 0)
		abort();
	talk_end(&talk);
	return 0;
}
