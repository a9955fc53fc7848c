/* SPDX-License-Identifier: MIT */
#include "zoo.h"

#include <glib.h>
#include <string.h>

#include "process.h"

void
zoo_openssl(const char *line)
{
	char **words = g_strsplit(line, " ", -1), **word;
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	struct process *process;
	char *output;

	g_ptr_array_add(argv, g_strdup("openssl"));
	for (word = words; *word; word++) {
		g_strdelimit(*word, "~", ' ');
		g_ptr_array_add(argv, **word == '@'
					      ? g_build_filename(test_directory(), *word + 1, NULL)
					      : g_strdup(*word));
	}
	g_ptr_array_add(argv, NULL);
	process = process_start((const char *const *)argv->pdata);
	if (process_wait(process)) {
		output = process_output(process);
		g_error("openssl %s: %s", line, output);
	}
	process_stop(process);
	g_ptr_array_unref(argv);
	g_strfreev(words);
}

static void G_GNUC_PRINTF(1, 2) run(const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	line = g_strdup_vprintf(format, args);
	va_end(args);
	zoo_openssl(line);
	g_free(line);
}

const char *
zoo_path(const char *name)
{
	static GHashTable *all;
	char *path;

	if (!all)
		all = g_hash_table_new(g_str_hash, g_str_equal);
	path = g_hash_table_lookup(all, name);
	if (!path) {
		path = g_strdup_printf("%s/%s.crt", test_directory(), name);
		g_hash_table_insert(all, g_strdup(name), path);
	}
	return path;
}

static char *
read_file(const char *path, gsize *ret_size)
{
	char *data;

	g_assert_true(g_file_get_contents(path, &data, ret_size, NULL));
	return data;
}

/* Change the certificate as it lies there in DER form. */
static void
spoil(const char *name, void (*change)(char *der, gsize size))
{
	char *path = g_strdup_printf("%s/%s.der", test_directory(), name), *der;
	gsize size;

	run("x509 -in @%s.crt -outform DER -out @%s.der", name, name);
	der = read_file(path, &size);
	change(der, size);
	g_assert_true(g_file_set_contents(path, der, (gssize)size, NULL));
	run("x509 -inform DER -in @%s.der -out @%s.crt", name, name);
	g_free(der);
	g_free(path);
}

static void
break_signature(char *der, gsize size)
{
	der[size - 1] ^= 1;
}

static void
put_zeros(char *der, gsize size)
{
	gsize i;

	for (i = 0; i + 6 < size; i++)
		if (!memcmp(der + i, "!.evil", 6))
			der[i] = '\0';
}

/* The size of an element of DER with its head; at most 64 KiB. */
static gsize
element_size(const char *der)
{
	const unsigned char *bytes = (const unsigned char *)der;

	if (bytes[1] < 128)
		return 2 + (gsize)bytes[1];
	return bytes[1] == 0x81 ? 3 + (gsize)bytes[2]
				: 4 + ((gsize)bytes[2] << 8) + (gsize)bytes[3];
}

/* A certificate is a SEQUENCE: what is signed, the algorithm, and the signature as a BIT STRING. */
static void
sign_again(const char *name)
{
	char *path = g_strdup_printf("%s/%s.der", test_directory(), name);
	char *der = read_file(path, NULL), *tbs = der + 4, *signature, *whole;
	char *tbs_path = g_strconcat(path, ".tbs", NULL);
	char *signed_path = g_strconcat(path, ".sig", NULL);
	gsize tbs_size = element_size(tbs), size = element_size(tbs + tbs_size), signature_size;
	gsize content;

	g_assert_true(g_file_set_contents(tbs_path, tbs, (gssize)tbs_size, NULL));
	run("dgst -sha256 -sign @authority.key -out @%s.der.sig @%s.der.tbs", name, name);
	signature = read_file(signed_path, &signature_size);
	content = tbs_size + size + 3 + signature_size;
	g_assert_cmpuint(content, <, 65536);
	whole = g_malloc(4 + content);
	memcpy(whole, (const char[]){ 0x30, (char)0x82, (char)(content >> 8), (char)content }, 4);
	memcpy(whole + 4, tbs, tbs_size + size);
	memcpy(whole + 4 + tbs_size + size, (const char[]){ 0x03, (char)(signature_size + 1), 0 },
	       3);
	memcpy(whole + 4 + tbs_size + size + 3, signature, signature_size);
	g_assert_true(g_file_set_contents(path, whole, (gssize)(4 + content), NULL));
	run("x509 -inform DER -in @%s.der -out @%s.crt", name, name);
	g_free(whole);
	g_free(signature);
	g_free(signed_path);
	g_free(tbs_path);
	g_free(der);
	g_free(path);
}

static void
sign(const struct animal *animal)
{
	const char *issuer = animal->issuer ? animal->issuer : "authority";
	const char *digest = animal->digest ? animal->digest : "-sha256";

	if (animal->self_signed)
		run("x509 -req -days 30 %s -in @%s.csr -signkey @%s.key -extfile @%s.ext "
		    "-out @%s.crt",
		    digest, animal->name, animal->name, animal->name, animal->name);
	else
		run("x509 -req -days 30 %s -in @%s.csr -CA @%s.crt -CAkey @%s.key "
		    "-CAcreateserial -extfile @%s.ext -out @%s.crt",
		    digest, animal->name, issuer, issuer, animal->name, animal->name);
}

static void
issue(const struct animal *animal)
{
	const char *san = animal->san ? animal->san : "DNS:good.example.com";
	char *extensions = g_strdup_printf("%s%s%s\n",
					   animal->extensions ? animal->extensions : ZOO_LEAF,
					   *san ? "subjectAltName=" : "", san);
	char *file = g_strconcat(animal->name, ".ext", NULL), *path = test_file(file, extensions);

	run("req -new -newkey %s -nodes -subj %s -keyout @%s.key -out @%s.csr",
	    animal->key ? animal->key : ZOO_P256,
	    animal->subject ? animal->subject : "/CN=good.example.com", animal->name, animal->name);
	sign(animal);
	if (strstr(san, "!.evil") || (animal->subject && strstr(animal->subject, "!.evil"))) {
		spoil(animal->name, put_zeros);
		sign_again(animal->name);
	}
	if (animal->bad_signature)
		spoil(animal->name, break_signature);
	g_free(path);
	g_free(file);
	g_free(extensions);
}

static void
issue_dated(const struct animal *animal)
{
	struct certificate_options options = {
		.common_name = "good.example.com",
		.san = "DNS:good.example.com",
		.days_from = animal->days_from,
		.days_to = animal->days_to,
	};

	certificate_new(animal->name, &options);
}

void
zoo_make(const struct animal *animal)
{
	certificate_ca();
	certificate_other_ca();
	if (g_file_test(zoo_path(animal->name), G_FILE_TEST_EXISTS))
		return;
	if (animal->days_from || animal->days_to)
		issue_dated(animal);
	else
		issue(animal);
}

static void
append(GString *chain, const char *name)
{
	char *text = read_file(zoo_path(name), NULL);

	g_string_append(chain, text);
	g_free(text);
}

static struct certificate *
bundle(const struct animal *animal)
{
	struct certificate *certificate = g_new0(struct certificate, 1);
	char **others = g_strsplit(animal->others ? animal->others : "", " ", -1), **other;
	char *file = g_strconcat(animal->name, ".chain", NULL);
	GString *chain = g_string_new(NULL);

	append(chain, animal->name);
	for (other = others; *other && **other; other++)
		append(chain, *other);
	certificate->certificate = test_file(file, chain->str);
	certificate->key = g_strdup_printf("%s/%s.key", test_directory(), animal->name);
	g_string_free(chain, TRUE);
	g_free(file);
	g_strfreev(others);
	return certificate;
}

const struct certificate *
zoo_certificate(const struct animal *animal)
{
	static GHashTable *all;
	struct certificate *certificate;

	if (!all)
		all = g_hash_table_new(g_direct_hash, g_direct_equal);
	certificate = g_hash_table_lookup(all, animal);
	if (!certificate) {
		zoo_make(animal);
		certificate = bundle(animal);
		g_hash_table_insert(all, (gpointer)animal, certificate);
	}
	return certificate;
}

char *
zoo_list(const char *issuer, const char *revoked, const char *days)
{
	char *config, *path, *line, *text;

	config = g_strdup_printf("[ca]\ndefault_ca = a\n[a]\ndatabase = %s/crl.database\n"
				 "default_md = sha256\n",
				 test_directory());
	g_free(test_file("crl.config", config));
	g_free(test_file("crl.database", ""));
	if (revoked) {
		line = g_strdup_printf("ca -config @crl.config -revoke @%s.crt -cert @%s.crt "
				       "-keyfile @%s.key",
				       revoked, issuer, issuer);
		zoo_openssl(line);
		g_free(line);
	}
	line = g_strdup_printf("ca -config @crl.config -gencrl %s -cert @%s.crt -keyfile @%s.key "
			       "-out @crl.pem",
			       days, issuer, issuer);
	zoo_openssl(line);
	path = g_strdup_printf("%s/crl.pem", test_directory());
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_free(path);
	g_free(line);
	g_free(config);
	return text;
}
