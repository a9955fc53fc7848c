/* SPDX-License-Identifier: MIT */
#include "password.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Passwords of keys. Nobody is ever asked on a terminal, as OpenSSL would do by itself. The
 * function that a program has for it runs inside fend_tls_context_new(), since there is nobody to
 * wait for it.
 */
#define ERRNO_MAX 4095 /* what is less is no -errno */

int
fend__tls_password_init(struct fend__tls_password *ret_password,
			const struct fend__tls_config *config, size_t i,
			struct fend__tls_failure *failure)
{
	const struct fend_tls_params *params = &config->params;
	const char *key = params->certificates[i].key;
	ssize_t n;

	*ret_password = (struct fend__tls_password){ .text = params->certificates[i].password };
	if (ret_password->text || !params->password)
		return 0;
	ret_password->buffer = fend__calloc(FEND_TLS_PASSWORD_MAX + 1, 1);
	if (!ret_password->buffer)
		return fend__tls_fail(failure, -ENOMEM, "certificates[%zu].key: %s", i,
				      fend_strerror(-ENOMEM));
	ret_password->text = ret_password->buffer;
	n = params->password(key, ret_password->buffer, FEND_TLS_PASSWORD_MAX,
			     params->password_data);
	if (n > FEND_TLS_PASSWORD_MAX || n < -ERRNO_MAX ||
	    (n > 0 && memchr(ret_password->buffer, 0, (size_t)n)))
		n = -EINVAL;
	if (n >= 0) {
		ret_password->buffer[n] = '\0';
		return 0;
	}
	fend__tls_password_fini(ret_password);
	return fend__tls_fail(failure, (int)n, "certificates[%zu].key: %s: no password: %s", i, key,
			      fend_strerror((int)n));
}

void
fend__tls_password_fini(struct fend__tls_password *password)
{
	if (password->buffer)
		explicit_bzero(password->buffer, FEND_TLS_PASSWORD_MAX + 1);
	password->buffer = fend__release(password->buffer);
	password->text = NULL;
}

int
fend__tls_password_fail(const struct fend__tls_config *config, size_t i, bool encrypted,
			const char *why, struct fend__tls_failure *failure)
{
	const struct fend_tls_keypair *pair = &config->params.certificates[i];

	if (encrypted)
		why = pair->password || config->params.password
			      ? "wrong password"
			      : "encrypted, and no password given";
	return fend__tls_fail(failure, -EBADMSG, "certificates[%zu].key: %s: no usable key: %s", i,
			      pair->key, why);
}
