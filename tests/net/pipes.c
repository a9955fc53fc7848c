/* SPDX-License-Identifier: MIT */
#include "pipes.h"

void
proxy_init(struct proxy *proxy, struct test *test, const struct fend_stream_options *options,
	   void (*push)(struct fend_socket *socket))
{
	struct pair near, far;

	pair_init_tcp(&near);
	pair_init_tcp(&far);
	if (push) {
		push(near.a);
		push(far.a);
	}
	heard_init(&proxy->near, test, &near.a, options);
	heard_init(&proxy->far, test, &far.a, options);
	proxy->client = near.b;
	proxy->server = far.b;
	test_ok(fend_stream_pipe(proxy->near.stream, proxy->far.stream));
	test_ok(fend_stream_pipe(proxy->far.stream, proxy->near.stream));
}

void
proxy_fini(struct proxy *proxy)
{
	heard_fini(&proxy->near);
	heard_fini(&proxy->far);
	fend_socket_free(proxy->client);
	fend_socket_free(proxy->server);
}
