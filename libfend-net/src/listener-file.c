/* SPDX-License-Identifier: MIT */
/*
 * The file of a listening Unix socket.
 *
 * Such a file outlives the process that bound it. That nobody listens on it any more is told by
 * connect(2), with ECONNREFUSED; then it is removed and bind(2) tried once more. (Of two processes
 * that do this at the very same moment one may remove the other's new file.)
 *
 * The file made here is known by device and inode, so that in the end nobody else's is removed.
 */
#include "listener.h"

#include <fend-internal/kernel.h>

/* Copy the path of a Unix address; "" if it has none. */
static void
copy_path(const struct fend_address *address, char *path)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)&address->storage;
	size_t start = offsetof(struct sockaddr_un, sun_path);

	path[0] = '\0';
	if (sun->sun_family != AF_UNIX || address->size <= start ||
	    address->size - start > sizeof(sun->sun_path))
		return;
	memcpy(path, sun->sun_path, address->size - start);
	path[address->size - start] = '\0';
}

/* Is the file at path a socket on which nobody listens? */
static bool
is_stale(const char *path, const struct fend_address *address)
{
	struct fend_socket *probe;
	struct stat info;
	int r;

	if (fend__kernel->lstat(path, &info) < 0 || !S_ISSOCK(info.st_mode) ||
	    fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &probe) < 0)
		return false;
	r = fend_socket_connect(probe, address);
	fend_socket_free(probe);
	return r == -ECONNREFUSED;
}

/* Note which file bind(2) has made, and give it its mode. */
static int
adopt(struct fend_listener *listener, const char *path)
{
	struct stat info;
	int r = fend__kernel->lstat(path, &info);

	if (r < 0) {
		fend__kernel->unlink(path);
		return r;
	}
	strcpy(listener->file.path, path);
	listener->file.device = info.st_dev;
	listener->file.inode = info.st_ino;
	return listener->options.mode ? fend__kernel->chmod(path, listener->options.mode) : 0;
}

int
fend__listener_bind(struct fend_listener *listener, const struct fend_address *address)
{
	char path[sizeof(listener->file.path)];
	int r;

	copy_path(address, path);
	r = fend_socket_bind(listener->socket, address);
	if (!path[0])
		return r;
	if (r == -EADDRINUSE && is_stale(path, address)) {
		fend__kernel->unlink(path);
		r = fend_socket_bind(listener->socket, address);
	}
	return r < 0 ? r : adopt(listener, path);
}

void
fend__listener_unlink(struct fend_listener *listener)
{
	struct listener_file *file = &listener->file;
	struct stat info;

	if (file->path[0] && listener->process == fend__process() &&
	    fend__kernel->lstat(file->path, &info) == 0 && info.st_dev == file->device &&
	    info.st_ino == file->inode)
		fend__kernel->unlink(file->path);
	file->path[0] = '\0';
}
