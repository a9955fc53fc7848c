/* SPDX-License-Identifier: MIT */
/* Stands in for multicast.c where the system lacks the calls of RFC 3678. */
#include <fend/multicast.h>

#include <errno.h>

#include "socket.h"

FEND_PUBLIC int
fend_socket_join(struct fend_socket *socket, const struct fend_address *group,
		 const char *interface, const struct fend_address *source)
{
	return -ENOTSUP;
}

FEND_PUBLIC int
fend_socket_leave(struct fend_socket *socket, const struct fend_address *group,
		  const char *interface, const struct fend_address *source)
{
	return -ENOTSUP;
}

FEND_PUBLIC int
fend_socket_set_multicast_interface(struct fend_socket *socket, const char *interface)
{
	return -ENOTSUP;
}
