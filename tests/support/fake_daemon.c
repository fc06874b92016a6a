/* SPDX-License-Identifier: MIT */
/* See fake_daemon.h. Whatever goes wrong here is the test's own fault and ends it. */
#include "fake_daemon.h"

#include <check.h>
#include <json.h>
#include <msgpack.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

static void
serve_all(int listener, fake_serve *serve, const void *arg)
{
	for (int connection = 0;; connection++) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			_exit(1);
		serve(fd, connection, arg);
		close(fd);
	}
}

static void
launch(struct fake_daemon *fake, fake_serve *serve, const void *arg)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(listener, 0);
	memcpy(address.sun_path, fake->path, strlen(fake->path) + 1);
	(void)unlink(fake->path);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(listener, 16), 0);
	fake->pid = fork();
	ck_assert_int_ge(fake->pid, 0);
	if (fake->pid == 0) {
		child_leaves_check();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve_all(listener, serve, arg);
	}
	close(listener);
}

void
fake_daemon_start(struct fake_daemon *fake, fake_serve *serve, const void *arg)
{
	snprintf(fake->directory, sizeof fake->directory, "/tmp/llmfo-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(fake->directory));
	snprintf(fake->path, sizeof fake->path, "%s/llmfo.sock", fake->directory);
	launch(fake, serve, arg);
}

void
fake_daemon_restart(struct fake_daemon *fake, fake_serve *serve, const void *arg)
{
	fake_daemon_kill(fake);
	launch(fake, serve, arg);
}

void
fake_daemon_kill(struct fake_daemon *fake)
{
	if (fake->pid <= 0)
		return;
	kill(fake->pid, SIGKILL);
	ck_assert_int_eq(waitpid(fake->pid, NULL, 0), fake->pid);
	fake->pid = 0;
}

void
fake_daemon_stop(struct fake_daemon *fake)
{
	fake_daemon_kill(fake);
	(void)unlink(fake->path);
	(void)rmdir(fake->directory);
}

static json_object *
to_json(const msgpack_object *object)
{
	json_object *json;

	switch (object->type) {
	case MSGPACK_OBJECT_BOOLEAN: return json_object_new_boolean(object->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_object_new_int64(object->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64: return json_object_new_double(object->via.f64);
	case MSGPACK_OBJECT_STR:
		return json_object_new_string_len(object->via.str.ptr, (int)object->via.str.size);
	case MSGPACK_OBJECT_ARRAY:
		json = json_object_new_array();
		for (uint32_t i = 0; i < object->via.array.size; i++)
			json_object_array_add(json, to_json(&object->via.array.ptr[i]));
		return json;
	case MSGPACK_OBJECT_MAP:
		json = json_object_new_object();
		for (uint32_t i = 0; i < object->via.map.size; i++) {
			const msgpack_object_kv *pair = &object->via.map.ptr[i];
			char key[256];

			snprintf(key, sizeof key, "%.*s", (int)pair->key.via.str.size,
				pair->key.via.str.ptr);
			json_object_object_add(json, key, to_json(&pair->val));
		}
		return json;
	default: return NULL;
	}
}

static void
take_request(const msgpack_object *message, struct fake_request *request)
{
	const msgpack_object *item = message->via.array.ptr;
	json_object *params;

	ck_assert_int_eq(message->type, MSGPACK_OBJECT_ARRAY);
	ck_assert_uint_eq(message->via.array.size, 4);
	ck_assert_uint_eq(item[0].via.u64, 0);
	request->msgid = (uint32_t)item[1].via.u64;
	snprintf(request->method, sizeof request->method, "%.*s", (int)item[2].via.str.size,
		item[2].via.str.ptr);
	params = to_json(&item[3]);
	request->params = strdup(json_object_to_json_string_ext(params, JSON_C_TO_STRING_PLAIN));
	json_object_put(params);
}

/* One byte at a time after the first part, so that nothing of the next request is taken. */
bool
fake_read(int fd, struct fake_request *request)
{
	msgpack_unpacker unpacker;
	msgpack_unpacked unpacked;
	bool found = false;
	char peeked[4096];

	msgpack_unpacker_init(&unpacker, 4096);
	msgpack_unpacked_init(&unpacked);
	while (!found) {
		ssize_t count = recv(fd, peeked, sizeof peeked, MSG_PEEK);
		size_t used = 0;

		if (count <= 0)
			break;
		while (!found && used < (size_t)count) {
			msgpack_unpacker_reserve_buffer(&unpacker, 1);
			*msgpack_unpacker_buffer(&unpacker) = peeked[used++];
			msgpack_unpacker_buffer_consumed(&unpacker, 1);
			found = msgpack_unpacker_next(&unpacker, &unpacked) ==
				MSGPACK_UNPACK_SUCCESS;
		}
		(void)recv(fd, peeked, used, 0);
	}
	if (found)
		take_request(&unpacked.data, request);
	msgpack_unpacked_destroy(&unpacked);
	msgpack_unpacker_destroy(&unpacker);
	return found;
}

void
fake_request_free(struct fake_request *request)
{
	free(request->params);
	request->params = NULL;
}

void
fake_write(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count > 0) {
		ssize_t written = write(fd, at, count);

		if (written <= 0)
			return;
		at += written;
		count -= (size_t)written;
	}
}

static void
pack_text(msgpack_packer *packer, const char *text, size_t length)
{
	msgpack_pack_str(packer, length);
	msgpack_pack_str_body(packer, text, length);
}

static void
pack_json(msgpack_packer *packer, json_object *json)
{
	switch (json_object_get_type(json)) {
	case json_type_null: msgpack_pack_nil(packer); break;
	case json_type_boolean:
		if (json_object_get_boolean(json))
			msgpack_pack_true(packer);
		else
			msgpack_pack_false(packer);
		break;
	case json_type_double: msgpack_pack_double(packer, json_object_get_double(json)); break;
	case json_type_int: msgpack_pack_int64(packer, json_object_get_int64(json)); break;
	case json_type_string:
		pack_text(packer, json_object_get_string(json),
			(size_t)json_object_get_string_len(json));
		break;
	case json_type_array:
		msgpack_pack_array(packer, json_object_array_length(json));
		for (size_t i = 0; i < json_object_array_length(json); i++)
			pack_json(packer, json_object_array_get_idx(json, i));
		break;
	case json_type_object:
		msgpack_pack_map(packer, (size_t)json_object_object_length(json));
		json_object_object_foreach(json, key, value)
		{
			pack_text(packer, key, strlen(key));
			pack_json(packer, value);
		}
		break;
	}
}

static void
pack_parsed(msgpack_packer *packer, const char *text)
{
	json_object *json = text ? json_tokener_parse(text) : NULL;

	if (text && !json && strcmp(text, "null") != 0)
		_exit(1);
	pack_json(packer, json);
	json_object_put(json);
}

void
fake_reply(int fd, uint32_t msgid, const char *error_json, const char *result_json)
{
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 4);
	msgpack_pack_int(&packer, 1);
	msgpack_pack_uint32(&packer, msgid);
	pack_parsed(&packer, error_json);
	pack_parsed(&packer, result_json);
	fake_write(fd, bytes.data, bytes.size);
	msgpack_sbuffer_destroy(&bytes);
}

void
fake_notify(int fd, const char *method, uint32_t msgid, const char *json)
{
	msgpack_sbuffer bytes;
	msgpack_packer packer;

	msgpack_sbuffer_init(&bytes);
	msgpack_packer_init(&packer, &bytes, msgpack_sbuffer_write);
	msgpack_pack_array(&packer, 3);
	msgpack_pack_int(&packer, 2);
	pack_text(&packer, method, strlen(method));
	msgpack_pack_array(&packer, json ? 2 : 1);
	msgpack_pack_uint32(&packer, msgid);
	if (json)
		pack_parsed(&packer, json);
	fake_write(fd, bytes.data, bytes.size);
	msgpack_sbuffer_destroy(&bytes);
}

void
fake_serve_echo(int fd, int connection, const void *arg)
{
	struct fake_request request;

	(void)arg;
	while (fake_read(fd, &request)) {
		char *quoted = calloc(1, strlen(request.params) * 2 + 1);
		char *result;
		size_t at = 0;

		for (const char *c = request.params; *c; c++) {
			if (*c == '"' || *c == '\\')
				quoted[at++] = '\\';
			quoted[at++] = *c;
		}
		if (asprintf(&result,
			    "{\"connection\": %d, \"method\": \"%s\", \"params\": \"%s\"}",
			    connection, request.method, quoted) < 0)
			_exit(1);
		fake_reply(fd, request.msgid, NULL, result);
		free(result);
		free(quoted);
		fake_request_free(&request);
	}
}

void
fake_serve_canned(int fd, int connection, const void *arg)
{
	struct fake_request request;
	const char *text = arg;

	(void)connection;
	while (fake_read(fd, &request)) {
		if (*text == '!')
			fake_reply(fd, request.msgid, text + 1, NULL);
		else
			fake_reply(fd, request.msgid, NULL, text);
		fake_request_free(&request);
	}
}
