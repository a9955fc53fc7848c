/* SPDX-License-Identifier: MIT */
#ifndef FEND_ADDRESS_H
#define FEND_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one address type of fend: of any family, and a plain value that may be copied. */
struct fend_address {
	socklen_t size;
	struct sockaddr_storage storage;
};

/* Enough for every text of fend_address_format(), the final NUL included. */
#define FEND_ADDRESS_TEXT_MAX 256

/*
 * Read an address and its port:
 *	127.0.0.1:80        IPv4 in dotted-decimal form (inet_pton(3))
 *	[::1]:80            IPv6; a zone (RFC 4007) as interface name or number: [fe80::1%lo]:80
 *	unix:/run/x.sock    a Unix socket in the file system (unix(7))
 *	unix:@name          one in the abstract namespace (Linux)
 * The port is decimal, 0 to 65535, and must be given. In a Unix name "\xHH" is the byte with that
 * hexadecimal value, and a backslash means nothing else. Names are not looked up.
 *   -EINVAL        anything else
 *   -ENODEV        no interface of that name
 *   -ENAMETOOLONG  a path that does not fit into struct sockaddr_un
 */
int fend_address_parse(const char *text, struct fend_address *ret_address);

/*
 * Take over a socket address of any family, such as ai_addr and ai_addrlen. It is copied.
 *   -EINVAL  size is less than a family, or more than a struct sockaddr_storage
 */
int fend_address_set(const struct sockaddr *sockaddr, socklen_t size,
		     struct fend_address *ret_address);

/*
 * Write address as fend_address_parse() reads it, NUL-terminated: the zone as a number; bytes of a
 * Unix name that are not printable ASCII, or would be misread, as "\xHH". Three cannot be read: an
 * unnamed Unix socket, "unix:"; the empty abstract name, "unix:@"; and a path that has no room for
 * a NUL. Returns the length without the NUL.
 *   -ENOBUFS       size is too small; FEND_ADDRESS_TEXT_MAX is enough except for escaped names
 *   -EAFNOSUPPORT  a family that has no text form
 */
int fend_address_format(const struct fend_address *address, char *text, size_t size);

/* Same family, address, port and zone; padding and the IPv6 flow label do not count. */
bool fend_address_equal(const struct fend_address *a, const struct fend_address *b);

/*
 * The same as a total order, for sorting and searching: less than, equal to or greater than 0. By
 * family, then address, zone and port, or the bytes of the name. NULL comes before all addresses.
 */
int fend_address_compare(const struct fend_address *a, const struct fend_address *b);

#ifdef __cplusplus
}
#endif

#endif
