/* SPDX-License-Identifier: MIT */
/* What the provider_<family>.c files share with one another, and with nobody else. */
#ifndef LLMFO_PROVIDER_COMMON_H
#define LLMFO_PROVIDER_COMMON_H

#include "provider.h"

/* Sets method, URL (taken over), the JSON headers and the key's: 0 or LLMFO_EBAD_REQUEST with *why.
 */
int provider_begin(const struct provider_endpoint *endpoint, const char *method, char *url,
	struct http_request *request, struct buf *why);
/* A count under a key that may be missing, which is none. */
int64_t provider_count(const struct json *usage, const char *key);
/* Fills usage from two counters; it stays unreported when one of them is not a possible number. */
void provider_read_usage(struct provider_usage *usage, const struct json *prompt,
	const struct json *completion, const struct json *total, const struct json *cached);
/*
 * Makes tool calls of a reply, if it has any, those of an answer: missing ids are made up,
 * arguments that are objects become text. False with bad_call of the answer set if one of them has
 * no name or has arguments that are no object. Made-up ids are the same whenever the same body is
 * read, and differ from those of other bodies, for they meet again in one conversation.
 */
bool provider_take_calls(
	struct provider_answer *answer, struct json *calls, const char *body, size_t length);
/* Makes one call one of an answer, index being its place: NULL, or static text that says what the
 * model did wrong. hash goes into an id that is made up. */
const char *provider_fit_call(struct json *call, size_t index, uint64_t hash);
/* A number that is the same for the same text, and hardly ever for another (FNV-1a). */
uint64_t provider_hash(const char *text, size_t length);
/* Sets *why to text; returns LLMFO_EBAD_REQUEST. */
int provider_refuse(struct buf *why, const char *text);
/* LLMFO_EBAD_REQUEST with *why if the model lacks what the chat needs, by the tables; else 0. */
int provider_refuse_lacks(const struct provider_endpoint *endpoint,
	const struct provider_chat *chat, struct buf *why);
/* Are a chat's last message the assistant's own words, that it is to go on from? NULL is none. */
bool provider_is_prefill(const struct json *last);
/* NULL: there is none. */
const struct json *provider_last_message(const struct provider_chat *chat);
/* A model's own name, without what lists ("models/") and tuning ("ft:") put before it. */
const char *provider_bare_model(const char *model);
/* temperature and top_p, if they are set; a 1 is left out for models that take no more than one of
 * them or none, where it means the same. */
void provider_set_sampling(const struct provider_endpoint *endpoint,
	const struct provider_chat *chat, struct json *body, const char *top_p_name);

/* ---- messages in OpenAI's form ---- */

enum provider_part_kind { PROVIDER_PART_TEXT, PROVIDER_PART_IMAGE, PROVIDER_PART_OTHER };

/* One part of a message's content. Borrowed. */
struct provider_part {
	enum provider_part_kind kind;
	const char *text; /* of a text */
	size_t length;
	/* Of an image: the data in base64 and its type, or a URL. data of an image URL that has no
	 * base64 in it is "" and so is its type. */
	const char *data; /* NULL: by URL */
	const char *type; /* not NUL-terminated */
	size_t type_length;
	const char *url; /* "" if there is none */
};

/* The part at index of a content, which may be a string; false beyond the last one. */
bool provider_read_part(const struct json *content, size_t index, struct provider_part *part);
/* LLMFO_EBAD_REQUEST with *why for an image whose data is not base64, else 0. */
int provider_check_image(const struct provider_part *part, struct buf *why);
/* Is there nothing to see in a text: only ASCII's white space, or nothing? */
bool provider_is_blank(const char *text, size_t length);
/* A content's texts, one behind the other, with what else is in it left out. */
void provider_plain_text(const struct json *content, struct buf *text);
bool provider_has_image(const struct json *content);
bool provider_is_system(const struct json *message);
/* A call's arguments, an object or its text, as an object, to be freed; those that are missing or
 * blank are an empty one. NULL if they are anything else. */
struct json *provider_arguments(const struct json *arguments);

/* The calls that results of tools answer: those of the latest message that had any. */
struct provider_calls {
	const struct json *list; /* NULL: none yet */
};

/* Takes note of a message's calls: 0, or LLMFO_EBAD_REQUEST with *why if there are too many. */
int provider_note_calls(struct provider_calls *calls, const struct json *message, struct buf *why);
/* The name of the tool that was called under an id, NULL if none was. */
const char *provider_called_name(const struct provider_calls *calls, const char *id);
/* The schema of response_format json_schema, NULL if there is none. */
struct json *provider_schema(const struct json *response_format);
/* Appends text as one segment of a path. */
void provider_add_segment(struct buf *url, const char *text);
/* A copy of a URL without the first of these endings that it has; the list ends with NULL. */
char *provider_cut_end(const char *url, const char *const *ends);
/* Is model one of the strings under key in the objects of an array? 1, 0, or -1 when it is no list.
 */
int provider_list_has(const struct json *list, const char *key, const char *model,
	bool (*same)(const char *listed, const char *model));

#endif
