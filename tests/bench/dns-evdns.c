/* SPDX-License-Identifier: MIT */
/* libevent's evdns, which has 64 questions under way unless it is told otherwise. */
#include "dns.h"

#include <stdlib.h>

#include <event2/dns.h>
#include <event2/event.h>

struct evdns_bench {
	struct dns_run *run;
	struct event_base *base;
	struct evdns_base *dns;
};

struct call {
	struct evdns_bench *bench;
	int i;
};

static void ask(struct evdns_bench *bench);

static void
on_result(int result, char type, int count, int ttl, void *addresses, void *data)
{
	struct call *call = data;
	struct evdns_bench *bench = call->bench;

	if (dns_end(bench->run, call->i, result == DNS_ERR_NONE))
		event_base_loopbreak(bench->base);
	free(call);
	ask(bench);
}

static void
ask(struct evdns_bench *bench)
{
	struct call *call = malloc(sizeof(*call));
	char name[DNS_NAME_SIZE];

	*call = (struct call){ bench, dns_begin(bench->run, name) };
	if (call->i < 0)
		free(call);
	else if (!evdns_base_resolve_ipv4(bench->dns, name, DNS_QUERY_NO_SEARCH, on_result, call))
		abort();
}

static void
run_evdns(struct dns_run *run)
{
	struct evdns_bench bench = { .run = run, .base = event_base_new() };
	int i;

	bench.dns = evdns_base_new(bench.base, 0);
	if (!bench.dns || evdns_base_nameserver_ip_add(bench.dns, "127.0.0.1") != 0)
		abort();
	for (i = 0; i < run->in_flight; i++)
		ask(&bench);
	event_base_dispatch(bench.base);
	evdns_base_free(bench.dns, 0);
	event_base_free(bench.base);
}

const struct dns_contestant dns_evdns = { .name = "evdns", .run = run_evdns };
