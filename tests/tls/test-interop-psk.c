/* SPDX-License-Identifier: MIT */
/* Pre-shared keys with the programs of OpenSSL and GnuTLS. */
#include <errno.h>
#include <string.h>

#include "meeting.h"

#define KEY "00112233445566778899aabbccddeeff"

static const unsigned char key[] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
				     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
static const struct fend_tls_psk psk = { "somebody", key, sizeof(key) };

static struct fend_tls_params
params_for(enum fend_tls_mode mode)
{
	return (struct fend_tls_params){
		.size = sizeof(struct fend_tls_params),
		.mode = mode,
		.psks = &psk,
		.psks_count = 1,
	};
}

static void
assert_known(const struct meeting *meeting, const char *protocol)
{
	test_error(meeting->side.err, 0);
	g_assert_cmpstr(fend_tls_get(meeting->side.socket, FEND_TLS_IDENTITY), ==, "somebody");
	g_assert_cmpstr(fend_tls_get(meeting->side.socket, FEND_TLS_PROTOCOL), ==, protocol);
}

#define S_CLIENT "openssl s_client -CAfile %s -port %s -psk_identity somebody -psk " KEY " "

static void
test_s_client(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_SERVER);
	struct meeting meeting;

	params.psk_hint = "a hint to clients";
	meeting_serve(&meeting, test, &params, S_CLIENT "-tls1_2");
	assert_known(&meeting, "TLSv1.2");
	process_expect(meeting.process, "PSK identity hint: a hint to clients");
	meeting_converse(&meeting, "hello\n", "world\n");
	meeting_part(&meeting);
	meeting_serve(&meeting, test, &params, S_CLIENT "-tls1_3");
	assert_known(&meeting, "TLSv1.3");
	meeting_converse(&meeting, "hello\n", "world\n");
	meeting_part(&meeting);
}

static void
test_s_client_with_a_wrong_key(struct test *test)
{
	static const char *const versions[] = { "-tls1_2", "-tls1_3" };
	static const char *const wrong[] = {
		"openssl s_client -CAfile %%s -port %%s -psk_identity somebody -psk 00%s %s",
		"openssl s_client -CAfile %%s -port %%s -psk_identity nobody -psk %s %s",
	};
	struct fend_tls_params params = params_for(FEND_TLS_SERVER);
	struct meeting meeting;
	size_t i, j;
	char *line;

	for (i = 0; i < G_N_ELEMENTS(wrong); i++) {
		for (j = 0; j < G_N_ELEMENTS(versions); j++) {
			line = g_strdup_printf(wrong[i], KEY, versions[j]);
			meeting_serve(&meeting, test, &params, line);
			test_error(meeting.side.err, -EKEYREJECTED);
			process_expect(meeting.process,
				       j == 0 ? "alert number 20" : "alert number 47");
			meeting_part(&meeting);
			g_free(line);
		}
	}
}

/* The longest that there may be, and longer ones, which nobody has. */
static void
test_s_client_with_a_long_identity(struct test *test)
{
	static const char *const versions[] = { "-tls1_2", "-tls1_3" };
	static const int sizes[] = { 128, 129, 255 };
	struct fend_tls_params params = params_for(FEND_TLS_SERVER);
	char identity[256], *line;
	struct fend_tls_psk longest = { identity, key, sizeof(key) };
	struct meeting meeting;
	size_t i, j;

	params.psks = &longest;
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		for (j = 0; j < G_N_ELEMENTS(versions); j++) {
			memset(identity, 'x', sizeof(identity));
			identity[sizes[i]] = '\0';
			line = g_strdup_printf("openssl s_client -CAfile %%s -port %%s "
					       "-psk_identity %s -psk " KEY " %s",
					       identity, versions[j]);
			identity[128] = '\0';
			meeting_serve(&meeting, test, &params, line);
			test_error(meeting.side.err, sizes[i] > 128 ? -EKEYREJECTED : 0);
			if (sizes[i] > 128)
				process_expect(meeting.process,
					       j == 0 ? "alert number 20" : "alert number 47");
			else
				g_assert_cmpstr(fend_tls_get(meeting.side.socket,
							     FEND_TLS_IDENTITY),
						==, identity);
			meeting_part(&meeting);
			g_free(line);
		}
	}
}

/* Not in TLS 1.2, where gnutls-cli 3.7 crashes when it is to say who it is. */
static void
test_gnutls_cli(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_SERVER);
	struct meeting meeting;

	meeting_serve(&meeting, test, &params,
		      "gnutls-cli --x509cafile %s --port %s --pskusername somebody --pskkey " KEY
		      " --priority NORMAL:-KX-ALL:+ECDHE-PSK:-VERS-ALL:+VERS-TLS1.3 localhost");
	assert_known(&meeting, "TLSv1.3");
	meeting_converse(&meeting, "hello\n", "world\n");
	meeting_part(&meeting);
}

#define S_SERVER "openssl s_server -cert %s -key %s -port %s -psk_identity somebody -psk " KEY " "

/* It has a certificate as well, and chooses the key. */
static void
test_s_server(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_CLIENT);
	struct meeting meeting;

	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_2 -psk_hint hint");
	assert_known(&meeting, "TLSv1.2");
	meeting_converse(&meeting, "hello\n", "world\n");
	meeting_part(&meeting);
	meeting_visit(&meeting, test, &params, S_SERVER "-tls1_3");
	assert_known(&meeting, "TLSv1.3");
	meeting_converse(&meeting, "hello\n", "world\n");
	meeting_part(&meeting);
}

/* In TLS 1.3 a server that does not know the key offers its certificate, which is no substitute. */
static void
test_s_server_with_a_certificate_alone(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_CLIENT);
	struct meeting meeting;

	meeting_visit(&meeting, test, &params,
		      "openssl s_server -cert %s -key %s -port %s -tls1_3");
	test_error(meeting.side.err, -EPROTO);
	assert_text(&meeting.side, "peer does not use a pre-shared key");
	meeting_part(&meeting);
}

static void
test_gnutls_serv(struct test *test)
{
	struct fend_tls_params params = params_for(FEND_TLS_CLIENT);
	char *passwords = test_file("passwords", "somebody:" KEY "\n");
	static const char *const versions[] = { "TLSv1.2", "TLSv1.3" };
	struct meeting meeting;
	char data[6], *line;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(versions); i++) {
		line = g_strdup_printf("gnutls-serv --echo --x509certfile %%s --x509keyfile %%s "
				       "--port %%s --pskpasswd %s --priority "
				       "NORMAL:-KX-ALL:+ECDHE-PSK:-VERS-ALL:+VERS-TLS1.%c",
				       passwords, versions[i][6]);
		meeting_visit(&meeting, test, &params, line);
		assert_known(&meeting, versions[i]);
		tls_send(test, meeting.side.socket, "hello\n", 6);
		tls_recv(test, meeting.side.socket, data, 6);
		g_assert_cmpmem(data, 6, "hello\n", 6);
		meeting_part(&meeting);
		g_free(line);
	}
	g_free(passwords);
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add_single("/interop/psk/s_client", test_s_client);
	variant_add_single("/interop/psk/s_client-with-a-long-identity",
			   test_s_client_with_a_long_identity);
	variant_add_single("/interop/psk/s_client-with-a-wrong-key",
			   test_s_client_with_a_wrong_key);
	variant_add_single("/interop/psk/gnutls-cli", test_gnutls_cli);
	variant_add_single("/interop/psk/s_server", test_s_server);
	variant_add_single("/interop/psk/s_server-with-a-certificate-alone",
			   test_s_server_with_a_certificate_alone);
	variant_add_single("/interop/psk/gnutls-serv", test_gnutls_serv);
	return g_test_run();
}
