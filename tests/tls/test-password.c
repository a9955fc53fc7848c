/* SPDX-License-Identifier: MIT */
/* Keys that are encrypted: whose password it is, who is asked for it, and who is not. */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fend-internal/kernel.h>

#include "process.h"
#include "zoo.h"

/* Somebody who is asked. */
struct keeper {
	const char *answer;
	ssize_t result; /* what to return, 0: the size of the answer */
	const char *key;
	int asked;
	pthread_t thread;
	char *buffer; /* that the answer went to */
};

static ssize_t
tell(const char *key, char *buffer, size_t size, void *data)
{
	struct keeper *keeper = data;

	g_assert_cmpuint(size, ==, FEND_TLS_PASSWORD_MAX);
	keeper->asked++;
	keeper->thread = pthread_self();
	keeper->buffer = buffer;
	g_assert_cmpstr(key, ==, keeper->key);
	memcpy(buffer, keeper->answer, strlen(keeper->answer));
	return keeper->result ? keeper->result : (ssize_t)strlen(keeper->answer);
}

/* Encrypted in the form that openssl writes now, and in the one that it wrote once. */
static const struct certificate *
locked(bool old)
{
	static struct certificate other;
	const struct certificate *certificate =
		certificate_new("locked", &(struct certificate_options){ .password = "sesame" });

	if (!old)
		return certificate;
	if (!other.key) {
		zoo_openssl("ec -in @locked.key -passin pass:sesame -aes256 -passout pass:sesame "
			    "-out @locked-once.key");
		other.certificate = certificate->certificate;
		other.key = g_build_filename(test_directory(), "locked-once.key", NULL);
	}
	return &other;
}

static void
assert_refused(const struct fend_tls_params *params, int error, const char *part)
{
	struct fend_tls_context *context = NULL;
	char *reason = NULL;

	test_error(fend_tls_context_new(params, &reason, &context), error);
	g_assert_null(context);
	if (!strstr(reason, part))
		g_error("\"%s\" instead of \"%s\"", reason, part);
	fend_free(reason);
}

static void
ask(bool old)
{
	struct keeper keeper = { .answer = "sesame", .key = locked(old)->key };
	struct fend_tls_params params = server_params();

	params.certificates = keypair_of(locked(old));
	params.password = tell;
	params.password_data = &keeper;
	fend_tls_context_unref(context_new(&params));
	g_assert_cmpint(keeper.asked, ==, 1);
	g_assert_true(pthread_equal(keeper.thread, pthread_self()));

	keeper.answer = "simsim";
	assert_refused(&params, -EBADMSG, "wrong password");
	g_assert_cmpint(keeper.asked, ==, 2);
	keeper.result = -ECANCELED;
	assert_refused(&params, -ECANCELED, "no password: ");
	keeper.result = FEND_TLS_PASSWORD_MAX + 1;
	assert_refused(&params, -EINVAL, "no password: ");
	keeper.result = 10; /* with zeros in it */
	assert_refused(&params, -EINVAL, "no password: ");
	keeper.result = -(1LL << 32) + 1; /* no error there is, and cut to an int 1 */
	assert_refused(&params, -EINVAL, "no password: ");
	g_assert_cmpint(keeper.asked, ==, 6);
}

static void
test_asked(struct test *test)
{
	ask(false);
	ask(true);
}

/* A key in the clear, and one whose password is known. */
static void
test_not_asked(struct test *test)
{
	struct keeper keeper = { .answer = "sesame", .key = locked(false)->key };
	struct fend_tls_keypair pairs[2] = { *keypair_of(certificate_rsa()) };
	struct fend_tls_params params = server_params();

	pairs[1] = *keypair_of(locked(false));
	pairs[1].password = "sesame";
	params.certificates = pairs;
	params.certificates_count = 2;
	params.password = tell;
	params.password_data = &keeper;
	fend_tls_context_unref(context_new(&params));
	g_assert_cmpint(keeper.asked, ==, 0);
	pairs[1].password = "simsim";
	assert_refused(&params, -EBADMSG, "certificates[1].key: ");
	g_assert_cmpint(keeper.asked, ==, 0);
	pairs[1].password = NULL;
	fend_tls_context_unref(context_new(&params));
	g_assert_cmpint(keeper.asked, ==, 1);
}

static void
test_too_long(struct test *test)
{
	char *longest = g_strnfill(FEND_TLS_PASSWORD_MAX + 1, 'x');
	struct fend_tls_params params = server_params();
	struct fend_tls_keypair pair = *keypair_of(locked(false));

	pair.password = longest;
	params.certificates = &pair;
	assert_refused(&params, -EINVAL, "certificates[0].password: ");
	longest[FEND_TLS_PASSWORD_MAX] = '\0';
	assert_refused(&params, -EBADMSG, "wrong password");
	g_free(longest);
}

static struct keeper wiped;
static int wipes;

static void *
watching_allocate(void *pointer, size_t size)
{
	static const char zeros[FEND_TLS_PASSWORD_MAX + 1];

	if (!size && pointer && pointer == wiped.buffer) {
		g_assert_cmpmem(pointer, sizeof(zeros), zeros, sizeof(zeros));
		wiped.buffer = NULL;
		wipes++;
	}
	return fend__kernel_real.allocate(pointer, size);
}

static void
test_wiped(struct test *test)
{
	static struct fend__kernel kernel;
	struct fend_tls_params params = server_params();

	wiped = (struct keeper){ .answer = "sesame", .key = locked(false)->key };
	params.certificates = keypair_of(locked(false));
	params.password = tell;
	params.password_data = &wiped;
	test->loop = fend_loop_free(test->loop);
	kernel = fend__kernel_real;
	kernel.allocate = watching_allocate;
	fend__kernel = &kernel;
	wipes = 0;
	fend_tls_context_unref(context_new(&params));
	g_assert_cmpint(wipes, ==, 1);
	wiped.answer = "simsim";
	assert_refused(&params, -EBADMSG, "wrong password");
	g_assert_cmpint(wipes, ==, 2);
	fend__kernel = &fend__kernel_real;
	test_ok(fend_loop_new(NULL, &test->loop));
}

/* On a terminal of its own: 0 if that is how it must be. */
static int
try_without(const struct fend_tls_params *params, bool closed)
{
	struct fend_tls_context *context;

	alarm((unsigned)(20 * test_slowness()));
	if (closed)
		close(STDIN_FILENO);
	return fend_tls_context_new(params, NULL, &context) == -EBADMSG ? 0 : 1;
}

static void
run_on_a_terminal(const struct fend_tls_params *params, bool closed)
{
	struct pollfd terminal = { .events = POLLIN };
	char text[256];
	int status;
	ssize_t n;
	pid_t pid;

	pid = forkpty(&terminal.fd, NULL, NULL, NULL);
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0)
		_exit(try_without(params, closed));
	g_assert_cmpint(poll(&terminal, 1, 20000 * test_slowness()), ==, 1);
	/* EIO: the child has left, and has said nothing */
	n = read(terminal.fd, text, sizeof(text));
	if (n > 0)
		kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_cmpint(n, <=, 0);
	g_assert_cmpint(status, ==, 0);
	close(terminal.fd);
}

static void
test_no_prompt(struct test *test)
{
	struct fend_tls_params params = server_params();
	struct keeper keeper = { .answer = "simsim" };
	int old;

	for (old = 0; old <= 1; old++) {
		params.certificates = keypair_of(locked(old));
		params.password = NULL;
		assert_refused(&params, -EBADMSG, "encrypted, and no password given");
		run_on_a_terminal(&params, false);
		run_on_a_terminal(&params, true);
		keeper.key = locked(old)->key;
		params.password = tell;
		params.password_data = &keeper;
		run_on_a_terminal(&params, false);
	}
}

int
main(int argc, char **argv)
{
	test_init(&argc, &argv);
	variant_add("/password/asked", test_asked);
	variant_add("/password/not-asked", test_not_asked);
	variant_add("/password/too-long", test_too_long);
	variant_add("/password/wiped", test_wiped);
	variant_add("/password/no-prompt", test_no_prompt);
	return g_test_run();
}
