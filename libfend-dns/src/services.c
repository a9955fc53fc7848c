/* SPDX-License-Identifier: MIT */
/*
 * A reader of services(5). getservbyname(3) is not thread-safe, its _r variants are not portable,
 * and with both the C library may load modules and talk to daemons (nsswitch.conf(5)); here it
 * is the file and nothing else.
 *
 * A line is "name port/protocol alias... # comment". Of several that match, the first counts. What
 * cannot be read as such a line is passed over, as is a line that does not fit into the buffer.
 * Nothing is kept between two calls, so that a changed file counts at once.
 */
#include "services.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <fend-internal/kernel.h>

#define SERVICES "/etc/services"
#define BLANKS " \t\r\f\v"

/* What a line is read for: the ports of a service, or the name of a port. */
struct wanted {
	void (*read)(const struct wanted *wanted, const char *name, char *aliases, int port,
		     const char *protocol);
	const char *const *protocols;
	size_t n;

	const char *service;
	int *ports;

	int port;
	char *ret_name; /* "": none yet */
	size_t name_size;
};

/* The next word of the text at *line, NUL-terminated; NULL if there is none. */
static char *
next_word(char **line)
{
	char *word = *line + strspn(*line, BLANKS);
	size_t length = strcspn(word, BLANKS);

	if (length == 0)
		return NULL;
	*line = word + length;
	if (**line)
		*(*line)++ = '\0';
	return word;
}

static bool
has_name(const char *name, char *aliases, const char *service)
{
	for (; name; name = next_word(&aliases))
		if (strcmp(name, service) == 0)
			return true;
	return false;
}

static void
read_port(const struct wanted *wanted, const char *name, char *aliases, int port,
	  const char *protocol)
{
	size_t i;

	if (!has_name(name, aliases, wanted->service))
		return;
	for (i = 0; i < wanted->n; i++)
		if (wanted->ports[i] < 0 && strcmp(wanted->protocols[i], protocol) == 0)
			wanted->ports[i] = port;
}

static void
read_name(const struct wanted *wanted, const char *name, char *aliases, int port,
	  const char *protocol)
{
	size_t size = strlen(name) + 1;

	if (!*wanted->ret_name && port == wanted->port && size <= wanted->name_size &&
	    strcmp(*wanted->protocols, protocol) == 0)
		memcpy(wanted->ret_name, name, size);
}

/* line is changed. */
static void
read_line(char *line, const struct wanted *wanted)
{
	char *name, *port, *protocol;
	unsigned long number;

	line[strcspn(line, "#")] = '\0';
	name = next_word(&line);
	port = name ? next_word(&line) : NULL;
	if (!port || *port < '0' || *port > '9')
		return;
	number = strtoul(port, &protocol, 10);
	if (*protocol != '/' || number > UINT16_MAX)
		return;
	wanted->read(wanted, name, line, (int)number, protocol + 1);
}

static int
read_lines(int fd, const struct wanted *wanted)
{
	char buffer[1024];
	size_t have = 0;
	bool too_long = false; /* what comes until the next newline is the rest of such a line */
	ssize_t n;

	while ((n = fend__kernel->read(fd, buffer + have, sizeof(buffer) - have - 1)) > 0) {
		char *line = buffer, *end;

		have += (size_t)n;
		buffer[have] = '\0';
		while ((end = memchr(line, '\n', have))) {
			*end = '\0';
			if (!too_long)
				read_line(line, wanted);
			too_long = false;
			have -= (size_t)(end + 1 - line);
			line = end + 1;
		}
		if (have == sizeof(buffer) - 1) {
			too_long = true;
			have = 0;
		}
		memmove(buffer, line, have);
	}
	if (n < 0)
		return (int)n;
	buffer[have] = '\0';
	if (!too_long)
		read_line(buffer, wanted);
	return 0;
}

static int
read_services(const struct wanted *wanted)
{
	int fd, r;

	/* What is no file is not to be waited for. */
	fd = fend__kernel->open(SERVICES, O_RDONLY | O_NONBLOCK);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return fd;
	r = read_lines(fd, wanted);
	fend__close(fd);
	return r;
}

int
fend__services_find(const char *service, const char *const *protocols, size_t n, int *ports)
{
	const struct wanted wanted = { .read = read_port,
				       .protocols = protocols,
				       .n = n,
				       .service = service,
				       .ports = ports };

	return read_services(&wanted);
}

int
fend__services_name(int port, const char *protocol, char *ret_name, size_t size)
{
	const struct wanted wanted = { .read = read_name,
				       .protocols = &protocol,
				       .n = 1,
				       .port = port,
				       .ret_name = ret_name,
				       .name_size = size };
	int r;

	*ret_name = '\0';
	r = read_services(&wanted);
	return r < 0 ? r : *ret_name != '\0';
}
