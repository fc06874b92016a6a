/* SPDX-License-Identifier: MIT */
/*
 * The player of replies. A reply without pauses is one write of the whole plan, tried at once.
 */
#include "play.h"

#include <string.h>

enum { PLAY_WRITES_IN_A_ROW = 16 };

static void play_on(struct play *p);

void
play_init(struct play *p, uv_tcp_t *tcp, const struct play_ops *ops, void *owner)
{
	uv_timer_init(tcp->loop, &p->timer);
	p->tcp = tcp;
	p->ops = ops;
	p->owner = owner;
}

static void
play_on_timer(uv_timer_t *timer)
{
	struct play *p = (struct play *)((char *)timer - offsetof(struct play, timer));

	if (p->yielding)
		p->yielding = false;
	else
		p->paused = true;
	play_on(p);
}

static void
play_on_written(uv_write_t *write, int status)
{
	struct play *p = (struct play *)((char *)write - offsetof(struct play, write));

	if (uv_is_closing((uv_handle_t *)p->tcp))
		return;
	if (status != 0)
		p->ops->lost(p->owner);
	else
		play_on(p);
}

/* Words that are the time of their sending keep their pace, however late one of them is: streams
 * that once met at a turn of the loop would else go on together for good. */
static uint64_t
play_wait_ms(struct play *p, int64_t pause_ms)
{
	int64_t now_ms = (int64_t)uv_now(p->timer.loop);

	if (!p->reply->stamps)
		return (uint64_t)pause_ms;
	p->due_ms += pause_ms;
	if (p->due_ms < now_ms)
		p->due_ms = now_ms;
	return (uint64_t)(p->due_ms - now_ms);
}

/* True if the segment's next byte may go out now; else something is armed that goes on. */
static bool
play_ready(struct play *p, const struct segment *s)
{
	int64_t pause_ms = p->sent ? s->slice_ms : s->wait_ms > 0 ? s->wait_ms : -1;

	if (s->hold && !p->released) {
		p->held = true;
		p->ops->held(p->owner, true);
		return false;
	}
	if (pause_ms < 0 || p->paused)
		return true;
	uv_timer_start(&p->timer, play_on_timer, play_wait_ms(p, pause_ms), 0);
	return false;
}

/* Sends what may go out at once; false if that is still under way, or failed. */
static bool
play_send(struct play *p, const struct segment *s)
{
	uv_buf_t buf = uv_buf_init(p->reply->bytes.data + s->off + p->sent, 0);
	int n;

	p->paused = false;
	if (p->reply->stamps && !p->sent)
		reply_stamp(p->reply, s);
	buf.len = s->slice_ms >= 0 ? 1 : s->len - p->sent;
	n = uv_try_write((uv_stream_t *)p->tcp, &buf, 1);
	if (n < 0 && n != UV_EAGAIN) {
		p->ops->lost(p->owner);
		return false;
	}
	p->sent += buf.len;
	if (n == (int)buf.len)
		return true;
	if (n > 0) {
		buf.base += n;
		buf.len -= (size_t)n;
	}
	if (uv_write(&p->write, (uv_stream_t *)p->tcp, &buf, 1, play_on_written) != 0)
		p->ops->lost(p->owner);
	return false;
}

static void
play_next_segment(struct play *p, const struct segment *s)
{
	p->sent = 0;
	p->repeated++;
	if (s->repeat == REPLY_FOREVER || p->repeated < s->repeat)
		return;
	p->segment++;
	p->repeated = 0;
	p->released = false;
}

static void
play_over(struct play *p)
{
	enum reply_end end = p->reply->end;

	if (end == REPLY_HANG)
		return;
	play_stop(p);
	p->ops->over(p->owner, end);
}

/* Plays until something must be waited for. */
static void
play_on(struct play *p)
{
	for (int writes = 0; p->segment < p->reply->n_segments; writes++) {
		const struct segment *s = &p->reply->segments[p->segment];

		if (s->len && p->sent == s->len) {
			play_next_segment(p, s);
			continue;
		}
		if (writes > PLAY_WRITES_IN_A_ROW && s->repeat != 1) {
			p->yielding = true;
			uv_timer_start(&p->timer, play_on_timer, 0, 0);
			return;
		}
		if (!play_ready(p, s))
			return;
		if (!s->len) {
			p->paused = false;
			play_next_segment(p, s);
		} else if (!play_send(p, s)) {
			return;
		}
	}
	play_over(p);
}

void
play_start(struct play *p, struct reply *reply)
{
	p->reply = reply;
	p->due_ms = (int64_t)uv_now(p->timer.loop);
	p->segment = 0;
	p->sent = 0;
	p->repeated = 0;
	p->released = false;
	p->paused = false;
	p->yielding = false;
	play_on(p);
}

bool
play_release(struct play *p)
{
	if (!p->held)
		return false;
	p->held = false;
	p->ops->held(p->owner, false);
	p->released = true;
	p->yielding = true;
	uv_timer_start(&p->timer, play_on_timer, 0, 0);
	return true;
}

void
play_stop(struct play *p)
{
	if (p->held) {
		p->held = false;
		p->ops->held(p->owner, false);
	}
	uv_timer_stop(&p->timer);
	reply_unref(p->reply);
	p->reply = NULL;
}
