/* SPDX-License-Identifier: MIT */
/* libuv: getaddrinfo(3) in its threads, of which there are 4 unless $UV_THREADPOOL_SIZE says so. */
#include "dns.h"

#include <stdlib.h>

#include <uv.h>

struct call {
	uv_getaddrinfo_t request;
	struct dns_run *run;
	uv_loop_t *loop;
	int i;
};

static void ask(struct dns_run *run, uv_loop_t *loop);

static void
on_result(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
	struct call *call = (struct call *)request;

	dns_end(call->run, call->i, status == 0);
	uv_freeaddrinfo(list);
	ask(call->run, call->loop);
	free(call);
}

static void
ask(struct dns_run *run, uv_loop_t *loop)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct call *call = malloc(sizeof(*call));
	char name[DNS_NAME_SIZE];

	call->run = run;
	call->loop = loop;
	call->i = dns_begin(run, name);
	if (call->i < 0)
		free(call);
	else if (uv_getaddrinfo(loop, &call->request, on_result, name, NULL, &hints) < 0)
		abort();
}

static void
run_libuv(struct dns_run *run)
{
	uv_loop_t loop;
	int i;

	uv_loop_init(&loop);
	for (i = 0; i < run->in_flight; i++)
		ask(run, &loop);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
}

const struct dns_contestant dns_libuv = { .name = "libuv", .run = run_libuv };
