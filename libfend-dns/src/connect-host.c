/* SPDX-License-Identifier: MIT */
/*
 * Connecting by name: a race whose feeder is a job, which asks for both families (RFC 8305,
 * section 3).
 *
 * The feeder belongs to the race: it is freed by the race's stop function, so when the race is
 * freed or has ended. It has no deadline of its own, and calls nobody: what it does is to add
 * addresses, which merely makes the race's timer due. So the job may tell at any time, even while
 * it is being started or with c-ares on the stack.
 *
 * What comes is added, and in the end all of it again, since what is there already counts once.
 * Only IPv4 addresses that come first have to wait: for those of IPv6, or for the resolution delay.
 */
#include <fend/connect-host.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <fend/error.h>
#include <fend/timer.h>

#include <fend-internal/connect.h>
#include <fend-internal/kernel.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "idn.h"
#include "job.h"
#include "message.h"
#include "request.h"

#define RESOLUTION_DELAY FEND_MS(50)

enum {
	ADDRESSES_MAX = 32, /* of a family; whoever owns the name decides how many there are */
};

/* What to connect to, as the user says it. */
struct target {
	const char *host, *service;
	const struct addrinfo *hints;
};

struct feeder {
	struct fend_connect *connect;
	struct fend_timer *timer; /* the resolution delay */
	struct request request;
	struct job job;
	const struct half *waiting; /* for the delay to pass */
	int err;                    /* an address could not be added */
};

static void
stop(void *data)
{
	struct feeder *feeder = data;

	fend_timer_free(feeder->timer);
	fend__job_end(&feeder->job);
	fend__release(feeder);
}

static void
set_address(struct fend_address *address, const struct host_address *from, in_port_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = port, .sin_addr = from->in };
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = port,
		.sin6_addr = from->in6,
		.sin6_scope_id = from->zone,
	};

	if (from->family == AF_INET)
		fend_address_set((const struct sockaddr *)&in, sizeof(in), address);
	else
		fend_address_set((const struct sockaddr *)&in6, sizeof(in6), address);
}

static void
add(struct feeder *feeder, const struct host_address *addresses, size_t n)
{
	struct fend_address address;
	size_t n_in = 0, n_in6 = 0, i;
	int r;

	for (i = 0; i < n; i++) {
		if ((addresses[i].family == AF_INET ? n_in++ : n_in6++) >= ADDRESSES_MAX)
			continue;
		set_address(&address, &addresses[i], feeder->request.kinds[0].port);
		r = fend_connect_add(feeder->connect, &address);
		if (r < 0)
			feeder->err = r;
	}
}

static void
finish(struct feeder *feeder, int err)
{
	fend__connect_last(feeder->connect, feeder->err ? feeder->err : err);
}

static void
on_delay(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct feeder *feeder = data;

	add(feeder, feeder->waiting->addresses, feeder->waiting->n);
}

static void
on_part(struct job *job, const struct half *half)
{
	struct feeder *feeder = fend__container_of(job, struct feeder, job);

	if (half->type == RECORD_AAAA) {
		add(feeder, half->addresses, half->n);
		return;
	}
	feeder->waiting = half;
	fend_timer_after(feeder->timer, RESOLUTION_DELAY);
}

static void
on_end(struct job *job, int err, const struct host_address *addresses, size_t n,
       const char *canonical)
{
	struct feeder *feeder = fend__container_of(job, struct feeder, job);

	fend_timer_stop(feeder->timer);
	add(feeder, addresses, n);
	finish(feeder, err);
}

/* Flags that shape the list of a lookup are of no use where there is none. */
static int
read_request(struct request *request, const struct target *target)
{
	const int flags = AI_ADDRCONFIG | AI_IDN | AI_NUMERICHOST | AI_NUMERICSERV;
	struct addrinfo hints = { 0 };

	if (target->hints)
		hints = *target->hints;
	if (hints.ai_flags & ~flags)
		return FEND_EAI_BADFLAGS;
	if ((hints.ai_socktype && hints.ai_socktype != SOCK_STREAM) ||
	    (hints.ai_protocol && hints.ai_protocol != IPPROTO_TCP))
		return FEND_EAI_SOCKTYPE;
	hints.ai_socktype = SOCK_STREAM;
	return fend__request_read(request, target->host, target->service, &hints);
}

/* Feed the race with what target says, or ask resolver, the loop's own if it is NULL. */
static int
feed(struct feeder *feeder, struct fend_loop *loop, struct fend_resolver *resolver,
     const struct target *target)
{
	struct request *request = &feeder->request;
	int err = read_request(request, target), r;

	if (err < 0 || request->n_known > 0) {
		add(feeder, request->known, request->n_known);
		finish(feeder, err);
		return 0;
	}
	if (!resolver) {
		r = fend__resolver_default(loop, &resolver);
		if (r < 0)
			return r;
	}
	feeder->job.fn = on_end;
	feeder->job.part = on_part;
	feeder->job.request = request;
	fend__job_start(&feeder->job, resolver);
	return 0;
}

static int
start_feeder(struct fend_connect *connect, struct fend_loop *loop, struct fend_resolver *resolver,
	     const struct target *target)
{
	struct feeder *feeder = fend__calloc(1, sizeof(*feeder));
	int r;

	if (!feeder)
		return -ENOMEM;
	feeder->connect = connect;
	r = fend_timer_new(loop, on_delay, feeder, &feeder->timer);
	if (r == 0)
		r = fend_connect_set_feeder(connect, stop, feeder);
	if (r < 0) {
		stop(feeder);
		return r;
	}
	return feed(feeder, loop, resolver, target);
}

static bool
is_unix(const char *host)
{
	return strncmp(host, "unix:", 5) == 0;
}

static int
start(struct fend_loop *loop, struct fend_resolver *resolver, const struct target *target,
      const struct fend_connect_options *options, fend_connect_fn *fn, void *data,
      struct fend_connect **ret_connect)
{
	const char *host = target->host;
	struct fend_connect *connect;
	struct fend_address address;
	int r;

	if (!host || (!target->service && !is_unix(host)) || !ret_connect)
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
		r = start_feeder(connect, loop, resolver, target);
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
		  const struct addrinfo *hints, const struct fend_connect_options *options,
		  fend_connect_fn *fn, void *data, struct fend_connect **ret_connect)
{
	const struct target target = { .host = host, .service = service, .hints = hints };

	return start(loop, NULL, &target, options, fn, data, ret_connect);
}

FEND_PUBLIC int
fend_resolver_connect(struct fend_resolver *resolver, const char *host, const char *service,
		      const struct addrinfo *hints, const struct fend_connect_options *options,
		      fend_connect_fn *fn, void *data, struct fend_connect **ret_connect)
{
	const struct target target = { .host = host, .service = service, .hints = hints };

	if (!resolver)
		return -EINVAL;
	return start(fend__resolver_loop(resolver), resolver, &target, options, fn, data,
		     ret_connect);
}
