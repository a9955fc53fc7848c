/* SPDX-License-Identifier: MIT */
/*
 * all [dispatcher] [url]: every part of fend at work in one loop.
 *
 * Each step is a small module of its own (step_*.c), started here with all the others at once. It
 * reports its end with step_end(), which prints a line. When all have ended, so does the program.
 * The input is special: it waits for somebody to type or close, and is told when nothing else is
 * left to wait for.
 *
 * No network is needed: the page that is fetched comes from an HTTPS server in the same loop, with
 * a certificate that is made for this run and removed as soon as it was read. With a URL, that is
 * fetched instead, trusting what the system trusts.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fend/version.h>

#include "certificate.h"
#include "https_server.h"
#include "standard.h"
#include "step.h"

#define TIME_LIMIT FEND_SEC(30)

static const char usage[] =
	"Usage: all [DISPATCHER] [URL]\n"
	"Show every part of fend at work, in one event loop that waits with DISPATCHER (epoll or\n"
	"poll) and fetches URL, by default a page of its own HTTPS server.\n"
	"\n"
	"Standard input is echoed. On a terminal the program runs until Ctrl-D or Ctrl-C;\n"
	"otherwise it ends when all steps are done and the input is at its end, or two seconds\n"
	"later.\n"
	"\n"
	"Exit status: 0 all steps succeeded, also when a signal ended the wait for input; 1 one\n"
	"failed, or was not done after 30 s; 2 usage; 128 + signal if it came before.\n";

static const char page[] = "This page came over HTTPS, from the event loop that asked for it.\n";

static const struct step_type *const step_types[] = {
	&step_task,   &step_timer, &step_signal, &step_echo,
	&step_lookup, &step_tls,   &step_https,  &step_input,
};
enum { STEPS = sizeof(step_types) / sizeof(step_types[0]) };
enum { EXIT_USAGE = 2 };

struct all {
	struct stage stage;
	struct https_server *server;
	char own_url[64];
	struct step steps[STEPS];
	struct fend_timer *limit;
	struct fend_signal *interrupt, *terminate;
	bool mid_line; /* what was printed last does not end with a newline */
};

/* How many steps but the input have not ended. */
static unsigned
count_busy(const struct all *all)
{
	unsigned busy = 0;

	for (unsigned i = 0; i < STEPS; i++)
		busy += !all->steps[i].ended && all->steps[i].type != &step_input;
	return busy;
}

static unsigned
count_failed(const struct all *all)
{
	unsigned failed = 0;

	for (unsigned i = 0; i < STEPS; i++)
		failed += all->steps[i].failed;
	return failed;
}

static void
look_around(struct all *all)
{
	bool waiting = false;

	if (count_busy(all) > 0)
		return;
	fend_timer_stop(all->limit);
	for (unsigned i = 0; i < STEPS; i++) {
		if (all->steps[i].ended)
			continue;
		waiting = true;
		all->steps[i].type->hurry(&all->steps[i]);
	}
	if (!waiting)
		fend_loop_stop(all->stage.loop, 0);
}

void
step_print(struct step *step, const char *bytes, size_t size)
{
	fwrite(bytes, 1, size, stdout);
	fflush(stdout);
	step->all->mid_line = bytes[size - 1] != '\n';
}

void
step_end(struct step *step, int err, const char *format, ...)
{
	double time = (double)(fend_now() - step->started) / (double)FEND_MS(1);
	va_list args;

	if (step->ended)
		return;
	step->ended = true;
	step->failed = err < 0;
	if (step->all->mid_line)
		putchar('\n');
	step->all->mid_line = false;
	printf("%-7s %-6s %10.3f ms  ", step->type->name, err < 0 ? "FAILED" : "ok", time);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	look_around(step->all);
}

static void
start_steps(struct all *all)
{
	for (unsigned i = 0; i < STEPS; i++) {
		struct step *step = &all->steps[i];
		int err;

		*step = (struct step){ .type = step_types[i], .all = all, .stage = &all->stage };
		step->started = fend_now();
		err = step->type->start(step);
		if (err < 0)
			step_end(step, err, "%s", fend_strerror(err));
	}
}

static void
stop_steps(struct all *all)
{
	for (unsigned i = 0; i < STEPS; i++)
		if (all->steps[i].type)
			all->steps[i].type->stop(&all->steps[i]);
}

static void
on_limit(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct all *all = data;

	for (unsigned i = 0; i < STEPS; i++)
		if (all->steps[i].type != &step_input)
			step_end(&all->steps[i], -ETIMEDOUT, "not done after 30 s");
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	struct all *all = data;

	printf("\n%s\n", strsignal(signo));
	fend_loop_stop(all->stage.loop, count_busy(all) > 0 ? 128 + signo : 0);
}

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "all: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

static int
make_context(const struct certificate *certificate, enum fend_tls_mode mode,
	     struct fend_tls_context **ret_context)
{
	const struct fend_tls_keypair keypair = {
		.certificate = certificate_path(certificate),
		.key = certificate_key_path(certificate),
	};
	struct fend_tls_params params = { .size = sizeof(params), .mode = mode };
	char *reason = NULL;
	int err;

	if (mode == FEND_TLS_SERVER) {
		params.certificates = &keypair;
		params.certificates_count = 1;
	} else {
		params.cafile = keypair.certificate;
	}
	err = fend_tls_context_new(&params, &reason, ret_context);
	if (err < 0)
		complain("TLS", reason ? reason : fend_strerror(err));
	fend_free(reason);
	return err;
}

/* A server with a certificate of its own, and a context that trusts it. */
static int
make_server(struct all *all)
{
	FEND_CLEANUP(certificate) struct certificate *certificate = NULL;
	struct fend_tls_context *tls = NULL;
	const char *reason;
	int err = certificate_new(&certificate, &reason);

	if (err < 0) {
		complain("no certificate", reason);
		return err;
	}
	err = make_context(certificate, FEND_TLS_SERVER, &tls);
	if (err >= 0)
		err = make_context(certificate, FEND_TLS_CLIENT, &all->stage.trust);
	if (err >= 0) {
		err = https_server_new(all->stage.loop, tls, page, &all->server);
		if (err < 0)
			complain("no server", fend_strerror(err));
	}
	fend_tls_context_unref(tls);
	return err;
}

static void
choose_url(struct all *all, const char *url)
{
	all->stage.server = *https_server_address(all->server);
	snprintf(all->own_url, sizeof(all->own_url), "https://localhost:%u/",
		 https_server_port(all->server));
	all->stage.url = url ? url : all->own_url;
	all->stage.url_is_own = !url;
}

static int
make_loop(struct all *all, const char *dispatcher)
{
	const struct fend_loop_options options = {
		.size = sizeof(options),
		.dispatcher = dispatcher,
	};
	int err = fend_loop_new(&options, &all->stage.loop);

	if (err >= 0)
		err = fend_timer_new(all->stage.loop, on_limit, all, &all->limit);
	if (err >= 0)
		err = fend_signal_new(all->stage.loop, SIGINT, on_signal, all, &all->interrupt);
	if (err >= 0)
		err = fend_signal_new(all->stage.loop, SIGTERM, on_signal, all, &all->terminate);
	return err;
}

static void
clear(struct all *all)
{
	stop_steps(all);
	https_server_free(all->server);
	fend_tls_context_unref(all->stage.trust);
	fend_signal_free(all->terminate);
	fend_signal_free(all->interrupt);
	fend_timer_free(all->limit);
	fend_loop_free(all->stage.loop);
}

static int
run(struct all *all)
{
	int status = EXIT_FAILURE, err;
	fend_time started = fend_now();

	printf("fend %s, %s, %s\n", fend_version(), fend_loop_dispatcher(all->stage.loop),
	       fend_tls_get(NULL, FEND_TLS_PROVIDER));
	fend_timer_after(all->limit, TIME_LIMIT);
	start_steps(all);
	err = fend_loop_run(all->stage.loop, &status);
	if (err < 0)
		return complain("the event loop failed", fend_strerror(err));
	if (count_failed(all) > 0)
		status = EXIT_FAILURE;
	printf("%s after %.3f ms\n", status == 0 ? "all done" : "not all done",
	       (double)(fend_now() - started) / (double)FEND_MS(1));
	return status;
}

int
main(int argc, char **argv)
{
	const char *dispatcher = argc > 1 ? argv[1] : NULL, *url = argc > 2 ? argv[2] : NULL;
	struct all all = { 0 };
	int status = EXIT_FAILURE, err;

	if (argc > 3 || (dispatcher && dispatcher[0] == '-')) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	setlinebuf(stdout);
	err = standard_fill_gaps();
	if (err >= 0)
		err = make_loop(&all, dispatcher);
	if (err == -ENOTSUP) {
		complain("no such dispatcher", dispatcher ? dispatcher : "FEND_DISPATCHER");
		status = EXIT_USAGE;
	} else if (err < 0) {
		complain("cannot start", fend_strerror(err));
	} else if (make_server(&all) >= 0) {
		choose_url(&all, url);
		status = run(&all);
	}
	clear(&all);
	if (fflush(stdout) != 0 || ferror(stdout))
		status = complain("standard output", strerror(errno));
	return status;
}
