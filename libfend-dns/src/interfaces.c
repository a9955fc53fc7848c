/* SPDX-License-Identifier: MIT */
#include "interfaces.h"

#include <string.h>

#include <fend-internal/kernel.h>

void
fend__interfaces_clear(struct interfaces *interfaces)
{
	interfaces->addresses = fend__release(interfaces->addresses);
	interfaces->n = 0;
}

const struct own_address *
fend__interfaces_find(const struct interfaces *interfaces, const struct host_address *address)
{
	size_t size = address->family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
	size_t i;

	for (i = 0; i < interfaces->n; i++) {
		const struct host_address *own = &interfaces->addresses[i].address;

		if (own->family == address->family && memcmp(&own->in6, &address->in6, size) == 0)
			return &interfaces->addresses[i];
	}
	return NULL;
}
