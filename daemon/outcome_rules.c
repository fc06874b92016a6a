/* SPDX-License-Identifier: MIT */
/*
 * The order of judging: a decisive word; else what a hinting word or the status says, refined by a
 * known phrase of the kind that fits it. Words and phrases are rows of their tables, not code.
 */
#include "outcome_rules.h"

#include <string.h>

#define PHRASE_TEXT_BYTES 1000

enum how { FIRM, HINT, MODEL, LACKS };

struct word_row {
	const char *word;
	int status;
	enum outcome_class class;
	enum how how;
};

static const struct word_row word_rows[] = {
#define X(word, status, class, how) {word, status, OUTCOME_##class, how},
#include "outcome_words.def"
#undef X
};

/* The kinds of failure that a phrase may refine. */
enum when { REQUEST = 1, DENIED = 2, LIMIT = 4, LARGE = 8, BROKEN = 16, UNABLE = 32 };

static const struct phrase_row {
	unsigned when;
	const char *phrase;
	enum outcome_class class;
	bool lacks, model_made;
} phrase_rows[] = {
#define X(when, phrase, class, effect) \
	{when, phrase, OUTCOME_##class, (effect) == 1, (effect) == 2},
#include "outcome_phrases.def"
#undef X
};

static const struct status_row {
	int first, last;
	enum outcome_class class;
	bool lacks;
} status_rows[] = {
	{401, 401, OUTCOME_AUTH, false},
	{402, 402, OUTCOME_QUOTA_EXHAUSTED, false},
	{403, 403, OUTCOME_PERMISSION, false},
	{404, 405, OUTCOME_MODEL_NOT_FOUND, false},
	{407, 407, OUTCOME_PERMISSION, false},
	{408, 408, OUTCOME_TIMEOUT, false},
	{409, 409, OUTCOME_SERVER_ERROR, false},
	{410, 410, OUTCOME_MODEL_NOT_FOUND, false},
	{413, 414, OUTCOME_TOO_LARGE, false},
	{421, 421, OUTCOME_UNAVAILABLE, false},
	{423, 423, OUTCOME_UNAVAILABLE, false},
	{424, 424, OUTCOME_SERVER_ERROR, false},
	{425, 425, OUTCOME_UNAVAILABLE, false},
	{429, 429, OUTCOME_RATE_LIMITED, false},
	{431, 431, OUTCOME_TOO_LARGE, false},
	{451, 451, OUTCOME_PERMISSION, false},
	{498, 498, OUTCOME_OVERLOADED, false},
	{499, 499, OUTCOME_TIMEOUT, false},
	{400, 499, OUTCOME_BAD_REQUEST, false},
	{501, 501, OUTCOME_BAD_REQUEST, true},
	{502, 503, OUTCOME_UNAVAILABLE, false},
	{504, 504, OUTCOME_TIMEOUT, false},
	{511, 511, OUTCOME_UNAVAILABLE, false},
	{524, 524, OUTCOME_TIMEOUT, false},
	{520, 523, OUTCOME_UNAVAILABLE, false},
	{525, 527, OUTCOME_UNAVAILABLE, false},
	{529, 529, OUTCOME_OVERLOADED, false},
	{530, 530, OUTCOME_UNAVAILABLE, false},
	{598, 599, OUTCOME_TIMEOUT, false},
	{500, 599, OUTCOME_SERVER_ERROR, false},
};

/* ---- words ---- */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static const char *
skip_joints(const char *text)
{
	return text + strspn(text, " _-");
}

/* Is the text up to end, or to its own end if that is NULL, the word? */
static bool
same_word(const char *text, const char *end, const char *word)
{
	for (;;) {
		text = skip_joints(text);
		word = skip_joints(word);
		char c = text == end ? '\0' : lower(*text);
		if (c != *word)
			return false;
		if (c == '\0')
			return true;
		text++;
		word++;
	}
}

static const struct word_row *
find_part(const char *text, const char *end, int status)
{
	for (size_t i = 0; i < UTIL_COUNT(word_rows); i++) {
		const struct word_row *row = &word_rows[i];
		int under = status < 300 ? 200 : status;
		if ((row->status == 0 || row->status == under) && same_word(text, end, row->word))
			return row;
	}
	return NULL;
}

/* The row of a word; of one with dots else that of its last part or its first: Throttling.User. */
static const struct word_row *
find_row(const char *word, int status)
{
	const struct word_row *row = find_part(word, NULL, status);
	const char *first = strchr(word, '.');

	if (!row && first)
		row = find_part(strrchr(word, '.') + 1, NULL, status);
	if (!row && first)
		row = find_part(word, first, status);
	return row;
}

/* The first word's row that hints, or that decides. */
static const struct word_row *
find_word(const struct outcome_facts *facts, int status, bool hints)
{
	for (size_t i = 0; i < facts->word_count; i++) {
		const struct word_row *row = find_row(facts->words[i].text, status);
		if (row && (row->how == HINT) == hints)
			return row;
	}
	return NULL;
}

/* ---- phrases ---- */

/* Bytes of a quoted sentence at text, quotes included; 0 if there is none. */
static size_t
quoted_bytes(const char *text, char before)
{
	bool in_word = (before >= '0' && before <= '9') || (before >= 'A' && before <= 'Z') ||
		(before >= 'a' && before <= 'z');

	if ((*text != '"' && *text != '\'') || in_word)
		return 0;
	const char *end = strchr(text + 1, *text);
	while (end && *text == '\'' && ((end[1] >= 'a' && end[1] <= 'z')))
		end = strchr(end + 1, *text);
	if (!end || !memchr(text, ' ', (size_t)(end - text)))
		return 0;
	return (size_t)(end - text) + 1;
}

/* Is the apostrophe between out and text that of "doesn't" and its kin? ("can't" stays.) */
static bool
is_contraction(const char *text, const char *out, size_t at)
{
	return text[0] == 't' && at >= 2 && out[at - 1] == 'n' && out[at - 2] != 'a';
}

void
outcome_rules_normalise(const char *text, char *out, size_t size)
{
	char before = ' ';
	size_t at = 0;

	while (*text && at + 1 < size) {
		size_t quoted = quoted_bytes(text, before);
		char c = *text;
		if (quoted) {
			text += quoted;
			before = ' ';
			continue;
		}
		if (strncmp(text, "\xe2\x80\x99", 3) == 0) {
			c = '\'';
			text += 2;
		}
		if (c == '\'' && is_contraction(text + 1, out, at) && at + 3 < size) {
			memcpy(out + at - 1, " not", 4);
			at += 3;
			text += 2;
			before = 't';
			continue;
		}
		text++;
		c = c == '\n' || c == '\r' || c == '\t' ? ' ' : lower(c);
		if (c != ' ' || (at > 0 && out[at - 1] != ' '))
			out[at++] = c;
		before = c;
	}
	out[at] = '\0';
}

/* What a request may ask of a model and not every model can; the beginning of the word is enough.
 */
static const char *const capabilities[] = {"assistant message prefill", "audio", "candidate",
	"chat", "citation", "code execution", "conversation", "completion", "developer instruction",
	"developer message", "developer role", "document", "embedding", "file", "frequency_penalty",
	"frequencypenalty", "function", "function calling", "generat", "grammar", "grounding",
	"guided decoding", "image", "image_url", "json", "json mode", "json schema", "json_object",
	"json_schema", "logit_bias", "logprob", "max_completion_tokens", "max_tokens",
	"multi-modal", "multimodal", "parallel tool", "parallel_tool_call", "pdf", "penalty",
	"prefill", "presence_penalty", "presencepenalty", "prompt caching", "reasoning",
	"reasoning_effort", "reasoning_format", "response format", "response_format",
	"response schema", "seed", "stop", "stop sequence", "stopsequence", "stream", "streaming",
	"strict", "structured output", "system", "system instruction", "temperature", "thinking",
	"tool", "tool_choice", "tool choice", "tool_call", "top_k", "top_logprob", "top_p", "video",
	"vision"};
/* What may stand between such a word and what is said of it. */
static const char *const fillers[] = {"s", " input", " output", " modality", " content",
	" parameter", " param", " argument", " option", " calling", " call", " use", " mode",
	" message", " prompt", " role", " level", " budget", " url", " part", "`", "'", "\""};

/* The end of the longest of the words that stands at text, or NULL. */
static const char *
longest(const char *text, const char *const *words, size_t count)
{
	size_t most = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(words[i]);
		if (length > most && strncmp(text, words[i], length) == 0)
			most = length;
	}
	return most ? text + most : NULL;
}

static bool
is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The end of a capability with all that belongs to it ("`tool calling` parameters"), or NULL. */
static const char *
match_capability(const char *start, const char *text)
{
	if (*text == '`' || *text == '\'' || *text == '"')
		text++;
	else if (text > start && is_word_char(text[-1]))
		return NULL;
	const char *end = longest(text, capabilities, UTIL_COUNT(capabilities));
	for (const char *more = end; more;) {
		end = more;
		more = longest(end, fillers, UTIL_COUNT(fillers));
	}
	return end;
}

/* The end of the longest of the alternatives {a|b} that stands at text, or NULL. */
static const char *
match_group(const char *text, const char *group)
{
	const char *end = NULL;

	while (*group != '}') {
		size_t length = strcspn(++group, "|}");
		if (strncmp(text, group, length) == 0 && (!end || text + length > end))
			end = text + length;
		group += length;
	}
	return end;
}

static const char *
match_number(const char *text)
{
	size_t digits = strspn(text, "0123456789,");

	if (digits == 0)
		return NULL;
	text += digits;
	while (text[-1] == ',')
		text--;
	return text;
}

/* Does the phrase up to its next '*' stand at text, which is within start? The end of it, or NULL.
 */
static const char *
match_here(const char *start, const char *text, const char *phrase)
{
	for (; text && *phrase && *phrase != '*'; phrase++) {
		switch (*phrase) {
		case '#': text = match_number(text); break;
		case '%': text = *text == '\0' ? NULL : text + strcspn(text, " "); break;
		case '~': text = match_capability(start, text); break;
		case '$': text = *text == '\0' || strchr(".,;)", *text) ? text : NULL; break;
		case '{':
			text = match_group(text, phrase);
			phrase += strcspn(phrase, "}");
			break;
		default: text = *text == *phrase ? text + 1 : NULL;
		}
	}
	return text;
}

const char *
outcome_rules_find(const char *text, const char *phrase)
{
	const char *start = text;
	bool anchored = *phrase == '^';

	if (anchored)
		phrase++;
	for (;;) {
		const char *end = match_here(start, text, phrase);
		while (!end && !anchored && *text)
			end = match_here(start, ++text, phrase);
		phrase += strcspn(phrase, "*");
		if (!end || *phrase == '\0')
			return end;
		text = end;
		phrase++;
		anchored = false;
	}
}

/* The kinds of failure that a class found so far counts as. */
static unsigned
kind_of(enum outcome_class class, int status)
{
	switch (class) {
	case OUTCOME_BAD_REQUEST: return REQUEST;
	case OUTCOME_AUTH:
	case OUTCOME_PERMISSION: return DENIED;
	case OUTCOME_RATE_LIMITED: return LIMIT;
	case OUTCOME_TOO_LARGE: return LARGE;
	case OUTCOME_OVERLOADED:
	case OUTCOME_UNAVAILABLE: return BROKEN;
	case OUTCOME_SERVER_ERROR: return status < 300 ? BROKEN | REQUEST : BROKEN;
	default: return 0;
	}
}

/* The first row of these kinds whose phrase is in one of the messages; lacking: only of those rows.
 */
static const struct phrase_row *
find_phrase(const struct outcome_facts *facts, unsigned kinds, bool lacking)
{
	char text[PHRASE_TEXT_BYTES];

	for (size_t m = 0; m < facts->message_count; m++) {
		outcome_rules_normalise(facts->messages[m], text, sizeof(text));
		for (size_t i = 0; i < UTIL_COUNT(phrase_rows); i++) {
			const struct phrase_row *row = &phrase_rows[i];
			if ((row->when & kinds) && (row->lacks || !lacking) &&
				outcome_rules_find(text, row->phrase))
				return row;
		}
	}
	return NULL;
}

/* ---- all together ---- */

static struct outcome_verdict
by_status(int status)
{
	for (size_t i = 0; i < UTIL_COUNT(status_rows); i++) {
		if (status >= status_rows[i].first && status <= status_rows[i].last)
			return (struct outcome_verdict){
				status_rows[i].class, status_rows[i].lacks, false};
	}
	return (struct outcome_verdict){OUTCOME_MALFORMED_RESPONSE, false, false};
}

/* What field or status say, before any phrase is looked at. */
static struct outcome_verdict
first_verdict(const struct outcome_facts *facts, int status)
{
	const struct word_row *hint = find_word(facts, status, true);

	if (hint)
		return (struct outcome_verdict){hint->class, hint->how == LACKS, false};
	if (status >= 400)
		return by_status(status);
	if (facts->has_error && facts->claimed_status)
		return by_status(facts->claimed_status);
	if (facts->has_error && status < 300)
		return (struct outcome_verdict){OUTCOME_SERVER_ERROR, false, false};
	return (struct outcome_verdict){OUTCOME_MALFORMED_RESPONSE, false, false};
}

struct outcome_verdict
outcome_rules_judge(const struct outcome_facts *facts, int status)
{
	const struct word_row *firm = find_word(facts, status, false);
	struct outcome_verdict verdict = {0};

	if (firm)
		verdict = (struct outcome_verdict){
			firm->class, firm->how == LACKS, firm->how == MODEL};
	else
		verdict = first_verdict(facts, status);
	if (firm && firm->class != OUTCOME_BAD_REQUEST)
		return verdict;
	unsigned kinds = firm && firm->how == LACKS ? UNABLE : kind_of(verdict.class, status);
	const struct phrase_row *phrase = find_phrase(facts, kinds, firm && firm->how == FIRM);
	if (phrase) {
		verdict.class = phrase->class;
		verdict.lacks_capability = phrase->lacks;
		verdict.model_made = phrase->model_made;
	}
	return verdict;
}
