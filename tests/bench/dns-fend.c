/* SPDX-License-Identifier: MIT */
#include "dns.h"

#include <netdb.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <fend/dns.h>
#include <fend/io.h>

struct fend_bench {
	struct dns_run *run;
	struct fend_loop *loop;
	struct fend_resolver *resolver;
	/* as of the last callback of the descriptor that is always ready */
	int64_t last;
	int ended;
};

struct call {
	struct fend_bench *bench;
	int i;
};

static void ask(struct fend_bench *bench);

static void
on_lookup(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct call *call = data;
	struct fend_bench *bench = call->bench;

	fend_lookup_free(lookup);
	if (dns_end(bench->run, call->i, err == 0))
		fend_loop_stop(bench->loop, 0);
	free(call);
	ask(bench);
}

static void
ask(struct fend_bench *bench)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct call *call = malloc(sizeof(*call));
	struct fend_lookup *lookup;
	char name[DNS_NAME_SIZE];

	*call = (struct call){ bench, dns_begin(bench->run, name) };
	if (call->i < 0) {
		free(call);
		return;
	}
	if (fend_resolver_lookup(bench->resolver, name, NULL, &hints, FEND_FOREVER, on_lookup, call,
				 &lookup) < 0)
		abort();
}

static void
on_ready(struct fend_io *io, unsigned events, void *data)
{
	struct fend_bench *bench = data;
	struct dns_run *run = bench->run;
	int64_t now = dns_now();

	if (bench->last && run->n_gaps < run->n_gaps_max && (!run->n || run->ended > bench->ended))
		run->gaps[run->n_gaps++] = now - bench->last;
	bench->last = now;
	bench->ended = run->ended;
	if (run->n == 0 && run->n_gaps == run->n_gaps_max)
		fend_loop_stop(bench->loop, 0);
}

static void
run_fend(struct dns_run *run)
{
	struct fend_io *io = NULL;
	int fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
	const struct fend_resolver_options options = { .size = sizeof(options),
						       .servers = "127.0.0.1" };
	struct fend_bench bench = { .run = run };
	int code, i;

	if (fend_loop_new(NULL, &bench.loop) < 0 ||
	    fend_resolver_new(bench.loop, &options, &bench.resolver) < 0)
		abort();
	if (run->gaps && fend_io_new(bench.loop, fd, FEND_IN, on_ready, &bench, &io) < 0)
		abort();
	for (i = 0; i < run->in_flight; i++)
		ask(&bench);
	if (fend_loop_run(bench.loop, &code) < 0)
		abort();
	fend_io_free(io);
	close(fd);
	fend_resolver_free(bench.resolver);
	fend_loop_free(bench.loop);
}

const struct dns_contestant dns_fend = { .name = "fend", .run = run_fend };
