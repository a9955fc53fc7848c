/* SPDX-License-Identifier: MIT */
#include "staples.h"

#include <glib.h>
#include <string.h>

#include "process.h"

static const struct animal inter = { "staple-inter", .subject = "/CN=staple-inter", .san = "",
				     .extensions = ZOO_AUTHORITY };

const struct animal staple_leaf = { "staple-leaf", .san = "DNS:localhost" };
const struct animal staple_wanted = { "staple-wanted", .san = "DNS:localhost",
				      .extensions = ZOO_LEAF "tlsfeature=status_request\n" };
const struct animal staple_below = { "staple-below", .issuer = "staple-inter",
				     .san = "DNS:localhost", .others = "staple-inter" };
const struct animal staple_delegate = { "staple-delegate", .subject = "/CN=delegate", .san = "",
					.extensions = ZOO_LEAF "extendedKeyUsage=OCSPSigning\n" };

static void
make(const struct animal *animal)
{
	certificate_ca();
	if (animal->issuer)
		zoo_make(&inter);
	zoo_certificate(animal);
}

/* As a file of text in which the openssl command keeps what it has issued. */
static void
make_index(const struct staple *staple)
{
	char *line = g_strdup_printf("x509 -noout -serial -in @%s.crt -out @serial",
				     staple->about->name);
	char *path = g_build_filename(test_directory(), "serial", NULL), *serial, *text, *file;

	zoo_openssl(line);
	g_assert_true(g_file_get_contents(path, &serial, NULL, NULL));
	g_strstrip(serial);
	text = g_strdup_printf("%c\t491231235959Z\t%s\t%s\tunknown\t/CN=x\n",
			       staple->state == 'R' ? 'R' : 'V',
			       staple->state == 'R' ? "250101000000Z" : "",
			       strchr("VR", staple->state) ? strchr(serial, '=') + 1 : "01");
	file = g_strconcat(staple->name, ".index", NULL);
	g_free(test_file(file, text));
	g_free(file);
	g_free(text);
	g_free(serial);
	g_free(path);
	g_free(line);
}

const char *
staple_path(const struct staple *staple)
{
	const char *issuer = staple->about->issuer ? staple->about->issuer : "authority";
	const char *signer = staple->signer ? staple->signer->name : issuer;
	static GHashTable *all;
	char *path, *line;

	if (!all)
		all = g_hash_table_new(g_str_hash, g_str_equal);
	path = g_hash_table_lookup(all, staple->name);
	if (path)
		return path;
	make(staple->about);
	if (staple->signer)
		make(staple->signer);
	make_index(staple);
	line = g_strdup_printf("ocsp -index @%s.index -CA @%s.crt -issuer @%s.crt -cert @%s.crt "
			       "-rsigner @%s.crt -rkey @%s.key -noverify -respout @%s.ocsp %s",
			       staple->name, issuer, issuer, staple->about->name, signer, signer,
			       staple->name, staple->options ? staple->options : "-ndays 7");
	zoo_openssl(line);
	g_free(line);
	path = g_strdup_printf("%s/%s.ocsp", test_directory(), staple->name);
	g_hash_table_insert(all, (gpointer)staple->name, path);
	return path;
}

struct fend_tls_keypair
staple_keypair(const struct animal *leaf, const struct staple *staple)
{
	const struct certificate *certificate;

	make(leaf);
	certificate = zoo_certificate(leaf);
	return (struct fend_tls_keypair){
		.certificate = certificate->certificate,
		.key = certificate->key,
		.staple = staple ? staple_path(staple) : NULL,
	};
}
