/* SPDX-License-Identifier: MIT */
/*
 * Connecting by name: a race whose feeder is a pair of queries, one for each family (RFC 8305,
 * section 3).
 *
 * The feeder belongs to the race: it is freed by the race's stop function, so when the race is
 * freed or has ended. It has no deadline of its own, and calls nobody: what it does is to add
 * addresses, which merely makes the race's timer due. So a query may be over at any time, even
 * while it is being started or with c-ares on the stack.
 *
 * feed() hands over all that is there. It is held back in one case only: IPv4 addresses have come
 * first, nothing was fed yet, and the resolution delay has not passed.
 */
#include <fend/connect-host.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <fend/addrinfo.h>
#include <fend/error.h>
#include <fend/timer.h>

#include <fend-internal/connect.h>
#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "query.h"

#define RESOLUTION_DELAY FEND_MS(50)

/* In the order in which they are asked for and, if both are there, added. */
enum {
	IPV6,
	IPV4,
	N_HALVES
};

struct feeder;

struct half {
	struct query query;
	struct feeder *feeder;
};

struct feeder {
	struct fend_connect *connect;
	struct fend_timer *timer; /* the resolution delay */
	struct half halves[N_HALVES];
	bool begun; /* addresses were added */
	int err;    /* an address could not be added */
};

static void
stop(void *data)
{
	struct feeder *feeder = data;
	size_t i;

	fend_timer_free(feeder->timer);
	for (i = 0; i < N_HALVES; i++)
		fend__query_fini(&feeder->halves[i].query);
	fend__release(feeder);
}

/* Add the addresses of a query that is over, once. */
static void
add(struct feeder *feeder, struct query *query)
{
	const struct addrinfo *info;
	struct fend_address address;
	int r;

	for (info = query->addrinfo; info; info = info->ai_next) {
		r = fend_address_set(info->ai_addr, info->ai_addrlen, &address);
		if (r == 0)
			r = fend_connect_add(feeder->connect, &address);
		if (r < 0)
			feeder->err = r;
		feeder->begun = true;
	}
	fend_addrinfo_free(query->addrinfo);
	query->addrinfo = NULL;
}

/*
 * What to tell when two queries about one name have failed. That the name does not exist holds for
 * both; that it has no address of a family does not.
 */
static int
combine(int a, int b)
{
	if (a == FEND_EAI_NONAME || b == 0)
		return a;
	if (b == FEND_EAI_NONAME || a == 0)
		return b;
	return a == FEND_EAI_NODATA ? b : a;
}

static void
feed(struct feeder *feeder)
{
	struct query *ipv6 = &feeder->halves[IPV6].query;
	struct query *ipv4 = &feeder->halves[IPV4].query;

	fend_timer_stop(feeder->timer);
	add(feeder, ipv6);
	add(feeder, ipv4);
	if (ipv6->over && ipv4->over)
		fend__connect_last(feeder->connect,
				   feeder->err ? feeder->err : combine(ipv6->err, ipv4->err));
}

static void
on_delay(struct fend_timer *timer, uint64_t expirations, void *data)
{
	feed(data);
}

static void
on_half(struct query *query)
{
	struct feeder *feeder = fend__container_of(query, struct half, query)->feeder;
	struct query *ipv6 = &feeder->halves[IPV6].query;

	if (query->err == 0 && !ipv6->over && !feeder->begun)
		fend_timer_after(feeder->timer, RESOLUTION_DELAY);
	else
		feed(feeder);
}

static int
ask(struct feeder *feeder, struct fend_resolver *resolver, const struct request *request)
{
	static const int families[N_HALVES] = { [IPV6] = AF_INET6, [IPV4] = AF_INET };
	size_t i;
	int r;

	for (i = 0; i < N_HALVES; i++) {
		struct query *query = &feeder->halves[i].query;

		query->request = *request;
		query->request.family = families[i];
		query->ended = on_half;
		r = fend__query_start(query, resolver);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Feed the race with what host and service say, or ask resolver, the loop's own if it is NULL. */
static int
feed_or_ask(struct feeder *feeder, struct fend_loop *loop, struct fend_resolver *resolver,
	    const char *host, const char *service)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct query query = { 0 };
	int r = 0;

	fend__query_init(&query, host, service, &hints);
	if (query.over) {
		add(feeder, &query);
		fend__connect_last(feeder->connect, feeder->err ? feeder->err : query.err);
	} else {
		if (!resolver)
			r = fend__resolver_default(loop, &resolver);
		if (r == 0)
			r = ask(feeder, resolver, &query.request);
	}
	fend__query_fini(&query);
	return r;
}

static int
start_feeder(struct fend_connect *connect, struct fend_loop *loop, struct fend_resolver *resolver,
	     const char *host, const char *service)
{
	struct feeder *feeder = fend__calloc(1, sizeof(*feeder));
	size_t i;
	int r;

	if (!feeder)
		return -ENOMEM;
	feeder->connect = connect;
	for (i = 0; i < N_HALVES; i++)
		feeder->halves[i].feeder = feeder;
	r = fend_timer_new(loop, on_delay, feeder, &feeder->timer);
	if (r == 0)
		r = fend_connect_set_feeder(connect, stop, feeder);
	if (r < 0) {
		stop(feeder);
		return r;
	}
	return feed_or_ask(feeder, loop, resolver, host, service);
}

static bool
is_unix(const char *host)
{
	return strncmp(host, "unix:", 5) == 0;
}

static int
start(struct fend_loop *loop, struct fend_resolver *resolver, const char *host,
      const char *service, const struct fend_connect_options *options, fend_connect_fn *fn,
      void *data, struct fend_connect **ret_connect)
{
	struct fend_connect *connect;
	struct fend_address address;
	int r;

	if (!host || (!service && !is_unix(host)) || !ret_connect)
		return -EINVAL;
	r = fend_connect_new(loop, options, fn, data, &connect);
	if (r < 0)
		return r;
	if (is_unix(host)) {
		r = fend_address_parse(host, &address);
		if (r == 0)
			r = fend_connect_add(connect, &address);
		r = fend__connect_last(connect, r);
	} else {
		r = start_feeder(connect, loop, resolver, host, service);
	}
	if (r < 0) {
		fend_connect_free(connect);
		return r;
	}
	*ret_connect = connect;
	return 0;
}

FEND_PUBLIC int
fend_connect_host(struct fend_loop *loop, const char *host, const char *service,
		  const struct fend_connect_options *options, fend_connect_fn *fn, void *data,
		  struct fend_connect **ret_connect)
{
	return start(loop, NULL, host, service, options, fn, data, ret_connect);
}

FEND_PUBLIC int
fend_resolver_connect(struct fend_resolver *resolver, const char *host, const char *service,
		      const struct fend_connect_options *options, fend_connect_fn *fn, void *data,
		      struct fend_connect **ret_connect)
{
	if (!resolver)
		return -EINVAL;
	return start(fend__resolver_loop(resolver), resolver, host, service, options, fn, data,
		     ret_connect);
}
