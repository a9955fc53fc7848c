/* SPDX-License-Identifier: MIT */
/* Stands in for credentials.c where the system has no SO_PEERCRED. */
#include <fend/unix.h>

#include <errno.h>

#include "socket.h"

int
fend__peer_credentials(int fd, struct fend_credentials *ret_credentials)
{
	return -ENOTSUP;
}
