/* SPDX-License-Identifier: MIT */
/*
 * A shape is one provider's API: which paths it has, what it demands of a request, how its answers,
 * streams, errors and listings look. Pure: bytes in, bytes out. What the shapes share (looking at
 * JSON, finding a row in a table of errors) is in shape.c; one file a shape holds the rest.
 */
#ifndef FAKELLM_SHAPE_H
#define FAKELLM_SHAPE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "http.h"
#include "out.h"
#include "provider.h"

/* What a path stands for. */
enum ask_what {
	ASK_UNKNOWN, /* a path that the API does not have */
	ASK_CHAT,
	ASK_CHECK, /* a listing or a health page */
};

/* An error as the API would say it. Texts are borrowed: constants, the step's or the ask's. */
struct fault {
	int status;
	const char *kind; /* a row's name; NULL the usual one of that status */
	const char *type;
	const char *code;
	const char *param;
	const char *message;
	const char *retry_after; /* for shapes that tell it in the body */
};

/* What a request asks for, and with what shape it is answered. */
struct ask {
	struct provider *provider;
	const struct shape *shape;
	const struct request *req;
	enum ask_what what;
	int page;          /* which listing, the shape's own number */
	json_object *json; /* the body, or NULL */
	char *model;
	bool stream;
	bool include_usage; /* openai: stream_options.include_usage */
	bool json_stream;   /* gemini: a JSON array in pieces, no events */
	bool in_array;      /* gemini's OpenAI door: errors are its own, in an array */
	bool lenient;       /* unknown fields are passed over */
	int64_t max_words;  /* -1: no limit */
	int64_t prompt_words;
	char *said;          /* the last user message's beginning, or NULL */
	char *key;           /* the key that was sent, or NULL */
	struct fault fault;  /* status != 0: what is wrong with the request */
	char *fault_message; /* owned; what fault.message may point to */
};

/* What is answered, before it has a shape. */
struct answer {
	char id[48];
	int64_t created_s;
	const char *model;
	char **words; /* each with the blanks before it */
	size_t n_words;
	char *text;                 /* all of them */
	const char *reasoning;      /* or NULL */
	char *tool_name;            /* or NULL */
	const char *tool_arguments; /* JSON */
	bool nothing;               /* an answer without any content part */
	const char *finish;         /* stop, length, tool_calls, content_filter, blocked, or raw */
	bool usage;
	char prompt_tokens[24], completion_tokens[24], total_tokens[24];
};

struct sink;

/* One row of a table of errors: the first that fits is taken, the last one fits everything. */
struct fault_row {
	int status;       /* 0: any */
	const char *kind; /* NULL: none was asked for */
	const char *type; /* "html": the page of the network in front of the API */
	const char *code;
	const char *message; /* $M: the model */
};

struct shape {
	const char *name;
	const char *headers;     /* lines that every answer has */
	const char *stream_type; /* content type of a stream */
	const char *json_type;
	bool retry_in_body;
	const char *const *models;
	const struct fault_row *faults;
	/* Sets what, page, stream and perhaps shape and model, from method, path and query. */
	void (*route)(struct ask *ask);
	/* Checks key, headers and body of a chat request; sets ask->fault where it refuses. */
	void (*check)(struct ask *ask);
	/* The key check alone, for listings. */
	void (*check_key)(struct ask *ask);
	void (*list)(struct out *o, const struct ask *ask);
	void (*answer)(struct out *o, const struct answer *a);
	void (*error)(struct out *o, const struct ask *ask, const struct fault *fault);
	/* The parts of a stream. */
	void (*begin)(struct sink *s, const struct answer *a);
	void (*thought)(struct sink *s, const struct answer *a);
	void (*delta)(struct sink *s, const struct answer *a, const char *text);
	void (*tool)(struct sink *s, const struct answer *a);
	void (*finish)(struct sink *s, const struct answer *a, bool with_reason);
	void (*done)(struct sink *s, const struct answer *a);
	void (*ping)(struct sink *s, const struct answer *a);
};

extern const struct shape shape_openai, shape_anthropic, shape_gemini, shape_ollama;

const struct shape *shape_find(const char *name);

/* Reads a request; the caller calls ask_free afterwards, whatever was found. */
void ask_read(struct ask *ask, struct provider *p, const struct request *req);
void ask_free(struct ask *ask);

/* Refuses the request. `message` is a template, see shape_message. Only the first refusal counts.
 */
void ask_refuse(struct ask *ask, int status, const char *type, const char *code, const char *param,
	const char *message, const char *name);
/* The same in the words of the shape's table. */
void ask_refuse_kind(struct ask *ask, int status, const char *kind);
/* Refuses a conversation that ends with words of the assistant's, as models without prefill do. */
void ask_refuse_prefill(struct ask *ask);
/* The body must be a JSON object; sets ask->json. */
bool ask_read_json(struct ask *ask);
/* NULL, or the name of the first field that is not in the NULL-terminated list. */
const char *ask_unknown_field(json_object *object, const char *const *known);
json_object *ask_field(json_object *object, const char *name);
const char *ask_string(json_object *object, const char *name);
/* Counts the words of a text or of an array of parts, and keeps it in ask->said if it is the
 * user's. */
void ask_count(struct ask *ask, json_object *content, bool user);
void ask_set_key(struct ask *ask, struct span value, const char *prefix);
/* True if the key that was sent is the right one, or any will do. */
bool ask_key_ok(const struct ask *ask);

/* The shape whose errors the request gets. */
const struct shape *ask_error_shape(const struct ask *ask);
/* The row of `rows` for a status and a kind. */
const struct fault_row *shape_fault(const struct fault_row *rows, int status, const char *kind);
/* `$M` becomes the model, `$1` the name; the caller frees it. */
char *shape_message(const char *text, const char *model, const char *name);
/* The page that a network in front of an API shows. */
void shape_html(struct out *o, const char *host, int status);
/* The partner of `name` in {from, to, from, to, ..., NULL}, or `name` itself. */
const char *shape_map(const char *const *map, const char *name);

#endif
