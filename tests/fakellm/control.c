/* SPDX-License-Identifier: MIT */
/*
 * Control requests. `wait` exists so that tests need not sleep: it answers as soon as the counters
 * are what the query says.
 */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#include "behave.h"
#include "conn.h"

#define CONTROL_ROOT "/_fake"

enum { CONTROL_TIMEOUT_MS = 10000 };

bool
control_is(const struct request *req)
{
	size_t n = strlen(CONTROL_ROOT);

	return req->path.n >= n && memcmp(req->path.p, CONTROL_ROOT, n) == 0 &&
		(req->path.n == n || req->path.p[n] == '/');
}

/* The path behind /_fake/, or behind /_fake/NAME/ on the control port; sets the site. */
static struct span
control_path(struct server *s, struct site *own, const struct request *req, struct site **site)
{
	struct span rest = req->path;
	const char *slash;
	size_t n = strlen(CONTROL_ROOT) + 1;

	*site = own;
	if (!control_is(req) || rest.n < n)
		return (struct span){"", 0};
	rest = (struct span){rest.p + n, rest.n - n};
	if (own)
		return rest;
	slash = memchr(rest.p, '/', rest.n);
	n = slash ? (size_t)(slash - rest.p) : rest.n;
	*site = server_site(s, rest.p, n);
	n += slash != NULL;
	return (struct span){rest.p + n, rest.n - n};
}

struct site *
control_site(struct server *s, struct site *own, const struct request *req)
{
	struct site *site;

	control_path(s, own, req, &site);
	return site;
}

static struct reply *
control_text(int status, const char *text)
{
	return behave_page(status, "text/plain", text, strlen(text));
}

static struct reply *
control_json(int status, struct out *o)
{
	struct reply *reply = behave_page(status, "application/json", o->data, o->len);

	out_free(o);
	return reply;
}

struct reply *
control_stats(const struct site *site, int status)
{
	struct out o = {0};

	provider_print_stats(site->provider, &o);
	return control_json(status, &o);
}

static struct reply *
control_script(struct site *site, const struct request *req)
{
	bool check = span_is(http_query(req, "for"), "check");
	char *text = out_strndup(req->body.p, req->body.n);
	struct reply *reply;
	char *why = NULL;

	if (provider_set_script(site->provider, check, text, &why) == 0) {
		server_look_at_step(site);
		reply = control_text(200, "ok\n");
	} else {
		reply = control_text(400, why);
	}
	free(why);
	free(text);
	return reply;
}

static struct reply *
control_requests(struct site *site, bool clear)
{
	struct out o = {0};

	if (clear) {
		journal_clear(&site->provider->journal);
		return control_text(200, "ok\n");
	}
	journal_print(&site->provider->journal, &o);
	return control_json(200, &o);
}

static struct reply *
control_switch(struct site *site, bool refuse)
{
	int result = refuse ? server_refuse(site) : server_open(site);

	return result == 0 ? control_text(200, "ok\n") : control_text(500, uv_strerror(result));
}

static struct reply *
control_release(struct site *site)
{
	struct out o = {0};

	out_put(&o, "{'released':%d}\n", conn_release(site));
	return control_json(200, &o);
}

static struct reply *
control_list(struct server *s)
{
	struct out o = {0};

	out_text(&o, "{");
	for (size_t i = 0; i < s->n_sites; i++)
		out_put(&o, "%s%q:%d", i ? "," : "", s->sites[i].provider->name,
			(int64_t)s->sites[i].provider->port);
	out_text(&o, "}\n");
	return control_json(200, &o);
}

bool
control_met(const struct site *site, const struct request *req)
{
	const struct provider_stats *stats = &site->provider->stats;
	const struct {
		const char *name;
		int64_t value;
		bool exact;
	} counts[] = {
		{"requests", stats->requests, false},
		{"checks", stats->checks, false},
		{"cancelled", stats->cancelled, false},
		{"connections_total", stats->connections_total, false},
		{"connections_open", stats->connections_open, true},
		{"in_flight", stats->in_flight, true},
		{"held", stats->held, true},
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		long long wanted = span_number(http_query(req, counts[i].name), -1);

		if (wanted < 0)
			continue;
		if (counts[i].value < wanted || (counts[i].exact && counts[i].value != wanted))
			return false;
	}
	return true;
}

uint64_t
control_timeout_ms(const struct request *req)
{
	return (uint64_t)span_number(http_query(req, "timeout_ms"), CONTROL_TIMEOUT_MS);
}

struct reply *
control_answer(struct server *s, struct site *own, const struct request *req)
{
	struct site *site;
	struct span path = control_path(s, own, req, &site);
	bool post = span_is(req->method, "POST");

	if (!site)
		return req->path.n <= strlen(CONTROL_ROOT) + 1 && control_is(req)
			? control_list(s)
			: control_text(404, "no such provider\n");
	if (post && span_is(path, "script"))
		return control_script(site, req);
	if (span_is(path, "requests"))
		return control_requests(site, span_is(req->method, "DELETE"));
	if (span_is(path, "stats"))
		return control_stats(site, 200);
	if (post && (span_is(path, "refuse") || span_is(path, "open")))
		return control_switch(site, span_is(path, "refuse"));
	if (post && span_is(path, "release"))
		return control_release(site);
	if (span_is(path, "wait"))
		return control_met(site, req) ? control_stats(site, 200) : NULL;
	return control_text(404, "no such control request\n");
}
