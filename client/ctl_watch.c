/* SPDX-License-Identifier: MIT */
/*
 * `status --watch`: the status again and again. On a terminal it draws over itself on the second
 * screen, so that nothing flickers and the shell's text is there again afterwards; piped, it is one
 * block after the other. A daemon that goes away and comes back is something to see, not the end.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ctl.h"

#define WATCH_TIMEOUT_MS 5000
#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

struct watch {
	struct ctl *ctl;
	bool seen; /* the daemon has answered once */
	bool away;
	int64_t pid;    /* of the daemon last seen, 0 for none */
	char note[160]; /* what happened to the daemon while we watched */
	char *block;    /* owned: the last status, as text */
	size_t block_bytes;
};

/* Leaves the second screen and the program: nothing else may be done in a handler. */
static void
leave(int signal_number)
{
	(void)signal_number;
	ssize_t count = write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1);
	_exit(count < 0 ? CTL_FAILED : CTL_DONE);
}

static void
enter_screen(const struct watch *watch)
{
	struct sigaction action = {.sa_handler = leave};

	if (!watch->ctl->out.terminal || watch->ctl->json)
		return;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	fputs(ENTER, stdout);
	fflush(stdout);
}

static void
leave_screen(const struct watch *watch)
{
	if (!watch->ctl->out.terminal || watch->ctl->json)
		return;
	fputs(LEAVE, stdout);
	fflush(stdout);
}

/* The bytes of a line that fit into width columns; escape sequences take none. */
static size_t
fitting(const char *line, size_t length, int width)
{
	int column = 0;
	size_t i = 0;

	while (i < length) {
		char one[8] = "";
		int32_t code;
		size_t bytes = ctl_utf8(line + i, length - i, &code);

		if (code == '\033') {
			while (i < length && line[i] != 'm')
				i++;
			i += i < length;
			continue;
		}
		memcpy(one, line + i, bytes);
		column += ctl_width(one);
		if (column > width)
			break;
		i += bytes;
	}
	return i;
}

/* Draws over what is there, cut to the window, without clearing it first. */
static void
draw(const char *text, size_t length)
{
	struct winsize window = {.ws_row = 0};
	const char *end = text + length;
	int width = 80;
	int rows = 24;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 1 &&
		window.ws_col > 1) {
		rows = window.ws_row;
		width = window.ws_col;
	}
	fputs("\033[H", stdout);
	for (int row = 1; text < end && row < rows; row++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t bytes = (size_t)((stop ? stop : end) - text);

		bool whole = fitting(text, bytes, width) == bytes;

		fwrite(text, 1, whole ? bytes : fitting(text, bytes, width - 1), stdout);
		fputs(whole ? "\033[K\r\n" : "…\033[0m\033[K\r\n", stdout);
		text += bytes + (stop ? 1 : 0);
	}
	fputs("\033[J", stdout);
	fflush(stdout);
}

static void
clock_text(char *text, size_t size)
{
	time_t now = time(NULL);
	struct tm local;

	if (!localtime_r(&now, &local) || strftime(text, size, "%H:%M:%S", &local) == 0)
		*text = '\0';
}

/* Remembers what a new answer says about the daemon itself. */
static void
note_daemon(struct watch *watch, int64_t pid)
{
	char now[16];

	clock_text(now, sizeof now);
	if (watch->pid && pid != watch->pid)
		snprintf(watch->note, sizeof watch->note,
			"the daemon was restarted: pid %" PRId64 " is now %" PRId64 ", seen at %s",
			watch->pid, pid, now);
	else if (watch->away)
		snprintf(
			watch->note, sizeof watch->note, "the daemon answers again, since %s", now);
	watch->pid = pid;
	watch->away = false;
	watch->seen = true;
}

static FILE *
new_block(struct watch *watch)
{
	free(watch->block);
	watch->block = NULL;
	return ctl_must(open_memstream(&watch->block, &watch->block_bytes));
}

static void
show_status(struct watch *watch, const struct llmfo_reply *reply)
{
	struct ctl_out out = watch->ctl->out;
	bool changed = watch->away;

	note_daemon(watch, llmfo_reply_int(reply, "daemon.pid", 0));
	if (watch->ctl->json) {
		ctl_json(stdout, llmfo_reply_value(reply), false);
		fflush(stdout);
		return;
	}
	out.file = new_block(watch);
	if (watch->note[0] && (out.terminal || changed))
		ctl_line(&out, CTL_YELLOW, "! %s", watch->note);
	ctl_status_print(&out, llmfo_reply_value(reply));
	if (!out.terminal)
		fputc('\n', out.file);
	fclose(out.file);
	ctl_must(watch->block);
	if (out.terminal) {
		draw(watch->block, watch->block_bytes);
	} else {
		fwrite(watch->block, 1, watch->block_bytes, stdout);
		fflush(stdout);
	}
}

/* The daemon is away: on a terminal above what was seen last, else a line once. */
static void
show_away(struct watch *watch)
{
	const char *why = llmfo_client_error(watch->ctl->client);
	struct ctl_out out = watch->ctl->out;
	char *text = NULL;
	size_t bytes = 0;

	if (!out.terminal || watch->ctl->json) {
		if (!watch->away)
			ctl_line(&watch->ctl->err, CTL_YELLOW,
				"! the daemon is away (%s), trying again", why);
		watch->away = true;
		return;
	}
	watch->away = true;
	out.file = ctl_must(open_memstream(&text, &bytes));
	ctl_line(&out, CTL_RED,
		"! the daemon is away (%s), trying again; below is what it said last", why);
	if (watch->block)
		fwrite(watch->block, 1, watch->block_bytes, out.file);
	fclose(out.file);
	draw(ctl_must(text), bytes);
	free(text);
}

static bool
may_pass(int error)
{
	return error == LLMFO_ENO_DAEMON || error == LLMFO_EDISCONNECTED ||
		error == LLMFO_ETIMED_OUT || error == LLMFO_ESHUTTING_DOWN || error == LLMFO_EBUSY;
}

static void
pause_ms(int64_t ms)
{
	struct timespec time_left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	(void)nanosleep(&time_left, NULL);
}

int
ctl_watch(struct ctl *ctl, int64_t interval_ms)
{
	struct watch watch = {.ctl = ctl};
	struct llmfo_reply *reply;
	int error;

	for (;;) {
		error = llmfo_call(ctl->client, "status", NULL, WATCH_TIMEOUT_MS, &reply);
		if (error && !(watch.seen && may_pass(error)))
			break;
		if (!watch.seen)
			enter_screen(&watch);
		if (error)
			show_away(&watch);
		else
			show_status(&watch, reply);
		llmfo_reply_free(reply);
		if (ferror(stdout))
			break;
		pause_ms(interval_ms);
	}
	if (watch.seen)
		leave_screen(&watch);
	free(watch.block);
	return error ? ctl_fail(ctl, error, reply) : CTL_FAILED;
}
