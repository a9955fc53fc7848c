/* SPDX-License-Identifier: MIT */
/* Options of sockets, by number and by name. The table is sorted by name. */
#include <fend/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <fend-internal/kernel.h>

#include "socket.h"

struct option {
	const char *name;
	int level;
	int option;
};

static const struct option options[] = {
#define OPTION(level_, name_) { #name_, level_, name_ },
#include "socket-option-table.h"
#undef OPTION
};

FEND_PUBLIC int
fend_socket_set_option(struct fend_socket *socket, int level, int option, const void *value,
		       socklen_t size)
{
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!value && size > 0)
		return -EINVAL;
	return fend__kernel->setsockopt(socket->fd, level, option, value, size);
}

FEND_PUBLIC int
fend_socket_set_option_int(struct fend_socket *socket, int level, int option, int value)
{
	return fend_socket_set_option(socket, level, option, &value, sizeof(value));
}

static int
compare(const void *name, const void *option)
{
	return strcmp(name, ((const struct option *)option)->name);
}

static const struct option *
find(const char *name)
{
	return bsearch(name, options, sizeof(options) / sizeof(options[0]), sizeof(options[0]),
		       compare);
}

FEND_PUBLIC int
fend_socket_set_option_name(struct fend_socket *socket, const char *name, int value)
{
	const struct option *option;
	char full[64] = "SO_";
	int r = fend__socket_check(socket);

	if (r < 0)
		return r;
	if (!name)
		return -EINVAL;
	option = find(name);
	if (!option && strlen(name) < sizeof(full) - strlen(full))
		option = find(strcat(full, name));
	if (!option)
		return -ENOPROTOOPT;
	return fend_socket_set_option_int(socket, option->level, option->option, value);
}
