/* SPDX-License-Identifier: MIT */
/*
 * The command line of http_client. Options have the names they have with curl(1), as far as they
 * exist there, and so have the exit statuses their numbers: whoever knows the one knows the other.
 */
#include "http_client_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char help[] =
	"Usage: http_client [OPTION]... URL\n"
	"Fetch URL with HTTP/1.1, http or https, and write it to standard output.\n"
	"\n"
	"  -o, --output FILE       write to FILE, with a progress bar if standard error is a\n"
	"                          terminal; FILE is replaced when all is there, and left alone\n"
	"                          if anything fails or the status is 400 or above\n"
	"  -H, --header 'NAME: VALUE'  add a header; may be repeated\n"
	"  -X, --request METHOD    instead of GET, or of POST with -d\n"
	"  -d, --data TEXT         send TEXT as the body, by default as a filled-in form\n"
	"      --cacert FILE       trust the certificates in FILE (PEM) instead of the system's\n"
	"  -k, --insecure          take any certificate\n"
	"      --max-time SECONDS  give up after so long; decimals are allowed\n"
	"      --max-redirs N      follow at most N redirects, 0 for none; default 10\n"
	"      --max-filesize BYTES  refuse a larger body\n"
	"  -v, --verbose           show on standard error what goes on\n"
	"  -h, --help              show this\n"
	"\n"
	"FEND_DISPATCHER=epoll or =poll chooses what the event loop waits with.\n"
	"\n"
	"Exit status, with one line on standard error unless it is 0:\n"
	"   0  all is there, and the status is below 400\n"
	"   1  out of memory, or another failure of the system\n"
	"   2  usage\n"
	"   3  the URL is bad or not supported\n"
	"   6  the host is unknown\n"
	"   7  no connection: refused, unreachable\n"
	"   8  the response is not HTTP/1\n"
	"  18  the connection ended before the response did\n"
	"  22  the status is 400 or above\n"
	"  23  the output cannot be written\n"
	"  28  the time is over\n"
	"  35  TLS failed, but not because of the certificate\n"
	"  47  too many redirects, or one from https to http or to a bad URL\n"
	"  60  the server's certificate is not trusted\n"
	"  63  the body is larger than --max-filesize\n"
	"  77  the file of --cacert cannot be used\n"
	" 130  interrupted (128 + the number of the signal)\n";

enum { OPTION_CACERT = 256, OPTION_MAX_TIME, OPTION_MAX_REDIRS, OPTION_MAX_FILESIZE };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "header", required_argument, NULL, 'H' },
	{ "request", required_argument, NULL, 'X' },
	{ "data", required_argument, NULL, 'd' },
	{ "cacert", required_argument, NULL, OPTION_CACERT },
	{ "insecure", no_argument, NULL, 'k' },
	{ "max-time", required_argument, NULL, OPTION_MAX_TIME },
	{ "max-redirs", required_argument, NULL, OPTION_MAX_REDIRS },
	{ "max-filesize", required_argument, NULL, OPTION_MAX_FILESIZE },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int
usage(const char *what, const char *text)
{
	fprintf(stderr, "http_client: %s%s; see http_client --help\n", what, text);
	return STATUS_USAGE;
}

static int
print_help(void)
{
	if (fputs(help, stdout) < 0 || fflush(stdout) != 0) {
		fprintf(stderr, "http_client: cannot write: %s\n", strerror(errno));
		return STATUS_WRITE;
	}
	return STATUS_OK;
}

static bool
parse_time(const char *text, fend_time *ret_time)
{
	char *rest;
	double seconds = strtod(text, &rest);

	/* Put so that it is false for what is not a number as well. */
	if (rest == text || *rest || !(seconds > 0 && seconds < 1e9))
		return false;
	*ret_time = (fend_time)(seconds * (double)FEND_SEC(1)) + 1; /* 0 would be no limit */
	return true;
}

static bool
parse_count(const char *text, unsigned long long max, unsigned long long *ret_count)
{
	char *rest;

	errno = 0;
	*ret_count = strtoull(text, &rest, 10);
	return *text >= '0' && *text <= '9' && !*rest && errno == 0 && *ret_count <= max;
}

static int
parse_limit(int option, const char *text, struct http_options *http)
{
	unsigned long long count;

	if (option == OPTION_MAX_TIME) {
		if (!parse_time(text, &http->timeout))
			return usage("no time: ", text);
	} else if (option == OPTION_MAX_REDIRS) {
		if (!parse_count(text, 1000, &count))
			return usage("no number from 0 to 1000: ", text);
		http->max_redirects = count == 0 ? -1 : (int)count;
	} else {
		if (!parse_count(text, UINT64_MAX, &count) || count == 0)
			return usage("no size: ", text);
		http->max_body = count;
	}
	return -1;
}

static int
parse_option(int option, struct command_options *options, const char **next_header)
{
	switch (option) {
	case 'o':
		options->output = optarg;
		return -1;
	case 'H':
		*next_header = optarg;
		return -1;
	case 'X':
		options->http.method = optarg;
		return -1;
	case 'd':
		options->http.body = optarg;
		options->http.body_size = strlen(optarg);
		return -1;
	case OPTION_CACERT:
		options->cafile = optarg;
		return -1;
	case 'k':
		options->insecure = true;
		return -1;
	case 'v':
		options->http.trace = stderr;
		return -1;
	case 'h':
		return print_help();
	case '?':
		return STATUS_USAGE;
	default:
		return parse_limit(option, optarg, &options->http);
	}
}

static void
add_form_type(const struct http_options *http, const char **next_header)
{
	for (const char *const *header = http->headers; *header; header++)
		if (strncasecmp(*header, "Content-Type:", strlen("Content-Type:")) == 0)
			return;
	*next_header = "Content-Type: application/x-www-form-urlencoded";
}

int
command_options_parse(int argc, char **argv, struct command_options *ret_options)
{
	struct command_options options = { 0 };
	const char **headers = calloc((size_t)argc + 2, sizeof(*headers)), **next_header = headers;
	int option, status = -1;

	if (!headers) {
		fputs("http_client: out of memory\n", stderr);
		return STATUS_SYSTEM;
	}
	options.http.headers = headers;
	while (status < 0 &&
	       (option = getopt_long(argc, argv, "o:H:X:d:kvh", long_options, NULL)) >= 0) {
		status = parse_option(option, &options, next_header);
		if (*next_header)
			next_header++;
	}
	if (status < 0 && optind + 1 != argc)
		status = usage(optind == argc ? "no URL" : "more than one URL", "");
	if (status >= 0) {
		free(headers);
		return status;
	}
	options.url = argv[optind];
	if (options.http.body) {
		add_form_type(&options.http, next_header);
		if (!options.http.method)
			options.http.method = "POST";
	}
	*ret_options = options;
	return -1;
}

void
command_options_clear(struct command_options *options)
{
	free((void *)options->http.headers);
	options->http.headers = NULL;
}
