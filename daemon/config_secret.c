/* SPDX-License-Identifier: MIT */
/* Files that hold a secret and nothing else: read in one piece, wiped when they were looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_reader.h"
#include "llmfo.h"

static void
trim_line_end(struct buf *text)
{
	if (text->len && text->data[text->len - 1] == '\n')
		text->data[--text->len] = '\0';
	if (text->len && text->data[text->len - 1] == '\r')
		text->data[--text->len] = '\0';
}

int
config_secret_read(const char *path, struct buf *text, unsigned *mode, unsigned *owner)
{
	/* Room for the whole at once, so that growing leaves no copy behind. */
	buf_init(text, CONFIG_SECRET_MAX_BYTES + 2);
	if (!buf_reserve(text, text->max))
		return LLMFO_ENO_MEMORY;
	int error = config_slurp(path, text->max, text, mode, owner);
	if (!error)
		trim_line_end(text);
	return error;
}

void
config_secret_free(struct buf *text)
{
	util_wipe(text->data, text->len);
	buf_free(text);
}

char *
config_secret_credential(const struct config_env *env, const char *name)
{
	if (!env || !env->credentials_dir || !env->credentials_dir[0])
		return NULL;
	return x_asprintf("%s/%s", env->credentials_dir, name);
}

void
config_secret_warn_open(
	struct config_reader *r, const struct config_node *node, const char *path, unsigned mode,
	unsigned owner, const char *what)
{
	unsigned allowed = owner == 0 ? 0040 : 0;

	if (mode & 0077 & ~allowed)
		config_warning(r, node,
			"`%s` can be read by others (mode %04o); chmod 600 keeps the %s secret",
			path, mode, what);
}
