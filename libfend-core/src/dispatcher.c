/* SPDX-License-Identifier: MIT */
/* The dispatchers of this build, and which of them a loop gets. */
#include "dispatcher.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"

static const struct dispatcher_ops *const dispatchers[] = {
#ifdef DISPATCHER_EPOLL
	&fend__dispatcher_epoll,
#endif
#ifdef DISPATCHER_POLL
	&fend__dispatcher_poll,
#endif
};

/* A program with more rights than its user must not take orders from the user's environment. */
static const char *
environment(void)
{
#ifdef HAVE_SECURE_GETENV
	const char *name = secure_getenv("FEND_DISPATCHER");
#else
	const char *name =
		getuid() == geteuid() && getgid() == getegid() ? getenv("FEND_DISPATCHER") : NULL;
#endif
	return name && *name ? name : NULL;
}

int
fend__dispatcher_find(const char *name, const struct dispatcher_ops **ret_ops)
{
	size_t i;

	if (!name)
		name = environment();
	if (!name)
		name = DISPATCHER_DEFAULT;
	for (i = 0; i < sizeof(dispatchers) / sizeof(dispatchers[0]); i++) {
		if (strcmp(dispatchers[i]->name, name) == 0) {
			*ret_ops = dispatchers[i];
			return 0;
		}
	}
	return -ENOTSUP;
}
