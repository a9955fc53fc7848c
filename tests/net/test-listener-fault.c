/* SPDX-License-Identifier: MIT */
#include <fend/listener.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "listeners.h"

/* One connection through a listener on a Unix socket. 0, or how it failed. */
static int
play(const char *text)
{
	struct fend_listener_options options = service_options(FEND_LISTENER_PROXY);
	struct test own = { 0 };
	struct service service = { 0 };
	struct fend_socket *client = NULL;
	struct fend_address address;
	int r;

	options.mode = 0600;
	r = fend_loop_new(NULL, &own.loop);
	if (r >= 0)
		r = service_try(&service, &own, text, &options);
	if (r >= 0) {
		test_ok(fend_address_parse(text, &address));
		r = fend_socket_new(AF_UNIX, SOCK_STREAM, 0, &client);
	}
	if (r >= 0)
		r = fend_socket_connect(client, &address);
	if (r >= 0)
		r = (int)fend_socket_send(client, "PROXY UNKNOWN\r\n", 15, 0);
	/* Without descriptors it is tried again; without memory the connection is lost. */
	while (r >= 0 && !service.accepted && !service_stats(&service).refused &&
	       (!service.paused || service.pause_error == -EMFILE))
		r = fend_loop_dispatch(own.loop, FEND_SEC(20));
	if (r >= 0 && !service.accepted)
		r = service.pause_error ? service.pause_error : -ECONNRESET;
	fend_socket_free(client);
	service_fini(&service);
	fend_loop_free(own.loop);
	return r < 0 ? r : 0;
}

static void
test_each_failure_becomes_an_error(struct test *test)
{
	static const struct {
		enum fault_op op;
		int error;
	} faults[] = {
		{ FAULT_ALLOCATE, -ENOMEM },      { FAULT_WAKEUP, -EMFILE },
		{ FAULT_EPOLL_CREATE, -EMFILE },  { FAULT_EPOLL_CTL, -EIO },
		{ FAULT_EPOLL_WAIT, -EIO },       { FAULT_POLL, -EIO },
		{ FAULT_SOCKET, -EMFILE },        { FAULT_BIND, -EACCES },
		{ FAULT_LISTEN, -EADDRINUSE },    { FAULT_ACCEPT, -EMFILE },
		{ FAULT_RECVMSG, -ECONNRESET },   { FAULT_SENDMSG, -EPIPE },
		{ FAULT_GETSOCKOPT, -ENOBUFS },   { FAULT_SETSOCKOPT, -ENOBUFS },
		{ FAULT_GET_FLAGS, -EIO },        { FAULT_SET_FLAGS, -EIO },
		{ FAULT_CONNECT, -ECONNREFUSED },
	};
	g_autofree char *text = socket_path("fault");
	unsigned failed = 0, n;
	struct stat info;
	size_t i;
	int fds;

	fault_install();
	fds = test_count_fds();
	for (i = 0; i < G_N_ELEMENTS(faults); i++) {
		for (n = 1;; n++) {
			int r;

			fault_set(faults[i].op, n, faults[i].error, 0);
			r = play(text);
			if (!fault_struck()) {
				test_error(r, 0);
				break;
			}
			failed += r != 0;
			g_assert_cmpint(test_count_fds(), ==, fds);
			g_assert_cmpint(lstat(text + strlen("unix:"), &info), ==, -1);
		}
	}
	fault_remove();
	g_assert_cmpint(failed, >, 12);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	test_add("/listener-fault/each-failure-becomes-an-error",
		 test_each_failure_becomes_an_error);
	return g_test_run();
}
