/* SPDX-License-Identifier: MIT */
#include "context.h"

#include <errno.h>
#include <string.h>

/*
 * The rules for parameters, one function per group. What weakens a default must be said whole: a
 * name check is not dropped while the whole world's certificate authorities are trusted, and a
 * server does not ask for certificates of clients without saying who issues them, since the
 * system's authorities say nothing about who may be a client.
 */
#define DEPTH_DEFAULT 8
#define DEPTH_MAX (FEND__TLS_CHAIN_MAX - 2) /* without leaf and root */

/* What GnuTLS takes; RFC 7301, section 3.1, would allow names of 255 bytes. */
#define ALPN_COUNT_MAX 8
#define ALPN_NAME_MAX 32

static bool
has_trust(const struct fend_tls_params *params)
{
	return params->cafile || params->capath;
}

static int
check_versions(struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	if ((unsigned)params->protocol_min > FEND_TLS_1_3)
		return fend__tls_fail(failure, -EINVAL, "protocol_min: no such version");
	if ((unsigned)params->protocol_max > FEND_TLS_1_3)
		return fend__tls_fail(failure, -EINVAL, "protocol_max: no such version");
	if (params->protocol_min == FEND_TLS_VERSION_DEFAULT)
		params->protocol_min = FEND_TLS_1_2;
	if (params->protocol_max == FEND_TLS_VERSION_DEFAULT)
		params->protocol_max = FEND_TLS_1_3;
	if (params->protocol_min > params->protocol_max)
		return fend__tls_fail(failure, -EINVAL, "protocol_min: higher than protocol_max");
	return 0;
}

static int
check_verify(struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	bool client = params->mode == FEND_TLS_CLIENT;

	if ((unsigned)params->verify > FEND_TLS_VERIFY_REQUIRE)
		return fend__tls_fail(failure, -EINVAL, "verify: no such value");
	if (params->verify == FEND_TLS_VERIFY_DEFAULT)
		params->verify = client ? FEND_TLS_VERIFY_REQUIRE : FEND_TLS_VERIFY_NONE;
	if (client && params->verify == FEND_TLS_VERIFY_OPTIONAL)
		return fend__tls_fail(failure, -EINVAL,
				      "verify: optional is for servers; a server always sends "
				      "its certificate");
	if (!client && params->verify != FEND_TLS_VERIFY_NONE && !has_trust(params))
		return fend__tls_fail(failure, -EINVAL,
				      "cafile: a server that verifies its clients needs a cafile "
				      "or capath");
	if (params->depth < 0 || params->depth > DEPTH_MAX)
		return fend__tls_fail(failure, -EINVAL, "depth: not between 0 and %d", DEPTH_MAX);
	if (params->depth == 0)
		params->depth = DEPTH_DEFAULT;
	return 0;
}

static int
check_flags(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	if (params->flags &
	    ~(unsigned)(FEND_TLS_ALLOW_TRUNCATION | FEND_TLS_ALPN_OPTIONAL |
			FEND_TLS_NO_NAME_CHECK | FEND_TLS_NO_TICKETS | FEND_TLS_REQUIRE_STAPLE))
		return fend__tls_fail(failure, -EINVAL, "flags: an unknown flag");
	if (params->flags & FEND_TLS_REQUIRE_STAPLE &&
	    (params->mode != FEND_TLS_CLIENT || params->verify == FEND_TLS_VERIFY_NONE))
		return fend__tls_fail(failure, -EINVAL,
				      "flags: FEND_TLS_REQUIRE_STAPLE is for clients that verify");
	if (!(params->flags & FEND_TLS_NO_NAME_CHECK))
		return 0;
	if (params->mode != FEND_TLS_CLIENT)
		return fend__tls_fail(failure, -EINVAL,
				      "flags: FEND_TLS_NO_NAME_CHECK is for clients");
	if (params->verify != FEND_TLS_VERIFY_NONE && !has_trust(params) && !params->pins_count)
		return fend__tls_fail(failure, -EINVAL,
				      "flags: FEND_TLS_NO_NAME_CHECK needs cafile, capath or "
				      "pins");
	return 0;
}

static int
check_certificates(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	const char *password;
	size_t i;

	if (params->certificates_count && !params->certificates)
		return fend__tls_fail(failure, -EINVAL, "certificates: NULL");
	if (params->mode == FEND_TLS_SERVER && !params->certificates_count && !params->psks_count)
		return fend__tls_fail(failure, -EINVAL, "certificates: a server needs one");
	for (i = 0; i < params->certificates_count; i++) {
		if (!params->certificates[i].certificate)
			return fend__tls_fail(failure, -EINVAL,
					      "certificates[%zu].certificate: NULL", i);
		if (!params->certificates[i].key)
			return fend__tls_fail(failure, -EINVAL, "certificates[%zu].key: NULL", i);
		password = params->certificates[i].password;
		if (password && strlen(password) > FEND_TLS_PASSWORD_MAX)
			return fend__tls_fail(failure, -EINVAL,
					      "certificates[%zu].password: more than %d bytes", i,
					      FEND_TLS_PASSWORD_MAX);
		if (params->certificates[i].staple && params->mode == FEND_TLS_CLIENT)
			return fend__tls_fail(failure, -EINVAL,
					      "certificates[%zu].staple: is for servers", i);
	}
	return 0;
}

static int
check_alpn(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	size_t i, size;

	if (params->alpn_count && !params->alpn)
		return fend__tls_fail(failure, -EINVAL, "alpn: NULL");
	if (params->alpn_count > ALPN_COUNT_MAX)
		return fend__tls_fail(failure, -EINVAL, "alpn: more than %d protocols",
				      ALPN_COUNT_MAX);
	for (i = 0; i < params->alpn_count; i++) {
		size = params->alpn[i] ? strlen(params->alpn[i]) : 0;
		if (size == 0 || size > ALPN_NAME_MAX)
			return fend__tls_fail(failure, -EINVAL,
					      "alpn[%zu]: not between 1 and %d bytes", i,
					      ALPN_NAME_MAX);
	}
	return 0;
}

static int
check_pins(const struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	bool none = params->verify == FEND_TLS_VERIFY_NONE;

	if (params->pins_count && !params->pins)
		return fend__tls_fail(failure, -EINVAL, "pins: NULL");
	if (params->pins_count && none && params->mode == FEND_TLS_SERVER)
		return fend__tls_fail(failure, -EINVAL,
				      "pins: a server that does not verify asks for none");
	if (params->ticket_secret && params->mode == FEND_TLS_CLIENT)
		return fend__tls_fail(failure, -EINVAL, "ticket_secret: is for servers");
	if (params->hello && params->mode == FEND_TLS_CLIENT)
		return fend__tls_fail(failure, -EINVAL, "hello: is for servers");
	if (params->crlfile && none)
		return fend__tls_fail(failure, -EINVAL, "crlfile: nothing is verified");
	return 0;
}

int
fend__tls_params_check(struct fend_tls_params *params, struct fend__tls_failure *failure)
{
	int r;

	if (params->mode != FEND_TLS_CLIENT && params->mode != FEND_TLS_SERVER)
		return fend__tls_fail(failure, -EINVAL, "mode: neither client nor server");
	r = check_versions(params, failure);
	if (!r)
		r = fend__tls_psks_check(params, failure);
	if (!r)
		r = check_verify(params, failure);
	if (!r)
		r = check_flags(params, failure);
	if (!r)
		r = check_certificates(params, failure);
	if (!r)
		r = check_alpn(params, failure);
	if (!r)
		r = check_pins(params, failure);
	return r;
}
