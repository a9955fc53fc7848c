/* SPDX-License-Identifier: MIT */
#ifndef FEND_SERVICES_H
#define FEND_SERVICES_H

#include <stddef.h>

/*
 * Look a service up in services(5), once for several protocols: ports[i], -1 before, becomes the
 * port of service with protocols[i] if there is such a line. 0, also if nothing was found or the
 * file does not exist; -errno if it cannot be read.
 */
int fend__services_find(const char *service, const char *const *protocols, size_t n, int *ports);

/*
 * The name of a port with a protocol: 1, or 0 and "" if services(5) has none or it does not fit;
 * -errno if that cannot be read.
 */
int fend__services_name(int port, const char *protocol, char *ret_name, size_t size);

#endif
