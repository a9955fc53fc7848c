/* SPDX-License-Identifier: MIT */
#include "buffer.h"
#include "context.h"

#include <errno.h>
#include <string.h>

#include <fend/error.h>

/*
 * Who resumes a connection skips the verification that the first one has gone through. So what
 * resumes it is bound to what was demanded then: a fingerprint of that goes into the key of a
 * server's tickets, and before what a client keeps. A ticket of a context that demands something
 * else is no ticket.
 */
static bool
add(struct fend__tls_buffer *buffer, const void *data, size_t size)
{
	return fend__tls_buffer_append(buffer, &size, sizeof(size)) &&
	       (!size || fend__tls_buffer_append(buffer, data, size));
}

static bool
collect(struct fend__tls_buffer *buffer, const struct fend__tls_config *config,
	const struct fend__tls_provider *provider)
{
	const struct fend_tls_params *params = &config->params;
	const char *version = provider->version(), *capath = params->capath ? params->capath : "";
	const int numbers[] = { (int)params->mode, (int)params->verify, params->depth,
				(int)(params->flags &
				      (FEND_TLS_NO_NAME_CHECK | FEND_TLS_REQUIRE_STAPLE)),
				config->system_trust };

	return add(buffer, version, strlen(version)) && add(buffer, numbers, sizeof(numbers)) &&
	       add(buffer, config->cafile.data, config->cafile.size) &&
	       add(buffer, capath, strlen(capath)) &&
	       add(buffer, config->crlfile.data, config->crlfile.size) &&
	       add(buffer, params->pins, params->pins_count * sizeof(*params->pins));
}

static bool
derive_ticket_key(struct fend__tls_config *config, const struct fend__tls_provider *provider)
{
	unsigned char data[FEND__TLS_HASH + 1], *key = config->ticket_key;
	size_t done;

	memcpy(data, config->fingerprint, FEND__TLS_HASH);
	for (done = 0; done < FEND__TLS_TICKET_KEY; done += FEND__TLS_HASH) {
		data[FEND__TLS_HASH] = (unsigned char)done;
		if (!provider->hmac(config->params.ticket_secret, 32, data, sizeof(data),
				    key + done))
			return false;
	}
	config->ticket_key_given = true;
	return true;
}

int
fend__tls_fingerprint(struct fend__tls_config *config, const struct fend__tls_provider *provider,
		      struct fend__tls_failure *failure)
{
	static const char label[] = "fend session";
	struct fend__tls_buffer buffer = { 0 };
	bool good;

	good = collect(&buffer, config, provider) &&
	       provider->hmac(label, sizeof(label), buffer.data, fend__tls_buffer_size(&buffer),
			      config->fingerprint);
	fend__tls_buffer_clear(&buffer);
	if (good && config->params.ticket_secret)
		good = derive_ticket_key(config, provider);
	return good ? 0 : fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
}
