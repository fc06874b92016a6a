/* SPDX-License-Identifier: MIT */
/*
 * See listen_bind.h. Not by libuv's own bind, which goes by the umask, cuts long paths silently and
 * removes the file of whoever stands there when it closes.
 */
#include "listen_bind.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "llmfo.h"

static int
fault(struct buf *why, const char *path, const char *what)
{
	(void)buf_printf(why, "socket %s: %s", path, what);
	return LLMFO_EINVALID_REQUEST;
}

static int
address_of(const char *path, struct sockaddr_un *address, struct buf *why)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof address->sun_path) {
		(void)buf_printf(why,
			"socket %s: the path has %zu bytes, a socket's may have %zu at most", path,
			strlen(path), sizeof address->sun_path - 1);
		return LLMFO_EINVALID_REQUEST;
	}
	memcpy(address->sun_path, path, strlen(path) + 1);
	return 0;
}

/* The folder of a user's daemon ($XDG_RUNTIME_DIR/llmfo) need not be there yet; it is nobody else's
 * business. */
static void
make_folder(const char *path)
{
	char *folder = x_strdup(path);
	char *slash = strrchr(folder, '/');

	if (slash && slash != folder) {
		*slash = '\0';
		(void)mkdir(folder, 0755);
	}
	free(folder);
}

/* Does nobody listen there, for certain? Who may not connect does not know. 0, or an errno: EISCONN
 * if somebody does. */
static int
not_stale(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
		error = EISCONN;
	else if (errno != ECONNREFUSED && errno != ENOENT)
		error = errno == EAGAIN ? EISCONN : errno;
	close(fd);
	return error;
}

/* Removes a socket that nobody listens at any more. */
static int
clear_stale(const char *path, const struct sockaddr_un *address, struct buf *why)
{
	struct stat there;

	if (lstat(path, &there) < 0)
		return 0;
	if (!S_ISSOCK(there.st_mode))
		return fault(why, path, "there is a file that is no socket; it is left alone");
	int error = not_stale(address);
	if (error == EISCONN)
		return fault(why, path, "another llmfod listens there; it is left alone");
	if (error) {
		(void)buf_printf(why,
			"socket %s: whether another llmfod listens there cannot be told (%s); it "
			"is "
			"left alone",
			path, strerror(error));
		return LLMFO_EINVALID_REQUEST;
	}
	if (unlink(path) < 0)
		return fault(why, path, strerror(errno));
	return 0;
}

static int
set_owner(const char *path, unsigned mode, const char *group, struct buf *why)
{
	if (group) {
		char room[16384];
		struct group entry, *found = NULL;

		if (getgrnam_r(group, &entry, room, sizeof room, &found) != 0 || !found) {
			(void)buf_printf(
				why, "socket %s: there is no group %s (socket.group)", path, group);
			return LLMFO_EINVALID_REQUEST;
		}
		if (chown(path, (uid_t)-1, found->gr_gid) < 0)
			return fault(why, path, strerror(errno));
	}
	if (chmod(path, mode) < 0)
		return fault(why, path, strerror(errno));
	return 0;
}

/*
 * Between looking and binding nobody else may do the same. The lock is a file of ours beside the
 * socket, for anybody may lock a folder he can read. -1: none can be made, then neither can the
 * socket; -2: another one has it.
 */
static int
take_lock(const char *lock_path)
{
	struct stat ours, there;
	int fd = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	/* a stranger's file (in a folder where everybody may make one) locks nothing of ours */
	if (fstat(fd, &ours) < 0 || ours.st_uid != geteuid()) {
		close(fd);
		return -1;
	}
	/* it is removed when it has served: who got an old one has not got the lock */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && lstat(lock_path, &there) == 0 &&
		ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
		return fd;
	close(fd);
	return -2;
}

static void
drop_lock(const char *lock_path, int lock)
{
	if (lock < 0)
		return;
	(void)unlink(lock_path);
	close(lock);
}

static int
bind_at(const char *path, const struct sockaddr_un *address, unsigned mode, const char *group,
	struct bound_file *file, struct buf *why)
{
	struct stat made;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fault(why, path, strerror(errno));
	/* nobody gets in between bind and chmod: the file begins with no rights for others */
	mode_t before = umask(0177);
	int bound = bind(fd, (const struct sockaddr *)address, sizeof *address);
	int reason = errno;
	umask(before);
	if (bound < 0) {
		close(fd);
		return fault(why, path, strerror(reason));
	}
	/* who comes next must find somebody listening, or would take the file for a stale one */
	int error = set_owner(path, mode, group, why);
	if (!error && (listen(fd, SOMAXCONN) < 0 || lstat(path, &made) < 0))
		error = fault(why, path, strerror(errno));
	if (error) {
		close(fd);
		(void)unlink(path);
		return error;
	}
	*file = (struct bound_file){made.st_dev, made.st_ino};
	return fd;
}

int
bind_socket(const char *path, unsigned mode, const char *group, struct bound_file *file,
	struct buf *why)
{
	struct sockaddr_un address;
	int error = address_of(path, &address, why);

	if (error)
		return error;
	make_folder(path);
	char *lock_path = x_asprintf("%s.lock", path);
	int lock = take_lock(lock_path);
	int fd = lock == -2 ? fault(why, path, "another llmfod is starting there") : 0;
	if (fd == 0)
		fd = clear_stale(path, &address, why);
	if (fd == 0)
		fd = bind_at(path, &address, mode, group, file, why);
	drop_lock(lock_path, lock);
	free(lock_path);
	return fd;
}

void
bind_remove(const char *path, const struct bound_file *file)
{
	struct stat there;

	if (lstat(path, &there) == 0 && there.st_dev == file->device && there.st_ino == file->inode)
		(void)unlink(path);
}
