/* SPDX-License-Identifier: MIT */
/*
 * See db_file.h. A new file is made under another name and put in its place when it is whole, so
 * that a crash leaves nothing half-made there. All of it is done before SQLite opens the file:
 * closing a descriptor of ours later would drop SQLite's own locks.
 */
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "llmfo.h"

/* What SQLite keeps beside a file. The log goes first: a new file with an old one's log beside it
 * would be taken for the old one. */
static const char *const beside[] = {"-wal", "-shm", "-journal"};

static int
fault(struct buf *why, const char *path, int error)
{
	buf_clear(why);
	(void)buf_printf(why, "%s: %s", path, strerror(error));
	return LLMFO_EINTERNAL;
}

int
db_file_make_folder(const char *path, struct buf *why)
{
	char *folder = x_strdup(path);
	int error = 0;

	for (char *slash = strchr(folder + 1, '/'); slash && !error;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(folder, 0700) < 0 && errno != EEXIST && access(folder, F_OK) < 0)
			error = fault(why, folder, errno);
		*slash = '/';
	}
	free(folder);
	return error;
}

int
db_file_lock(const char *path, struct buf *why)
{
	char *name = x_asprintf("%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int result = fd;

	if (fd < 0) {
		(void)fault(why, name, errno);
		result = -2;
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		result = errno == EWOULDBLOCK ? -1 : -2;
		if (result == -2)
			(void)fault(why, name, errno);
		close(fd);
	}
	free(name);
	return result;
}

/* Takes the rights of others away from a file beside it, where there is one. */
static void
make_private(const char *path, const char *suffix)
{
	char *name = x_asprintf("%s%s", path, suffix);
	int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		(void)fchmod(fd, 0600);
		close(fd);
	}
	free(name);
}

static enum db_file_look
refuse(struct buf *why, const char *path, const char *what)
{
	buf_clear(why);
	(void)buf_printf(why, "%s is %s; it is left alone", path, what);
	return DB_FILE_REFUSED;
}

enum db_file_look
db_file_look(const char *path, struct db_file_id *id, struct buf *why)
{
	struct stat there;

	if (lstat(path, &there) < 0) {
		if (errno == ENOENT)
			return DB_FILE_ABSENT;
		(void)fault(why, path, errno);
		return DB_FILE_REFUSED;
	}
	if (S_ISLNK(there.st_mode))
		return refuse(why, path, "a symbolic link");
	if (S_ISDIR(there.st_mode))
		return refuse(why, path, "a folder");
	if (!S_ISREG(there.st_mode))
		return refuse(why, path, "no regular file");
	if (there.st_mode & 0077)
		make_private(path, "");
	for (size_t i = 0; i < UTIL_COUNT(beside); i++)
		make_private(path, beside[i]);
	*id = (struct db_file_id){there.st_dev, there.st_ino};
	return there.st_size > 0 ? DB_FILE_THERE : DB_FILE_EMPTY;
}

bool
db_file_is(const char *path, const struct db_file_id *id)
{
	struct stat there;

	return lstat(path, &there) == 0 && there.st_dev == id->device && there.st_ino == id->inode;
}

int64_t
db_file_bytes(const char *path, const char *suffix)
{
	char *name = x_asprintf("%s%s", path, suffix);
	struct stat there;
	int64_t bytes = lstat(name, &there) == 0 ? there.st_size : 0;

	free(name);
	return bytes;
}

static void
remove_beside(const char *name)
{
	for (size_t i = 0; i < UTIL_COUNT(beside); i++) {
		char *other = x_asprintf("%s%s", name, beside[i]);

		(void)unlink(other);
		free(other);
	}
}

int
db_file_begin(const char *path, struct buf *name, struct buf *why)
{
	buf_clear(name);
	(void)buf_printf(name, "%s.new", path);
	remove_beside(name->data);
	(void)unlink(name->data);
	int fd = open(name->data, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault(why, name->data, errno);
	/* whatever the umask is */
	int error = fchmod(fd, 0600) < 0 ? fault(why, name->data, errno) : 0;
	close(fd);
	return error;
}

/* A name that was given lasts when the folder is on the disk. */
static void
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? x_strndup(path, (size_t)(slash - path) + 1) : x_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(folder);
}

int
db_file_finish(const char *path, const char *name, struct buf *why)
{
	/* fails where something is, unlike rename() */
	if (renameat2(AT_FDCWD, name, AT_FDCWD, path, RENAME_NOREPLACE) < 0) {
		/* a file system that cannot do that: the lock keeps others of ours away */
		if (errno != EINVAL && errno != ENOSYS)
			return fault(why, path, errno);
		if (access(path, F_OK) == 0)
			return fault(why, path, EEXIST);
		if (rename(name, path) < 0)
			return fault(why, path, errno);
	}
	sync_folder(path);
	return 0;
}

/* Is anything there by that name, or beside it? */
static bool
is_taken(const char *name)
{
	struct stat there;
	bool taken = lstat(name, &there) == 0;

	for (size_t i = 0; i < UTIL_COUNT(beside) && !taken; i++) {
		char *other = x_asprintf("%s%s", name, beside[i]);

		taken = lstat(other, &there) == 0;
		free(other);
	}
	return taken;
}

static int
move(const char *path, const char *to, const char *suffix, struct buf *why)
{
	char *old = x_asprintf("%s%s", path, suffix), *new = x_asprintf("%s%s", to, suffix);
	int error = 0;

	if (rename(old, new) < 0 && errno != ENOENT)
		error = fault(why, old, errno);
	free(old);
	free(new);
	return error;
}

int
db_file_set_aside(const char *path, const char *word, struct buf *aside, struct buf *why)
{
	int error = 0, number = 1;

	do {
		buf_clear(aside);
		(void)buf_printf(aside, "%s.%s-%d", path, word, number);
	} while (is_taken(aside->data) && number++ < DB_FILE_ASIDE_MAX);
	if (number > DB_FILE_ASIDE_MAX) {
		buf_clear(why);
		(void)buf_printf(why, "%s cannot be used, and %d such files lie beside it", path,
			DB_FILE_ASIDE_MAX);
		return LLMFO_EINTERNAL;
	}
	for (size_t i = 0; i < UTIL_COUNT(beside) && !error; i++)
		error = move(path, aside->data, beside[i], why);
	return error ? error : move(path, aside->data, "", why);
}
