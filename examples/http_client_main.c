/* SPDX-License-Identifier: MIT */
/*
 * http_client: fetch a URL from the command line.
 *
 * The loop runs until there is an exit status. Three things can bring it about: the request ends,
 * and if all is well its output is written out; writing fails; a signal comes. Whoever is first
 * stops the loop, and what is left over is cleaned up in one place, so that a temporary file never
 * stays behind.
 *
 * When the output cannot keep up, the request is paused, and TCP slows the server down.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client.h"
#include "http_client_options.h"
#include "output.h"
#include "progress.h"
#include "standard.h"

struct command {
	struct command_options options;
	struct fend_loop *loop;
	struct fend_signal *interrupt, *terminate, *hangup;
	struct fend_timer *limit; /* for writing what is left once the request has ended */
	fend_time started;
	struct fend_tls_context *tls;
	struct http_request *request;
	struct output *output;
	struct progress *progress;
	bool dropping; /* the body of an error, which is not to become FILE */
	bool ended;    /* the request has: what is pending in output is all there is to come */
	int status;    /* of the request */
};

static void
finish(struct command *command, int status)
{
	fend_loop_stop(command->loop, status);
}

static void
complain(struct command *command, const char *what, const char *why)
{
	command->progress = progress_free(command->progress);
	fprintf(stderr, "http_client: %s%s\n", what, why);
}

static void
write_failed(struct command *command, int err)
{
	complain(command, "cannot write the output: ", strerror(-err));
	command->request = http_request_free(command->request);
	finish(command, STATUS_WRITE);
}

static void
commit(struct command *command)
{
	int err = 0;

	if (!command->dropping)
		err = output_commit(command->output);
	if (err < 0)
		write_failed(command, err);
	else
		finish(command, command->status);
}

static void
on_output(struct output *output, int err, void *data)
{
	struct command *command = data;

	if (err < 0)
		write_failed(command, err);
	else if (command->ended)
		commit(command);
	else
		http_request_resume(command->request);
}

static void
on_response(struct http_request *request, int status, void *data)
{
	struct command *command = data;

	command->dropping = status >= 400 && command->options.output;
}

static int
on_body(struct http_request *request, const void *bytes, size_t size, void *data)
{
	struct command *command = data;
	int err;

	if (command->dropping)
		return 0;
	err = output_write(command->output, bytes, size);
	if (err < 0) {
		write_failed(command, err);
		return -1;
	}
	if (command->progress)
		progress_add(command->progress, size, http_request_length(request));
	if (err > 0)
		http_request_pause(request);
	return 0;
}

static void
on_limit(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct command *command = data;

	complain(command, "the time is over, and the output is not written", "");
	finish(command, STATUS_TIMEOUT);
}

static int
exit_status(const struct http_result *result)
{
	static const int statuses[] = {
		[HTTP_ERROR_NONE] = STATUS_OK,
		[HTTP_ERROR_REQUEST] = STATUS_USAGE,
		[HTTP_ERROR_URL] = STATUS_URL,
		[HTTP_ERROR_LOOKUP] = STATUS_LOOKUP,
		[HTTP_ERROR_CONNECT] = STATUS_CONNECT,
		[HTTP_ERROR_CERTIFICATE] = STATUS_CERTIFICATE,
		[HTTP_ERROR_TLS] = STATUS_TLS,
		[HTTP_ERROR_TIMEOUT] = STATUS_TIMEOUT,
		[HTTP_ERROR_TRUNCATED] = STATUS_TRUNCATED,
		[HTTP_ERROR_PROTOCOL] = STATUS_PROTOCOL,
		[HTTP_ERROR_REDIRECT] = STATUS_REDIRECT,
		[HTTP_ERROR_TOO_LARGE] = STATUS_TOO_LARGE,
		[HTTP_ERROR_ABORTED] = STATUS_WRITE,
		[HTTP_ERROR_SYSTEM] = STATUS_SYSTEM,
	};

	if (result->error == HTTP_ERROR_NONE && result->status >= 400)
		return STATUS_HTTP;
	return statuses[result->error];
}

static void
on_done(struct http_request *request, const struct http_result *result, void *data)
{
	struct command *command = data;

	command->ended = true;
	command->status = exit_status(result);
	if (command->status != STATUS_OK)
		complain(command, result->text, "");
	if (result->error != HTTP_ERROR_NONE)
		finish(command, command->status);
	else if (!output_is_pending(command->output))
		commit(command);
	else if (command->options.http.timeout > 0)
		fend_timer_at(command->limit, command->started + command->options.http.timeout);
}

static void
on_signal(struct fend_signal *signal, int signo, unsigned count, void *data)
{
	finish(data, STATUS_SIGNAL + signo);
}

/* A signal that was ignored when the program started, as under nohup(1), is to stay so. */
static int
watch_signal(struct command *command, int signo, struct fend_signal **ret_signal)
{
	struct sigaction action;

	if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
		return 0;
	return fend_signal_new(command->loop, signo, on_signal, command, ret_signal);
}

static int
watch_signals(struct command *command)
{
	int err = watch_signal(command, SIGINT, &command->interrupt);

	if (err >= 0)
		err = watch_signal(command, SIGTERM, &command->terminate);
	if (err >= 0)
		err = watch_signal(command, SIGHUP, &command->hangup);
	return err;
}

static int
make_tls(struct command *command)
{
	const struct fend_tls_params params = {
		.size = sizeof(params),
		.mode = FEND_TLS_CLIENT,
		.cafile = command->options.cafile,
		.verify = command->options.insecure ? FEND_TLS_VERIFY_NONE
						    : FEND_TLS_VERIFY_DEFAULT,
	};
	char *reason = NULL;
	int err;

	if (!command->options.cafile && !command->options.insecure)
		return 0;
	err = fend_tls_context_new(&params, &reason, &command->tls);
	if (err < 0)
		complain(command, "TLS: ", reason ? reason : fend_strerror(err));
	fend_free(reason);
	return err;
}

static bool
wants_progress(const struct command_options *options)
{
	return options->output && !options->http.trace && isatty(STDERR_FILENO);
}

static int
start_request(struct command *command)
{
	struct http_options *http = &command->options.http;
	int err = 0;

	command->started = fend_now();
	http->tls = command->tls;
	http->on_response = on_response;
	http->on_body = on_body;
	if (wants_progress(&command->options))
		err = progress_new(command->loop, &command->progress);
	if (err >= 0)
		err = http_request_start(command->loop, command->options.url, http, on_done,
					 command, &command->request);
	return err;
}

/* Everything up to the first iteration of the loop. -1, or the exit status of what failed. */
static int
start(struct command *command)
{
	int err = standard_fill_gaps();

	if (err >= 0)
		err = fend_loop_new(NULL, &command->loop);
	if (err >= 0)
		err = watch_signals(command);
	if (err >= 0)
		err = fend_timer_new(command->loop, on_limit, command, &command->limit);
	if (err < 0) {
		complain(command, "cannot start: ", fend_strerror(err));
		return STATUS_SYSTEM;
	}
	err = output_new(command->loop, command->options.output, on_output, command,
			 &command->output);
	if (err < 0) {
		complain(command, "cannot open the output: ", strerror(-err));
		return STATUS_WRITE;
	}
	if (make_tls(command) < 0)
		return STATUS_CAFILE;
	err = start_request(command);
	if (err < 0) {
		complain(command, "cannot start: ", fend_strerror(err));
		return STATUS_SYSTEM;
	}
	return -1;
}

static void
clear(struct command *command)
{
	progress_free(command->progress);
	http_request_free(command->request);
	output_free(command->output);
	fend_tls_context_unref(command->tls);
	fend_timer_free(command->limit);
	fend_signal_free(command->interrupt);
	fend_signal_free(command->terminate);
	fend_signal_free(command->hangup);
	fend_loop_free(command->loop);
	command_options_clear(&command->options);
}

int
main(int argc, char **argv)
{
	struct command command = { 0 };
	int status = command_options_parse(argc, argv, &command.options);
	int err;

	if (status >= 0)
		return status;
	/* Writing to a closed pipe is to be an error like any other. */
	signal(SIGPIPE, SIG_IGN);
	status = start(&command);
	if (status < 0) {
		err = fend_loop_run(command.loop, &status);
		if (err < 0) {
			complain(&command, "the event loop failed: ", fend_strerror(err));
			status = STATUS_SYSTEM;
		}
	}
	clear(&command);
	return status;
}
