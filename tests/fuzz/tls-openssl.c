/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "provider-openssl.h"
#include "session.h"
#include "tls-scene.h"

/* The same bytes for each input: of a hash, since whoever makes keys may want several unequal ones. */
static uint64_t counter;

static int
fixed_bytes(unsigned char *data, int size)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	int done, part;

	for (done = 0; done < size; done += part) {
		counter++;
		SHA256((const unsigned char *)&counter, sizeof(counter), hash);
		part = size - done < (int)sizeof(hash) ? size - done : (int)sizeof(hash);
		memcpy(data + done, hash, (size_t)part);
	}
	return 1;
}

static int
fixed_status(void)
{
	return 1;
}

void
scene_fix_randomness(void)
{
	static const RAND_METHOD method = {
		.bytes = fixed_bytes,
		.pseudorand = fixed_bytes,
		.status = fixed_status,
	};

	counter = 0;
	RAND_set_rand_method(&method);
}

void
scene_rekey(struct fend_socket *socket, bool ask_for_more)
{
	struct fend__tls_session *session = fend__tls_session_of(socket);
	struct fend__openssl_session *own = session->implementation;

	/* which writes nothing by itself, as it waits for the next record */
	if (SSL_version(own->ssl) == TLS1_3_VERSION &&
	    SSL_key_update(own->ssl,
			   ask_for_more ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED))
		SSL_do_handshake(own->ssl);
}
