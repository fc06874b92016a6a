/* SPDX-License-Identifier: MIT */
/* See share_text.h. */
#include "share_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static void
write_text(char *text, struct json *object)
{
	struct buf out;

	buf_init(&out, SHARE_TEXT_BYTES - 1);
	text[0] = '\0';
	if (json_write(object, &out) == 0)
		snprintf(text, SHARE_TEXT_BYTES, "%s", out.data);
	buf_free(&out);
	json_free(object);
}

/* The object of a text; a bare word stands for its first field. NULL: neither. */
static struct json *
read_text(const char *text, const char *first)
{
	struct json *object = json_parse(text, strlen(text), true, NULL);

	if (json_type(object) == JSON_OBJECT)
		return object;
	json_free(object);
	if (!text[0] || text[strcspn(text, "{}[]\" \t\r\n")])
		return NULL;
	object = json_new_object();
	json_set_text(object, first, text);
	return object;
}

static int64_t
number(const struct json *object, const char *key, int64_t fallback)
{
	int64_t value;

	return json_int(json_get(object, key), &value) && value >= 0 ? value : fallback;
}

/* What is left of it, at most max_ms; what has no end gets one. */
static int64_t
clamp(int64_t left_ms, int64_t max_ms)
{
	return left_ms < 0 || left_ms > max_ms ? max_ms : left_ms;
}

/* How long ago something was said that held for_ms and holds left_ms yet. */
static int64_t
age(const struct json *object, int64_t left_ms)
{
	int64_t for_ms = number(object, "for_ms", left_ms);

	return for_ms > left_ms ? for_ms - left_ms : 0;
}

void
share_write_open(char *text, const struct circuit *circuit, int64_t for_ms, const char *host)
{
	struct json *object = json_new_object();

	json_set_text(object, "class", outcome_text(circuit->opened_by));
	if (circuit->hinted)
		json_set_bool(object, "hinted", true);
	json_set_int(object, "for_ms", for_ms);
	json_set_text(object, "by", host);
	write_text(text, object);
}

/* Longer than this no circuit of this host's stays open. */
static int64_t
open_max_ms(const struct circuit_policy *policy)
{
	int64_t max_ms = CIRCUIT_WAIT_MAX_MS;

	if (policy->cooldown_ms > max_ms)
		max_ms = policy->cooldown_ms;
	return policy->cooldown_max_ms > max_ms ? policy->cooldown_max_ms : max_ms;
}

static void
read_by(const struct json *object, char *by, size_t by_bytes)
{
	size_t length = 0;
	const char *text = json_string(json_get(object, "by"), &length);

	outcome_scrub(text ? text : "somebody", text ? length : 8, NULL, by, by_bytes);
}

bool
share_read_open(const struct store_item *item, const struct circuit_policy *policy,
	struct circuit_word *word, int64_t *age_ms, char *by, size_t by_bytes)
{
	struct json *object = read_text(item->text, "class");
	const char *class = json_text(object, "class");
	int found = class ? outcome_from_text(class) : -1;
	bool good = found > OUTCOME_OK &&
		outcome_rule((enum outcome_class)found)->opens != OUTCOME_OPENS_NEVER;

	if (good) {
		/* what has no end was not written by a daemon */
		int64_t max_ms = item->ttl_ms < 0 ? policy->cooldown_ms : open_max_ms(policy);

		*word = (struct circuit_word){
			.class = (enum outcome_class)found,
			.hinted = json_bool(json_get(object, "hinted"), false),
			.left_ms = clamp(item->ttl_ms, max_ms),
		};
		*age_ms = age(object, word->left_ms);
		read_by(object, by, by_bytes);
	}
	json_free(object);
	return good;
}

void
share_write_forced(
	char *text, const struct health_forced *forced, int64_t for_ms, const char *host)
{
	struct json *object = json_new_object();

	if (forced->provider)
		json_set_text(object, "provider", forced->provider);
	else
		json_set(object, "provider", json_new_null());
	if (forced->provider && forced->strict)
		json_set_bool(object, "strict", true);
	json_set_int(object, "for_ms", for_ms);
	json_set_int(object, "by_uid", forced->by_uid);
	json_set_text(object, "by", host);
	write_text(text, object);
}

bool
share_read_forced(const struct store_item *item, int64_t now_ms, struct health_forced *forced)
{
	struct json *object = read_text(item->text, "provider");
	const struct json *provider = json_get(object, "provider");
	const char *name = json_string(provider, NULL);
	bool good = name || json_type(provider) == JSON_NULL;

	if (good) {
		int64_t left_ms = clamp(item->ttl_ms, SHARE_FORCE_MAX_MS);
		int64_t said_ms = now_ms - age(object, left_ms);
		int64_t uid = number(object, "by_uid", 0);

		*forced = (struct health_forced){
			.provider = x_strdup(name),
			.strict = json_bool(json_get(object, "strict"), false),
			.until_ms = util_add_clamped(now_ms, left_ms),
			.by_uid = uid < UINT32_MAX ? (uint32_t)uid : 0,
			.set_ms = said_ms > 0 ? said_ms : 1,
		};
	}
	json_free(object);
	return good;
}

int64_t
share_preferred_left_ms(int64_t ttl_ms, int64_t own_ttl_ms)
{
	return clamp(ttl_ms, own_ttl_ms);
}
