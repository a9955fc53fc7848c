/* SPDX-License-Identifier: MIT */
#include "client-hello.h"
#include "provider-gnutls.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Sessions of GnuTLS. What it does when left alone, and must not:
 *   - heed SSLKEYLOGFILE and write the keys there, unless a function takes them
 *   - fail without a word to the peer: the alerts are sent here
 *   - renegotiate when a peer with TLS 1.2 asks for it
 *   - take a handshake for good in which no certificate was checked: "verified" says that it was
 *
 * Since push takes everything, it never is in the middle of sending a record, where a KeyUpdate
 * that comes in makes it send data twice.
 *
 * In TLS 1.3 it would send two tickets before the client has proved anything; one is sent when the
 * handshake is done.
 */
#define SNI_MAX 256

static char version_text[64];

static void
write_version(void)
{
	snprintf(version_text, sizeof(version_text), "gnutls %s", gnutls_check_version(NULL));
}

const char *
fend__gnutls_version(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, write_version);
	return version_text;
}

static void
remember(struct fend__gnutls_session *session, const unsigned char *data, size_t size)
{
	const size_t room = sizeof(session->last);

	if (size > room) {
		data += size - room;
		size = room;
	}
	memmove(session->last, session->last + size, room - size);
	memcpy(session->last + room - size, data, size);
}

/*
 * OpenSSL's client does not encrypt yet when it refuses a certificate in TLS 1.3, and GnuTLS takes
 * its alert for a record that does not decrypt. The alert says more, and proves as little.
 */
static int
plain_alert(const struct fend__gnutls_session *session)
{
	static const unsigned char head[] = { 21, 3, 3, 0, 2, GNUTLS_AL_FATAL };

	if (session->open || memcmp(session->last, head, sizeof(head)))
		return -1;
	return session->last[sizeof(head)];
}

static ssize_t
pull(gnutls_transport_ptr_t pointer, void *buffer, size_t size)
{
	struct fend__gnutls_session *session = pointer;
	ssize_t n = fend__tls_pull(session->io, buffer, size);

	if (n > 0 && !session->open)
		remember(session, buffer, (size_t)n);
	if (n > 0)
		return n;
	gnutls_transport_set_errno(session->gnutls, EAGAIN);
	return -1;
}

static ssize_t
push(gnutls_transport_ptr_t pointer, const giovec_t *iov, int n)
{
	struct fend__gnutls_session *session = pointer;
	ssize_t done = 0;
	int i;

	for (i = 0; i < n; i++) {
		fend__tls_push(session->io, iov[i].iov_base, iov[i].iov_len);
		done += (ssize_t)iov[i].iov_len;
	}
	return done;
}

static char *
write_hex(char *text, const gnutls_datum_t *data)
{
	static const char digits[] = "0123456789abcdef";
	unsigned i;

	for (i = 0; i < data->size; i++) {
		*text++ = digits[data->data[i] >> 4];
		*text++ = digits[data->data[i] & 15];
	}
	return text;
}

/* Set even if nothing is to be logged: GnuTLS would else ask the environment. */
static int
log_keys(gnutls_session_t gnutls, const char *label, const gnutls_datum_t *secret)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);
	gnutls_datum_t client, server;
	char line[512], *at;

	gnutls_session_get_random(gnutls, &client, &server);
	if (!session->context->rules.logs ||
	    strlen(label) + 2 * (client.size + secret->size) + 3 > sizeof(line))
		return 0;
	at = stpcpy(stpcpy(line, label), " ");
	at = write_hex(at, &client);
	*at++ = ' ';
	*write_hex(at, secret) = '\0';
	fend__tls_log(session->io, line);
	explicit_bzero(line, sizeof(line));
	return 0;
}

static void
session_free(void *p)
{
	struct fend__gnutls_session *session = p;

	if (session->gnutls)
		gnutls_deinit(session->gnutls);
	fend__release(session->alpn);
	fend__release(session->sni);
	fend__release(session);
}

/* Names are what is chosen by before GnuTLS has a look at them. */
static int
choose_certificates(struct fend__gnutls_session *session, struct fend__tls_reader hello)
{
	struct fend__gnutls_context *context = session->context;
	char name[SNI_MAX];
	size_t set = 0;

	if (fend__tls_find_name(hello, name, sizeof(name)))
		set = fend__tls_certificates_find(&context->certificates, name);
	return gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE,
				      set ? context->others[set - 1] : context->credentials);
}

/* What has no version in common it would refuse for its suites. */
static int
look_at_hello(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
	      const gnutls_datum_t *body)
{
	struct fend__gnutls_session *session = gnutls_session_get_ptr(gnutls);
	const struct fend__tls_reader hello = { body->data, body->size };

	if (fend__tls_judge_hello(&session->context->rules, body->data, body->size,
				  session->rejected) < 0)
		return GNUTLS_E_UNSUPPORTED_VERSION_PACKET;
	return session->context->others ? choose_certificates(session, hello) : 0;
}

static int
configure(struct fend__gnutls_session *session)
{
	const struct fend__gnutls_context *context = session->context;
	bool client = context->rules.mode == FEND_TLS_CLIENT;
	gnutls_session_t gnutls = session->gnutls;
	unsigned flags = client ? 0 : GNUTLS_ALPN_SERVER_PRECEDENCE;
	int code;

	gnutls_session_set_ptr(gnutls, session);
	gnutls_transport_set_ptr(gnutls, session);
	gnutls_transport_set_pull_function(gnutls, pull);
	gnutls_transport_set_vec_push_function(gnutls, push);
	gnutls_session_set_keylog_function(gnutls, log_keys);
	if (client || fend__tls_looks(&context->rules))
		gnutls_session_set_verify_function(gnutls, fend__gnutls_verify);
	if (!client && context->rules.verify != FEND_TLS_VERIFY_NONE)
		gnutls_certificate_server_set_request(gnutls,
						      context->rules.verify ==
								      FEND_TLS_VERIFY_REQUIRE
							      ? GNUTLS_CERT_REQUIRE
							      : GNUTLS_CERT_REQUEST);
	if (client)
		fend__gnutls_expect_tickets(session);
	else
		gnutls_handshake_set_hook_function(gnutls, GNUTLS_HANDSHAKE_CLIENT_HELLO,
						   GNUTLS_HOOK_PRE, look_at_hello);
	gnutls_db_set_cache_expiration(gnutls, FEND__TLS_TICKET_SECONDS);
	code = gnutls_priority_set(gnutls, context->priority);
	if (code >= 0 && context->ticket_key.size)
		code = gnutls_session_ticket_enable_server(gnutls, &context->ticket_key);
	if (code >= 0)
		code = context->rules.psk ? fend__gnutls_use_psks(session)
					  : gnutls_credentials_set(gnutls, GNUTLS_CRD_CERTIFICATE,
								   context->credentials);
	if (code >= 0 && session->name && !session->name->address_size)
		code = gnutls_server_name_set(gnutls, GNUTLS_NAME_DNS, session->name->text,
					      strlen(session->name->text));
	if (!(context->rules.flags & FEND_TLS_ALPN_OPTIONAL))
		flags |= GNUTLS_ALPN_MANDATORY;
	if (code >= 0 && context->alpn_count)
		code = gnutls_alpn_set_protocols(gnutls, context->alpn, context->alpn_count, flags);
	return code;
}

static int
session_new(void *p, struct fend__tls_session *io, const struct fend__tls_name *name,
	    void **ret_session)
{
	struct fend__gnutls_context *context = p;
	struct fend__gnutls_session *session;
	unsigned flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT |
			 GNUTLS_NO_AUTO_SEND_TICKET;
	int code;

	if (fend__gnutls_trust_load(context) < 0)
		return -ENOMEM;
	session = fend__calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->context = context;
	session->io = io;
	session->name = name;
	flags |= context->rules.mode == FEND_TLS_CLIENT ? GNUTLS_CLIENT : GNUTLS_SERVER;
	if (context->rules.flags & FEND_TLS_NO_TICKETS)
		flags |= GNUTLS_NO_TICKETS;
	code = gnutls_init(&session->gnutls, flags);
	if (code < 0)
		session->gnutls = NULL;
	else
		code = configure(session);
	if (code < 0) {
		session_free(session);
		return code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -ENOTSUP;
	}
	*ret_session = session;
	return 0;
}

static int
alert(void *p, int number)
{
	struct fend__gnutls_session *session = p;

	/* which is no reason to end the connection, and never fatal (RFC 5246, section 7.2.2) */
	gnutls_alert_level_t level = number == GNUTLS_A_NO_RENEGOTIATION ? GNUTLS_AL_WARNING
									 : GNUTLS_AL_FATAL;

	gnutls_alert_send(session->gnutls, level, (gnutls_alert_description_t)number);
	return number;
}

bool
fend__gnutls_is_tls13(const struct fend__gnutls_session *session)
{
	return gnutls_protocol_get_version(session->gnutls) == GNUTLS_TLS1_3;
}

/* Codes that mean no more than "call again". */
static bool
is_temporary(int code)
{
	return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED ||
	       code == GNUTLS_E_WARNING_ALERT_RECEIVED;
}

static int
fail_by_alert(int number, struct fend__tls_failure *failure)
{
	fend__tls_fail(failure, -EPROTO, "peer sent alert %s", fend__tls_alert_name(number));
	failure->alert = number;
	failure->from_peer = true;
	return failure->err;
}

/* Where GnuTLS has another one than RFC 8446, section 6, or than OpenSSL. */
static int
alert_for(int code)
{
	switch (code) {
	case GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS:
	case GNUTLS_E_TOO_MANY_EMPTY_PACKETS:
		return FEND__TLS_UNEXPECTED_MESSAGE;
	case GNUTLS_E_HANDSHAKE_TOO_LARGE:
		return FEND__TLS_ILLEGAL_PARAMETER;
	default:
		return gnutls_error_to_alert(code, NULL);
	}
}

static void
describe(struct fend__tls_failure *failure, int code)
{
	const char *text;

	switch (code) {
	case GNUTLS_E_MEMORY_ERROR:
		fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
		return;
	case GNUTLS_E_SESSION_EOF:
	case GNUTLS_E_PREMATURE_TERMINATION:
		fend__tls_fail(failure, -EBADMSG,
			       "peer closed the connection during the handshake");
		return;
	case GNUTLS_E_UNSUPPORTED_VERSION_PACKET:
		text = "no protocol version in common";
		break;
	case GNUTLS_E_NO_CIPHER_SUITES:
	case GNUTLS_E_NO_COMMON_KEY_SHARE:
		text = "no protocol version or cipher suite in common";
		break;
	case GNUTLS_E_NO_APPLICATION_PROTOCOL:
		text = "no application protocol in common";
		break;
	case GNUTLS_E_DECRYPTION_FAILED:
		text = "a record does not decrypt";
		break;
	case GNUTLS_E_TOO_MANY_HANDSHAKE_PACKETS:
		text = "peer updates its keys too often";
		break;
	case GNUTLS_E_REHANDSHAKE:
		text = "peer asked for renegotiation";
		break;
	default:
		text = gnutls_strerror(code);
	}
	fend__tls_fail(failure, -EPROTO, "%s", text);
}

static int
judge_none(const struct fend__gnutls_session *session, struct fend__tls_failure *failure)
{
	return fend__tls_judge_none(&session->context->rules, fend__gnutls_is_tls13(session),
				    failure);
}

/* The failure is filled in: tell the peer. */
static int
refuse(struct fend__gnutls_session *session, const struct fend__tls_failure *failure)
{
	alert(session, failure->alert);
	return failure->err;
}

/* After GnuTLS has said code: say it in fend's words, and tell the peer. */
static int
fail(struct fend__gnutls_session *session, int code, struct fend__tls_failure *failure)
{
	if (code == GNUTLS_E_FATAL_ALERT_RECEIVED || code == GNUTLS_E_WARNING_ALERT_RECEIVED)
		return fail_by_alert((int)gnutls_alert_get(session->gnutls), failure);
	if (code == GNUTLS_E_DECRYPTION_FAILED && plain_alert(session) >= 0)
		return fail_by_alert(plain_alert(session), failure);
	if ((code == GNUTLS_E_NO_CERTIFICATE_FOUND || code == GNUTLS_E_CERTIFICATE_REQUIRED) &&
	    judge_none(session, failure) < 0)
		return refuse(session, failure);
	if (!fend__gnutls_blames_psk(session, code, failure))
		describe(failure, code);
	failure->alert = alert_for(code);
	return refuse(session, failure);
}

static char *
copy(const void *data, size_t size)
{
	char *text = fend__calloc(size + 1, 1);

	return text ? memcpy(text, data, size) : NULL;
}

static bool
copy_items(struct fend__gnutls_session *session)
{
	char sni[SNI_MAX];
	size_t size = sizeof(sni);
	unsigned type;
	gnutls_datum_t alpn;

	if (gnutls_alpn_get_selected_protocol(session->gnutls, &alpn) >= 0) {
		session->alpn = copy(alpn.data, alpn.size);
		if (!session->alpn)
			return false;
	}
	if (session->context->rules.mode == FEND_TLS_SERVER &&
	    gnutls_server_name_get(session->gnutls, sni, &size, &type, 0) >= 0 &&
	    type == GNUTLS_NAME_DNS) {
		session->sni = copy(sni, strnlen(sni, size));
		if (!session->sni)
			return false;
	}
	return true;
}

static int
finish(struct fend__gnutls_session *session, struct fend__tls_failure *failure)
{
	/* a resumed one was verified when it was new */
	if (!session->verified && !fend__gnutls_is_resumed(session) &&
	    judge_none(session, failure) < 0)
		return refuse(session, failure);
	if (fend__tls_judge_psk(&session->context->rules, fend__gnutls_used_psk(session), failure) <
	    0)
		return refuse(session, failure);
	session->open = true;
	/* which is refused if the client wants none */
	if (session->context->ticket_key.size && fend__gnutls_is_tls13(session))
		gnutls_session_ticket_send(session->gnutls, 1, 0);
	return copy_items(session) ? 0 : fail(session, GNUTLS_E_MEMORY_ERROR, failure);
}

static int
handshake(void *p, struct fend__tls_failure *failure)
{
	struct fend__gnutls_session *session = p;
	int code;

	failure->err = 0;
	session->rejected = failure;
	code = gnutls_handshake(session->gnutls);
	session->rejected = NULL;
	if (code >= 0)
		return finish(session, failure);
	if (failure->err) /* filled in by a function that GnuTLS has called */
		return refuse(session, failure);
	return is_temporary(code) ? -EAGAIN : fail(session, code, failure);
}

static ssize_t
receive(void *p, void *buffer, size_t size, struct fend__tls_failure *failure)
{
	struct fend__gnutls_session *session = p;
	ssize_t n;

	n = gnutls_record_recv(session->gnutls, buffer, size);
	if (n >= 0)
		return n;
	/* TLS 1.3 has no warnings but this one (RFC 8446, section 6) */
	if (n == GNUTLS_E_WARNING_ALERT_RECEIVED && fend__gnutls_is_tls13(session) &&
	    gnutls_alert_get(session->gnutls) != GNUTLS_A_USER_CANCELED)
		return fail(session, (int)n, failure);
	return is_temporary((int)n) ? -EAGAIN : fail(session, (int)n, failure);
}

static ssize_t
send_record(void *p, const void *data, size_t size, struct fend__tls_failure *failure)
{
	struct fend__gnutls_session *session = p;
	ssize_t n;

	n = gnutls_record_send(session->gnutls, data, size);
	return n >= 0 ? n : fail(session, (int)n, failure);
}

static bool
pending(void *p)
{
	struct fend__gnutls_session *session = p;

	return gnutls_record_check_pending(session->gnutls) > 0;
}

static void
close_notify(void *p)
{
	struct fend__gnutls_session *session = p;

	gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
}

const struct fend__tls_provider fend__tls_gnutls = {
	.version = fend__gnutls_version,
	.hmac = fend__gnutls_hmac,
	.random = fend__gnutls_random,
	.context_new = fend__gnutls_context_new,
	.context_free = fend__gnutls_context_free,
	.session_new = session_new,
	.session_free = session_free,
	.handshake = handshake,
	.read = receive,
	.write = send_record,
	.pending = pending,
	.close_notify = close_notify,
	.alert = alert,
	.get = fend__gnutls_get,
	.peer_certificate = fend__gnutls_peer_certificate,
	.staple = fend__gnutls_staple,
	.export = fend__gnutls_export,
	.end_point = fend__gnutls_end_point,
	.is_resumed = fend__gnutls_is_resumed,
	.ticket = fend__gnutls_ticket,
	.set_ticket = fend__gnutls_set_ticket,
	.is_bound = fend__gnutls_is_bound,
};
