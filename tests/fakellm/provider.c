/* SPDX-License-Identifier: MIT */
/*
 * A simulated provider's settings, scripts and counters.
 */
#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include "reply.h"
#include "shape.h"

static int
provider_port(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	return *end == '\0' && end != text && port >= 0 && port < 65536 ? (int)port : -1;
}

static bool
provider_name_ok(const char *name, size_t n)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";

	return n > 0 && n < 64 && strspn(name, allowed) >= n &&
		!(n == 7 && memcmp(name, "control", 7) == 0);
}

struct provider *
provider_new(const char *spec, const char **why)
{
	const char *equals = strchr(spec, '=');
	const char *at = equals ? strchr(equals, '@') : NULL;
	const struct shape *shape;
	struct provider *p;
	char *format, *unused;
	int port = at ? provider_port(at + 1) : 0;

	*why = "a provider is NAME=FORMAT[@PORT], NAME of letters, digits, - _ .";
	if (!equals || port < 0 || !provider_name_ok(spec, (size_t)(equals - spec)))
		return NULL;
	format = out_strndup(equals + 1, at ? (size_t)(at - equals) - 1 : strlen(equals + 1));
	shape = shape_find(format);
	free(format);
	*why = "a format is openai, anthropic, gemini or ollama";
	if (!shape)
		return NULL;
	p = out_alloc(sizeof(*p));
	p->name = out_strndup(spec, (size_t)(equals - spec));
	p->shape = shape;
	p->port = port;
	script_parse(&p->chat, "ok", &unused);
	script_parse(&p->check, "ok", &unused);
	return p;
}

static void
provider_free_models(struct provider *p)
{
	for (char **m = p->models; m && *m; m++)
		free(*m);
	free(p->models);
	p->models = NULL;
}

void
provider_free(struct provider *p)
{
	provider_forget(p);
	journal_clear(&p->journal);
	script_free(&p->chat);
	script_free(&p->check);
	provider_free_models(p);
	free(p->key);
	free(p->name);
	free(p);
}

void
provider_set_models(struct provider *p, const char *list)
{
	size_t n = 0;

	provider_free_models(p);
	p->models = out_alloc(sizeof(*p->models));
	while (*list) {
		size_t len = strcspn(list, ",");

		if (len) {
			p->models = out_realloc(p->models, (n + 2) * sizeof(*p->models));
			p->models[n++] = out_strndup(list, len);
			p->models[n] = NULL;
		}
		list += len + (list[len] == ',');
	}
	provider_forget(p);
}

int
provider_set_script(struct provider *p, bool check, const char *text, char **why)
{
	int result = script_parse(check ? &p->check : &p->chat, text, why);

	provider_forget(p);
	return result;
}

const char *const *
provider_models(const struct provider *p)
{
	return p->models ? (const char *const *)p->models : p->shape->models;
}

bool
provider_has_model(const struct provider *p, const char *model)
{
	if (!p->models)
		return true;
	for (char **m = p->models; *m; m++) {
		if (strcmp(*m, model) == 0)
			return true;
	}
	return false;
}

void
provider_remember(
	struct provider *p, struct request *req, const struct step *step, struct reply *reply)
{
	provider_forget(p);
	p->memory = (struct provider_memory){http_ref(req), step, reply_ref(reply)};
}

void
provider_forget(struct provider *p)
{
	http_unref(p->memory.req);
	reply_unref(p->memory.reply);
	memset(&p->memory, 0, sizeof(p->memory));
}

void
provider_print_stats(const struct provider *p, struct out *o)
{
	const struct provider_stats *s = &p->stats;

	out_put(o, "{'requests':%d,'checks':%d,'connections_open':%d,'connections_total':%d,",
		s->requests, s->checks, s->connections_open, s->connections_total);
	out_put(o, "'in_flight':%d,'in_flight_max':%d,'held':%d,'cancelled':%d}\n", s->in_flight,
		s->in_flight_max, s->held, s->cancelled);
}
