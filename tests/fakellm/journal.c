/* SPDX-License-Identifier: MIT */
/*
 * The last requests of a provider. Their heads are taken apart only when somebody asks to see them.
 */
#include "journal.h"

#include <ctype.h>
#include <string.h>

static size_t
journal_size(const struct request *req)
{
	return req->raw_len + req->body.n;
}

static void
journal_drop_first(struct journal *j)
{
	struct request *req = j->entries[j->first].req;

	j->bytes -= journal_size(req);
	http_unref(req);
	j->first = (j->first + 1) % JOURNAL_MAX_REQUESTS;
	j->n--;
}

void
journal_add(struct journal *j, struct request *req, int64_t at_ms, int64_t connection)
{
	while (j->n &&
		(j->n == JOURNAL_MAX_REQUESTS || j->bytes + journal_size(req) > JOURNAL_MAX_BYTES))
		journal_drop_first(j);
	j->entries[(j->first + j->n++) % JOURNAL_MAX_REQUESTS] =
		(struct journal_entry){http_ref(req), at_ms, connection};
	j->bytes += journal_size(req);
}

void
journal_clear(struct journal *j)
{
	while (j->n)
		journal_drop_first(j);
}

static void
journal_header(void *arg, struct span name, struct span value)
{
	struct out *o = arg;
	char lower[256];
	size_t n = name.n < sizeof(lower) ? name.n : sizeof(lower);

	for (size_t i = 0; i < n; i++)
		lower[i] = (char)tolower((unsigned char)name.p[i]);
	if (o->data[o->len - 1] != '{')
		out_text(o, ",");
	out_json(o, lower, n);
	out_text(o, ":");
	out_json(o, value.p, value.n);
}

static void
journal_print_one(const struct journal_entry *e, struct out *o)
{
	const struct request *req = e->req;

	out_put(o, "{'at_ms':%d,'connection':%d,'method':", e->at_ms, e->connection);
	out_json(o, req->method.p, req->method.n);
	out_put(o, ",'path':");
	out_json(o, req->path.p, req->path.n);
	out_put(o, ",'query':");
	out_json(o, req->query.p ? req->query.p : "", req->query.n);
	out_put(o, ",'headers':{");
	http_each_header(req, journal_header, o);
	out_put(o, "},'body':");
	out_json(o, req->body.p ? req->body.p : "", req->body.n);
	out_put(o, "}");
}

void
journal_print(const struct journal *j, struct out *o)
{
	out_text(o, "[");
	for (unsigned i = 0; i < j->n; i++) {
		if (i)
			out_text(o, ",\n");
		journal_print_one(&j->entries[(j->first + i) % JOURNAL_MAX_REQUESTS], o);
	}
	out_text(o, "]\n");
}
