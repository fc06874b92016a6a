/* SPDX-License-Identifier: MIT */
/*
 * Reads the error envelopes that providers use: {"error": {...}} and all its relatives, flat ones,
 * ones in an array, errors as a string, an error within a choice, the upstream's JSON as text in a
 * message, an error line in a stream. It gathers and does not judge; it never looks for words in
 * prose.
 */
#include "outcome_facts.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES 2000
#define NESTING_MAX 6
#define PYTHON_MAX_BYTES 20000

static void collect(struct outcome_facts *facts, const struct json *object, int depth);

static void
add_word(struct outcome_facts *facts, enum outcome_place place, int depth, const char *text)
{
	int rank = (int)place - depth * OUTCOME_PLACES;
	size_t at = facts->word_count;

	if (!text || text[0] == '\0' || at == OUTCOME_WORDS_MAX)
		return;
	while (at > 0 && facts->words[at - 1].rank > rank) {
		facts->words[at] = facts->words[at - 1];
		at--;
	}
	facts->words[at] = (struct outcome_word){rank, text};
	facts->word_count++;
}

static void
add_message(struct outcome_facts *facts, const char *text)
{
	if (text && text[0] && facts->message_count < OUTCOME_MESSAGES_MAX)
		facts->messages[facts->message_count++] = text;
}

static void
add_place(struct outcome_facts *facts, const struct json *object)
{
	if (json_type(object) == JSON_OBJECT && facts->place_count < OUTCOME_PLACES_MAX)
		facts->places[facts->place_count++] = object;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* ---- single fields ---- */

/* A status in a field: 429, "429". */
static int
status_of(const struct json *value)
{
	const char *text = json_string(value, NULL);
	int64_t number = 0;

	if (text && strlen(text) == 3 && strspn(text, "0123456789") == 3)
		number = strtol(text, NULL, 10);
	else if (!json_int(value, &number))
		return 0;
	return number >= 400 && number <= 599 ? (int)number : 0;
}

static void
take_status(struct outcome_facts *facts, const struct json *value)
{
	int status = status_of(value);

	if (status && !facts->claimed_status)
		facts->claimed_status = status;
}

/* A code may be a word, a status, or a number that means something to one provider. */
static void
take_code(
	struct outcome_facts *facts, const struct json *value, enum outcome_place place, int depth)
{
	const char *text = json_string(value, NULL);

	take_status(facts, value);
	if (json_type(value) == JSON_INT)
		text = json_number_text(value);
	const char *namespace_end = text ? strrchr(text, '#') : NULL;
	add_word(facts, place, depth, namespace_end ? namespace_end + 1 : text);
}

/* Does the name of an exception (RateLimitError) stand between from and to? */
static bool
names_exception(const char *from, const char *to)
{
	static const char *const endings[] = {"Error", "Exception"};

	for (size_t i = 0; i < UTIL_COUNT(endings); i++) {
		const char *at = memmem(from, (size_t)(to - from), endings[i], strlen(endings[i]));
		if (at && at > from && at[-1] >= 'a' && at[-1] <= 'z')
			return true;
	}
	return false;
}

/* Does the text before an object announce one: the name of an exception, "Error code: 400 - "? */
static bool
announces(const char *from, const char *to)
{
	static const char code[] = "Error code: ";
	const char *at = memmem(from, (size_t)(to - from), code, sizeof(code) - 1);

	if (names_exception(from, to))
		return true;
	if (!at)
		return false;
	at += sizeof(code) - 1;
	at += strspn(at, "0123456789");
	return at + strspn(at, " -") == to;
}

/*
 * The JSON that a message is, or that follows what announces it; NULL if it holds none. JSON that
 * merely occurs in a message may be an echo of the request.
 */
static const char *
json_within(const char *text)
{
	const char *brace = strpbrk(text, "{[");
	const char *quote = strpbrk(text, "\"'`,\n");

	if (!brace || (quote && quote < brace))
		return NULL;
	return strspn(text, " \t\r\n") == (size_t)(brace - text) || announces(text, brace) ? brace
											   : NULL;
}

/* Copies the string at from, which Python quoted, as one of JSON; where it ends, or NULL. */
static const char *
convert_string(struct buf *json, const char *from, const char *to)
{
	char quote = *from++;

	buf_add(json, "\"", 1);
	for (; from < to && *from != quote; from++) {
		if (*from == '\\' && from + 1 < to && from[1] == '\'')
			from++;
		else if (*from == '"')
			buf_add(json, "\\", 1);
		else if (*from == '\\' && from + 1 < to)
			buf_add(json, from++, 1);
		buf_add(json, from, 1);
	}
	buf_add(json, "\"", 1);
	return from < to ? from + 1 : NULL;
}

/* Parses what Python prints for an object: {'code': None, 'message': "it's"}. */
static struct json *
parse_python(const char *from, const char *to)
{
	static const struct {
		const char *python, *json;
	} names[] = {{"None", "null"}, {"True", "true"}, {"False", "false"}};
	struct json *root = NULL;
	struct buf json;

	buf_init(&json, PYTHON_MAX_BYTES);
	while (from && from < to) {
		size_t i = 0;
		if (*from == '\'' || *from == '"') {
			from = convert_string(&json, from, to);
			continue;
		}
		while (i < UTIL_COUNT(names) && !util_starts_with(from, names[i].python))
			i++;
		bool named = i < UTIL_COUNT(names);
		buf_add(&json, named ? names[i].json : from, named ? strlen(names[i].json) : 1);
		from += named ? strlen(names[i].python) : 1;
	}
	if (from && json.len > 0 && !json.failed)
		root = json_parse(json.data, json.len, false, NULL);
	buf_free(&json);
	return root;
}

/* Parses an envelope that stands as text in a message of ours and collects what it says. */
static bool
collect_text(struct outcome_facts *facts, const char *text, int depth)
{
	const char *from = json_within(text);
	const char *to = from ? strrchr(from, *from == '{' ? '}' : ']') : NULL;

	if (!to || depth >= NESTING_MAX || facts->root_count == OUTCOME_ROOTS_MAX)
		return false;
	struct json *root = json_parse(from, (size_t)(to - from) + 1, false, NULL);
	if (!root)
		root = parse_python(from, to + 1);
	if (!root)
		return false;
	facts->roots[facts->root_count++] = root;
	const struct json *object = json_type(root) == JSON_ARRAY ? json_at(root, 0) : root;
	size_t before = facts->message_count;
	collect(facts, object, depth + 1);
	return facts->message_count > before;
}

/* LiteLLM begins its messages with the class of its exception: "litellm.RateLimitError: ". */
static void
take_exception(struct outcome_facts *facts, const char *text, int depth)
{
	size_t length = strcspn(text, ": ");

	if (!util_starts_with(text, "litellm.") || text[length] != ':' || facts->exception[0] ||
		length >= sizeof(facts->exception))
		return;
	memcpy(facts->exception, text, length);
	add_word(facts, OUTCOME_PLACE_TYPE, depth, facts->exception);
}

static void
take_message(struct outcome_facts *facts, const struct json *value, int depth)
{
	const char *text = json_string(value, NULL);

	if (text) {
		take_exception(facts, text, depth);
		collect_text(facts, text, depth);
		add_message(facts, text);
	} else if (json_type(value) == JSON_OBJECT) {
		collect(facts, value, depth);
	} else if (json_type(value) == JSON_ARRAY) {
		take_message(facts, json_at(value, 0), depth);
	}
}

/* ---- parts of an envelope ---- */

/* google.rpc: ErrorInfo, RetryInfo, QuotaFailure; Azure: {code, message}. */
static void
collect_detail(struct outcome_facts *facts, const struct json *detail, int depth)
{
	const struct json *violations = json_get(detail, "violations");

	add_word(facts, OUTCOME_PLACE_REASON, depth, json_text(detail, "reason"));
	add_word(facts, OUTCOME_PLACE_INNER, depth, json_text(detail, "code"));
	add_place(facts, detail);
	for (size_t i = 0; i < json_count(violations); i++) {
		const char *quota = json_text(json_at(violations, i), "quotaId");
		if (quota && strstr(quota, "PerMonth"))
			add_word(facts, OUTCOME_PLACE_REASON, depth, "quota_per_month");
	}
}

static void
collect_details(struct outcome_facts *facts, const struct json *details, int depth)
{
	if (json_type(details) == JSON_OBJECT)
		add_word(facts, OUTCOME_PLACE_INNER, depth, json_text(details, "error_code"));
	for (size_t i = 0; json_type(details) == JSON_ARRAY && i < json_count(details); i++)
		collect_detail(facts, json_at(details, i), depth);
}

static void
collect_metadata(struct outcome_facts *facts, const struct json *metadata, int depth)
{
	const char *raw = json_text(metadata, "raw");

	if (json_get(metadata, "flagged_input") || json_get(metadata, "patterns"))
		add_word(facts, OUTCOME_PLACE_REASON, depth, "flagged_input");
	add_word(facts, OUTCOME_PLACE_ERROR_TYPE, depth, json_text(metadata, "error_type"));
	add_place(facts, metadata);
	add_place(facts, json_get(metadata, "headers"));
	if (raw && !collect_text(facts, raw, depth))
		add_message(facts, raw);
}

static void
collect_inner(struct outcome_facts *facts, const struct json *inner, int depth)
{
	add_word(facts, OUTCOME_PLACE_INNER, depth, json_text(inner, "code"));
}

static void
collect_availability(struct outcome_facts *facts, const struct json *availability, int depth)
{
	add_word(facts, OUTCOME_PLACE_AVAILABILITY, depth, json_text(availability, "code"));
	add_place(facts, availability);
}

static void
collect_errors(struct outcome_facts *facts, const struct json *errors, int depth)
{
	for (size_t i = 0; json_type(errors) == JSON_ARRAY && i < json_count(errors); i++) {
		const struct json *error = json_at(errors, i);
		add_word(facts, OUTCOME_PLACE_LEGACY, depth, json_text(error, "reason"));
		take_code(facts, json_get(error, "code"), OUTCOME_PLACE_LEGACY, depth);
		add_message(facts, json_text(error, "message"));
	}
}

static void
collect_words(struct outcome_facts *facts, const struct json *object, int depth)
{
	static const char *const statuses[] = {
		"status", "http_status", "status_code", "statusCode"};

	add_word(facts, OUTCOME_PLACE_ERROR_TYPE, depth, json_text(object, "error_type"));
	take_code(facts, json_get(object, "code"), OUTCOME_PLACE_CODE, depth);
	take_code(facts, json_get(object, "error_code"), OUTCOME_PLACE_CODE, depth);
	take_code(facts, json_get(object, "__type"), OUTCOME_PLACE_CODE, depth);
	add_word(facts, OUTCOME_PLACE_STATUS, depth, json_text(object, "status"));
	add_word(facts, OUTCOME_PLACE_TYPE, depth, json_text(object, "type"));
	for (size_t i = 0; i < UTIL_COUNT(statuses); i++)
		take_status(facts, json_get(object, statuses[i]));
}

/* Collects one level of an envelope; what is within it first. */
static void
collect(struct outcome_facts *facts, const struct json *object, int depth)
{
	static const struct {
		const char *key;
		void (*collect)(struct outcome_facts *facts, const struct json *part, int depth);
	} parts[] = {
		{"details", collect_details},
		{"metadata", collect_metadata},
		{"innererror", collect_inner},
		{"inner_error", collect_inner},
		{"availability", collect_availability},
		{"errors", collect_errors},
	};
	static const char *const messages[] = {"error", "message", "Message", "msg", "detail",
		"error_message", "errorMessage", "error_description"};

	if (json_type(object) != JSON_OBJECT || depth > NESTING_MAX)
		return;
	for (size_t i = 0; i < UTIL_COUNT(parts); i++) {
		if (json_get(object, parts[i].key))
			parts[i].collect(facts, json_get(object, parts[i].key), depth);
	}
	for (size_t i = 0; i < UTIL_COUNT(messages); i++)
		take_message(facts, json_get(object, messages[i]), depth + 1);
	collect_words(facts, object, depth);
	add_place(facts, object);
}

/* ---- whole bodies ---- */

static bool
is_text(const struct json *object, const char *key, const char *text)
{
	const char *value = json_text(object, key);

	return value && strcmp(value, text) == 0;
}

/* Why a reply or the piece of a stream ends, in its own word; NULL if it does not say. */
static const char *
finish_of(const struct json *root)
{
	const struct json *choice = json_at(json_get(root, "choices"), 0);
	const struct json *candidate = json_at(json_get(root, "candidates"), 0);
	const char *finishes[] = {json_text(choice, "finish_reason"),
		json_text(candidate, "finishReason"), json_text(root, "stop_reason"),
		json_text(json_get(root, "delta"), "stop_reason"),
		json_text(json_get(root, "promptFeedback"), "blockReason")};

	for (size_t i = 0; i < UTIL_COUNT(finishes); i++) {
		if (finishes[i])
			return finishes[i];
	}
	return NULL;
}

/* Why a reply that is no error holds no answer, where it says so itself. */
static void
collect_finish(struct outcome_facts *facts, const struct json *root)
{
	const struct json *candidate = json_at(json_get(root, "candidates"), 0);
	const char *block = json_text(json_get(root, "promptFeedback"), "blockReason");
	const char *finish = finish_of(root);

	if (block) {
		add_word(facts, OUTCOME_PLACE_REASON, 0, "prompt_blocked");
		add_message(facts, block);
	}
	add_word(facts, OUTCOME_PLACE_CODE, 0,
		finish && strcmp(finish, "error") == 0 ? "finish_error" : finish);
	add_message(facts, json_text(candidate, "finishMessage"));
}

static bool
is_error(const struct json *root)
{
	return json_truthy(json_get(root, "error")) || is_text(root, "object", "error") ||
		is_text(root, "type", "error") ||
		json_truthy(json_get(json_at(json_get(root, "choices"), 0), "error"));
}

static void
collect_root(struct outcome_facts *facts, const struct json *root, int status)
{
	const struct json *choice = json_at(json_get(root, "choices"), 0);

	facts->has_error = is_error(root);
	if (json_truthy(json_get(choice, "error")))
		take_message(facts, json_get(choice, "error"), 1);
	else if (facts->has_error || status >= 300)
		collect(facts, root, 0);
	else
		collect_finish(facts, root);
}

/* A line of a stream: whether its field says that an error follows, and its JSON, or NULL. */
struct line {
	bool error_field;
	const char *json;
	size_t length;
};

/* Reads "data: {...}", "error: {...}", "event: error" or the bare object of NDJSON. */
static struct line
read_line(const char *text, size_t length)
{
	static const struct {
		const char *name;
		bool error;
	} fields[] = {
		{"event: error", true}, {"event:error", true}, {"error:", true}, {"data:", false}};
	struct line line = {.error_field = false};

	for (size_t i = 0; i < UTIL_COUNT(fields); i++) {
		size_t bytes = strlen(fields[i].name);
		if (length < bytes || memcmp(text, fields[i].name, bytes) != 0)
			continue;
		line.error_field = fields[i].error;
		text += bytes;
		length -= bytes;
		break;
	}
	while (length > 0 && is_space(*text)) {
		text++;
		length--;
	}
	if (length > 0 && *text == '{')
		line = (struct line){line.error_field, text, length};
	return line;
}

/* Keeps the JSON of a line if it is an error, or an end that says why it came. */
static void
take_line(struct outcome_facts *facts, const struct line *line, bool error_field)
{
	struct json *root = json_parse(line->json, line->length, false, NULL);
	bool error = root && (error_field || is_error(root));
	/* One place is left for the error that may still follow. */
	size_t room = error ? OUTCOME_ROOTS_MAX : OUTCOME_ROOTS_MAX - 1;

	if (!root || facts->root_count >= room || (!error && !finish_of(root))) {
		json_free(root);
		return;
	}
	facts->roots[facts->root_count++] = root;
	collect_root(facts, root, error ? 500 : 200);
	facts->has_error = error;
}

/* Looks for an error among the lines of a stream that was meant to be one answer. */
static void
collect_lines(struct outcome_facts *facts, const char *body, size_t length)
{
	bool error_field = false;

	while (length > 0 && !facts->has_error) {
		const char *stop = memchr(body, '\n', length);
		size_t bytes = stop ? (size_t)(stop - body) + 1 : length;
		struct line line = read_line(body, bytes);
		error_field |= line.error_field;
		if (line.json) {
			take_line(facts, &line, error_field);
			error_field = false;
		}
		body += bytes;
		length -= bytes;
	}
}

/* The text of a body that is not JSON: a page's title, or the beginning of the text itself. */
static void
collect_plain(struct outcome_facts *facts, const char *body, size_t length)
{
	const char *open = memmem(body, length, "<title>", 7);
	const char *close =
		open ? memmem(open, length - (size_t)(open - body), "</title>", 8) : NULL;

	facts->html = body[0] == '<' || open;
	if (close) {
		body = open + 7;
		length = (size_t)(close - body);
	} else if (facts->html) {
		return;
	}
	if (length > TEXT_MAX_BYTES)
		length = TEXT_MAX_BYTES;
	facts->text = x_strndup(body, length);
	add_message(facts, facts->text);
}

/* The item of an array that tells of an error, else the first. */
static const struct json *
pick(const struct json *array)
{
	for (size_t i = 0; i < json_count(array); i++) {
		if (is_error(json_at(array, i)))
			return json_at(array, i);
	}
	return json_at(array, 0);
}

static void
collect_body(struct outcome_facts *facts, const struct outcome_input *in)
{
	const char *body = in->body;
	size_t length = in->body ? in->body_bytes : 0;

	while (length > 0 && is_space(body[0])) {
		body++;
		length--;
	}
	facts->empty = length == 0;
	if (facts->empty)
		return;
	struct json *root = json_parse(body, length, false, NULL);
	if (root && json_type(root) != JSON_STRING) {
		facts->has_json = true;
		facts->roots[facts->root_count++] = root;
		collect_root(facts, json_type(root) == JSON_ARRAY ? pick(root) : root, in->status);
		return;
	}
	json_free(root);
	collect_lines(facts, body, length);
	if (!facts->has_error)
		collect_plain(facts, body, length);
}

void
outcome_facts_init(struct outcome_facts *facts, const struct outcome_input *in)
{
	*facts = (struct outcome_facts){0};
	collect_body(facts, in);
	if (in->headers &&
		http_headers_get(in->headers, "x-amzn-errortype", facts->header_word,
			sizeof(facts->header_word))) {
		facts->header_word[strcspn(facts->header_word, ":;")] = '\0';
		add_word(facts, OUTCOME_PLACE_HEADER, 0, facts->header_word);
	}
}

void
outcome_facts_free(struct outcome_facts *facts)
{
	for (size_t i = 0; i < facts->root_count; i++)
		json_free(facts->roots[i]);
	free(facts->text);
}
