/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of socket the caller may make for an address, and with which port: what ai_socktype,
 * ai_protocol and the service mean together. The table and its reading are those of glibc's
 * getaddrinfo(3):
 *   - with a socket type or protocol given, the first row that agrees with both, and no other;
 *   - with neither, for a port number (or none) the three everybody knows;
 *   - with neither, for a service name each row that services(5) has a port for.
 * The raw row agrees with any protocol and has no services.
 */
#include "request.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>

#include <fend/error.h>

#include "services.h"

static const struct row {
	short socktype;
	int protocol;
	const char *name;
	bool common, raw;
} rows[] = {
	{ SOCK_STREAM, IPPROTO_TCP, "tcp", .common = true },
	{ SOCK_DGRAM, IPPROTO_UDP, "udp", .common = true },
#ifdef SOCK_DCCP
	{ SOCK_DCCP, IPPROTO_DCCP, "dccp" },
#endif
#ifdef IPPROTO_UDPLITE
	{ SOCK_DGRAM, IPPROTO_UDPLITE, "udplite" },
#endif
#ifdef IPPROTO_SCTP
	{ SOCK_STREAM, IPPROTO_SCTP, "sctp" },
	{ SOCK_SEQPACKET, IPPROTO_SCTP, "sctp" },
#endif
	{ SOCK_RAW, 0, "raw", .common = true, .raw = true },
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static void
add(struct request *request, const struct row *row, int protocol, int port)
{
	request->kinds[request->n_kinds++] = (struct socket_kind){
		.socktype = row->socktype,
		.protocol = protocol,
		.port = htons((in_port_t)port),
	};
}

static bool
agrees(const struct row *row, const struct addrinfo *hints)
{
	return (!hints->ai_socktype || hints->ai_socktype == row->socktype) &&
	       (!hints->ai_protocol || row->raw || hints->ai_protocol == row->protocol);
}

static const struct row *
first_row(const struct addrinfo *hints)
{
	size_t i;

	for (i = 0; i < N_ROWS; i++)
		if (agrees(&rows[i], hints))
			return &rows[i];
	return NULL;
}

static int
find_ports(const char *service, const struct row *first, size_t n, int *ports)
{
	const char *protocols[N_ROWS];
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		protocols[i] = first[i].name;
		ports[i] = -1;
	}
	r = fend__services_find(service, protocols, n, ports);
	return r < 0 ? FEND_EAI_SYSTEM : 0;
}

/* The port of a service that consists of digits; strtoul(3) would take signs and blanks. */
static int
read_number(const char *service)
{
	int port = 0;

	for (; *service; service++) {
		port = port * 10 + (*service - '0');
		if (port > UINT16_MAX)
			return FEND_EAI_SERVICE;
	}
	return port;
}

static int
read_hinted(struct request *request, const struct row *row, const char *service, int port,
	    const struct addrinfo *hints)
{
	int r;

	if (row->raw && service)
		return FEND_EAI_SERVICE;
	if (port < 0) {
		r = find_ports(service, row, 1, &port);
		if (r < 0)
			return r;
		if (port < 0)
			return FEND_EAI_SERVICE;
	}
	add(request, row, row->raw ? hints->ai_protocol : row->protocol, port);
	return 0;
}

static int
read_any(struct request *request, const char *service, int port)
{
	int ports[N_ROWS];
	size_t i;
	int r;

	if (port >= 0) {
		for (i = 0; i < N_ROWS; i++)
			if (rows[i].common)
				add(request, &rows[i], rows[i].protocol, port);
		return 0;
	}
	r = find_ports(service, rows, N_ROWS, ports);
	if (r < 0)
		return r;
	for (i = 0; i < N_ROWS; i++)
		if (ports[i] >= 0 && !rows[i].raw)
			add(request, &rows[i], rows[i].protocol, ports[i]);
	return request->n_kinds ? 0 : FEND_EAI_SERVICE;
}

int
fend__kinds_read(struct request *request, const char *service, const struct addrinfo *hints)
{
	const struct row *row;
	int port = 0; /* < 0: that of a name, still to be found */

	if (service && !*service)
		service = NULL;
	if (service && service[strspn(service, "0123456789")]) {
		if (hints->ai_flags & AI_NUMERICSERV)
			return FEND_EAI_NONAME;
		port = -1;
	} else if (service) {
		port = read_number(service);
		if (port < 0)
			return port;
	}
	if (!hints->ai_socktype && !hints->ai_protocol)
		return read_any(request, service, port);
	row = first_row(hints);
	if (!row)
		return hints->ai_socktype ? FEND_EAI_SOCKTYPE : FEND_EAI_SERVICE;
	return read_hinted(request, row, service, port, hints);
}
