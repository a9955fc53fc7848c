/* SPDX-License-Identifier: MIT */
/*
 * c-ares, from 1.18.1 on: its channel, its socket functions, its errors, and what differs between
 * its versions. Nobody else includes its header.
 *
 * It is asked for one record type of one absolute name at a time, and for nothing that its versions
 * do differently or wrongly: it reads no file, keeps no answers, sorts no addresses. It has no call
 * that cancels one question, and it is not relied upon to answer in time or at all: who asks has a
 * deadline of his own.
 *
 * Its socket input and output passes traffic.c and the kernel door; its random numbers and its
 * memory do not.
 *
 * When c-ares wants to be called next is worked out anew only when that time has come, as up to
 * 1.31 it looks at every question for it. What is due is due then or earlier, never later.
 */
#include "cares.h"

/* Some calls that all versions have are marked as deprecated in later ones. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <fend/address.h>
#include <fend/error.h>
#include <fend/io.h>

#include <fend-internal/deadline.h>
#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "config.h"
#include "cursor.h"
#include "servers.h"
#include "sockets.h"
#include "traffic.h"

#if ARES_VERSION >= 0x012000 /* 1.32, which goes by how fast a server was */
#define TRY_MIN FEND_MS(250)
#else
#define TRY_MIN INT64_MAX
#endif

/* Does it look for connections without questions before it looks whose time has passed? */
#define CLOSES_EARLY (ARES_VERSION >= 0x012200 && ARES_VERSION < 0x012206) /* 1.34.0 to 1.34.5 */

/* Before 1.23 it is cut to milliseconds: what wakes that early wakes again and again. */
#define TICK FEND_MS(1)

struct cares {
	ares_channel channel;
	const struct config *config;
	struct sockets *sockets;
	struct traffic traffic;
	int depth;          /* calls into c-ares that are on the stack */
	unsigned n_running; /* questions */
	fend_time try_min;  /* no try ends earlier */
	fend_time due;
	bool is_expected; /* due is not later than a try that begins now may end */
};

/* A result of the kernel door as c-ares expects it. */
static ssize_t
with_errno(ssize_t r)
{
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

static ares_socket_t
open_socket(int domain, int type, int protocol, void *data)
{
	struct cares *cares = data;

	return (ares_socket_t)with_errno(fend__sockets_open(cares->sockets, domain, type));
}

static int
close_socket(ares_socket_t fd, void *data)
{
	struct cares *cares = data;

	fend__sockets_close(cares->sockets, fd);
	return 0;
}

static ares_ssize_t
receive(ares_socket_t fd, void *buffer, size_t size, int flags, struct sockaddr *from,
	ares_socklen_t *from_size, void *data)
{
	struct cares *cares = data;
	ssize_t n = fend__traffic_receive(&cares->traffic, fd, buffer, size, flags);

	if (n >= 0 && from)
		*from_size = fend__traffic_alias(&cares->traffic, fd, from, *from_size);
	return with_errno(n);
}

static ares_ssize_t
send_vector(ares_socket_t fd, const struct iovec *iov, int n, void *data)
{
	struct cares *cares = data;

	return with_errno(fend__traffic_send(&cares->traffic, fd, iov, n));
}

#if ARES_VERSION >= 0x012200 /* 1.34 */

static int
set_option(ares_socket_t fd, ares_socket_opt_t option, const void *value, ares_socklen_t size,
	   void *data)
{
	return (int)with_errno(-ENOSYS);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t size,
	       unsigned flags, void *data)
{
	struct cares *cares = data;

	return (int)with_errno(fend__traffic_connect(&cares->traffic, fd, address));
}

static ares_ssize_t
send_to(ares_socket_t fd, const void *buffer, size_t size, int flags,
	const struct sockaddr *address, ares_socklen_t address_size, void *data)
{
	struct iovec iov = { .iov_base = (void *)buffer, .iov_len = size };

	return send_vector(fd, &iov, 1, data);
}

static int
socket_name(ares_socket_t fd, struct sockaddr *address, ares_socklen_t *size, void *data)
{
	return (int)with_errno(fend__kernel->getsockname(fd, address, size));
}

static unsigned
interface_index(const char *name, void *data)
{
	unsigned index;

	return fend__kernel->interface(name, &index) == 0 ? index : 0;
}

static const char *
interface_name(unsigned index, char *buffer, size_t size, void *data)
{
	if (size < IF_NAMESIZE || fend__kernel->interface_name(index, buffer) < 0)
		return NULL;
	return buffer;
}

static void
set_socket_functions(struct cares *cares)
{
	static const struct ares_socket_functions_ex functions = {
		.version = 1,
		.flags = ARES_SOCKFUNC_FLAG_NONBLOCKING,
		.asocket = open_socket,
		.aclose = close_socket,
		.asetsockopt = set_option,
		.aconnect = connect_socket,
		.arecvfrom = receive,
		.asendto = send_to,
		.agetsockname = socket_name,
		.aif_nametoindex = interface_index,
		.aif_indextoname = interface_name,
	};

	ares_set_socket_functions_ex(cares->channel, &functions, cares);
}

#else

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t size, void *data)
{
	struct cares *cares = data;

	return (int)with_errno(fend__traffic_connect(&cares->traffic, fd, address));
}

static void
set_socket_functions(struct cares *cares)
{
	static const struct ares_socket_functions functions = {
		.asocket = open_socket,
		.aclose = close_socket,
		.aconnect = connect_socket,
		.arecvfrom = receive,
		.asendv = send_vector,
	};

	ares_set_socket_functions(cares->channel, &functions, cares);
}

#endif

static void
watch_socket(void *data, ares_socket_t fd, int in, int out)
{
	struct cares *cares = data;

	fend__sockets_watch(cares->sockets, fd, in, out);
}

static int
error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
		return FEND_EAI_NONAME;
	case ARES_EBADNAME: /* from 1.22 on characters that no host has in its name */
		return FEND_EAI_IDN_ENCODE;
	case ARES_ENODATA:
		return FEND_EAI_NODATA;
	case ARES_ETIMEOUT:
	case ARES_ECONNREFUSED: /* before 1.19 also what are the next three later */
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
	case ARES_ENOTIMP:
#if ARES_VERSION >= 0x011b00 /* 1.27 */
	case ARES_ENOSERVER:
#endif
		return FEND_EAI_AGAIN;
	case ARES_ENOMEM:
		return FEND_EAI_MEMORY;
	default:
		return FEND_EAI_FAIL;
	}
}

static int
set_servers(struct cares *cares)
{
	size_t n = cares->config->n_servers, i;
	struct ares_addr_port_node *nodes = fend__calloc(n, sizeof(*nodes));
	int status;

	if (!nodes)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		union {
			struct sockaddr any;
			struct sockaddr_in in;
			struct sockaddr_in6 in6;
		} alias;

		fend__server_alias(cares->config->servers, i, &alias.any, sizeof(alias));
		nodes[i].family = alias.any.sa_family;
		if (nodes[i].family == AF_INET) {
			nodes[i].addr.addr4 = alias.in.sin_addr;
			nodes[i].udp_port = ntohs(alias.in.sin_port);
		} else {
			memcpy(&nodes[i].addr.addr6, &alias.in6.sin6_addr,
			       sizeof(nodes[i].addr.addr6));
			nodes[i].udp_port = ntohs(alias.in6.sin6_port);
		}
		nodes[i].tcp_port = nodes[i].udp_port;
		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
	}
	status = ares_set_servers_ports(cares->channel, nodes);
	fend__release(nodes);
	return status == ARES_SUCCESS ? 0 : -ENOMEM;
}

static int
milliseconds(fend_time time)
{
	if (time > FEND_MS(INT_MAX))
		return INT_MAX;
	return (int)((time + FEND_MS(1) - 1) / FEND_MS(1));
}

static pthread_once_t initialised = PTHREAD_ONCE_INIT;
static int initialise_status;

static void
initialise(void)
{
	initialise_status = ares_library_init(ARES_LIB_INIT_ALL);
}

static int
open_channel(struct cares *cares)
{
	static char lookups[] = "b"; /* DNS alone */
	static char no_file[] = "/dev/null";
	const struct config *config = cares->config;
	struct ares_options options;
	int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		   ARES_OPT_FLAGS | ARES_OPT_NDOTS | ARES_OPT_DOMAINS | ARES_OPT_RESOLVCONF;
	int status;

	/* Its counter of users is not protected against other threads. */
	pthread_once(&initialised, initialise);
	memset(&options, 0, sizeof(options));
	options.sock_state_cb = watch_socket;
	options.sock_state_cb_data = cares;
	options.lookups = lookups;
	options.resolvconf_path = no_file;
	options.timeout = milliseconds(config->try_timeout);
	options.tries = config->tries;
	options.ndots = 1;
	options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
			(config->use_tcp ? ARES_FLAG_USEVC : 0);
	if (config->edns_size) {
		options.flags |= ARES_FLAG_EDNS;
		options.ednspsz = config->edns_size;
		mask |= ARES_OPT_EDNSPSZ;
	}
#ifdef ARES_OPT_QUERY_CACHE /* 1.23; a time of 0 is off */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	mask |= config->rotate ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE;
	status = initialise_status;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&cares->channel, &options, mask);
	if (status == ARES_SUCCESS)
		return 0;
	return status == ARES_ENOMEM ? -ENOMEM : FEND_EAI_SYSTEM;
}

int
fend__cares_new(const struct config *config, struct sockets *sockets, struct cares **ret_cares)
{
	struct cares *cares = fend__calloc(1, sizeof(*cares));
	int r;

	if (!cares)
		return -ENOMEM;
	cares->config = config;
	cares->sockets = sockets;
	cares->traffic.servers = config->servers;
	cares->traffic.n_servers = config->n_servers;
	cares->traffic.sockets = sockets;
	cares->due = FEND_FOREVER;
	cares->try_min = config->try_timeout + TICK;
	if (TRY_MIN < cares->try_min)
		cares->try_min = TRY_MIN;
	r = open_channel(cares);
	if (r < 0) {
		fend__release(cares);
		return r;
	}
	set_socket_functions(cares);
	r = set_servers(cares);
	if (r < 0) {
		fend__cares_free(cares);
		return r;
	}
	*ret_cares = cares;
	return 0;
}

struct cares *
fend__cares_free(struct cares *cares)
{
	if (!cares)
		return NULL;
	assert(cares->depth == 0);
	ares_destroy(cares->channel);
	return fend__release(cares);
}

static void
on_result(void *data, int status, int timeouts, unsigned char *message, int size)
{
	struct question *question = data;
	struct cares *cares = question->cares;
	struct answer answer = {
		.err = error_of(status),
		.silent = status == ARES_ETIMEOUT,
		.rcode = -1,
	};

	if (message && size >= HEADER_SIZE) {
		answer.message = message;
		answer.size = (size_t)size;
		answer.rcode = message[3] & RCODE_MASK;
	}
	if (question->server >= 0 && !answer.silent) {
		answer.server = &cares->config->servers[question->server];
		if (!answer.size)
			answer.rcode = question->rcode;
	}
	if (cares->traffic.asking == question)
		cares->traffic.asking = NULL;
	cares->n_running--;
	fend__ids_remove(&question->id);
	question->fn(question, &answer);
}

/* A try may have begun. Whatever was expected before is not later than what now would be. */
static void
expect_try(struct cares *cares)
{
	fend_time due;

	if (cares->is_expected)
		return;
	due = fend__deadline(cares->try_min);
	if (cares->due == FEND_FOREVER || due < cares->due)
		cares->due = due;
	cares->is_expected = true;
}

void
fend__cares_ask(struct cares *cares, const char *name, int type, struct question *question)
{
	question->cares = cares;
	question->id.id = question->rcode = question->server = -1;
	cares->traffic.asking = question;
	if (cares->n_running++ == 0) {
		cares->due = FEND_FOREVER;
		cares->is_expected = false;
	}
	expect_try(cares);
	cares->depth++;
	ares_query(cares->channel, name, 1 /* IN */, type, on_result, question);
	cares->depth--;
	cares->traffic.asking = NULL;
}

static fend_time
next_timeout(const struct cares *cares)
{
	struct timeval time;

	if (!ares_timeout(cares->channel, NULL, &time))
		return FEND_FOREVER;
	return fend__deadline(FEND_SEC(time.tv_sec) + FEND_US(time.tv_usec) + TICK);
}

void
fend__cares_process(struct cares *cares, int fd, unsigned events)
{
	bool in = events & (FEND_IN | FEND_ERR | FEND_HUP);
	bool out = events & FEND_OUT;

	cares->traffic.n_read = 0;
	cares->depth++;
	ares_process_fd(cares->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	if (CLOSES_EARLY && cares->n_running == 0)
		ares_process_fd(cares->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	cares->depth--;
	/* An answer may have led to another try. */
	if (fd >= 0) {
		expect_try(cares);
	} else {
		cares->due = next_timeout(cares);
		cares->is_expected = false;
	}
}

fend_time
fend__cares_due(const struct cares *cares)
{
	return cares->n_running > 0 ? cares->due : FEND_FOREVER;
}
