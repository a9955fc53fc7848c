/* SPDX-License-Identifier: MIT */
/*
 * c-ares, from 1.18.1 on: its channel, its socket functions, its errors, and what differs between
 * its versions. Nobody else includes its header.
 *
 * What its versions do differently or wrongly is not asked of it: it gets host names only (host.c),
 * never a service (which would load NSS modules), and no hints but the family. It has no call that
 * cancels one question, and it is not relied upon to answer in time or at all: who asks has a
 * deadline of his own.
 *
 * Its socket input and output passes the kernel door; the files it reads (resolv.conf, hosts, that
 * of $HOSTALIASES), its random numbers and its memory do not.
 */
#include "cares.h"

/* Some calls that all versions have are marked as deprecated in later ones. */
#define CARES_NO_DEPRECATED
#include <ares.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include <fend/address.h>
#include <fend/error.h>
#include <fend/io.h>
#include <fend/resolver.h>

#include <fend-internal/kernel.h>

#include "request.h"
#include "servers.h"
#include "sockets.h"

enum {
	DNS_HEADER_SIZE = 12,
	TRIES = 3,
	TRIES_MAX = 10,
};

#define TRY_TIMEOUT FEND_SEC(2)
/* c-ares doubles the time with each try, in an int of milliseconds. */
#define TRY_TIMEOUT_MAX FEND_SEC(3600)

struct cares {
	ares_channel channel;
	int depth; /* calls into c-ares that are on the stack */
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
	return (ares_socket_t)with_errno(fend__sockets_open(data, domain, type));
}

static int
close_socket(ares_socket_t fd, void *data)
{
	fend__sockets_close(data, fd);
	return 0;
}

static ares_ssize_t
receive(ares_socket_t fd, void *buffer, size_t size, int flags, struct sockaddr *from,
	ares_socklen_t *from_size, void *data)
{
	struct iovec iov = { .iov_base = buffer, .iov_len = size };
	struct msghdr message = { .msg_name = from, .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (from)
		message.msg_namelen = *from_size;
	n = fend__kernel->recvmsg(fd, &message, flags);
	if (n >= 0 && from)
		*from_size = message.msg_namelen;
	/*
	 * No answer is shorter than its header. c-ares up to 1.19.0 takes an empty datagram, and
	 * 1.34 any other such, for the end of all that is asked over this socket (CVE-2023-32067).
	 * Should more have come after it, the socket is still ready.
	 */
	if (n >= 0 && n < DNS_HEADER_SIZE && !fend__sockets_is_stream(data, fd))
		n = -EAGAIN;
	return with_errno(n);
}

static ares_ssize_t
send_vector(ares_socket_t fd, const struct iovec *iov, int n, void *data)
{
	struct msghdr message = { .msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n };
	int error = fend__sockets_error(data, fd);

	return with_errno(error < 0 ? error : fend__kernel->sendmsg(fd, &message, 0));
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
	return (int)with_errno(fend__kernel->connect(fd, address, size));
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
	return if_nametoindex(name);
}

static const char *
interface_name(unsigned index, char *buffer, size_t size, void *data)
{
	return size >= IF_NAMESIZE ? if_indextoname(index, buffer) : NULL;
}

static void
set_socket_functions(ares_channel channel, struct sockets *sockets)
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

	ares_set_socket_functions_ex(channel, &functions, sockets);
}

#else

static int
connect_socket(ares_socket_t fd, const struct sockaddr *address, ares_socklen_t size, void *data)
{
	return (int)with_errno(fend__kernel->connect(fd, address, size));
}

static void
set_socket_functions(ares_channel channel, struct sockets *sockets)
{
	static const struct ares_socket_functions functions = {
		.asocket = open_socket,
		.aclose = close_socket,
		.aconnect = connect_socket,
		.arecvfrom = receive,
		.asendv = send_vector,
	};

	ares_set_socket_functions(channel, &functions, sockets);
}

#endif

static void
watch_socket(void *data, ares_socket_t fd, int in, int out)
{
	fend__sockets_watch(data, fd, in, out);
}

static int
error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return FEND_EAI_NONAME;
	case ARES_ENODATA:
		return FEND_EAI_NODATA;
	case ARES_ETIMEOUT:
	case ARES_ECONNREFUSED: /* before 1.19 also what is SERVFAIL and REFUSED later */
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
#if ARES_VERSION >= 0x011b00 /* 1.27 */
	case ARES_ENOSERVER:
#endif
		return FEND_EAI_AGAIN;
	case ARES_EBADFAMILY:
		return FEND_EAI_FAMILY;
	case ARES_ENOMEM:
		return FEND_EAI_MEMORY;
	case ARES_EFILE:
		return FEND_EAI_SYSTEM;
	default:
		return FEND_EAI_FAIL;
	}
}

static void
set_node(struct ares_addr_port_node *node, const struct fend_address *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	node->family = address->storage.ss_family;
	if (node->family == AF_INET) {
		memcpy(&in, &address->storage, sizeof(in));
		node->addr.addr4 = in.sin_addr;
		node->udp_port = node->tcp_port = ntohs(in.sin_port);
	} else {
		memcpy(&in6, &address->storage, sizeof(in6));
		memcpy(&node->addr.addr6, &in6.sin6_addr, sizeof(node->addr.addr6));
		node->udp_port = node->tcp_port = ntohs(in6.sin6_port);
	}
}

static int
set_servers(ares_channel channel, const char *list)
{
	struct ares_addr_port_node *nodes;
	struct fend_address *servers;
	size_t n, i;
	int r;

	r = fend__servers_read(list, &servers, &n);
	if (r < 0)
		return r;
	nodes = fend__calloc(n, sizeof(*nodes));
	for (i = 0; nodes && i < n; i++) {
		set_node(&nodes[i], &servers[i]);
		nodes[i].next = i + 1 < n ? &nodes[i + 1] : NULL;
	}
	if (!nodes || ares_set_servers_ports(channel, nodes) != ARES_SUCCESS)
		r = -ENOMEM;
	fend__release(nodes);
	fend__release(servers);
	return r;
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

/*
 * c-ares makes do without a resolv.conf(5) that it cannot read, and would ask this host for the
 * rest of the channel's life. That is right if there is none, but not if merely no descriptor was
 * left.
 */
static int
check_configuration(void)
{
	int fd = fend__kernel->open("/etc/resolv.conf", O_RDONLY);

	fend__close(fd);
	return fd == -ENOENT || fd >= 0 ? 0 : fd;
}

static int
open_channel(const struct fend_resolver_options *given, struct sockets *sockets,
	     ares_channel *ret_channel)
{
	static char lookups[] = "fb"; /* hosts(5), then DNS */
	struct ares_options options;
	int status;

	/* Its counter of users is not protected against other threads. */
	pthread_once(&initialised, initialise);
	memset(&options, 0, sizeof(options));
	options.sock_state_cb = watch_socket;
	options.sock_state_cb_data = sockets;
	options.lookups = lookups;
	options.timeout = milliseconds(given->try_timeout ? given->try_timeout : TRY_TIMEOUT);
	options.tries = given->tries ? given->tries : TRIES;
	status = initialise_status;
	if (status == ARES_SUCCESS)
		status = ares_init_options(ret_channel, &options,
					   ARES_OPT_SOCK_STATE_CB | ARES_OPT_LOOKUPS |
						   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
	if (status == ARES_SUCCESS)
		return 0;
	return status == ARES_ENOMEM ? -ENOMEM : FEND_EAI_SYSTEM;
}

int
fend__cares_new(const struct fend_resolver_options *options, struct sockets *sockets,
		struct cares **ret_cares)
{
	struct cares *cares;
	int r;

	if (options->try_timeout < 0 || options->try_timeout > TRY_TIMEOUT_MAX || options->tries < 0 || options->tries > TRIES_MAX)
		return -EINVAL;
	cares = fend__calloc(1, sizeof(*cares));
	if (!cares)
		return -ENOMEM;
	r = check_configuration();
	if (r == 0)
		r = open_channel(options, sockets, &cares->channel);
	if (r < 0) {
		fend__release(cares);
		return r;
	}
	set_socket_functions(cares->channel, sockets);
	if (options->servers)
		r = set_servers(cares->channel, options->servers);
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

/* The name at the end of the aliases, which come in the order in which they follow one another. */
static const char *
canonical_name(const struct ares_addrinfo *result)
{
	const struct ares_addrinfo_cname *cname;
	const char *name = result->name;

	for (cname = result->cnames; cname && name; cname = cname->next)
		if (cname->alias && cname->name && strcasecmp(cname->alias, name) == 0)
			name = cname->name;
	return name;
}

static size_t
read_addresses(const struct ares_addrinfo *result, struct host_address *addresses)
{
	const struct ares_addrinfo_node *node;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	size_t n = 0;

	for (node = result->nodes; node; node = node->ai_next, n++) {
		if (!addresses)
			continue;
		addresses[n].family = node->ai_family;
		if (node->ai_family == AF_INET) {
			memcpy(&in, node->ai_addr, sizeof(in));
			addresses[n].in = in.sin_addr;
		} else {
			memcpy(&in6, node->ai_addr, sizeof(in6));
			addresses[n].in6 = in6.sin6_addr;
		}
	}
	return n;
}

/* The error to tell, or 0 and the addresses to be freed. */
static int
read_result(int status, const struct ares_addrinfo *result, struct host_address **ret_addresses,
	    size_t *ret_n)
{
	size_t n;

	if (status != ARES_SUCCESS)
		return error_of(status);
	n = result ? read_addresses(result, NULL) : 0;
	if (n == 0)
		return FEND_EAI_NODATA;
	*ret_addresses = fend__calloc(n, sizeof(**ret_addresses));
	if (!*ret_addresses)
		return FEND_EAI_MEMORY;
	*ret_n = read_addresses(result, *ret_addresses);
	return 0;
}

static void
on_result(void *data, int status, int timeouts, struct ares_addrinfo *result)
{
	struct question *question = data;
	struct host_address *addresses = NULL;
	const char *canonical = NULL;
	size_t n = 0;
	int err = read_result(status, result, &addresses, &n);

	if (err == 0 && question->want_canonical)
		canonical = canonical_name(result);
	/*
	 * A server may say what it likes. Who asks for a host's name is to get one (CVE-2021-3672).
	 */
	if (canonical && fend__host_check(canonical) < 0)
		question->fn(question, FEND_EAI_FAIL, NULL, 0, NULL);
	else
		question->fn(question, err, addresses, n, canonical);
	fend__release(addresses);
	/*
	 * There may be one with an error, and even the end of a channel may come with one (1.18).
	 */
	ares_freeaddrinfo(result);
}

void
fend__cares_ask(struct cares *cares, const char *name, int family, struct question *question)
{
	struct ares_addrinfo_hints hints = { .ai_family = family };

	if (question->want_canonical)
		hints.ai_flags |= ARES_AI_CANONNAME;
	cares->depth++;
	ares_getaddrinfo(cares->channel, name, NULL, &hints, on_result, question);
	cares->depth--;
}

void
fend__cares_process(struct cares *cares, int fd, unsigned events)
{
	bool in = events & (FEND_IN | FEND_ERR | FEND_HUP);
	bool out = events & FEND_OUT;

	cares->depth++;
	ares_process_fd(cares->channel, in ? fd : ARES_SOCKET_BAD, out ? fd : ARES_SOCKET_BAD);
	cares->depth--;
}

fend_time
fend__cares_timeout(const struct cares *cares)
{
	struct timeval time;

	if (!ares_timeout(cares->channel, NULL, &time))
		return FEND_FOREVER;
	/* Before 1.23 it is cut to milliseconds: what wakes that early wakes again and again. */
	return FEND_SEC(time.tv_sec) + FEND_US(time.tv_usec) + FEND_MS(1);
}
