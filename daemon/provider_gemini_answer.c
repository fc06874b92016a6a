/* SPDX-License-Identifier: MIT */
/*
 * What Gemini answers, in one piece or as events, which have the same form. What a model signed
 * stays with its tool call as extra_content.google.thought_signature.
 */
#include "provider_gemini_answer.h"

#include <string.h>

#include "provider_common.h"
#include "provider_pieces.h"

/* ---- answers ---- */

static struct json *
read_call(const struct json *part)
{
	const struct json *given = json_get(part, "functionCall");
	const char *signature = json_text(part, "thoughtSignature");
	struct json *call = json_new_object(), *function = json_new_object();

	if (json_text(given, "id"))
		json_set_text(call, "id", json_text(given, "id"));
	if (json_text(given, "name"))
		json_set_text(function, "name", json_text(given, "name"));
	if (json_get(given, "args"))
		json_set(function, "arguments", json_ref(json_get(given, "args")));
	json_set(call, "function", function);
	if (signature) {
		struct json *extra = json_new_object(), *google = json_new_object();
		json_set_text(google, "thought_signature", signature);
		json_set(extra, "google", google);
		json_set(call, "extra_content", extra);
	}
	return call;
}

/* Takes the texts but for thoughts and, as a list that is the caller's, the calls. */
static void
read_parts(const struct json *parts, struct buf *text, struct json *calls)
{
	for (size_t i = 0; json_type(parts) == JSON_ARRAY && i < json_count(parts); i++) {
		const struct json *part = json_at(parts, i);
		size_t length = 0;
		const char *words = json_string(json_get(part, "text"), &length);

		if (json_get(part, "functionCall"))
			json_push(calls, read_call(part));
		else if (words && !json_bool(json_get(part, "thought"), false))
			buf_add(text, words, length);
	}
}

/* False for a reason that makes the answer none; the judge knows which is what. */
static bool
take_finish(const char *reason, struct provider_answer *answer)
{
	static const char *const filters[] = {
		"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"};
	bool length = reason && strcmp(reason, "MAX_TOKENS") == 0;

	answer->finish = length      ? PROVIDER_FINISH_LENGTH
		: answer->tool_calls ? PROVIDER_FINISH_TOOL_CALLS
				     : PROVIDER_FINISH_STOP;
	if (!reason || length || strcmp(reason, "STOP") == 0)
		return true;
	for (size_t i = 0; i < UTIL_COUNT(filters); i++) {
		if (strcmp(reason, filters[i]) != 0)
			continue;
		answer->finish = PROVIDER_FINISH_CONTENT_FILTER;
		return answer->text.len > 0;
	}
	return false;
}

/* What was thought is paid for as output; what tools brought in, as input. */
void
provider_gemini_usage(const struct json *usage, struct provider_usage *out)
{
	int64_t out_tokens = util_add_clamped(provider_count(usage, "candidatesTokenCount"),
		provider_count(usage, "thoughtsTokenCount"));
	int64_t in_tokens;
	struct json *completion = json_new_int(out_tokens), *prompt = json_new_null();

	if (json_int(json_get(usage, "promptTokenCount"), &in_tokens) && in_tokens >= 0)
		prompt = json_new_int(util_add_clamped(
			in_tokens, provider_count(usage, "toolUsePromptTokenCount")));
	provider_read_usage(out, prompt, completion, json_get(usage, "totalTokenCount"),
		json_get(usage, "cachedContentTokenCount"));
	json_free(prompt);
	json_free(completion);
}

static bool
is_answer(const struct json *candidate, struct provider_answer *answer)
{
	if (!take_finish(json_text(candidate, "finishReason"), answer) || answer->text.failed)
		return false;
	return answer->text.len > 0 || answer->tool_calls ||
		(candidate && answer->finish == PROVIDER_FINISH_LENGTH);
}

static bool
take_candidate(const struct json *candidate, const char *body, size_t length,
	struct provider_answer *answer)
{
	struct json *calls = json_new_array();

	read_parts(json_get(json_get(candidate, "content"), "parts"), &answer->text, calls);
	bool whole = provider_take_calls(answer, calls, body, length);
	json_free(calls);
	return whole && is_answer(candidate, answer);
}

bool
provider_gemini_read(const char *body, size_t length, struct provider_answer *answer)
{
	struct json *root = json_parse(body, length, false, NULL);
	bool done = root && !json_truthy(json_get(root, "error")) &&
		take_candidate(json_at(json_get(root, "candidates"), 0), body, length, answer);

	if (root)
		provider_gemini_usage(json_get(root, "usageMetadata"), &answer->usage);
	json_free(root);
	return done;
}

/* ---- streamed answers: each event is a reply with the next parts ---- */

static const struct json *
candidate_of(const struct json *event)
{
	return json_at(json_get(event, "candidates"), 0);
}

static bool
take_part(struct provider_pieces *pieces, const struct json *part)
{
	const struct json *text = json_get(part, "text");

	if (json_get(part, "functionCall")) {
		pieces->call_hash = provider_hash(pieces->event, pieces->event_length);
		return provider_pieces_call(pieces, read_call(part));
	}
	if (json_bool(json_get(part, "thought"), false))
		provider_pieces_stir(pieces, text);
	else
		provider_pieces_text(pieces, text);
	return true;
}

bool
provider_gemini_event(struct provider_pieces *pieces, const struct json *event)
{
	const struct json *candidate = candidate_of(event);
	const struct json *parts = json_get(json_get(candidate, "content"), "parts");
	size_t count = json_type(parts) == JSON_ARRAY ? json_count(parts) : 0;

	provider_pieces_usage(pieces, json_get(event, "usageMetadata"));
	if (!candidate && json_truthy(json_get(json_get(event, "promptFeedback"), "blockReason")))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!take_part(pieces, json_at(parts, i)))
			return false;
	return !json_truthy(json_get(candidate, "finishReason")) ||
		provider_pieces_finish(pieces, event);
}

bool
provider_gemini_finish(struct provider_pieces *pieces)
{
	return is_answer(candidate_of(pieces->last), &pieces->answer);
}
