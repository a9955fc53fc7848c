/* SPDX-License-Identifier: MIT */
/* Exports one function of its own, and nothing of the fend that may be linked into it. */
#include <fend/net.h>

int plugin_listen(struct fend_socket *socket);

__attribute__((visibility("default"))) int
plugin_listen(struct fend_socket *socket)
{
	return fend_socket_listen(socket, 0);
}
