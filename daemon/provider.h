/* SPDX-License-Identifier: MIT */
/*
 * How each kind of provider is spoken to. Pure: a chat becomes the bytes of a request, the bytes of
 * a reply become an answer or an outcome. A family is one file and one struct provider_family; a
 * preset is one row of provider.def.
 */
#ifndef LLMFO_PROVIDER_H
#define LLMFO_PROVIDER_H

#include "http.h"
#include "json.h"
#include "outcome.h"
#include "sse.h"

/* Quirks of presets. */
#define PROVIDER_KEYLESS 0x01 /* works without a key (one is sent if configured) */
#define PROVIDER_MAX_COMPLETION_TOKENS \
	0x02 /* max_completion_tokens instead of max_tokens, always */
/* max_completion_tokens where OpenAI's newer models want it (o-series, gpt-5 and up) */
#define PROVIDER_OPENAI_MODELS 0x04
#define PROVIDER_RANDOM_SEED 0x10    /* the seed is called random_seed */
#define PROVIDER_API_KEY_HEADER 0x20 /* key in `api-key:` (Azure) */
#define PROVIDER_DEPLOYMENTS 0x40    /* Azure's URLs: /openai/deployments/MODEL/...?api-version= */
#define PROVIDER_NO_USER 0x100       /* refuses unknown fields, `user` is one */
#define PROVIDER_LOCAL 0x80 /* runs on the user's own machine unless configured otherwise */
#define PROVIDER_DEVELOPER_ROLE 0x200 /* knows the role; for others it is `system` */
#define PROVIDER_PREFIX 0x400         /* an assistant message that is to be gone on from says so */
#define PROVIDER_SHORT_IDS 0x800      /* ids of tool calls are 9 letters and digits */
#define PROVIDER_SIGNATURES 0x1000    /* wants back what it put in a tool call's extra_content */
/* tells a stream's usage without being asked, and may refuse the question */
#define PROVIDER_USAGE_UNASKED 0x2000
#define PROVIDER_PREFIX_BETA 0x8000 /* such a message is taken below /beta only */
#define PROVIDER_CONTINUE_FINAL \
	0x10000 /* what is to be gone on from is said beside the messages \
	         */

#define PROVIDER_ECHOES 0x20000       /* says what it goes on from again: provider_echo.h */
#define PROVIDER_ECHOES_BLANK 0x40000 /* the white space at its end */

/* What a request may need: bits. The indices are only for tables. */
enum provider_need_index {
#define X(name, text) PROVIDER_NEED_AT_##name,
#include "provider_need.def"
#undef X
	PROVIDER_NEEDS
};

enum provider_need {
#define X(name, text) PROVIDER_NEED_##name = 1 << PROVIDER_NEED_AT_##name,
#include "provider_need.def"
#undef X
};

struct provider_preset {
	const char *name;
	const struct provider_family *family;
	const char *base_url;
	const char *path;
	const char *key_variables; /* separated by spaces */
	const char *default_model;
	unsigned flags;
	unsigned lacks; /* needs that none of its models can fill */
};

/* Where requests go. Borrowed from the configuration. */
struct provider_endpoint {
	const struct provider_preset *preset;
	const char *base_url;    /* normalised: scheme, host, path, no trailing slash */
	const char *key;         /* NULL: none */
	const char *api_version; /* Azure; NULL: the preset's */
};

/* What the caller wants said, in OpenAI's form. All borrowed. */
struct provider_chat {
	const char *model;
	const struct json *messages;        /* array of {role, content, ...} */
	const struct json *tools;           /* NULL or array */
	const struct json *tool_choice;     /* NULL, string or object */
	const struct json *response_format; /* NULL or object */
	const struct json *stop;            /* NULL or array of strings */
	const char *user;                   /* NULL: none */
	bool has_temperature, has_top_p, has_seed;
	double temperature, top_p;
	int64_t seed;
	int64_t max_tokens; /* 0: not set */
	bool stream;        /* the answer comes in pieces, with its usage: provider_stream.h */
};

enum provider_finish {
	PROVIDER_FINISH_STOP,
	PROVIDER_FINISH_LENGTH,
	PROVIDER_FINISH_TOOL_CALLS,
	PROVIDER_FINISH_CONTENT_FILTER
};

/* Tokens as the provider reports them; prompt includes cached. */
struct provider_usage {
	int64_t prompt_tokens, completion_tokens, cached_tokens, total_tokens;
	bool reported; /* false: nothing usable was sent, the numbers are an estimate */
};

/* A normalised answer, owned by whoever made it. */
struct provider_answer {
	struct buf text; /* UTF-8, may be empty when there are tool calls, may hold NULs */
	/* NULL or array in OpenAI's form: {id, type, function: {name, arguments (text)}} */
	struct json *tool_calls;
	enum provider_finish finish;
	struct provider_usage usage;
	/* Set where a tool call of the model's makes the reply no answer: static text, for the
	 * judge. */
	const char *bad_call;
};

struct provider_pieces;

struct provider_family {
	const char *name;
	/* The header that takes the key by itself; NULL: Authorization, as a Bearer. */
	const char *key_header;
	/*
	 * Fills an initialised request. 0, or LLMFO_ETOO_LARGE, or LLMFO_EBAD_REQUEST with *why (a
	 * buffer) saying what this family or preset cannot carry (another target may: the attempt
	 * is a bad_request that lacks a capability). No shape of the chat's JSON does harm.
	 */
	int (*request)(const struct provider_endpoint *endpoint, const struct provider_chat *chat,
		struct http_request *request, struct buf *why);
	/*
	 * Reads a 2xx reply. True: *answer, which was initialised, is filled. False: the body is no
	 * answer (an error in it, empty, cut, HTML, filtered): outcome_judge() knows what it is,
	 * for all families, from the body and bad_call. *answer may be partly filled then.
	 */
	bool (*answer)(const char *body, size_t length, struct provider_answer *answer);
	/* ---- of a streamed reply: provider_stream.h ---- */
	enum sse_framing framing;
	/* Takes in an event that is a JSON object and no error. False: it breaks the stream. */
	bool (*event)(struct provider_pieces *pieces, const struct json *event);
	/* After the last event, a finish reason came: is it an answer, as answer() has it? */
	bool (*finish)(struct provider_pieces *pieces);
	/* Reads what provider_pieces_usage() was given last. */
	void (*usage)(const struct json *usage, struct provider_usage *out);
	/* ---- of a check ---- */
	/* Fills a request that costs nothing and proves that the provider is there and the key good
	 * (the model list). */
	int (*check)(const struct provider_endpoint *endpoint, struct http_request *request);
	/* Is model in the reply to check()? 1 yes, 0 no, -1 the reply does not say. */
	int (*check_has_model)(const char *body, size_t length, const char *model);
};

#define X(name, family, base_url, path, key_variables, default_model, flags, lacks) \
	extern const struct provider_family provider_##family;
#include "provider.def"
#undef X

/*
 * The preset of a name (any case; "claude" is anthropic, "google" is gemini), NULL if there is
 * none.
 */
const struct provider_preset *provider_preset(const char *name);
/* All of them, in the table's order; NULL beyond the end. */
const struct provider_preset *provider_preset_at(size_t index);
/* "openai, groq, ..." for messages about unknown names. Static. */
const char *provider_preset_names(void);

/*
 * Checks and normalises a base URL: http or https, a host, no user, query or fragment, no trailing
 * slash; the preset's path is added where there is none. A new string, or NULL with *why (static
 * text).
 */
char *provider_base_url(const struct provider_preset *preset, const char *url, const char **why);
/* "host" or "host:port" of a normalised base URL, a new string. */
char *provider_url_host(const char *base_url);

/*
 * What a request needs, in two halves that mean something only when joined by
 * provider_needs_join(): its messages, tools and tool_choice, which are the same for every target,
 * and its parameters, which are not.
 */
unsigned provider_needs_of_messages(const struct provider_chat *chat);
unsigned provider_needs_of_params(const struct provider_chat *chat);
unsigned provider_needs_join(unsigned messages, unsigned params);
/* Those of the needs that a model cannot fill. */
unsigned provider_lacks(const struct provider_preset *preset, const char *model, unsigned needs);
/*
 * Does its model (chat->model) go on from an assistant's words behind the chat's messages, with the
 * chat's tools and format? Not where a format constrains the answer, which would begin anew.
 */
bool provider_takes_prefill(const struct provider_preset *preset, const struct provider_chat *chat);
/* Appends "takes no tools, takes no seed". */
void provider_lacks_text(unsigned lacks, struct buf *text);
/* The limit of an answer that a model is given when the request has none; 0: none is demanded. */
int64_t provider_default_max_tokens(const struct provider_preset *preset, const char *model);

void provider_answer_init(struct provider_answer *answer);
void provider_answer_free(struct provider_answer *answer);
const char *provider_finish_text(enum provider_finish finish);
/*
 * Estimated tokens of a chat's messages and of a text, for providers that report no usage: marked
 * as estimated by the caller.
 */
int64_t provider_estimate_prompt_tokens(const struct provider_chat *chat);
int64_t provider_estimate_text_tokens(const char *text, size_t length);
/* Of what is JSON to the model as well: tools, tool calls. NULL: none. */
int64_t provider_estimate_json_tokens(const struct json *json);

#endif
