/* SPDX-License-Identifier: MIT */
/* A user's program, in the common subset of C99 and C++11: a socket that tells of a connection. */
#include <stdio.h>

#include <fend/core.h>
#include <fend/net.h>

static void
arrive(struct fend_socket *listener, unsigned events, void *data)
{
	struct fend_socket *accepted = NULL;
	int err = fend_socket_accept(listener, NULL, &accepted);

	fend_socket_free(accepted);
	fend_loop_stop((struct fend_loop *)data, err == 0 && events == FEND_IN ? 0 : 1);
}

int
main(void)
{
	struct fend_loop *loop = NULL;
	struct fend_socket *listener = NULL, *client = NULL;
	struct fend_address address;
	int code = 1, err;

	if ((err = fend_loop_new(NULL, &loop)) < 0 ||
	    (err = fend_address_parse("127.0.0.1:0", &address)) < 0 ||
	    (err = fend_socket_new_tcp(AF_INET, &listener)) < 0 ||
	    (err = fend_socket_bind(listener, &address)) < 0 ||
	    (err = fend_socket_listen(listener, 0)) < 0 ||
	    (err = fend_socket_getsockname(listener, &address)) < 0 ||
	    (err = fend_socket_watch(listener, loop, FEND_IN, arrive, loop)) < 0 ||
	    (err = fend_socket_new_tcp(AF_INET, &client)) < 0)
		fprintf(stderr, "%s\n", fend_strerror(err));
	else {
		fend_socket_connect(client, &address);
		fend_loop_run(loop, &code);
	}
	fend_socket_free(client);
	fend_socket_free(listener);
	fend_loop_free(loop);
	return code;
}
