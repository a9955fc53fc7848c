/* SPDX-License-Identifier: MIT */
/*
 * c-ares alone, on epoll. The next lookup is asked for within the callback of one, so c-ares never
 * has nothing to do, and does not close its socket in between; fend asks from the loop.
 */
#include "dns.h"

#define CARES_NO_DEPRECATED
#include <ares.h>

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

struct cares_bench {
	struct dns_run *run;
	ares_channel channel;
	int epoll, last;
};

struct call {
	struct cares_bench *bench;
	int i;
};

static void
on_state(void *data, ares_socket_t fd, int in, int out)
{
	struct cares_bench *bench = data;
	struct epoll_event event = { .events = (in ? EPOLLIN : 0U) | (out ? EPOLLOUT : 0U),
				     .data.fd = fd };

	if (!in && !out)
		epoll_ctl(bench->epoll, EPOLL_CTL_DEL, fd, NULL);
	else if (epoll_ctl(bench->epoll, EPOLL_CTL_MOD, fd, &event) < 0)
		epoll_ctl(bench->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void ask(struct cares_bench *bench);

static void
on_result(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
	struct call *call = data;
	struct cares_bench *bench = call->bench;

	bench->last |= dns_end(bench->run, call->i, status == ARES_SUCCESS);
	free(call);
	ares_freeaddrinfo(result);
	ask(bench);
}

static void
ask(struct cares_bench *bench)
{
	const struct ares_addrinfo_hints hints = { .ai_family = AF_INET,
						   .ai_socktype = SOCK_STREAM,
						   .ai_flags = ARES_AI_NOSORT };
	struct call *call = malloc(sizeof(*call));
	char name[DNS_NAME_SIZE];

	*call = (struct call){ bench, dns_begin(bench->run, name) };
	if (call->i < 0)
		free(call);
	else
		ares_getaddrinfo(bench->channel, name, NULL, &hints, on_result, call);
}

static void
iterate(struct cares_bench *bench)
{
	struct timeval limit = { .tv_sec = 1 }, time, *wait;
	struct epoll_event events[16];
	int i, n;

	wait = ares_timeout(bench->channel, &limit, &time);
	n = epoll_wait(bench->epoll, events, 16,
		       (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
	if (n == 0)
		ares_process_fd(bench->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	for (i = 0; i < n; i++)
		ares_process_fd(bench->channel,
				events[i].events & EPOLLOUT ? ARES_SOCKET_BAD : events[i].data.fd,
				events[i].events & EPOLLOUT ? events[i].data.fd : ARES_SOCKET_BAD);
}

static void
run_cares(struct dns_run *run)
{
	static char lookups[] = "b";
	struct cares_bench bench = { .run = run, .epoll = epoll_create1(0) };
	struct ares_options options;
	int i;

	memset(&options, 0, sizeof(options));
	options.sock_state_cb = on_state;
	options.sock_state_cb_data = &bench;
	options.lookups = lookups;
	options.timeout = 2000;
	options.tries = 3;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
	    ares_init_options(&bench.channel, &options,
			      ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS |
				      ARES_OPT_TRIES) != ARES_SUCCESS ||
	    ares_set_servers_csv(bench.channel, "127.0.0.1") != ARES_SUCCESS)
		abort();
	for (i = 0; i < run->in_flight; i++)
		ask(&bench);
	while (!bench.last)
		iterate(&bench);
	ares_destroy(bench.channel);
	ares_library_cleanup();
	close(bench.epoll);
}

const struct dns_contestant dns_cares = { .name = "c-ares", .run = run_cares };
