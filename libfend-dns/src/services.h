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

#endif
