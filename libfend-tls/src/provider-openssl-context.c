/* SPDX-License-Identifier: MIT */
#include "client-hello.h"
#include "provider-openssl.h"

#include <errno.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * An SSL_CTX with nothing left to its defaults, which the system's openssl.cnf can change:
 * versions, suites, groups and signatures are those that the other provider is given.
 *
 * The security level is 2, which refuses certificates of the peer with less than 112 bits. What we
 * present ourselves is the peer's to judge, so the level does not apply to it.
 */
#define SECURITY_LEVEL 2
#define CERTIFICATES_MAX (128 * 1024) /* bytes of a chain that is received, as with GnuTLS */

static const char signatures[] =
	"ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:ed448:"
	"rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
	"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
	"rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512";

static const char *const suites_1_2[FEND__TLS_CIPHERS] = {
	[FEND__TLS_AES_128_GCM] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:",
	[FEND__TLS_AES_256_GCM] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:",
	[FEND__TLS_CHACHA20_POLY1305] =
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:",
};

static const char *const suites_1_3[FEND__TLS_CIPHERS] = {
	[FEND__TLS_AES_128_GCM] = "TLS_AES_128_GCM_SHA256:",
	[FEND__TLS_AES_256_GCM] = "TLS_AES_256_GCM_SHA384:",
	[FEND__TLS_CHACHA20_POLY1305] = "TLS_CHACHA20_POLY1305_SHA256:",
};

/* clang-format off */
static const int groups[FEND__TLS_GROUPS] = {
	[FEND__TLS_X25519] = NID_X25519,
	[FEND__TLS_X448] = NID_X448,
	[FEND__TLS_P256] = NID_X9_62_prime256v1,
	[FEND__TLS_P384] = NID_secp384r1,
	[FEND__TLS_P521] = NID_secp521r1,
};
/* clang-format on */

struct fend__openssl_error
fend__openssl_error(void)
{
	unsigned long code = ERR_get_error(), next;
	struct fend__openssl_error error;

	while (ERR_GET_LIB(code) != ERR_LIB_SSL && (next = ERR_get_error()))
		if (ERR_GET_LIB(next) == ERR_LIB_SSL)
			code = next;
	ERR_clear_error();
	error.library = ERR_GET_LIB(code);
	error.reason = ERR_GET_REASON(code);
	error.text = ERR_reason_error_string(code);
	if (!error.text)
		error.text = "unknown error";
	return error;
}

int
fend__openssl_fail(struct fend__tls_failure *failure, int err, const char *what)
{
	struct fend__openssl_error error = fend__openssl_error();

	if (error.reason == ERR_R_MALLOC_FAILURE)
		err = -ENOMEM;
	return fend__tls_fail(failure, err, "%s: %s", what, error.text);
}

static int
check_security(const SSL *ssl, const SSL_CTX *ctx, int operation, int bits, int nid, void *other,
	       void *data)
{
	const struct fend__openssl_context *context = data;

	/* of the peer's the numbers are others, with SSL_SECOP_PEER in them */
	if (operation == SSL_SECOP_EE_KEY || operation == SSL_SECOP_CA_KEY ||
	    operation == SSL_SECOP_CA_MD)
		return 1;
	return context->security(ssl, ctx, operation, bits, nid, other, NULL);
}

static void
set_security(struct fend__openssl_context *context)
{
	SSL_CTX *ctx = context->ctx;

	context->security = SSL_CTX_get_security_callback(ctx);
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set0_security_ex_data(ctx, context);
	SSL_CTX_set_security_callback(ctx, check_security);
}

/*
 * Without SSL_MODE_AUTO_RETRY a read returns after each record, whatever it was: how long to go on
 * is neutral code's decision. RELEASE_BUFFERS makes an idle session a third as large.
 */
static void
set_behaviour(SSL_CTX *ctx, bool logs)
{
	SSL_CTX_clear_options(ctx, SSL_OP_ALL | SSL_OP_LEGACY_SERVER_CONNECT |
					   SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
					   SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_ENABLE_KTLS);
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MAX);
	if (logs)
		SSL_CTX_set_keylog_callback(ctx, fend__openssl_log);
}

static bool
set_versions(SSL_CTX *ctx, const struct fend_tls_params *params)
{
	static const int numbers[] = {
		[FEND_TLS_1_2] = TLS1_2_VERSION, [FEND_TLS_1_3] = TLS1_3_VERSION
	};

	return SSL_CTX_set_min_proto_version(ctx, numbers[params->protocol_min]) &&
	       SSL_CTX_set_max_proto_version(ctx, numbers[params->protocol_max]);
}

static void
put_together(char *list, const struct fend__tls_choice *choice, const char *const *words)
{
	size_t i;

	*list = '\0';
	for (i = 0; i < choice->count; i++)
		strcat(list, words[choice->items[i]]);
	list[strlen(list) - 1] = '\0';
}

static bool
set_algorithms(SSL_CTX *ctx, const struct fend__tls_config *config)
{
	char list[512]; /* no word is there twice, so it is long enough */
	int nids[FEND__TLS_GROUPS];
	size_t i;

	put_together(list, &config->ciphers, suites_1_2);
	if (!SSL_CTX_set_cipher_list(ctx, config->psks ? fend__openssl_psk_suites : list))
		return false;
	put_together(list, &config->ciphers, suites_1_3);
	if (!SSL_CTX_set_ciphersuites(ctx, list))
		return false;
	for (i = 0; i < config->groups.count; i++)
		nids[i] = groups[config->groups.items[i]];
	return SSL_CTX_set1_groups(ctx, nids, (int)config->groups.count) &&
	       SSL_CTX_set1_sigalgs_list(ctx, signatures);
}

static void
set_verify(struct fend__openssl_context *context)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(context->ctx);
	int mode = SSL_VERIFY_NONE;

	if (fend__tls_looks(&context->rules) ||
	    (context->rules.mode == FEND_TLS_CLIENT && context->rules.alpn))
		mode = SSL_VERIFY_PEER;
	if (context->rules.verify == FEND_TLS_VERIFY_REQUIRE || context->rules.pins_count)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context->ctx, mode, NULL);
	SSL_CTX_set_cert_verify_callback(context->ctx, fend__openssl_verify, NULL);
	/* whoever is trusted is the end of a chain, be it signed by somebody else */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST);
	if (context->rules.crls)
		X509_VERIFY_PARAM_set_flags(param,
					    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
						       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
}

/* The server's order decides; a client that has no protocol of ours gets an alert. */
static int
select_alpn(SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *theirs,
	    unsigned theirs_size, void *data)
{
	const struct fend__openssl_context *context = data;
	const unsigned char *end = context->alpn + context->alpn_size, *other;
	const unsigned char *own;

	for (own = context->alpn; own < end; own += 1 + *own) {
		for (other = theirs; other < theirs + theirs_size; other += 1 + *other) {
			if (*own == *other && !memcmp(own + 1, other + 1, *own)) {
				*out = own + 1;
				*size = *own;
				return SSL_TLSEXT_ERR_OK;
			}
		}
	}
	return context->rules.flags & FEND_TLS_ALPN_OPTIONAL ? SSL_TLSEXT_ERR_NOACK
							     : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Who has none at all does not get as far as select_alpn(). */
static int
look_at_hello(SSL *ssl, int *ret_alert, void *data)
{
	struct fend__openssl_session *session = SSL_get_app_data(ssl);
	const unsigned char *names;
	size_t size;
	bool any = SSL_client_hello_get0_ext(ssl, FEND__TLS_ALPN, &names, &size) == 1;

	if (fend__tls_judge_alpn(&session->context->rules, any, session->rejected) == 0)
		return SSL_CLIENT_HELLO_SUCCESS;
	*ret_alert = session->rejected->alert;
	return SSL_CLIENT_HELLO_ERROR;
}

static int
set_alpn(struct fend__openssl_context *context, const struct fend_tls_params *params,
	 struct fend__tls_failure *failure)
{
	size_t i, size = 0;
	unsigned char *at;

	for (i = 0; i < params->alpn_count; i++)
		size += 1 + strlen(params->alpn[i]);
	if (!size)
		return 0;
	context->alpn = fend__calloc(size, 1);
	if (!context->alpn)
		return fend__tls_fail(failure, -ENOMEM, "alpn: %s", fend_strerror(-ENOMEM));
	context->alpn_size = (unsigned)size;
	at = context->alpn;
	for (i = 0; i < params->alpn_count; i++) {
		*at = (unsigned char)strlen(params->alpn[i]);
		memcpy(at + 1, params->alpn[i], *at);
		at += 1 + *at;
	}
	if (params->mode == FEND_TLS_SERVER) {
		SSL_CTX_set_alpn_select_cb(context->ctx, select_alpn, context);
		SSL_CTX_set_client_hello_cb(context->ctx, look_at_hello, NULL);
	} else if (SSL_CTX_set_alpn_protos(context->ctx, context->alpn, context->alpn_size)) {
		return fend__openssl_fail(failure, -ENOMEM, "alpn");
	}
	return 0;
}

/* A program's own use of OpenSSL is not to end with handlers that ours has registered. */
static bool
initialize(void)
{
	return OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

int
fend__openssl_context_new(const struct fend__tls_config *config, struct fend__tls_failure *failure,
			  void **ret_context)
{
	const struct fend_tls_params *params = &config->params;
	bool server = params->mode == FEND_TLS_SERVER;
	struct fend__openssl_context *context;
	int r = 0;

	context = fend__calloc(1, sizeof(*context));
	if (!context)
		return fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
	pthread_mutex_init(&context->keys_mutex, NULL);
	context->rules = fend__tls_rules_of(params);
	context->system_trust = config->system_trust;
	ERR_clear_error();
	if (initialize())
		context->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
	context->method = fend__openssl_method_new();
	if (!context->ctx || !context->method) {
		r = fend__openssl_fail(failure, -ENOTSUP, "openssl");
	} else {
		set_security(context);
		set_behaviour(context->ctx, context->rules.logs);
		set_verify(context);
		fend__openssl_use_staples(context);
		if (!set_versions(context->ctx, params) || !set_algorithms(context->ctx, config))
			r = fend__openssl_fail(failure, -ENOTSUP, "ciphers");
		else if (!fend__openssl_set_resumption(context, config))
			r = fend__openssl_fail(failure, -ENOMEM, "ticket_secret");
		else if (!fend__openssl_set_psks(context, config))
			r = fend__openssl_fail(failure, -ENOMEM, "psks");
	}
	if (!r)
		r = fend__openssl_set_trust(context, config, failure);
	if (!r)
		r = fend__openssl_set_certificates(context, config, failure);
	if (!r)
		r = set_alpn(context, params, failure);
	if (r < 0) {
		fend__openssl_context_free(context);
		return r;
	}
	*ret_context = context;
	return 0;
}

void
fend__openssl_context_free(void *p)
{
	struct fend__openssl_context *context = p;

	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->method);
	fend__openssl_free_staples(context);
	sk_X509_CRL_pop_free(context->crls, X509_CRL_free);
	fend__openssl_trust_release(context);
	fend__openssl_pairs_free(context);
	fend__tls_certificates_fini(&context->certificates);
	fend__release(context->alpn);
	explicit_bzero(context->ticket_key, sizeof(context->ticket_key));
	explicit_bzero(&context->keys, sizeof(context->keys));
	pthread_mutex_destroy(&context->keys_mutex);
	fend__release(context);
}
