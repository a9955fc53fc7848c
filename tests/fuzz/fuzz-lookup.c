/* SPDX-License-Identifier: MIT */
/*
 * What lookups read: the first byte says what the rest is, the arguments of one, a file in /etc, or
 * an answer. What comes out of it has to make sense.
 */
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <fend/addrinfo.h>
#include <fend/error.h>
#include <fend/resolver.h>

#include <fend-internal/kernel.h>

#include "config.h"
#include "files.h"
#include "hosts.h"
#include "idn.h"
#include "message.h"
#include "request.h"
#include "search.h"
#include "servers.h"
#include "services.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void
check(int condition)
{
	if (!condition)
		abort();
}

/* The rest of the input as a text, without what follows a NUL. To be released. */
static char *
copy_text(const uint8_t *bytes, size_t n)
{
	char *text = fend__calloc(1, n + 1);

	check(text != NULL);
	memcpy(text, bytes, n);
	return text;
}

/* Each name of a search list in turn; a search ends. */
static void
search(const struct config *config, const char *name)
{
	char candidate[HOST_SIZE];
	struct search search;
	size_t n = 0;

	fend__search_begin(&search, config, name);
	while (fend__search_has_next(&search)) {
		check(fend__search_next(&search, candidate));
		check(strlen(candidate) <= HOST_NAME_MAX_DNS);
		check(strncasecmp(candidate, name, strcspn(name, ".")) == 0);
		n++;
	}
	check(!fend__search_next(&search, candidate));
	check(n <= config->n_search + 1);
}

static void
read_resolv_conf(char *text)
{
	static const struct fend_resolver_options defaults;
	struct config *config;
	const char *domain;
	size_t i;

	check(fend__config_new(&defaults, text, &config) == 0);
	check(config->n_servers > 0 && config->n_servers <= 64 && config->ndots <= 15);
	check(config->tries > 0 && config->tries <= 5);
	check(config->try_timeout > 0 && config->try_timeout <= FEND_SEC(30));
	for (i = 0, domain = config->search; i < config->n_search; i++) {
		check(!strcmp(domain, ".") || fend__host_check(domain) == 0);
		domain += strlen(domain) + 1;
	}
	search(config, "host");
	search(config, "host.example");
	search(config, "host.");
	fend__config_free(config);
}

/* A line each for two variables, before the file. */
static void
read_environment(char *text)
{
	static const char *const names[] = { "LOCALDOMAIN", "RES_OPTIONS" };
	char *end;
	int i;

	for (i = 0; i < 2 && (end = strchr(text, '\n')); i++, text = end + 1) {
		*end = '\0';
		setenv(names[i], text, 1);
	}
	read_resolv_conf(text);
	unsetenv(names[0]);
	unsetenv(names[1]);
}

/* Each name on each line is found, with the line's address among its addresses. */
static void
look_for_names(const struct hosts *hosts, char *text)
{
	struct host_address *addresses;
	const char *canonical;
	char *rest = text, *line, *name;
	size_t n;

	while (rest) {
		line = fend__text_line(&rest, "#");
		while ((name = fend__text_word(&line))) {
			if (fend__hosts_find(hosts, name, &addresses, &n, &canonical) == 0)
				continue;
			check(n > 0 && *canonical && fend__hosts_name(hosts, &addresses[0]));
			fend__release(addresses);
		}
	}
}

static void
read_hosts(char *text)
{
	struct hosts *hosts;
	char *copy = fend__strdup(text);

	check(fend__hosts_new(copy, &hosts) == 0);
	look_for_names(hosts, text);
	fend__hosts_free(hosts);
}

/* The one file that there is. */
static const char *file;
static size_t file_left;

static int
open_file(const char *path, int flags)
{
	return fend__kernel_real.open("/dev/null", flags);
}

static ssize_t
read_file(int fd, void *buffer, size_t size)
{
	if (size > file_left)
		size = file_left;
	memcpy(buffer, file, size);
	file += size;
	file_left -= size;
	return (ssize_t)size;
}

static void
use_file(const char *text)
{
	static struct fend__kernel door;

	door = fend__kernel_real;
	door.open = open_file;
	door.read = read_file;
	fend__kernel = &door;
	file = text;
	file_left = strlen(text);
}

/* The first line is the service, the others are the file. What it says is said of its port, too. */
static void
read_services(char *text)
{
	static const char *const protocols[] = { "tcp", "udp" };
	char *service = text, *end = strchr(text, '\n'), name[64];
	int ports[] = { -1, -1 }, i, r;

	if (end)
		*end = '\0';
	use_file(end ? end + 1 : "");
	check(fend__services_find(service, protocols, 2, ports) == 0);
	for (i = 0; i < 2; i++) {
		check(ports[i] >= -1 && ports[i] <= 65535);
		use_file(end ? end + 1 : "");
		r = fend__services_name(ports[i], protocols[i], name, sizeof(name));
		check(r == (*name != '\0') && (r == 0 || ports[i] >= 0));
	}
}

/* Each of the addresses that fit is there with each kind of socket. */
static void
check_list(const struct request *request, const struct host_address *addresses, size_t n)
{
	const struct addrinfo *info;
	struct addrinfo *list;
	size_t entries = 0;

	if (fend__addrinfo_new(request, addresses, n, "name.test", &list) < 0)
		return;
	check(!strcmp(list->ai_canonname, "name.test"));
	for (info = list; info; info = info->ai_next, entries++)
		check(info->ai_addr->sa_family == info->ai_family);
	check(entries >= request->n_kinds && entries <= n * request->n_kinds);
	fend_addrinfo_free(list);
}

static void
check_request(const struct request *request)
{
	size_t i;

	check(request->n_kinds > 0 && request->n_kinds <= SOCKET_KINDS_MAX);
	check(request->n_known <= 2);
	if (request->n_known == 0)
		check(fend__host_check(request->host) == 0);
	for (i = 0; i < request->n_known; i++)
		check(request->known[i].family == AF_INET || request->known[i].family == AF_INET6);
	check_list(request, request->known, request->n_known);
}

/* Five bytes of hints, and a line each for host ("-": none), service and services(5). */
static void
read_arguments(const uint8_t *bytes, size_t n)
{
	struct addrinfo hints = { 0 };
	struct request request;
	char *text, *host, *service = NULL;

	if (n < 5)
		return;
	hints.ai_flags = bytes[0] | bytes[1] << 8;
	hints.ai_family = bytes[2];
	hints.ai_socktype = bytes[3];
	hints.ai_protocol = bytes[4];
	text = host = copy_text(bytes + 5, n - 5);
	use_file("");
	if ((service = strchr(host, '\n'))) {
		*service++ = '\0';
		file = service + strcspn(service, "\n");
		file_left = strlen(file);
		service[strcspn(service, "\n")] = '\0';
		if (file_left > 0) {
			file++;
			file_left--;
		}
	}
	if (!strcmp(host, "-"))
		host = NULL;
	if (fend__request_read(&request, host, service, &hints) == 0)
		check_request(&request);
	fend__release(text);
}

static void
read_message(const uint8_t *bytes, size_t n)
{
	static const int types[] = { RECORD_A, RECORD_AAAA };
	struct message_addresses found;
	uint8_t *copy;
	size_t i;

	fend__message_ttl(bytes, n);
	if (n >= 12) {
		copy = (uint8_t *)copy_text(bytes, n);
		check(fend__message_cut(copy, n) <= n);
		fend__release(copy);
	}
	for (i = 0; i < 2; i++) {
		if (fend__message_addresses(bytes, n, "name.test", types[i], &found) < 0)
			continue;
		check(found.n > 0 && found.n * 4 <= n && found.canonical[0]);
		fend__release(found.addresses);
	}
}

static void
read_servers(const char *list)
{
	struct sockaddr_storage alias;
	struct fend_address *servers;
	size_t n, i;

	if (fend__servers_read(list, &servers, &n) < 0)
		return;
	check(n > 0 && n <= SERVERS_MAX);
	for (i = 0; i < n; i++) {
		socklen_t size =
			fend__server_alias(servers, i, (struct sockaddr *)&alias, sizeof(alias));

		check(size == servers[i].size);
		check(fend__server_find(servers, n, (struct sockaddr *)&alias) <= i);
	}
	fend__release(servers);
}

static void
read_name(const char *text)
{
	char name[HOST_SIZE], *decoded;

	if (fend__idn_encode(text, name) < 0)
		return;
	check(strlen(name) < HOST_SIZE);
	if (fend__idn_decode(name, &decoded) == 0)
		fend__release(decoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text;

	if (n == 0)
		return 0;
	text = copy_text(bytes + 1, n - 1);
	switch (bytes[0]) {
	case 'a':
		read_arguments(bytes + 1, n - 1);
		break;
	case 'e':
		read_environment(text);
		break;
	case 'h':
		read_hosts(text);
		break;
	case 'i':
		read_name(text);
		break;
	case 'm':
		read_message(bytes + 1, n - 1);
		break;
	case 'r':
		read_resolv_conf(text);
		break;
	case 's':
		read_services(text);
		break;
	case 'v':
		read_servers(text);
		break;
	}
	fend__kernel = &fend__kernel_real;
	fend__release(text);
	return 0;
}
