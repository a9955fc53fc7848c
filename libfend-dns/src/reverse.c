/* SPDX-License-Identifier: MIT */
/*
 * Reverse lookups. The service is settled when they begin; the host then, or by the answer to one
 * question for the name of the address in in-addr.arpa or ip6.arpa (RFC 1035, 3.5; RFC 3596, 2.5).
 *
 * Without NI_NAMEREQD only what prevents an answer is an error: that there is no name, or none that
 * a host can have, gives the address as text, as with the C library.
 */
#include <fend/reverse.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <fend/error.h>

#include <fend-internal/kernel.h>
#include <fend-internal/public.h>

#include "hosts.h"
#include "operation.h"
#include "record.h"
#include "services.h"

enum {
	KNOWN_FLAGS = NI_NUMERICHOST | NI_NUMERICSERV | NI_NOFQDN | NI_NAMEREQD | NI_DGRAM,
	QUESTION_SIZE = sizeof("f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f."
			       "f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.f.ip6.arpa"),
	SERVICE_SIZE = 256,
};

struct fend_reverse {
	struct operation operation;
	fend_reverse_fn *fn;
	void *data;
	int flags;
	struct host_address address;
	int port;
	char question[QUESTION_SIZE];
	char host[HOST_SIZE]; /* longer than any address with its zone */
	char service[SERVICE_SIZE];
};

static bool
is_link_local(const struct in6_addr *in6)
{
	return IN6_IS_ADDR_LINKLOCAL(in6) || IN6_IS_ADDR_MC_LINKLOCAL(in6);
}

/* The address as text. */
static void
format_address(struct fend_reverse *reverse)
{
	const struct host_address *address = &reverse->address;
	char interface[IF_NAMESIZE];
	char *end;

	inet_ntop(address->family, &address->in6, reverse->host, sizeof(reverse->host));
	if (address->family == AF_INET || !address->zone)
		return;
	end = reverse->host + strlen(reverse->host);
	if (is_link_local(&address->in6) &&
	    fend__kernel->interface_name(address->zone, interface) == 0)
		sprintf(end, "%%%s", interface);
	else
		sprintf(end, "%%%u", (unsigned)address->zone);
}

static void
format_question(struct fend_reverse *reverse)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bytes = (const unsigned char *)&reverse->address.in6;
	bool mapped = reverse->address.family == AF_INET6 &&
		      IN6_IS_ADDR_V4MAPPED(&reverse->address.in6);
	char *end = reverse->question;
	int i;

	if (reverse->address.family == AF_INET || mapped) {
		bytes += mapped ? 12 : 0;
		sprintf(end, "%d.%d.%d.%d.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
		return;
	}
	for (i = 15; i >= 0; i--) {
		*end++ = digits[bytes[i] & 0xf];
		*end++ = '.';
		*end++ = digits[bytes[i] >> 4];
		*end++ = '.';
	}
	strcpy(end, "ip6.arpa");
}

/*
 * The domain of this host: what is behind the first dot of its own name, or of the one that
 * hosts(5) has for that or for localhost. NULL if there is none.
 */
static const char *
find_domain(const struct hosts *hosts, char *buffer, size_t size)
{
	struct host_address *addresses;
	const char *names[] = { "localhost", buffer }, *canonical, *dot;
	size_t i, n;

	if (fend__kernel->host_name(buffer, size) < 0)
		*buffer = '\0';
	for (i = 0; i < 2; i++) {
		dot = strchr(names[i], '.');
		if (!dot && fend__hosts_find(hosts, names[i], &addresses, &n, &canonical) > 0) {
			dot = strchr(canonical, '.');
			fend__release(addresses);
		}
		if (dot)
			return dot + 1;
	}
	return NULL;
}

static void
strip_domain(struct fend_reverse *reverse, const struct hosts *hosts)
{
	char buffer[HOST_SIZE];
	const char *domain = find_domain(hosts, buffer, sizeof(buffer));
	size_t length = strlen(reverse->host), size = domain ? strlen(domain) : 0;

	if (size > 0 && length > size + 1 && reverse->host[length - size - 1] == '.' &&
	    strcasecmp(reverse->host + length - size, domain) == 0)
		reverse->host[length - size - 1] = '\0';
}

static const struct hosts *
hosts_of(struct fend_reverse *reverse)
{
	const struct hosts *hosts;

	return fend__resolver_hosts(reverse->operation.resolver, &hosts) == 0 ? hosts : NULL;
}

/* name NULL: it has none. */
static void
end(struct fend_reverse *reverse, const char *name)
{
	const struct hosts *hosts;
	int err = 0;

	if (name && fend__host_check(name) == 0) {
		strcpy(reverse->host, name);
		hosts = reverse->flags & NI_NOFQDN ? hosts_of(reverse) : NULL;
		if (hosts)
			strip_domain(reverse, hosts);
	} else if (reverse->flags & NI_NAMEREQD) {
		err = FEND_EAI_NONAME;
	} else {
		format_address(reverse);
	}
	fend__operation_end(&reverse->operation, err);
}

static struct fend_reverse *
reverse_of(struct operation *operation)
{
	return fend__container_of(operation, struct fend_reverse, operation);
}

static void
on_answer(struct operation *operation, const struct answer *answer)
{
	struct fend_reverse *reverse = reverse_of(operation);
	const struct fend_record *record = NULL;
	struct fend_answer *read = NULL;
	int err = answer->err;

	if (err == 0) {
		err = fend__answer_read(answer->message, answer->size, 0, &read);
		record = err == 0 ? fend__answer_find(read) : NULL;
	}
	if (err == FEND_EAI_AGAIN || err == FEND_EAI_MEMORY)
		fend__operation_end(operation, err);
	else
		end(reverse, record ? record->as.target : NULL);
	fend_answer_free(read);
}

static void
tell(struct operation *operation)
{
	struct fend_reverse *reverse = reverse_of(operation);
	bool ok = operation->err == 0;

	reverse->fn(reverse, operation->err, ok ? reverse->host : NULL,
		    ok ? reverse->service : NULL, reverse->data);
}

/* 0 or a FEND_EAI_ code. */
static int
read_address(struct fend_reverse *reverse, const struct fend_address *address)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	reverse->address.family = address->storage.ss_family;
	switch (reverse->address.family) {
	case AF_INET:
		memcpy(&in, &address->storage, sizeof(in));
		reverse->address.in = in.sin_addr;
		reverse->port = ntohs(in.sin_port);
		return 0;
	case AF_INET6:
		memcpy(&in6, &address->storage, sizeof(in6));
		reverse->address.in6 = in6.sin6_addr;
		reverse->address.zone = in6.sin6_scope_id;
		reverse->port = ntohs(in6.sin6_port);
		return 0;
	default:
		return FEND_EAI_FAMILY;
	}
}

static int
find_service(struct fend_reverse *reverse)
{
	const char *protocol = reverse->flags & NI_DGRAM ? "udp" : "tcp";
	int r = 0;

	if (!(reverse->flags & NI_NUMERICSERV))
		r = fend__services_name(reverse->port, protocol, reverse->service,
					sizeof(reverse->service));
	if (r < 0)
		return FEND_EAI_SYSTEM;
	if (r == 0)
		snprintf(reverse->service, sizeof(reverse->service), "%d", reverse->port);
	return 0;
}

static void
find_host(struct fend_reverse *reverse)
{
	const struct hosts *hosts;
	const char *name;

	if (reverse->flags & NI_NUMERICHOST) {
		end(reverse, NULL);
		return;
	}
	hosts = hosts_of(reverse);
	if (!hosts) {
		fend__operation_end(&reverse->operation, FEND_EAI_SYSTEM);
		return;
	}
	name = fend__hosts_name(hosts, &reverse->address);
	if (name) {
		end(reverse, name);
		return;
	}
	format_question(reverse);
	fend__operation_ask(&reverse->operation, reverse->question, FEND_RECORD_PTR);
}

static int
start(struct fend_loop *loop, struct fend_resolver *resolver, const struct fend_address *address,
      int flags, fend_time timeout, fend_reverse_fn *fn, void *data,
      struct fend_reverse **ret_reverse)
{
	struct fend_reverse *reverse;
	int err, r;

	if (!address || !fn || !ret_reverse)
		return -EINVAL;
	reverse = fend__calloc(1, sizeof(*reverse));
	if (!reverse)
		return -ENOMEM;
	reverse->flags = flags;
	reverse->fn = fn;
	reverse->data = data;
	reverse->operation.on_answer = on_answer;
	reverse->operation.tell = tell;
	r = fend__operation_begin(&reverse->operation, loop, resolver, timeout);
	if (r < 0) {
		fend_reverse_free(reverse);
		return r;
	}
	err = flags & ~KNOWN_FLAGS ? FEND_EAI_BADFLAGS : read_address(reverse, address);
	if (err == 0)
		err = find_service(reverse);
	if (err < 0)
		fend__operation_end(&reverse->operation, err);
	else
		find_host(reverse);
	*ret_reverse = reverse;
	return 0;
}

FEND_PUBLIC int
fend_reverse_start(struct fend_loop *loop, const struct fend_address *address, int flags,
		   fend_time timeout, fend_reverse_fn *fn, void *data,
		   struct fend_reverse **ret_reverse)
{
	return start(loop, NULL, address, flags, timeout, fn, data, ret_reverse);
}

FEND_PUBLIC int
fend_resolver_reverse(struct fend_resolver *resolver, const struct fend_address *address, int flags,
		      fend_time timeout, fend_reverse_fn *fn, void *data,
		      struct fend_reverse **ret_reverse)
{
	if (!resolver)
		return -EINVAL;
	return start(NULL, resolver, address, flags, timeout, fn, data, ret_reverse);
}

FEND_PUBLIC const char *
fend_reverse_detail(const struct fend_reverse *reverse)
{
	return reverse ? fend__operation_detail(&reverse->operation) : NULL;
}

FEND_PUBLIC struct fend_reverse *
fend_reverse_free(struct fend_reverse *reverse)
{
	if (!reverse)
		return NULL;
	fend__operation_fini(&reverse->operation);
	return fend__release(reverse);
}
