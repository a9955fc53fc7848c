/* SPDX-License-Identifier: MIT */
/*
 * Socket activation: descriptors from 3 on, announced in the environment (sd_listen_fds(3)). They
 * are meant for the process that LISTEN_PID names, not for those that merely inherit the variables.
 */
#include <fend/listener.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fend/socket.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#define FIRST 3

/* A number >= 0 from the environment, -1 if there is none. */
static long
number(const char *variable)
{
	const char *text = getenv(variable);
	char *end;
	long value;

	if (!text || *text < '0' || *text > '9')
		return -1;
	value = strtol(text, &end, 10);
	return *end ? -1 : value;
}

/* A copy of the n-th of the names, which colons separate. */
static char *
name(unsigned n)
{
	const char *from = getenv("LISTEN_FDNAMES");
	const char *end;

	while (from && n-- > 0) {
		from = strchr(from, ':');
		if (from)
			from++;
	}
	if (!from || !*from || *from == ':')
		return fend__strdup("unknown");
	end = strchr(from, ':');
	return fend__printf("%.*s", end ? (int)(end - from) : INT_MAX, from);
}

FEND_PUBLIC int
fend_listener_activated(unsigned n, char **ret_name, struct fend_socket **ret_socket)
{
	char *text = NULL;
	long fds;
	int r;

	if (!ret_socket)
		return -EINVAL;
	fds = number("LISTEN_PID") == (long)getpid() ? number("LISTEN_FDS") : 0;
	if (fds > INT_MAX - FIRST || (long)n >= fds)
		return -ENOENT;
	if (ret_name) {
		text = name(n);
		if (!text)
			return -ENOMEM;
	}
	r = fend_socket_wrap(FIRST + (int)n, ret_socket);
	if (r < 0) {
		fend__release(text);
		return r;
	}
	if (ret_name)
		*ret_name = text;
	return 0;
}
