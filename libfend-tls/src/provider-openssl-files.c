/* SPDX-License-Identifier: MIT */
#include "password.h"
#include "provider-openssl.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Certificates and keys of a context.
 *
 * The system's certificates are hundreds and take tens of milliseconds. They are loaded when the
 * first session needs them, once for all contexts, and go with the last context that has them.
 */
static struct {
	pthread_mutex_t mutex;
	X509_STORE *store;
	unsigned users; /* contexts */
} trust = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static BIO *
open_blob(const struct fend__tls_blob *blob)
{
	return BIO_new_mem_buf(blob->data, (int)blob->size); /* config.c reads at most 16 MiB */
}

/* A key, while it is read. Without a function OpenSSL would ask on the terminal. */
struct reading {
	const struct fend__tls_config *config;
	size_t i;
	struct fend__tls_password password;
	struct fend__tls_failure *failure;
	bool encrypted;
	int err; /* why there is no password */
};

static int
tell_password(char *buffer, int size, int writing, void *data)
{
	struct reading *reading = data;
	size_t length;

	if (!reading->encrypted)
		reading->err = fend__tls_password_init(&reading->password, reading->config,
						       reading->i, reading->failure);
	reading->encrypted = true;
	length = reading->password.text ? strlen(reading->password.text) : 0;
	if (reading->err || !reading->password.text || length > (size_t)size)
		return -1;
	memcpy(buffer, reading->password.text, length);
	return (int)length;
}

static int
refuse_password(char *buffer, int size, int writing, void *data)
{
	return -1;
}

/* All certificates of a file. NULL: there are none, or not only such; the error is in the queue. */
static STACK_OF(X509) *
read_certificates(const struct fend__tls_blob *blob)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *bio = open_blob(blob);
	bool complete = false;
	X509 *certificate;

	while (bio && list) {
		certificate = PEM_read_bio_X509(bio, NULL, refuse_password, NULL);
		if (!certificate) {
			complete = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
				   sk_X509_num(list) > 0;
			break;
		}
		if (!sk_X509_push(list, certificate)) {
			X509_free(certificate);
			break;
		}
	}
	BIO_free(bio);
	if (complete) {
		ERR_clear_error();
		return list;
	}
	sk_X509_pop_free(list, X509_free);
	return NULL;
}

/*
 * Put a chain into the order in which it is sent: each is followed by its issuer, by name. Where
 * there is none the chain ends, and what is left over is dropped, as GnuTLS does it.
 */
static bool
sort(STACK_OF(X509) *chain)
{
	int done, i;

	for (done = 1; done < sk_X509_num(chain); done++) {
		X509 *last = sk_X509_value(chain, done - 1), *issuer;

		for (i = done; i < sk_X509_num(chain); i++)
			if (!X509_NAME_cmp(X509_get_subject_name(sk_X509_value(chain, i)),
					   X509_get_issuer_name(last)))
				break;
		if (i == sk_X509_num(chain))
			break;
		issuer = sk_X509_delete(chain, i);
		if (!sk_X509_insert(chain, issuer, done)) {
			X509_free(issuer);
			return false;
		}
	}
	while (sk_X509_num(chain) > done)
		X509_free(sk_X509_pop(chain));
	return true;
}

static int
read_chain(const struct fend__tls_blob *blob, const char *path, size_t i,
	   STACK_OF(X509) **ret_chain, struct fend__tls_failure *failure)
{
	STACK_OF(X509) *chain = read_certificates(blob);

	if (!chain && ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE)
		return fend__openssl_fail(failure, -ENOMEM, "certificates");
	if (!chain)
		return fend__tls_fail(failure, -EBADMSG,
				      "certificates[%zu].certificate: %s: no chain in PEM form: %s",
				      i, path, fend__openssl_error().text);
	if (sk_X509_num(chain) <= FEND__TLS_CHAIN_MAX && sort(chain)) {
		*ret_chain = chain;
		return 0;
	}
	sk_X509_pop_free(chain, X509_free);
	return fend__tls_fail(failure, -EBADMSG,
			      "certificates[%zu].certificate: %s: more than %d certificates", i,
			      path, FEND__TLS_CHAIN_MAX);
}

static int
read_key(const struct fend__tls_config *config, size_t i, EVP_PKEY **ret_key,
	 struct fend__tls_failure *failure)
{
	struct reading reading = { .config = config, .i = i, .failure = failure };
	BIO *bio = open_blob(&config->keys[i].key);
	struct fend__openssl_error error;
	EVP_PKEY *key = NULL;

	if (bio)
		key = PEM_read_bio_PrivateKey(bio, NULL, tell_password, &reading);
	BIO_free(bio);
	fend__tls_password_fini(&reading.password);
	error = fend__openssl_error();
	if (key) {
		*ret_key = key;
		return 0;
	}
	if (reading.err)
		return reading.err;
	if (error.reason == ERR_R_MALLOC_FAILURE)
		return fend__tls_fail(failure, -ENOMEM, "certificates: %s", error.text);
	return fend__tls_password_fail(config, i, reading.encrypted, error.text, failure);
}

/* When it is presented: a client's is for all servers. */
static int
note_pair(struct fend__openssl_context *context, const struct fend__openssl_pair *pair, size_t i,
	  struct fend__tls_failure *failure)
{
	GENERAL_NAMES *names = NULL;
	const GENERAL_NAME *name;
	int type = EVP_PKEY_get_base_id(pair->key), n, r;

	r = fend__tls_certificates_add(&context->certificates, i, type);
	if (context->rules.mode == FEND_TLS_SERVER)
		names = X509_get_ext_d2i(pair->leaf, NID_subject_alt_name, NULL, NULL);
	for (n = 0; !r && n < sk_GENERAL_NAME_num(names); n++) {
		name = sk_GENERAL_NAME_value(names, n);
		if (name->type == GEN_DNS)
			r = fend__tls_certificates_add_name(&context->certificates, i, type,
							    ASN1_STRING_get0_data(name->d.dNSName),
							    (size_t)ASN1_STRING_length(
								    name->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	return r < 0 ? fend__tls_fail(failure, r, "certificates: %s", fend_strerror(r)) : 0;
}

static int
check_pair(const struct fend__openssl_pair *pair, const struct fend_tls_keypair *from, size_t i,
	   struct fend__tls_failure *failure)
{
	struct fend__openssl_error error;

	if (X509_check_private_key(pair->leaf, pair->key) == 1)
		return 0;
	error = fend__openssl_error();
	if (error.reason == ERR_R_MALLOC_FAILURE)
		return fend__tls_fail(failure, -ENOMEM, "certificates: %s", error.text);
	return fend__tls_fail(failure, -EKEYREJECTED,
			      "certificates[%zu]: %s and %s do not belong together", i,
			      from->certificate, from->key);
}

/* What is presented to whoever asks for no name that there is. */
static int
add_first_set(struct fend__openssl_context *context, struct fend__tls_failure *failure)
{
	const struct fend__tls_set *set = &context->certificates.sets[0];
	const struct fend__openssl_pair *pair;
	struct fend__openssl_error error;
	size_t i;

	for (i = 0; i < set->count; i++) {
		pair = &context->pairs[set->members[i].certificate];
		if (SSL_CTX_use_cert_and_key(context->ctx, pair->leaf, pair->key, pair->chain, 0) ==
		    1)
			continue;
		error = fend__openssl_error();
		return fend__tls_fail(failure,
				      error.reason == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EBADMSG,
				      "certificates[%zu]: %s", set->members[i].certificate,
				      error.text);
	}
	return 0;
}

int
fend__openssl_choose_certificates(SSL *ssl, void *data)
{
	const struct fend__openssl_context *context = data;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	size_t which = fend__tls_certificates_find(&context->certificates, name), i;
	const struct fend__tls_set *set = &context->certificates.sets[which];
	const struct fend__openssl_pair *pair;

	if (!which)
		return 1;
	SSL_certs_clear(ssl);
	for (i = 0; i < set->count; i++) {
		pair = &context->pairs[set->members[i].certificate];
		if (SSL_use_cert_and_key(ssl, pair->leaf, pair->key, pair->chain, 1) != 1)
			return 0;
	}
	return 1;
}

void
fend__openssl_pairs_free(struct fend__openssl_context *context)
{
	size_t i;

	for (i = 0; i < context->pairs_count; i++) {
		X509_free(context->pairs[i].leaf);
		sk_X509_pop_free(context->pairs[i].chain, X509_free);
		EVP_PKEY_free(context->pairs[i].key);
	}
	context->pairs = fend__release(context->pairs);
	context->pairs_count = 0;
}

static int
read_pair(struct fend__openssl_context *context, const struct fend__tls_config *config, size_t i,
	  struct fend__tls_failure *failure)
{
	const struct fend_tls_keypair *from = &config->params.certificates[i];
	struct fend__openssl_pair *pair = &context->pairs[i];
	int r;

	ERR_clear_error();
	r = read_chain(&config->keys[i].certificate, from->certificate, i, &pair->chain, failure);
	if (r < 0)
		return r;
	pair->leaf = sk_X509_shift(pair->chain);
	r = read_key(config, i, &pair->key, failure);
	if (!r)
		r = fend__openssl_set_staple(context, config, i, pair->leaf, failure);
	return r < 0 ? r : note_pair(context, pair, i, failure);
}

int
fend__openssl_set_certificates(struct fend__openssl_context *context,
			       const struct fend__tls_config *config,
			       struct fend__tls_failure *failure)
{
	size_t count = config->params.certificates_count, i;
	int r = 0;

	if (!count)
		return 0;
	context->pairs = fend__calloc(count, sizeof(*context->pairs));
	if (!context->pairs)
		return fend__tls_fail(failure, -ENOMEM, "certificates: %s", fend_strerror(-ENOMEM));
	context->pairs_count = count;
	for (i = 0; i < count && !r; i++)
		r = read_pair(context, config, i, failure);
	if (!r)
		r = fend__tls_certificates_finish(&context->certificates, count, failure);
	for (i = 0; i < count && !r; i++)
		r = check_pair(&context->pairs[i], &config->params.certificates[i], i, failure);
	if (!r)
		r = add_first_set(context, failure);
	if (context->certificates.count > 1)
		SSL_CTX_set_cert_cb(context->ctx, fend__openssl_choose_certificates, context);
	else
		fend__openssl_pairs_free(context);
	return r;
}

/* A server names those it trusts when it asks for a certificate (RFC 8446, section 4.2.4). */
static bool
trust_certificate(struct fend__openssl_context *context, X509 *certificate)
{
	if (!X509_STORE_add_cert(SSL_CTX_get_cert_store(context->ctx), certificate))
		return false;
	return context->rules.mode != FEND_TLS_SERVER ||
	       SSL_CTX_add_client_CA(context->ctx, certificate);
}

/* How many there are; 0: there is something else; -ENOMEM. */
static int
trust_some(const struct fend__tls_blob *blob, void *data)
{
	struct fend__openssl_context *context = data;
	STACK_OF(X509) *list = read_certificates(blob);
	int n = sk_X509_num(list), i;
	bool good = true;

	if (!list)
		return fend__openssl_error().reason == ERR_R_MALLOC_FAILURE ? -ENOMEM : 0;
	for (i = 0; good && i < n; i++)
		good = trust_certificate(context, sk_X509_value(list, i));
	sk_X509_pop_free(list, X509_free);
	ERR_clear_error();
	return good ? n : -ENOMEM;
}

static int
trust_file(struct fend__openssl_context *context, const struct fend__tls_config *config,
	   struct fend__tls_failure *failure)
{
	int n = trust_some(&config->cafile, context);

	if (n > 0)
		return 0;
	if (n < 0)
		return fend__tls_fail(failure, n, "cafile: %s", fend_strerror(n));
	return fend__tls_fail(failure, -EBADMSG, "cafile: %s: no certificate in PEM form",
			      config->params.cafile);
}

/* They stay apart from the certificates, which other contexts may have as well. */
static int
read_crls(struct fend__openssl_context *context, const struct fend__tls_config *config,
	  struct fend__tls_failure *failure)
{
	STACK_OF(X509_CRL) *list = context->crls = sk_X509_CRL_new_null();
	BIO *bio = open_blob(&config->crlfile);
	bool complete = false;
	X509_CRL *crl;

	while (bio && list) {
		crl = PEM_read_bio_X509_CRL(bio, NULL, refuse_password, NULL);
		if (!crl) {
			complete = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE &&
				   sk_X509_CRL_num(list) > 0;
			break;
		}
		if (!sk_X509_CRL_push(list, crl)) {
			X509_CRL_free(crl);
			break;
		}
	}
	BIO_free(bio);
	if (fend__openssl_error().reason == ERR_R_MALLOC_FAILURE || !list)
		return fend__tls_fail(failure, -ENOMEM, "crlfile: %s", fend_strerror(-ENOMEM));
	return complete ? 0
			: fend__tls_fail(failure, -EBADMSG, "crlfile: %s: no list in PEM form",
					 config->params.crlfile);
}

int
fend__openssl_set_trust(struct fend__openssl_context *context,
			const struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	int r = 0;

	if (config->params.cafile)
		r = trust_file(context, config, failure);
	if (!r && config->params.capath)
		r = fend__tls_trust_directory(config->params.capath, trust_some, context, failure);
	if (!r && config->params.crlfile)
		r = read_crls(context, config, failure);
	return r;
}

/* Not SSL_CTX_set_default_verify_paths(), which lets the environment say whom to trust. */
static X509_STORE *
load_system(void)
{
	X509_STORE *store = X509_STORE_new();

	if (store) {
		X509_STORE_load_file(store, X509_get_default_cert_file());
		X509_STORE_load_path(store, X509_get_default_cert_dir());
		ERR_clear_error();
	}
	return store;
}

int
fend__openssl_trust_load(struct fend__openssl_context *context)
{
	if (!context->system_trust)
		return 0;
	pthread_mutex_lock(&trust.mutex);
	if (!context->shares_trust) {
		if (!trust.store)
			trust.store = load_system();
		if (trust.store) {
			SSL_CTX_set1_cert_store(context->ctx, trust.store);
			trust.users++;
			context->shares_trust = true;
		}
	}
	pthread_mutex_unlock(&trust.mutex);
	return context->shares_trust ? 0 : -ENOMEM;
}

void
fend__openssl_trust_release(struct fend__openssl_context *context)
{
	if (!context->shares_trust)
		return;
	pthread_mutex_lock(&trust.mutex);
	if (--trust.users == 0) {
		X509_STORE_free(trust.store);
		trust.store = NULL;
	}
	pthread_mutex_unlock(&trust.mutex);
}
