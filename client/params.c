/* SPDX-License-Identifier: MIT */
/* See params.h. */
#include "params.h"

#include <msgpack/pack.h>
#include <stdlib.h>
#include <string.h>

static const char deadline_key[] = "deadline_ms";
static const char stream_key[] = "stream";

struct param {
	struct param *next;
	struct bytes packed; /* the value, or the items of an array one behind the other */
	uint32_t items;
	bool array;
	bool nil;
	char key[];
};

struct llmfo_params {
	struct param *first;
	struct param **last;
	int error; /* the first that a setter met */
};

static int
write_bytes(void *out, const char *data, size_t count)
{
	return bytes_add(out, data, count);
}

static int
pack_text(msgpack_packer *packer, const char *text, size_t length)
{
	if (length > UINT32_MAX)
		return LLMFO_ETOO_LARGE;
	int error = msgpack_pack_str(packer, length);
	return error ? error : msgpack_pack_str_body(packer, text, length);
}

struct llmfo_params *
llmfo_params_new(void)
{
	struct llmfo_params *params = calloc(1, sizeof *params);

	if (params)
		params->last = &params->first;
	return params;
}

void
llmfo_params_free(struct llmfo_params *params)
{
	struct param *next;

	if (!params)
		return;
	for (struct param *p = params->first; p; p = next) {
		next = p->next;
		bytes_free(&p->packed);
		free(p);
	}
	free(params);
}

static struct param *
find(const struct llmfo_params *params, const char *key)
{
	for (struct param *p = params ? params->first : NULL; p; p = p->next)
		if (strcmp(p->key, key) == 0)
			return p;
	return NULL;
}

int
params_error(const struct llmfo_params *params)
{
	return params ? params->error : 0;
}

bool
params_has(const struct llmfo_params *params, const char *key)
{
	return find(params, key) != NULL;
}

static int
failed(struct llmfo_params *params, int error)
{
	if (error == LLMFO_ETOO_LARGE)
		error = LLMFO_EUSAGE;
	if (params && error && !params->error)
		params->error = error;
	return error;
}

static struct param *
find_or_add(struct llmfo_params *params, const char *key)
{
	struct param *p = find(params, key);

	if (p)
		return p;
	size_t key_bytes = strlen(key) + 1;
	p = calloc(1, sizeof *p + key_bytes);
	if (!p)
		return NULL;
	memcpy(p->key, key, key_bytes);
	bytes_init(&p->packed, PARAMS_MAX_BYTES);
	*params->last = p;
	params->last = &p->next;
	return p;
}

/* The parameter of that key, empty and ready to be packed into. */
static int
begin(struct llmfo_params *params, const char *key, struct param **p, msgpack_packer *packer)
{
	if (!params || !key)
		return LLMFO_EUSAGE;
	*p = find_or_add(params, key);
	if (!*p)
		return LLMFO_ENO_MEMORY;
	bytes_consume(&(*p)->packed, (*p)->packed.len);
	(*p)->array = false;
	(*p)->nil = false;
	(*p)->items = 0;
	msgpack_packer_init(packer, &(*p)->packed, write_bytes);
	return 0;
}

int
llmfo_params_set_string_len(
	struct llmfo_params *params, const char *key, const char *text, size_t length)
{
	struct param *p;
	msgpack_packer packer;
	int error = text || length == 0 ? begin(params, key, &p, &packer) : LLMFO_EUSAGE;

	return failed(params, error ? error : pack_text(&packer, text, length));
}

int
llmfo_params_set_string(struct llmfo_params *params, const char *key, const char *text)
{
	if (!text)
		return failed(params, LLMFO_EUSAGE);
	return llmfo_params_set_string_len(params, key, text, strlen(text));
}

int
llmfo_params_set_int(struct llmfo_params *params, const char *key, int64_t number)
{
	struct param *p;
	msgpack_packer packer;
	int error = begin(params, key, &p, &packer);

	return failed(params, error ? error : msgpack_pack_int64(&packer, number));
}

int
llmfo_params_set_double(struct llmfo_params *params, const char *key, double number)
{
	struct param *p;
	msgpack_packer packer;
	int error = begin(params, key, &p, &packer);

	return failed(params, error ? error : msgpack_pack_double(&packer, number));
}

int
llmfo_params_set_bool(struct llmfo_params *params, const char *key, bool yes)
{
	struct param *p;
	msgpack_packer packer;
	int error = begin(params, key, &p, &packer);

	if (error)
		return failed(params, error);
	return failed(params, yes ? msgpack_pack_true(&packer) : msgpack_pack_false(&packer));
}

int
llmfo_params_set_nil(struct llmfo_params *params, const char *key)
{
	struct param *p;
	msgpack_packer packer;
	int error = begin(params, key, &p, &packer);

	if (error)
		return failed(params, error);
	p->nil = true;
	return failed(params, msgpack_pack_nil(&packer));
}

/* The array of that key, ready for one more item; the caller counts it when it is in. */
static int
begin_item(struct llmfo_params *params, const char *key, struct param **p, msgpack_packer *packer)
{
	if (!params || !key)
		return LLMFO_EUSAGE;
	bool is_new = !find(params, key);
	*p = find_or_add(params, key);
	if (!*p)
		return LLMFO_ENO_MEMORY;
	if (is_new)
		(*p)->array = true;
	if (!(*p)->array)
		return LLMFO_EUSAGE;
	msgpack_packer_init(packer, &(*p)->packed, write_bytes);
	return 0;
}

int
params_set_empty(struct llmfo_params *params, const char *key)
{
	struct param *p;
	msgpack_packer packer;
	int error = begin_item(params, key, &p, &packer);

	return failed(params, error);
}

int
llmfo_params_add_string(struct llmfo_params *params, const char *key, const char *text)
{
	struct param *p;
	msgpack_packer packer;
	int error = text ? begin_item(params, key, &p, &packer) : LLMFO_EUSAGE;

	if (!error)
		error = pack_text(&packer, text, strlen(text));
	if (!error)
		p->items++;
	return failed(params, error);
}

int
llmfo_params_add_message(struct llmfo_params *params, const char *role, const char *content)
{
	struct param *p;
	msgpack_packer packer;
	int error = role && content ? begin_item(params, "messages", &p, &packer) : LLMFO_EUSAGE;

	if (!error)
		error = msgpack_pack_map(&packer, 2);
	if (!error)
		error = pack_text(&packer, "role", 4);
	if (!error)
		error = pack_text(&packer, role, strlen(role));
	if (!error)
		error = pack_text(&packer, "content", 7);
	if (!error)
		error = pack_text(&packer, content, strlen(content));
	if (!error)
		p->items++;
	return failed(params, error);
}

static int
pack_param(msgpack_packer *packer, const struct param *p, struct bytes *out)
{
	int error = pack_text(packer, p->key, strlen(p->key));

	if (!error && p->array)
		error = msgpack_pack_array(packer, p->items);
	return error ? error : bytes_add(out, p->packed.data, p->packed.len);
}

static bool
left_out(const struct param *p, int64_t deadline_ms)
{
	return deadline_ms > 0 && p->nil && strcmp(p->key, deadline_key) == 0;
}

static int
pack_map(msgpack_packer *packer, const struct llmfo_params *params, int64_t deadline_ms,
	bool stream, struct bytes *out)
{
	const struct param *first = params ? params->first : NULL;
	bool add_deadline = deadline_ms > 0 && !params_has(params, deadline_key);
	bool add_stream = stream && !params_has(params, stream_key);
	size_t count = (size_t)add_deadline + add_stream;
	int error;

	for (const struct param *p = first; p; p = p->next)
		count += left_out(p, deadline_ms) ? 0 : 1;
	error = msgpack_pack_map(packer, count);
	for (const struct param *p = first; p && !error; p = p->next)
		if (!left_out(p, deadline_ms))
			error = pack_param(packer, p, out);
	if (!error && add_deadline)
		error = pack_text(packer, deadline_key, sizeof deadline_key - 1);
	if (!error && add_deadline)
		error = msgpack_pack_int64(packer, deadline_ms);
	if (!error && add_stream)
		error = pack_text(packer, stream_key, sizeof stream_key - 1);
	if (!error && add_stream)
		error = msgpack_pack_true(packer);
	return error;
}

int
llmfo_params_set_map(struct llmfo_params *params, const char *key, const struct llmfo_params *map)
{
	struct param *p;
	msgpack_packer packer;
	int error = map && map != params ? params_error(map) : LLMFO_EUSAGE;

	if (!error)
		error = begin(params, key, &p, &packer);
	return failed(params, error ? error : pack_map(&packer, map, 0, false, &p->packed));
}

int
params_pack_head(uint32_t msgid, struct bytes *out)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, write_bytes);
	int error = msgpack_pack_array(&packer, 4);
	if (!error)
		error = msgpack_pack_uint8(&packer, 0);
	return error ? error : msgpack_pack_uint32(&packer, msgid);
}

int
params_pack(const struct llmfo_params *params, const char *method, int64_t deadline_ms, bool stream,
	struct bytes *out)
{
	msgpack_packer packer;

	msgpack_packer_init(&packer, out, write_bytes);
	int error = pack_text(&packer, method, strlen(method));
	if (!error)
		error = msgpack_pack_array(&packer, 1);
	return error ? error : pack_map(&packer, params, deadline_ms, stream, out);
}
