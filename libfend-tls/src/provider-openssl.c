/* SPDX-License-Identifier: MIT */
#include "provider-openssl.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Sessions of OpenSSL. Its bytes go through a BIO of our own: a socket BIO writes with write(2),
 * which raises SIGPIPE. What it does when left alone, and must not:
 *   - keep errors in a queue of the thread, where those of somebody else explain our failure, and
 *     ours somebody else's: it is emptied before each call, and after each that has failed
 *   - answer a wish to renegotiate with a warning, and go on: the warning ends the connection here
 *   - count a session as broken, and not to be resumed, that is freed before a shutdown
 *
 * There is no call that sends an alert of one's own choice. As long as nothing is encrypted fend
 * sends it past OpenSSL. Afterwards OpenSSL is given nonsense to read, and finds an alert for that;
 * so what is to be refused is looked for where a function that OpenSSL calls may name the alert.
 */
#define ALERT_MAX 255   /* of those of peers, which are reasons from SSL_AD_REASON_OFFSET on */
#define POISON 0x03     /* a record of an unknown type, in a valid version, with 771 bytes */
#define POISON_TURNS 64 /* of a record each, which a call at most may skip */

static char version_text[64];

static void
write_version(void)
{
	snprintf(version_text, sizeof(version_text), "openssl %s",
		 OpenSSL_version(OPENSSL_VERSION_STRING));
}

const char *
fend__openssl_version(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, write_version);
	return version_text;
}

static int
bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static int
bio_read(BIO *bio, char *buffer, int size)
{
	struct fend__openssl_session *session = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	if (session->poisoned) {
		memset(buffer, POISON, (size_t)size);
		return size;
	}
	n = fend__tls_pull(session->io, buffer, (size_t)size);
	if (n > 0)
		return (int)n;
	BIO_set_retry_read(bio);
	return -1;
}

static int
bio_write(BIO *bio, const char *data, int size)
{
	struct fend__openssl_session *session = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	fend__tls_push(session->io, data, (size_t)size);
	return size;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
fend__openssl_method_new(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "fend");

	if (!method)
		return NULL;
	BIO_meth_set_create(method, bio_create);
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

void
fend__openssl_log(const SSL *ssl, const char *line)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);

	fend__tls_log(session->io, line);
}

static void
note_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl, void *arg)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);
	int message = type == SSL3_RT_HANDSHAKE && size ? *(const unsigned char *)data : -1;

	if (!sent && message == SSL3_MT_KEY_UPDATE)
		fend__tls_rekeyed(session->io);
	if (!sent && message == SSL3_MT_CLIENT_KEY_EXCHANGE)
		fend__openssl_note_key_exchange(session, data, size);
	if (sent && (type == SSL3_RT_CHANGE_CIPHER_SPEC || message == SSL3_MT_FINISHED ||
		     message == SSL3_MT_ENCRYPTED_EXTENSIONS))
		session->encrypts = true;
}

static void
note_alert(const SSL *ssl, int where, int value)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);
	int level = value >> 8, alert = value & 0xff;

	if (where != SSL_CB_WRITE_ALERT)
		return;
	session->alert = alert;
	if (level == SSL3_AL_WARNING && alert == SSL_AD_NO_RENEGOTIATION)
		session->renegotiation = true;
}

static void
session_free(void *p)
{
	struct fend__openssl_session *session = p;
	unsigned i;

	if (session->ssl)
		SSL_set_shutdown(session->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(session->ssl);
	SSL_SESSION_free(session->ticket);
	for (i = 0; session->peer && i < FEND__TLS_CHAIN_MAX; i++)
		OPENSSL_free(session->peer[i].data);
	fend__release(session->peer);
	fend__release(session->alpn);
	fend__release(session);
}

static bool
configure(struct fend__openssl_session *session)
{
	const struct fend__tls_rules *rules = &session->context->rules;
	const struct fend__tls_name *name = session->name;
	const struct fend__tls_name *demanded = fend__tls_demanded(rules, name);
	X509_VERIFY_PARAM *param = SSL_get0_param(session->ssl);

	SSL_set_app_data(session->ssl, session);
	SSL_set_info_callback(session->ssl, note_alert);
	SSL_set_msg_callback(session->ssl, note_message);
	if (rules->mode == FEND_TLS_SERVER)
		SSL_set_accept_state(session->ssl);
	else
		SSL_set_connect_state(session->ssl);
	if (name && name->text && !name->address_size &&
	    !SSL_set_tlsext_host_name(session->ssl, name->text))
		return false;
	if (!demanded)
		return true;
	return demanded->address_size
		       ? X509_VERIFY_PARAM_set1_ip(param, demanded->address, demanded->address_size)
		       : X509_VERIFY_PARAM_set1_host(param, demanded->text, 0);
}

static int
session_new(void *p, struct fend__tls_session *io, const struct fend__tls_name *name,
	    void **ret_session)
{
	struct fend__openssl_context *context = p;
	struct fend__openssl_session *session;
	BIO *bio;

	ERR_clear_error();
	if (fend__openssl_trust_load(context) < 0)
		return -ENOMEM;
	session = fend__calloc(1, sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->context = context;
	session->io = io;
	session->name = name;
	session->alert = -1;
	session->ssl = SSL_new(context->ctx);
	bio = BIO_new(context->method);
	if (bio)
		BIO_set_data(bio, session);
	if (!session->ssl || !bio || !configure(session)) {
		BIO_free(bio);
		session_free(session);
		ERR_clear_error();
		return -ENOMEM;
	}
	SSL_set_bio(session->ssl, bio, bio);
	*ret_session = session;
	return 0;
}

bool
fend__openssl_is_tls13(const struct fend__openssl_session *session)
{
	return SSL_version(session->ssl) == TLS1_3_VERSION;
}

static const char *
words_for(const struct fend__openssl_error *error)
{
	if (error->library != ERR_LIB_SSL)
		return error->text;
	switch (error->reason) {
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return "no protocol version in common";
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SHARED_GROUPS:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
		return "no protocol version or cipher suite in common";
	case SSL_R_NO_APPLICATION_PROTOCOL:
		return "no application protocol in common";
	case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
		return "a record does not decrypt";
	default:
		return error->text;
	}
}

static int
judge_none(const struct fend__openssl_session *session, struct fend__tls_failure *failure)
{
	return fend__tls_judge_none(&session->context->rules, fend__openssl_is_tls13(session),
				    failure);
}

/* OpenSSL has failed, and sent an alert if one is due: say it in fend's words. */
static int
fail(struct fend__openssl_session *session, struct fend__tls_failure *failure)
{
	struct fend__openssl_error error = fend__openssl_error();
	int alert = error.reason - SSL_AD_REASON_OFFSET;

	if (error.reason == ERR_R_MALLOC_FAILURE)
		return fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
	/* reasons that it shares with other libraries, such as ERR_R_ASN1_LIB, are larger still */
	if (error.library == ERR_LIB_SSL && alert >= 0 && alert <= ALERT_MAX) {
		fend__tls_fail(failure, -EPROTO, "peer sent alert %s", fend__tls_alert_name(alert));
		failure->alert = alert;
		failure->from_peer = true;
		return failure->err;
	}
	if (!fend__openssl_blames_psk(session, &error, failure) &&
	    (error.reason != SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE ||
	     !judge_none(session, failure)))
		fend__tls_fail(failure, -EPROTO, "%s", words_for(&error));
	failure->alert = session->alert;
	return failure->err;
}

static int
alert(void *p, int number)
{
	struct fend__openssl_session *session = p;
	char byte;
	int i;

	if (!session->encrypts) {
		fend__tls_push_plain_alert(session->io, number);
		return number;
	}
	session->poisoned = true;
	session->alert = -1;
	for (i = 0; i < POISON_TURNS && session->alert < 0; i++) {
		ERR_clear_error();
		SSL_read(session->ssl, &byte, sizeof(byte)); /* goes on with a handshake, too */
	}
	ERR_clear_error();
	session->poisoned = false;
	return session->alert;
}

static bool
copy_alpn(struct fend__openssl_session *session)
{
	const unsigned char *alpn;
	unsigned size;

	SSL_get0_alpn_selected(session->ssl, &alpn, &size);
	if (!size)
		return true;
	session->alpn = fend__calloc(size + 1, 1);
	if (!session->alpn)
		return false;
	memcpy(session->alpn, alpn, size);
	return true;
}

static int
finish(struct fend__openssl_session *session, struct fend__tls_failure *failure)
{
	/* a resumed one was verified when it was new */
	if (!session->verified && !fend__openssl_is_resumed(session) &&
	    judge_none(session, failure) < 0) {
		failure->alert = alert(session, failure->alert);
		return failure->err;
	}
	if (fend__tls_judge_psk(&session->context->rules, fend__openssl_used_psk(session),
				failure) < 0) {
		failure->alert = alert(session, failure->alert);
		return failure->err;
	}
	if (copy_alpn(session))
		return 0;
	fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
	failure->alert = alert(session, SSL_AD_INTERNAL_ERROR);
	return failure->err;
}

static int
handshake(void *p, struct fend__tls_failure *failure)
{
	struct fend__openssl_session *session = p;
	int code;

	ERR_clear_error();
	failure->err = 0;
	session->rejected = failure;
	code = SSL_do_handshake(session->ssl);
	session->rejected = NULL;
	if (code == 1)
		return finish(session, failure);
	if (failure->err) { /* filled in by a function that OpenSSL has called */
		ERR_clear_error();
		failure->alert = session->alert;
		return failure->err;
	}
	switch (SSL_get_error(session->ssl, code)) {
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return fend__tls_fail(failure, -EBADMSG,
				      "peer closed the connection during the handshake");
	default:
		return fail(session, failure);
	}
}

/* What is most often empty is emptied only if it is not: it has 16 places to be looked at. */
static void
empty_queue(void)
{
	if (ERR_peek_error())
		ERR_clear_error();
}

static ssize_t
receive(void *p, void *buffer, size_t size, struct fend__tls_failure *failure)
{
	struct fend__openssl_session *session = p;
	size_t n;

	empty_queue();
	if (SSL_read_ex(session->ssl, buffer, size, &n))
		return (ssize_t)n;
	if (session->renegotiation) {
		ERR_clear_error();
		fend__tls_fail(failure, -EPROTO, "peer asked for renegotiation");
		failure->alert = session->alert;
		return failure->err;
	}
	switch (SSL_get_error(session->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		return fail(session, failure);
	}
}

static ssize_t
send_record(void *p, const void *data, size_t size, struct fend__tls_failure *failure)
{
	struct fend__openssl_session *session = p;
	size_t n;

	empty_queue();
	return SSL_write_ex(session->ssl, data, size, &n) ? (ssize_t)n : fail(session, failure);
}

static bool
pending(void *p)
{
	struct fend__openssl_session *session = p;

	return SSL_pending(session->ssl) > 0;
}

static void
close_notify(void *p)
{
	struct fend__openssl_session *session = p;

	ERR_clear_error();
	SSL_shutdown(session->ssl);
	ERR_clear_error();
}

const struct fend__tls_provider fend__tls_openssl = {
	.version = fend__openssl_version,
	.hmac = fend__openssl_hmac,
	.random = fend__openssl_random,
	.context_new = fend__openssl_context_new,
	.context_free = fend__openssl_context_free,
	.session_new = session_new,
	.session_free = session_free,
	.handshake = handshake,
	.read = receive,
	.write = send_record,
	.pending = pending,
	.close_notify = close_notify,
	.alert = alert,
	.get = fend__openssl_get,
	.peer_certificate = fend__openssl_peer_certificate,
	.staple = fend__openssl_staple,
	.export = fend__openssl_export,
	.end_point = fend__openssl_end_point,
	.is_resumed = fend__openssl_is_resumed,
	.ticket = fend__openssl_ticket,
	.set_ticket = fend__openssl_set_ticket,
	.is_bound = fend__openssl_is_bound,
};
