/* SPDX-License-Identifier: MIT */
/*
 * resolv.conf(5), $LOCALDOMAIN and $RES_OPTIONS, read as the C library reads them: lines and words
 * that make no sense are passed over, the last of several "search" and "domain" lines counts, and
 * there are upper limits. c-ares has a reader of its own in each version, which understands another
 * part of this, so it is not asked to read anything.
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <fend/error.h>
#include <fend/resolver.h>

#include <fend-internal/kernel.h>

#include "files.h"
#include "request.h"
#include "servers.h"

enum {
	NDOTS_MAX = 15,
	TIMEOUT_MAX = 30, /* s */
	ATTEMPTS_MAX = 5,
	TRIES = 3,
	EDNS_SIZE = 1232, /* fits into one packet nearly everywhere */
};

#define TRY_TIMEOUT FEND_SEC(2)

/* The value of an option "name:number"; -1 if word is another, or not a number. */
static int
read_number(const char *word, const char *name, int max)
{
	size_t length = strlen(name);
	char *end;
	long value;

	if (strncmp(word, name, length) != 0 || word[length] < '0' || word[length] > '9')
		return -1;
	value = strtol(word + length, &end, 10);
	if (*end)
		return -1;
	return value > max ? max : (int)value;
}

static void
read_options(struct config *config, char *line)
{
	char *word;
	int number;

	while ((word = fend__text_word(&line))) {
		if ((number = read_number(word, "ndots:", NDOTS_MAX)) >= 0)
			config->ndots = (unsigned)number;
		else if ((number = read_number(word, "timeout:", TIMEOUT_MAX)) > 0)
			config->try_timeout = FEND_SEC(number);
		else if ((number = read_number(word, "attempts:", ATTEMPTS_MAX)) > 0)
			config->tries = number;
		else if (!strcmp(word, "rotate"))
			config->rotate = true;
		else if (!strcmp(word, "use-vc"))
			config->use_tcp = true;
		else if (!strcmp(word, "no-tld-query"))
			config->no_tld_query = true;
	}
}

/* At most max names of the line become the search list. -ENOMEM. */
static int
read_search(struct config *config, char *line, size_t max)
{
	size_t size = strlen(line) + 2;
	char *search = fend__calloc(1, size), *end = search, *word;

	if (!search)
		return -ENOMEM;
	config->search = fend__release(config->search);
	config->n_search = 0;
	while (config->n_search < max && (word = fend__text_word(&line))) {
		/* The root is a name, too, but none of a host. */
		if (strcmp(word, ".") != 0 && fend__host_check(word) < 0)
			continue;
		end = stpcpy(end, word) + 1;
		config->n_search++;
	}
	config->search = search;
	return 0;
}

static int
read_server(struct config *config, const char *text)
{
	struct fend_address server, *grown;

	if (config->n_servers == SERVERS_MAX || !text || fend__server_read(text, &server) < 0)
		return 0;
	grown = fend__resize(config->servers, config->n_servers + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[config->n_servers++] = server;
	config->servers = grown;
	return 0;
}

static int
read_line(struct config *config, char *line)
{
	/* As in the C library, a keyword begins its line. */
	char *keyword = *line && *line != ' ' && *line != '\t' ? fend__text_word(&line) : NULL;

	if (!keyword)
		return 0;
	if (!strcmp(keyword, "nameserver"))
		return read_server(config, fend__text_word(&line));
	if (!strcmp(keyword, "search"))
		return read_search(config, line, SIZE_MAX);
	if (!strcmp(keyword, "domain"))
		return read_search(config, line, 1);
	if (!strcmp(keyword, "options"))
		read_options(config, line);
	return 0;
}

static int
read_text(struct config *config, char *text)
{
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && rest) {
		line = fend__text_line(&rest, "");
		if (*line != '#' && *line != ';')
			r = read_line(config, line);
	}
	return r;
}

/* What a variable says, as a copy; NULL if it is not set, or not to be trusted. -ENOMEM. */
static int
copy_variable(const char *name, char **ret_text)
{
	const char *value = secure_getenv(name);

	*ret_text = NULL;
	if (!value)
		return 0;
	*ret_text = fend__strdup(value);
	return *ret_text ? 0 : -ENOMEM;
}

static int
read_environment(struct config *config)
{
	char *text;
	int r;

	r = copy_variable("LOCALDOMAIN", &text);
	if (text)
		r = read_search(config, text, SIZE_MAX);
	fend__release(text);
	if (r < 0)
		return r;
	r = copy_variable("RES_OPTIONS", &text);
	if (text)
		read_options(config, text);
	fend__release(text);
	return r;
}

/* Without a search list there is one all the same: the domain of this host. */
static int
search_own_domain(struct config *config)
{
	char name[HOST_SIZE], *dot;

	if (config->search || fend__kernel->host_name(name, sizeof(name)) < 0)
		return 0;
	dot = strchr(name, '.');
	return dot ? read_search(config, dot + 1, 1) : 0;
}

static void
take_options(struct config *config, const struct fend_resolver_options *options)
{
	if (options->try_timeout)
		config->try_timeout = options->try_timeout;
	if (options->tries)
		config->tries = options->tries;
	if (options->edns_size)
		config->edns_size = options->edns_size < 0 ? 0 : options->edns_size;
	config->rotate |= options->rotate;
}

static int
read_all(struct config *config, const struct fend_resolver_options *options, char *text)
{
	int r;

	r = read_text(config, text);
	if (r == 0)
		r = read_environment(config);
	if (r == 0)
		r = search_own_domain(config);
	if (r < 0)
		return r;
	take_options(config, options);
	if (options->servers) {
		config->servers = fend__release(config->servers);
		return fend__servers_read(options->servers, &config->servers, &config->n_servers);
	}
	return config->n_servers ? 0 : read_server(config, "127.0.0.1");
}

int
fend__config_new(const struct fend_resolver_options *options, char *text,
		 struct config **ret_config)
{
	struct config *config = fend__calloc(1, sizeof(*config));
	int r;

	if (!config)
		return -ENOMEM;
	config->ndots = 1;
	config->try_timeout = TRY_TIMEOUT;
	config->tries = TRIES;
	config->edns_size = EDNS_SIZE;
	r = read_all(config, options, text);
	if (r < 0) {
		fend__config_free(config);
		return r;
	}
	*ret_config = config;
	return 0;
}

struct config *
fend__config_free(struct config *config)
{
	if (!config)
		return NULL;
	fend__release(config->servers);
	fend__release(config->search);
	return fend__release(config);
}
