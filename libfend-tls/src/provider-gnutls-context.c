/* SPDX-License-Identifier: MIT */
#include "password.h"
#include "provider-gnutls.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>

#include <fend-internal/kernel.h>
#include <fend/error.h>

/*
 * Credentials, priorities and protocols of a context.
 */

/*
 * What is left of NORMAL is the key exchange by ECDHE, AEAD, and signatures with SHA-256 or better.
 * PROFILE_MEDIUM refuses certificates with less than 112 bits of security. Ciphers, groups and
 * versions are appended.
 */
static const char base_priority[] =
	"NORMAL:-RSA:-DHE-RSA:-SHA1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%PROFILE_MEDIUM:"
	"%SERVER_PRECEDENCE:-CIPHER-ALL:-GROUP-ALL:-VERS-ALL";

static const char *const cipher_words[FEND__TLS_CIPHERS] = {
	[FEND__TLS_AES_128_GCM] = ":+AES-128-GCM",
	[FEND__TLS_AES_256_GCM] = ":+AES-256-GCM",
	[FEND__TLS_CHACHA20_POLY1305] = ":+CHACHA20-POLY1305",
};

/* clang-format off */
static const char *const group_words[FEND__TLS_GROUPS] = {
	[FEND__TLS_X25519] = ":+GROUP-X25519",
	[FEND__TLS_X448] = ":+GROUP-X448",
	[FEND__TLS_P256] = ":+GROUP-SECP256R1",
	[FEND__TLS_P384] = ":+GROUP-SECP384R1",
	[FEND__TLS_P521] = ":+GROUP-SECP521R1",
};
/* clang-format on */

#define PRIORITY_SIZE 1024

static int
failed(struct fend__tls_failure *failure, int err, const char *what, int code)
{
	if (code == GNUTLS_E_MEMORY_ERROR)
		err = -ENOMEM;
	return fend__tls_fail(failure, err, "%s: %s", what, gnutls_strerror(code));
}

static void
add_words(char *priority, const struct fend__tls_choice *choice, const char *const *words)
{
	size_t i;

	for (i = 0; i < choice->count; i++)
		strcat(priority, words[choice->items[i]]);
}

static int
set_priority(struct fend__gnutls_context *context, const struct fend__tls_config *config,
	     struct fend__tls_failure *failure)
{
	char priority[PRIORITY_SIZE]; /* no word is there twice, so it is long enough */
	int code;

	strcpy(priority, base_priority);
	if (config->psks)
		strcat(priority, ":-KX-ALL:+ECDHE-PSK");
	if (config->params.protocol_max != FEND_TLS_1_2)
		strcat(priority, ":+VERS-TLS1.3");
	if (config->params.protocol_min != FEND_TLS_1_3)
		strcat(priority, ":+VERS-TLS1.2");
	add_words(priority, &config->ciphers, cipher_words);
	add_words(priority, &config->groups, group_words);
	code = gnutls_priority_init2(&context->priority, priority, NULL, 0);
	if (code >= 0)
		return 0;
	context->priority = NULL;
	return failed(failure, -ENOTSUP, "ciphers", code);
}

/*
 * A certificate chain and its key, imported one after the other, so that an error can be told
 * of the one that has it.
 */
struct pair {
	gnutls_x509_crt_t *chain;
	unsigned chain_size;
	gnutls_x509_privkey_t key;
};

static void
pair_fini(struct pair *pair)
{
	unsigned i;

	for (i = 0; i < pair->chain_size; i++)
		gnutls_x509_crt_deinit(pair->chain[i]);
	if (pair->chain)
		gnutls_free(pair->chain);
	if (pair->key)
		gnutls_x509_privkey_deinit(pair->key);
}

static int
import_chain(struct pair *pair, const struct fend__tls_blob *blob, const char *path, size_t i,
	     struct fend__tls_failure *failure)
{
	const gnutls_datum_t pem = { blob->data, (unsigned)blob->size };
	int code;

	code = gnutls_x509_crt_list_import2(&pair->chain, &pair->chain_size, &pem,
					    GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
	if (code >= 0 && pair->chain_size)
		return 0;
	return fend__tls_fail(failure, code == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EBADMSG,
			      "certificates[%zu].certificate: %s: no chain in PEM form: %s", i,
			      path, gnutls_strerror(code));
}

static int
import_key(struct pair *pair, const struct fend__tls_config *config, size_t i,
	   struct fend__tls_failure *failure)
{
	const struct fend__tls_blob *key = &config->keys[i].key;
	const gnutls_datum_t pem = { key->data, (unsigned)key->size };
	struct fend__tls_password password;
	int code, r;

	code = gnutls_x509_privkey_init(&pair->key);
	if (code < 0)
		return failed(failure, -ENOMEM, "certificates", code);
	code = gnutls_x509_privkey_import2(pair->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (code == GNUTLS_E_DECRYPTION_FAILED) {
		r = fend__tls_password_init(&password, config, i, failure);
		if (r < 0)
			return r;
		if (password.text)
			code = gnutls_x509_privkey_import2(pair->key, &pem, GNUTLS_X509_FMT_PEM,
							   password.text, 0);
		fend__tls_password_fini(&password);
	}
	if (code >= 0)
		return 0;
	if (code == GNUTLS_E_MEMORY_ERROR)
		return failed(failure, -ENOMEM, "certificates", code);
	return fend__tls_password_fail(config, i, code == GNUTLS_E_DECRYPTION_FAILED,
				       gnutls_strerror(code), failure);
}

static int
trust_some(const struct fend__tls_blob *blob, void *credentials)
{
	const gnutls_datum_t pem = { blob->data, (unsigned)blob->size };
	int n = gnutls_certificate_set_x509_trust_mem(credentials, &pem, GNUTLS_X509_FMT_PEM);

	if (n == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	return n > 0 ? n : 0;
}

static int
set_trust(gnutls_certificate_credentials_t credentials, const struct fend__tls_config *config,
	  struct fend__tls_failure *failure)
{
	const struct fend_tls_params *params = &config->params;
	int n;

	/* it counts the certificates that a peer sends, so the leaf and perhaps the root as well */
	fend__gnutls_set_verification(credentials, (unsigned)params->depth + 2);
	if (params->cafile) {
		n = trust_some(&config->cafile, credentials);
		if (n <= 0)
			return fend__tls_fail(failure, n < 0 ? n : -EBADMSG,
					      "cafile: %s: no certificate in PEM form",
					      params->cafile);
	}
	return params->capath
		       ? fend__tls_trust_directory(params->capath, trust_some, credentials, failure)
		       : 0;
}

static int
add_pair(gnutls_certificate_credentials_t credentials, const struct pair *pair,
	 const struct fend_tls_keypair *from, size_t i, struct fend__tls_failure *failure)
{
	int code;

	code = gnutls_certificate_set_x509_key(credentials, pair->chain, (int)pair->chain_size,
					       pair->key);
	if (code >= 0)
		return 0;
	if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		return fend__tls_fail(failure, -EKEYREJECTED,
				      "certificates[%zu]: %s and %s do not belong together", i,
				      from->certificate, from->key);
	return failed(failure, -EBADMSG, "certificates", code);
}

static int
note_names(struct fend__gnutls_context *context, const struct pair *pair, size_t i, int type)
{
	struct fend__tls_certificates *certificates = &context->certificates;
	gnutls_datum_t extension = { NULL, 0 }, name;
	gnutls_subject_alt_names_t names;
	unsigned n, kind;
	int r = 0;

	if (gnutls_subject_alt_names_init(&names) < 0)
		return -ENOMEM;
	if (gnutls_x509_crt_get_extension_by_oid2(pair->chain[0], GNUTLS_X509EXT_OID_SAN, 0,
						  &extension, NULL) >= 0)
		gnutls_x509_ext_import_subject_alt_names(&extension, names, 0);
	for (n = 0; !r && gnutls_subject_alt_names_get(names, n, &kind, &name, NULL) >= 0; n++)
		if (kind == GNUTLS_SAN_DNSNAME)
			r = fend__tls_certificates_add_name(certificates, i, type, name.data,
							    name.size);
	gnutls_free(extension.data);
	gnutls_subject_alt_names_deinit(names);
	return r;
}

/* When it is presented: a client's is for all servers. */
static int
note_pair(struct fend__gnutls_context *context, const struct pair *pair, size_t i,
	  struct fend__tls_failure *failure)
{
	int type = gnutls_x509_privkey_get_pk_algorithm(pair->key), r;

	r = fend__tls_certificates_add(&context->certificates, i, type);
	if (!r && context->rules.mode == FEND_TLS_SERVER)
		r = note_names(context, pair, i, type);
	return r < 0 ? fend__tls_fail(failure, r, "certificates: %s", fend_strerror(r)) : 0;
}

static int
add_set(const struct fend__gnutls_context *context, gnutls_certificate_credentials_t credentials,
	const struct fend__tls_set *set, const struct pair *pairs,
	const struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	size_t i, which;
	int r = 0;

	for (i = 0; i < set->count && !r; i++) {
		which = set->members[i].certificate;
		r = add_pair(credentials, &pairs[which], &config->params.certificates[which], which,
			     failure);
		if (!r)
			r = fend__gnutls_use_staple(context, which, credentials, (unsigned)i,
						    failure);
	}
	return r;
}

/* Credentials are trust as well: a server names those it trusts to its clients. */
static int
add_sets(struct fend__gnutls_context *context, const struct pair *pairs,
	 const struct fend__tls_config *config, struct fend__tls_failure *failure)
{
	const struct fend__tls_certificates *certificates = &context->certificates;
	size_t i;
	int r;

	r = add_set(context, context->credentials, &certificates->sets[0], pairs, config, failure);
	if (r < 0 || certificates->count == 1)
		return r;
	context->others = fend__calloc(certificates->count - 1, sizeof(*context->others));
	if (!context->others)
		return fend__tls_fail(failure, -ENOMEM, "certificates: %s", fend_strerror(-ENOMEM));
	for (i = 1; i < certificates->count && !r; i++) {
		gnutls_certificate_credentials_t *other = &context->others[i - 1];

		if (gnutls_certificate_allocate_credentials(other) < 0)
			return fend__tls_fail(failure, -ENOMEM, "certificates: %s",
					      fend_strerror(-ENOMEM));
		r = set_trust(*other, config, failure);
		if (!r)
			r = add_set(context, *other, &certificates->sets[i], pairs, config,
				    failure);
	}
	return r;
}

static int
set_certificates(struct fend__gnutls_context *context, const struct fend__tls_config *config,
		 struct fend__tls_failure *failure)
{
	const struct fend_tls_keypair *from = config->params.certificates;
	size_t count = config->params.certificates_count, i;
	struct pair *pairs;
	int r = 0;

	if (!count)
		return 0;
	pairs = fend__calloc(count, sizeof(*pairs));
	if (!pairs)
		return fend__tls_fail(failure, -ENOMEM, "certificates: %s", fend_strerror(-ENOMEM));
	for (i = 0; i < count && !r; i++) {
		r = import_chain(&pairs[i], &config->keys[i].certificate, from[i].certificate, i,
				 failure);
		if (!r)
			r = import_key(&pairs[i], config, i, failure);
		if (!r)
			r = note_pair(context, &pairs[i], i, failure);
		if (!r)
			r = fend__gnutls_read_staple(context, config, i, pairs[i].chain[0],
						     failure);
	}
	if (!r)
		r = fend__tls_certificates_finish(&context->certificates, count, failure);
	if (!r)
		r = add_sets(context, pairs, config, failure);
	for (i = 0; i < count; i++)
		pair_fini(&pairs[i]);
	fend__release(pairs);
	return r;
}

static int
set_alpn(struct fend__gnutls_context *context, const struct fend_tls_params *params,
	 struct fend__tls_failure *failure)
{
	size_t i, size;

	if (!params->alpn_count)
		return 0;
	context->alpn = fend__calloc(params->alpn_count, sizeof(*context->alpn));
	if (!context->alpn)
		return fend__tls_fail(failure, -ENOMEM, "alpn: %s", fend_strerror(-ENOMEM));
	for (i = 0; i < params->alpn_count; i++) {
		size = strlen(params->alpn[i]);
		context->alpn[i].data = (unsigned char *)fend__strdup(params->alpn[i]);
		if (!context->alpn[i].data)
			return fend__tls_fail(failure, -ENOMEM, "alpn: %s", fend_strerror(-ENOMEM));
		context->alpn[i].size = (unsigned)size;
		context->alpn_count++;
	}
	return 0;
}

int
fend__gnutls_context_new(const struct fend__tls_config *config, struct fend__tls_failure *failure,
			 void **ret_context)
{
	const struct fend_tls_params *params = &config->params;
	struct fend__gnutls_context *context;
	int code, r;

	context = fend__calloc(1, sizeof(*context));
	if (!context)
		return fend__tls_fail(failure, -ENOMEM, "%s", fend_strerror(-ENOMEM));
	context->rules = fend__tls_rules_of(params);
	context->system_trust = config->system_trust;
	code = gnutls_certificate_allocate_credentials(&context->credentials);
	r = code < 0 ? failed(failure, -ENOMEM, "gnutls", code) : 0;
	context->trust = context->credentials;
	if (!r) {
		code = fend__gnutls_set_ticket_key(context, config);
		r = code < 0 ? failed(failure, -ENOMEM, "ticket_secret", code) : 0;
	}
	if (!r) {
		code = fend__gnutls_set_psks(context, config);
		r = code < 0 ? failed(failure, -ENOMEM, "psks", code) : 0;
	}
	if (!r)
		r = set_priority(context, config, failure);
	if (!r)
		r = set_trust(context->credentials, config, failure);
	if (!r)
		r = fend__gnutls_set_crls(context, config, failure);
	if (!r)
		r = set_certificates(context, config, failure);
	if (!r)
		r = set_alpn(context, params, failure);
	if (r < 0) {
		fend__gnutls_context_free(context);
		return r;
	}
	*ret_context = context;
	return 0;
}

void
fend__gnutls_context_free(void *p)
{
	struct fend__gnutls_context *context = p;
	unsigned i;

	for (i = 0; i < context->crls_count; i++)
		gnutls_x509_crl_deinit(context->crls[i]);
	gnutls_free(context->crls);
	if (context->ticket_key.data)
		explicit_bzero(context->ticket_key.data, context->ticket_key.size);
	gnutls_free(context->ticket_key.data);
	for (i = 0; i < context->alpn_count; i++)
		fend__release(context->alpn[i].data);
	fend__release(context->alpn);
	fend__gnutls_free_psks(context);
	fend__gnutls_free_staples(context);
	if (context->priority)
		gnutls_priority_deinit(context->priority);
	if (context->credentials)
		gnutls_certificate_free_credentials(context->credentials);
	for (i = 0; context->others && i + 1 < context->certificates.count; i++)
		if (context->others[i])
			gnutls_certificate_free_credentials(context->others[i]);
	fend__release(context->others);
	fend__tls_certificates_fini(&context->certificates);
	fend__gnutls_trust_release(context);
	fend__release(context);
}
