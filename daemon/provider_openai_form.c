/* SPDX-License-Identifier: MIT */
/*
 * The details in which OpenAI-shaped providers differ about messages: the role developer, the
 * length of ids, a mark at what is to be gone on from, what another provider put beside a tool
 * call. Given trees belong to others and are never changed: what differs is a copy.
 */
#include "provider_openai_form.h"

#include <stdlib.h>
#include <string.h>

#include "provider_common.h"

#define SHORT_ID_BYTES 9

static bool
copy_pair(const char *key, struct json *value, void *arg)
{
	json_set(arg, key, json_ref(value));
	return true;
}

/* A copy of an object's own level. */
static struct json *
copy_object(const struct json *object)
{
	struct json *copy = json_new_object();

	json_each(object, copy_pair, copy);
	return copy;
}

static bool
without_extra(const char *key, struct json *value, void *arg)
{
	if (strcmp(key, "extra_content") != 0)
		json_set(arg, key, json_ref(value));
	return true;
}

static bool
is_short_id(const char *id)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789";

	return strlen(id) == SHORT_ID_BYTES && strspn(id, plain) == SHORT_ID_BYTES;
}

/* Puts a short id in the place of a longer one: the same for the same, so that calls and results
 * still find one another. */
static void
shorten_id(struct json *object, const char *key)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const char *id = json_text(object, key);
	char made[SHORT_ID_BYTES + 1] = "";

	if (!id || is_short_id(id))
		return;
	uint64_t hash = provider_hash(id, strlen(id));
	for (size_t i = 0; i < SHORT_ID_BYTES; i++) {
		made[i] = digits[hash % 36];
		hash /= 36;
	}
	json_set_text(object, key, made);
}

static struct json *
fit_calls(unsigned flags, const struct json *calls)
{
	struct json *list = json_new_array();

	for (size_t i = 0; i < json_count(calls); i++) {
		struct json *call = json_new_object();

		json_each(json_at(calls, i),
			flags & PROVIDER_SIGNATURES ? copy_pair : without_extra, call);
		if (flags & PROVIDER_SHORT_IDS)
			shorten_id(call, "id");
		json_push(list, call);
	}
	return list;
}

static bool
has_extra(const struct json *calls)
{
	for (size_t i = 0; i < json_count(calls); i++)
		if (json_get(json_at(calls, i), "extra_content"))
			return true;
	return false;
}

/* A message in the preset's form, to be freed. */
static struct json *
fit_message(unsigned flags, const struct json *given, bool last)
{
	const char *role = json_text(given, "role");
	const struct json *calls = json_get(given, "tool_calls");
	bool called = json_type(calls) == JSON_ARRAY && json_count(calls) > 0;
	bool renamed = role && strcmp(role, "developer") == 0 && !(flags & PROVIDER_DEVELOPER_ROLE);
	bool marked = last && (flags & PROVIDER_PREFIX) && provider_is_prefill(given);
	bool fitted = called &&
		((flags & PROVIDER_SHORT_IDS) ||
			(has_extra(calls) && !(flags & PROVIDER_SIGNATURES)));
	bool shortened = (flags & PROVIDER_SHORT_IDS) && json_text(given, "tool_call_id");

	if (!renamed && !marked && !fitted && !shortened)
		return json_ref(given);
	struct json *message = copy_object(given);
	if (renamed)
		json_set_text(message, "role", "system");
	if (marked)
		json_set_bool(message, "prefix", true);
	if (fitted)
		json_set(message, "tool_calls", fit_calls(flags, calls));
	if (shortened)
		shorten_id(message, "tool_call_id");
	return message;
}

struct json *
provider_openai_messages(const struct provider_preset *preset, const struct json *messages)
{
	struct json *list;

	if (json_type(messages) != JSON_ARRAY)
		return messages ? json_ref(messages) : json_new_array();
	list = json_new_array();
	for (size_t i = 0; i < json_count(messages); i++)
		json_push(list,
			fit_message(preset->flags, json_at(messages, i),
				i + 1 == json_count(messages)));
	return list;
}
