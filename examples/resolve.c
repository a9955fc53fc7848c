/* SPDX-License-Identifier: MIT */
/*
 * resolve: ask for what a name stands for, like getent(1) or a small dig(1).
 *
 * Each way of asking has a function that starts it and one that is told its outcome, prints it and
 * stops the loop. At most one is under way.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fend/dns.h>

#include "record_text.h"

#ifndef AI_IDN /* as in musl */
#define AI_IDN 0
#endif

static const char usage[] =
	"usage: resolve [--server LIST] [--timeout SECONDS] NAME   addresses, as getent does\n"
	"       resolve [...] --type TYPE NAME                     records of DNS\n"
	"       resolve [...] --reverse ADDRESS                    the name of an address\n"
	"       resolve [...] --connect SERVICE NAME               who answers first, and when\n"
	"\n"
	"Exit status: 0 found or connected, 1 not, 2 wrong usage.\n";

struct options {
	const char *servers, *type, *service, *name;
	int reverse;
	fend_time timeout;
};

struct resolve {
	struct options options;
	struct fend_loop *loop;
	struct fend_resolver *resolver;
	struct fend_lookup *lookup;
	struct fend_query *query;
	struct fend_reverse *reverse;
	struct fend_connect *connect;
	fend_time begun;
};

static double
passed(const struct resolve *resolve)
{
	return (double)(fend_now() - resolve->begun) / (double)FEND_MS(1);
}

/* The end: err 0, or what went wrong, with more about it or NULL. */
static void
finish(struct resolve *resolve, int err, const char *detail)
{
	if (err < 0)
		fprintf(stderr, "resolve: %s: %s%s%s%s\n", resolve->options.name,
			fend_strerror(err), detail ? " (" : "", detail ? detail : "",
			detail ? ")" : "");
	fprintf(stderr, "%.1f ms\n", passed(resolve));
	fend_loop_stop(resolve->loop, err < 0 ? 1 : 0);
}

static void
print_address(const struct fend_address *address)
{
	char text[FEND_ADDRESS_TEXT_MAX];

	if (fend_address_format(address, text, sizeof(text)) < 0)
		strcpy(text, "?");
	puts(text);
}

static void
on_lookup(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	char text[NI_MAXHOST];

	for (; addrinfo; addrinfo = addrinfo->ai_next)
		if (getnameinfo(addrinfo->ai_addr, addrinfo->ai_addrlen, text, sizeof(text), NULL,
				0, NI_NUMERICHOST) == 0)
			puts(text);
	finish(data, err, fend_lookup_detail(lookup));
}

/* A stream's addresses. Names beyond ASCII need a flag, and a fend that was built for them. */
static struct addrinfo
hints_for(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	for (; *name; name++)
		if (*name & 0x80)
			hints.ai_flags = AI_IDN;
	return hints;
}

static int
start_lookup(struct resolve *resolve)
{
	const struct addrinfo hints = hints_for(resolve->options.name);

	return fend_resolver_lookup(resolve->resolver, resolve->options.name, NULL, &hints,
				    resolve->options.timeout, on_lookup, resolve, &resolve->lookup);
}

static void
on_query(struct fend_query *query, int err, const struct fend_answer *answer, void *data)
{
	for (size_t i = 0; answer && i < answer->n; i++)
		record_print(stdout, &answer->records[i]);
	finish(data, err, fend_query_detail(query));
}

static int
start_query(struct resolve *resolve)
{
	int type = record_type(resolve->options.type);

	return fend_resolver_query(resolve->resolver, resolve->options.name, type,
				   resolve->options.timeout, on_query, resolve, &resolve->query);
}

static void
on_reverse(struct fend_reverse *reverse, int err, const char *host, const char *service, void *data)
{
	if (err == 0)
		puts(host);
	finish(data, err, fend_reverse_detail(reverse));
}

static int
start_reverse(struct resolve *resolve)
{
	struct fend_address address;
	char text[FEND_ADDRESS_TEXT_MAX];
	const char *name = resolve->options.name;
	int err;

	snprintf(text, sizeof(text), strchr(name, ':') ? "[%s]:0" : "%s:0", name);
	err = fend_address_parse(text, &address);
	if (err < 0)
		return err;
	return fend_resolver_reverse(resolve->resolver, &address, NI_NAMEREQD | NI_NUMERICSERV,
				     resolve->options.timeout, on_reverse, resolve,
				     &resolve->reverse);
}

/* A line of the timeline for each attempt as it begins, and one for its end. */
static int
on_attempt(struct fend_socket *socket, const struct fend_address *address, void *data)
{
	printf("%8.1f ms  trying ", passed(data));
	print_address(address);
	return 0;
}

static void
on_connect(struct fend_connect *connect, int err, struct fend_socket *socket, void *data)
{
	struct fend_address peer;

	if (err == 0 && fend_socket_getpeername(socket, &peer) == 0) {
		printf("%8.1f ms  connected to ", passed(data));
		print_address(&peer);
	}
	fend_socket_free(socket);
	finish(data, err, NULL);
}

static int
start_connect(struct resolve *resolve)
{
	const struct fend_connect_options options = {
		.size = sizeof(options),
		.timeout = resolve->options.timeout,
		.prepare = on_attempt,
	};
	const struct addrinfo hints = hints_for(resolve->options.name);

	return fend_resolver_connect(resolve->resolver, resolve->options.name,
				     resolve->options.service, &hints, &options, on_connect,
				     resolve, &resolve->connect);
}

static int
start(struct resolve *resolve)
{
	const struct fend_resolver_options options = { .size = sizeof(options),
						       .servers = resolve->options.servers };
	int err = fend_loop_new(NULL, &resolve->loop);

	if (err == 0)
		err = fend_resolver_new(resolve->loop, &options, &resolve->resolver);
	if (err < 0)
		return err;
	resolve->begun = fend_now();
	if (resolve->options.type)
		return start_query(resolve);
	if (resolve->options.reverse)
		return start_reverse(resolve);
	return resolve->options.service ? start_connect(resolve) : start_lookup(resolve);
}

/* false: they are wrong. */
static bool
read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "server", required_argument, NULL, 's' },
		{ "type", required_argument, NULL, 't' },
		{ "reverse", no_argument, NULL, 'r' },
		{ "connect", required_argument, NULL, 'c' },
		{ "timeout", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	char none[] = "", *end = none;
	double seconds = 10;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		if (option == 's')
			options->servers = optarg;
		else if (option == 't')
			options->type = optarg;
		else if (option == 'r')
			options->reverse = 1;
		else if (option == 'c')
			options->service = optarg;
		else if (option == 'o')
			seconds = strtod(optarg, &end);
		else
			return false;
	}
	if (*end || !(seconds > 0 && seconds < 1e9))
		return false;
	options->timeout = (fend_time)(seconds * 1e9);
	options->name = argv[optind];
	return argc == optind + 1 && (!options->type || record_type(options->type) > 0) &&
	       !options->type + !options->reverse + !options->service >= 2;
}

int
main(int argc, char **argv)
{
	struct resolve resolve = { 0 };
	int err, code = 1;

	if (!read_options(argc, argv, &resolve.options)) {
		fputs(usage, stderr);
		return 2;
	}
	err = start(&resolve);
	if (err == 0)
		err = fend_loop_run(resolve.loop, &code);
	if (err < 0)
		fprintf(stderr, "resolve: %s: %s\n", resolve.options.name, fend_strerror(err));
	fend_lookup_free(resolve.lookup);
	fend_query_free(resolve.query);
	fend_reverse_free(resolve.reverse);
	fend_connect_free(resolve.connect);
	fend_resolver_free(resolve.resolver);
	fend_loop_free(resolve.loop);
	return code;
}
