/* SPDX-License-Identifier: MIT */
/*
 * Certificates through the openssl command. "openssl ca" issues them, with a configuration and a
 * database of its own for each, since it alone lets both ends of the validity be chosen. That it is
 * not the library under test that makes them is wanted: a mistake would be made on both sides.
 */
#include <glib.h>

#include "certificate.h"
#include "process.h"

static const char config_format[] = "[ca]\n"
				    "default_ca = authority\n"
				    "[authority]\n"
				    "database = %1$s.database\n"
				    "new_certs_dir = %2$s\n"
				    "rand_serial = yes\n"
				    "unique_subject = no\n"
				    "default_md = sha256\n"
				    "policy = policy\n"
				    "x509_extensions = leaf\n"
				    "[policy]\n"
				    "commonName = supplied\n"
				    "[req]\n"
				    "distinguished_name = req_name\n"
				    "[req_name]\n"
				    "[leaf]\n"
				    "basicConstraints = critical, CA:FALSE\n"
				    "keyUsage = critical, digitalSignature, keyEncipherment\n"
				    "subjectKeyIdentifier = hash\n"
				    "authorityKeyIdentifier = keyid\n";

static char *
path_of(const char *name, const char *suffix)
{
	return g_strdup_printf("%s/%s%s", test_directory(), name, suffix);
}

/* Run openssl; takes arguments, which end with NULL. */
static void
run(GPtrArray *arguments)
{
	struct process *process = process_start((const char *const *)arguments->pdata);
	int status = process_wait(process);
	char *output = process_output(process);

	if (status)
		g_error("openssl %s: %s", (char *)arguments->pdata[1], output);
	g_free(output);
	process_stop(process);
	g_ptr_array_unref(arguments);
}

/* The command line "openssl ...": the words of line, where "%s" stands for the next argument. */
static GPtrArray *G_GNUC_NULL_TERMINATED
command(const char *line, ...)
{
	GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);
	char **words = g_strsplit(line, " ", -1);
	va_list values;

	g_ptr_array_add(arguments, g_strdup("openssl"));
	va_start(values, line);
	for (char **word = words; *word; word++)
		g_ptr_array_add(arguments, g_str_equal(*word, "%s")
						   ? g_strdup(va_arg(values, const char *))
						   : g_strdup(*word));
	va_end(values);
	g_strfreev(words);
	g_ptr_array_add(arguments, NULL);
	return arguments;
}

static const char *
authority_new(const char *name)
{
	char *certificate = path_of(name, ".crt"), *key = path_of(name, ".key");
	char *subject = g_strdup_printf("/CN=fend test %s", name);

	run(command("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 "
		    "-subj %s -keyout %s -out %s -addext keyUsage=critical,keyCertSign,cRLSign",
		    subject, key, certificate, NULL));
	g_free(subject);
	g_free(key);
	return certificate;
}

const char *
certificate_ca(void)
{
	static const char *path;

	if (!path)
		path = authority_new("authority");
	return path;
}

const char *
certificate_other_ca(void)
{
	static const char *path;

	if (!path)
		path = authority_new("other-authority");
	return path;
}

static char *
config_new(const char *name, const struct certificate_options *options)
{
	char *base = path_of(name, ""), *database = path_of(name, ".database");
	char *file_name = g_strconcat(name, ".config", NULL), *path;
	GString *text = g_string_new(NULL);

	g_string_printf(text, config_format, base, test_directory());
	if (*options->usage)
		g_string_append_printf(text, "extendedKeyUsage = %s\n", options->usage);
	if (*options->san)
		g_string_append_printf(text, "subjectAltName = %s\n", options->san);
	path = test_file(file_name, text->str);
	g_assert_true(g_file_set_contents(database, "", 0, NULL));
	g_string_free(text, TRUE);
	g_free(file_name);
	g_free(database);
	g_free(base);
	return path;
}

static void
key_new(const char *path, const struct certificate_options *options)
{
	GPtrArray *arguments =
		options->rsa
			? command("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out %s",
				  path, NULL)
			: command("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s",
				  path, NULL);

	if (options->password) {
		g_ptr_array_insert(arguments, 2, g_strdup("-aes-256-cbc"));
		g_ptr_array_insert(arguments, 3, g_strdup("-pass"));
		g_ptr_array_insert(arguments, 4, g_strconcat("pass:", options->password, NULL));
	}
	run(arguments);
}

static char *
days_from_now(int days)
{
	GDateTime *now = g_date_time_new_now_utc(), *then = g_date_time_add_days(now, days);
	char *text = g_date_time_format(then, "%Y%m%d%H%M%SZ");

	g_date_time_unref(then);
	g_date_time_unref(now);
	return text;
}

static void
issue(const struct certificate *certificate, const char *name,
      const struct certificate_options *options)
{
	char *config = config_new(name, options), *request = path_of(name, ".csr");
	char *subject = g_strdup_printf("/CN=%s", options->common_name);
	char *from = days_from_now(options->days_from), *to = days_from_now(options->days_to);
	char *password = g_strconcat("pass:", options->password ? options->password : "", NULL);
	char *authority_key = path_of("authority", ".key");

	run(command("req -new -config %s -key %s -passin %s -subj %s -out %s", config,
		    certificate->key, password, subject, request, NULL));
	if (options->self_signed)
		run(command("ca -batch -notext -config %s -in %s -out %s -startdate %s -enddate %s "
			    "-selfsign -keyfile %s -passin %s",
			    config, request, certificate->certificate, from, to, certificate->key,
			    password, NULL));
	else
		run(command("ca -batch -notext -config %s -in %s -out %s -startdate %s -enddate %s "
			    "-cert %s -keyfile %s",
			    config, request, certificate->certificate, from, to, certificate_ca(),
			    authority_key, NULL));
	g_free(authority_key);
	g_free(password);
	g_free(to);
	g_free(from);
	g_free(subject);
	g_free(request);
	g_free(config);
}

const struct certificate *
certificate_new(const char *name, const struct certificate_options *options)
{
	static GHashTable *all; /* kept reachable, so that leak checkers do not count them */
	struct certificate_options filled = { 0 };
	struct certificate *certificate;

	if (!all)
		all = g_hash_table_new(g_str_hash, g_str_equal);
	certificate = g_hash_table_lookup(all, name);
	if (certificate)
		return certificate;
	certificate = g_new0(struct certificate, 1);
	g_hash_table_insert(all, g_strdup(name), certificate);
	if (options)
		filled = *options;
	if (!filled.common_name)
		filled.common_name = "localhost";
	if (!filled.san)
		filled.san = "DNS:localhost,IP:127.0.0.1,IP:::1";
	if (!filled.usage)
		filled.usage = "serverAuth,clientAuth";
	if (!filled.days_from && !filled.days_to) {
		filled.days_from = -1;
		filled.days_to = 30;
	}
	certificate->certificate = path_of(name, ".crt");
	certificate->key = path_of(name, ".key");
	key_new(certificate->key, &filled);
	issue(certificate, name, &filled);
	return certificate;
}
