/* SPDX-License-Identifier: MIT */
/*
 * Connections. The common case is kept short: a request equal to the last one, byte for byte, whose
 * step is the same, is answered with the last reply in one write and without being read.
 */
#include "conn.h"

#include <stdlib.h>
#include <string.h>

#include "behave.h"
#include "control.h"
#include "play.h"

enum {
	CONN_READ_BYTES = 16 << 10,
	CONN_INPUT_MAX_BYTES = HTTP_HEAD_MAX_BYTES + HTTP_BODY_MAX_BYTES + (1 << 20),
	CONN_MEMORY_MAX_BYTES = 1 << 20,
};

enum conn_state {
	CONN_READING, /* between requests */
	CONN_PLAYING, /* a reply is under way, or hangs */
	CONN_WAITING, /* a control request waits for a count */
	CONN_CLOSED,
};

struct conn {
	struct server *server;
	struct site *site;
	struct conn *next, *previous;
	uv_tcp_t tcp;
	struct play play;
	int handles; /* that are not closed yet */
	enum conn_state state;
	int64_t number;
	int64_t requests;
	bool counted;    /* in connections_open */
	bool went_ahead; /* 100 Continue was sent for the request being read */
	bool advancing;
	char *in;
	size_t in_len, in_cap;
	size_t wanted; /* bytes of the whole request, once known */

	struct request *req;
	struct site *wait_site; /* whose count a control request waits for */
};

static void conn_play(struct conn *c, struct reply *reply);
static void conn_advance(struct conn *c);

static struct provider_stats *
conn_stats(struct conn *c)
{
	return &c->site->provider->stats;
}

static void
conn_freed(uv_handle_t *handle)
{
	struct conn *c = handle->data;

	if (--c->handles > 0)
		return;
	free(c->in);
	free(c);
}

/* Whoever waits for a count looks again. Answering may close connections, hence the new start. */
static void
conn_poke(struct site *site)
{
	struct conn *c;

	while (site && site->waiters) {
		for (c = site->server->conns; c; c = c->next) {
			if (c->state == CONN_WAITING && c->wait_site == site &&
				control_met(site, c->req))
				break;
		}
		if (!c)
			return;
		uv_timer_stop(&c->play.timer);
		site->waiters--;
		conn_play(c, control_stats(site, 200));
	}
}

/* The request is over, well or not. */
static void
conn_settle(struct conn *c)
{
	if (c->counted && c->state == CONN_PLAYING)
		conn_stats(c)->in_flight--;
	if (c->state == CONN_WAITING)
		c->wait_site->waiters--;
	play_stop(&c->play);
	http_unref(c->req);
	c->req = NULL;
	c->state = CONN_READING;
}

static void
conn_leave(struct conn *c)
{
	conn_settle(c);
	c->state = CONN_CLOSED;
	if (c->counted)
		conn_stats(c)->connections_open--;
	if (c->next)
		c->next->previous = c->previous;
	if (c->previous)
		c->previous->next = c->next;
	else
		c->server->conns = c->next;
	uv_close((uv_handle_t *)&c->play.timer, conn_freed);
}

static void
conn_close(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	conn_leave(c);
	uv_close((uv_handle_t *)&c->tcp, conn_freed);
	conn_poke(c->site);
}

static void
conn_reset(struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	conn_leave(c);
	if (uv_tcp_close_reset(&c->tcp, conn_freed) != 0)
		uv_close((uv_handle_t *)&c->tcp, conn_freed);
	conn_poke(c->site);
}

/* The client went away. */
static void
conn_lost(struct conn *c)
{
	if (c->state == CONN_PLAYING && c->counted)
		conn_stats(c)->cancelled++;
	conn_close(c);
}

static void
conn_over(void *owner, enum reply_end end)
{
	struct conn *c = owner;
	bool close = c->req->close || (c->counted && c->site->refusing);

	conn_settle(c);
	if (end == REPLY_RESET)
		conn_reset(c);
	else if (end == REPLY_CLOSE || close)
		conn_close(c);
	else
		conn_poke(c->site);
	conn_advance(c);
}

static void
conn_gone(void *owner)
{
	conn_lost(owner);
}

static void
conn_held(void *owner, bool held)
{
	struct conn *c = owner;

	conn_stats(c)->held += held ? 1 : -1;
	conn_poke(c->site);
}

static const struct play_ops conn_play_ops = {conn_over, conn_gone, conn_held};

static void
conn_play(struct conn *c, struct reply *reply)
{
	c->state = CONN_PLAYING;
	play_start(&c->play, reply);
}

static void
conn_log(struct conn *c, const char *step)
{
	if (!c->server->log)
		return;
	fprintf(c->server->log, "%lld %s #%lld %.*s %.*s: %s\n",
		(long long)uv_now(&c->server->loop), c->site->provider->name, (long long)c->number,
		(int)c->req->method.n, c->req->method.p, (int)c->req->path.n, c->req->path.p, step);
	fflush(c->server->log);
}

/* Counts the request at hand and plays its reply. */
static void
conn_reply(struct conn *c, struct reply *reply, bool chat, const char *step)
{
	struct provider_stats *stats = conn_stats(c);

	journal_add(
		&c->site->provider->journal, c->req, (int64_t)uv_now(&c->server->loop), c->number);
	conn_log(c, step);
	if (chat)
		stats->requests++;
	else
		stats->checks++;
	if (++stats->in_flight > stats->in_flight_max)
		stats->in_flight_max = stats->in_flight;
	conn_poke(c->site);
	conn_play(c, reply);
}

static void
conn_answer(struct conn *c)
{
	struct provider *p = c->site->provider;
	const struct step *step = NULL;
	struct reply *reply;
	struct ask ask;
	bool chat;

	ask_read(&ask, p, c->req);
	chat = ask.what == ASK_CHAT;
	if (chat && script_peek(&p->chat)->no_prefill > 0)
		ask_refuse_prefill(&ask);
	if (!ask.fault.status)
		step = script_next(chat ? &p->chat : &p->check);
	reply = behave(&ask, step, c->requests);
	ask_free(&ask);
	if (chat && step && !reply->once && !c->req->joined &&
		reply->bytes.len + c->req->raw_len < CONN_MEMORY_MAX_BYTES)
		provider_remember(p, c->req, step, reply);
	conn_reply(c, reply, chat, step ? step->source : "refused");
	if (chat)
		server_look_at_step(c->site);
}

/* The last request again: true if it is, and it is being answered then. */
static bool
conn_answer_again(struct conn *c)
{
	struct provider_memory *m;
	struct request *req;

	if (!c->site)
		return false;
	m = &c->site->provider->memory;
	req = m->req;
	if (!req || c->in_len < req->raw_len || memcmp(c->in, req->raw, req->raw_len) != 0 ||
		script_peek(&c->site->provider->chat) != m->step)
		return false;
	c->in_len -= req->raw_len;
	if (c->in_len)
		memmove(c->in, c->in + req->raw_len, c->in_len);
	script_next(&c->site->provider->chat);
	c->requests++;
	c->req = http_ref(req);
	conn_reply(c, reply_ref(m->reply), true, m->step->source);
	server_look_at_step(c->site);
	return true;
}

static void
conn_on_wait_over(uv_timer_t *timer)
{
	struct conn *c = timer->data;

	c->wait_site->waiters--;
	conn_play(c, control_stats(c->wait_site, 504));
}

static void
conn_control(struct conn *c)
{
	struct reply *reply;

	if (c->counted) {
		conn_stats(c)->connections_open--;
		conn_stats(c)->connections_total--;
		c->counted = false;
	}
	reply = control_answer(c->server, c->site, c->req);
	if (reply) {
		conn_play(c, reply);
		return;
	}
	c->state = CONN_WAITING;
	c->wait_site = control_site(c->server, c->site, c->req);
	c->wait_site->waiters++;
	uv_timer_start(&c->play.timer, conn_on_wait_over, control_timeout_ms(c->req), 0);
}

/* What is not HTTP, or too much of it. */
static void
conn_refuse(struct conn *c, int status)
{
	struct reply *reply = behave_page(status, "text/plain", "", 0);
	uv_buf_t buf = uv_buf_init(reply->bytes.data, (unsigned)reply->bytes.len);

	uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	reply_unref(reply);
	conn_close(c);
}

static void
conn_more(struct conn *c, const struct http_wants *wants)
{
	static const char go_ahead[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uv_buf_t buf;

	c->wanted = wants->bytes;
	if (!wants->go_ahead || c->went_ahead)
		return;
	c->went_ahead = true;
	buf.base = out_strndup(go_ahead, sizeof(go_ahead) - 1);
	buf.len = sizeof(go_ahead) - 1;
	uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
	free(buf.base);
}

/* One request from what has been read; false if there is none yet. */
static bool
conn_take(struct conn *c)
{
	struct http_wants wants;
	enum http_verdict verdict;

	if (conn_answer_again(c))
		return true;
	verdict = http_parse(c->in, c->in_len, &c->req, &wants);
	if (verdict == HTTP_MORE) {
		conn_more(c, &wants);
		return false;
	}
	if (verdict != HTTP_COMPLETE) {
		conn_refuse(c, verdict == HTTP_BAD ? 400 : 413);
		return false;
	}
	c->in_len -= c->req->raw_len;
	memmove(c->in, c->in + c->req->raw_len, c->in_len);
	c->went_ahead = false;
	c->wanted = 0;
	c->requests++;
	if (!c->site || control_is(c->req))
		conn_control(c);
	else
		conn_answer(c);
	return true;
}

/* Takes requests while there are any and none is under way. */
static void
conn_advance(struct conn *c)
{
	if (c->advancing)
		return;
	c->advancing = true;
	while (c->state == CONN_READING && c->in_len && conn_take(c))
		;
	c->advancing = false;
}

static void
conn_on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct conn *c = handle->data;
	size_t need = c->in_len + CONN_READ_BYTES;

	(void)suggested;
	if (c->wanted > need)
		need = c->wanted;
	if (need > CONN_INPUT_MAX_BYTES)
		need = CONN_INPUT_MAX_BYTES;
	if (need > c->in_cap) {
		c->in = out_realloc(c->in, need);
		c->in_cap = need;
	}
	*buf = uv_buf_init(c->in + c->in_len, (unsigned)(c->in_cap - c->in_len));
}

static void
conn_on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct conn *c = stream->data;

	(void)buf;
	if (c->state == CONN_CLOSED)
		return;
	if (n < 0) {
		conn_lost(c);
		return;
	}
	c->in_len += (size_t)n;
	conn_advance(c);
}

static void
conn_link(struct conn *c)
{
	c->next = c->server->conns;
	if (c->next)
		c->next->previous = c;
	c->server->conns = c;
	c->number = ++c->server->n_conns;
	c->counted = c->site != NULL;
	if (!c->counted)
		return;
	conn_stats(c)->connections_open++;
	conn_stats(c)->connections_total++;
}

void
conn_accept(struct server *s, struct site *site, uv_stream_t *listener)
{
	struct conn *c = out_alloc(sizeof(*c));

	c->server = s;
	c->site = site;
	c->handles = 2;
	uv_tcp_init(&s->loop, &c->tcp);
	play_init(&c->play, &c->tcp, &conn_play_ops, c);
	c->tcp.data = c;
	c->play.timer.data = c;
	conn_link(c);
	if (uv_accept(listener, (uv_stream_t *)&c->tcp) != 0 || uv_tcp_nodelay(&c->tcp, 1) != 0 ||
		uv_read_start((uv_stream_t *)&c->tcp, conn_on_alloc, conn_on_read) != 0) {
		conn_close(c);
		return;
	}
	conn_poke(site);
}

void
conn_close_idle(struct site *site)
{
	struct conn *c, *next;

	for (c = site->server->conns; c; c = next) {
		next = c->next;
		if (c->site == site && c->counted && c->state == CONN_READING)
			conn_close(c);
	}
}

int64_t
conn_release(struct site *site)
{
	int64_t n = 0;

	for (struct conn *c = site->server->conns; c; c = c->next)
		n += c->site == site && play_release(&c->play);
	return n;
}

void
conn_close_all(struct server *s)
{
	while (s->conns)
		conn_close(s->conns);
}
