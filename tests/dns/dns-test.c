/* SPDX-License-Identifier: MIT */
/* What the tests of libfend-dns have in common. */
#include "dns-test.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

void
outcome_fn(struct fend_lookup *lookup, int err, const struct addrinfo *addrinfo, void *data)
{
	struct outcome *outcome = data;

	g_assert_true(lookup == outcome->lookup);
	g_assert_true((err == 0) == (addrinfo != NULL));
	g_assert_cmpint(err, <=, 0);
	outcome->calls++;
	outcome->err = err;
	outcome->when = fend_now();
	g_free(outcome->addresses);
	outcome->addresses = list_addresses(addrinfo);
	if (outcome->test)
		outcome->test->done = 1;
	if (outcome->free_it)
		outcome->lookup = fend_lookup_free(lookup);
}

void
outcome_clear(struct outcome *outcome)
{
	fend_lookup_free(outcome->lookup);
	g_free(outcome->addresses);
	memset(outcome, 0, sizeof(*outcome));
}

void
timer_fn(struct fend_timer *timer, uint64_t expirations, void *data)
{
	*(int *)data = 1;
}

static char *
format_address(const struct addrinfo *info)
{
	char text[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	g_assert_nonnull(info->ai_addr);
	g_assert_cmpint(info->ai_addr->sa_family, ==, info->ai_family);
	if (info->ai_family == AF_INET) {
		g_assert_cmpuint(info->ai_addrlen, ==, sizeof(in));
		memcpy(&in, info->ai_addr, sizeof(in));
		return g_strdup(inet_ntop(AF_INET, &in.sin_addr, text, sizeof(text)));
	}
	g_assert_cmpint(info->ai_family, ==, AF_INET6);
	g_assert_cmpuint(info->ai_addrlen, ==, sizeof(in6));
	memcpy(&in6, info->ai_addr, sizeof(in6));
	return g_strdup(inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof(text)));
}

static gint
compare_texts(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
list_addresses(const struct addrinfo *list)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	const struct addrinfo *info;
	char *joined;

	for (info = list; info; info = info->ai_next) {
		char *text = format_address(info);

		if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
			g_free(text);
		else
			g_ptr_array_add(texts, text);
	}
	g_ptr_array_sort(texts, compare_texts);
	g_ptr_array_add(texts, NULL);
	joined = g_strjoinv(" ", (char **)texts->pdata);
	g_ptr_array_free(texts, TRUE);
	return joined;
}

static void
format_port(GString *text, const struct addrinfo *info)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (info->ai_family == AF_INET) {
		memcpy(&in, info->ai_addr, sizeof(in));
		g_string_append_printf(text, ":%u", ntohs(in.sin_port));
	} else {
		memcpy(&in6, info->ai_addr, sizeof(in6));
		g_string_append_printf(text, "%%%u:%u", in6.sin6_scope_id, ntohs(in6.sin6_port));
	}
}

char *
list_describe(const struct addrinfo *list)
{
	GString *text = g_string_new(NULL);
	const struct addrinfo *info;

	for (info = list; info; info = info->ai_next) {
		char *address = format_address(info);

		g_string_append(text, address);
		format_port(text, info);
		g_string_append_printf(text, " type %d protocol %d flags %x name %s; ",
				       info->ai_socktype, info->ai_protocol,
				       (unsigned)info->ai_flags,
				       info->ai_canonname ? info->ai_canonname : "none");
		g_free(address);
	}
	return g_string_free(text, FALSE);
}

int
has_idn(void)
{
	return FEND_HAS_IDN;
}

int
cares_is_strict(void)
{
	return FEND_CARES_IS_STRICT;
}

int
cares_parses(void)
{
	return FEND_CARES_PARSES;
}

int
cares_has_root(void)
{
	return FEND_CARES_HAS_ROOT;
}

int
eai_error(int eai)
{
	/* clang-format off */
	static const struct {
		int eai, fend;
	} errors[] = {
		{ EAI_BADFLAGS, FEND_EAI_BADFLAGS },
		{ EAI_NONAME, FEND_EAI_NONAME },
		{ EAI_AGAIN, FEND_EAI_AGAIN },
		{ EAI_FAIL, FEND_EAI_FAIL },
		{ EAI_NODATA, FEND_EAI_NODATA },
		{ EAI_FAMILY, FEND_EAI_FAMILY },
		{ EAI_SOCKTYPE, FEND_EAI_SOCKTYPE },
		{ EAI_SERVICE, FEND_EAI_SERVICE },
		{ EAI_ADDRFAMILY, FEND_EAI_ADDRFAMILY },
		{ EAI_MEMORY, FEND_EAI_MEMORY },
		{ EAI_SYSTEM, FEND_EAI_SYSTEM },
		{ EAI_OVERFLOW, FEND_EAI_OVERFLOW },
		{ EAI_IDN_ENCODE, FEND_EAI_IDN_ENCODE },
		{ 0, 0 },
	};
	/* clang-format on */
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(errors); i++)
		if (errors[i].eai == eai)
			return errors[i].fend;
	g_error("no FEND_EAI_ for %d", eai);
}

void
lookup_start(struct outcome *outcome, struct fend_resolver *resolver, const char *name, int family,
	     int flags, fend_time timeout)
{
	const struct addrinfo hints = {
		.ai_family = family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = flags,
	};

	test_ok(fend_resolver_lookup(resolver, name, "80", &hints, timeout, outcome_fn, outcome,
				     &outcome->lookup));
}

void
lookup_run(struct test *test, struct outcome *outcome, struct fend_resolver *resolver,
	   const char *name, int family, int flags)
{
	lookup_start(outcome, resolver, name, family, flags, FEND_FOREVER);
	test_wait(test, &outcome->calls);
	test_drain(test);
	g_assert_cmpint(outcome->calls, ==, 1);
}

struct fend_resolver *
resolver_start(struct fend_loop *loop, const char *servers, fend_time try_timeout)
{
	const struct fend_resolver_options options = {
		.size = sizeof(options),
		.servers = servers,
		.try_timeout = try_timeout,
		.tries = 2,
	};
	struct fend_resolver *resolver;

	test_ok(fend_resolver_new(loop, &options, &resolver));
	return resolver;
}

void
setting_start(struct setting *setting, struct test *test, fend_time try_timeout)
{
	memset(setting, 0, sizeof(*setting));
	setting->server = server_start(test->loop);
	setting->resolver =
		resolver_start(test->loop, server_address(setting->server), try_timeout);
}

void
setting_end(struct setting *setting)
{
	outcome_clear(&setting->outcome);
	fend_resolver_free(setting->resolver);
	server_stop(setting->server);
}

void
setting_expect(struct test *test, struct setting *setting, const char *name, int family, int flags,
	       int err, const char *addresses)
{
	outcome_clear(&setting->outcome);
	lookup_run(test, &setting->outcome, setting->resolver, name, family, flags);
	test_error(setting->outcome.err, err);
	g_assert_cmpstr(setting->outcome.addresses, ==, addresses ? addresses : "");
}

struct process *
dnsmasq_start(int port, const char *const *arguments)
{
	GPtrArray *argv = g_ptr_array_new();
	char *port_option = g_strdup_printf("--port=%d", port);
	struct process *process;

	g_ptr_array_add(argv, (char *)"dnsmasq");
	g_ptr_array_add(argv, (char *)"--keep-in-foreground");
	g_ptr_array_add(argv, (char *)"--conf-file=/dev/null");
	g_ptr_array_add(argv, (char *)"--pid-file=");
	g_ptr_array_add(argv, (char *)"--user=");
	g_ptr_array_add(argv, (char *)"--group=");
	g_ptr_array_add(argv, (char *)"--log-facility=-");
	g_ptr_array_add(argv, (char *)"--no-resolv");
	g_ptr_array_add(argv, (char *)"--no-hosts");
	g_ptr_array_add(argv, (char *)"--local=/test/");
	g_ptr_array_add(argv, (char *)"--listen-address=127.0.0.1");
	g_ptr_array_add(argv, (char *)"--bind-interfaces");
	g_ptr_array_add(argv, port_option);
	for (; *arguments; arguments++)
		g_ptr_array_add(argv, (char *)*arguments);
	g_ptr_array_add(argv, NULL);
	process = process_start((const char *const *)argv->pdata);
	g_ptr_array_free(argv, TRUE);
	g_free(port_option);
	process_expect(process, "started, version");
	return process;
}

static int
cover(const char *path, const char *name, const char *content)
{
	char *file = test_file(name, content);
	int r = mount(file, path, "", MS_BIND, NULL);

	g_free(file);
	return r;
}

static int
loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	g_assert_cmpint(fd, >=, 0);
	r = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return r;
}

void
loopback_add_ipv4(const char *text)
{
	struct ifreq request = { .ifr_name = "lo:1" };
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(inet_pton(AF_INET, text, &address.sin_addr), ==, 1);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	g_assert_cmpint(ioctl(fd, SIOCSIFADDR, &request), ==, 0);
	close(fd);
}

/* The kernel takes a new address for a source only after a while. */
static void
wait_for_source(const struct in6_addr *source, unsigned zone)
{
	const struct sockaddr_in6 address = {
		.sin6_family = AF_INET6,
		.sin6_addr = *source,
		.sin6_scope_id = zone,
	};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	while (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		g_thread_yield();
	close(fd);
}

void
loopback_add_ipv6(const char *text, unsigned prefix)
{
	/* linux/ipv6.h has it, but not beside netinet/in.h. Valgrind takes it for the other. */
	union {
		struct {
			struct in6_addr address;
			guint32 prefix;
			int index;
		} in6;
		struct ifreq in;
	} request;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert_cmpint(fd, >=, 0);
	memset(&request, 0, sizeof(request));
	request.in6.prefix = prefix;
	request.in6.index = (int)if_nametoindex("lo");
	g_assert_cmpint(inet_pton(AF_INET6, text, &request.in6.address), ==, 1);
	g_assert_cmpint(ioctl(fd, SIOCSIFADDR, &request), ==, 0);
	close(fd);
	wait_for_source(&request.in6.address, (unsigned)request.in6.index);
}

static const char *
enter(const char *hosts, const char *resolv_conf, const char *nss, int network)
{
	char *nsswitch = g_strdup_printf("hosts: %s\nservices: files\n", nss);
	const char *obstacle = NULL;

	if (unshare(CLONE_NEWNS | (network ? CLONE_NEWNET : 0)) < 0)
		obstacle = "unshare(2) is not permitted";
	else if (mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
		obstacle = "the mounts cannot be made private";
	else if (cover("/etc/hosts", "hosts", hosts) < 0 ||
		 cover("/etc/resolv.conf", "resolv.conf", resolv_conf) < 0 ||
		 cover("/etc/nsswitch.conf", "nsswitch.conf", nsswitch) < 0)
		obstacle = "the files in /etc cannot be mounted over";
	else if (network && loopback_up() < 0)
		obstacle = "the loopback interface cannot be brought up";
	g_free(nsswitch);
	return obstacle;
}

static const char *skip_reason;

static void
skip(struct test *test)
{
	g_test_skip(skip_reason);
}

int
namespace_enter(const char *hosts, const char *resolv_conf, const char *nss, int network)
{
	skip_reason = enter(hosts, resolv_conf, nss, network);
	if (!skip_reason)
		return 0;
	test_add("/namespaces", skip);
	g_test_run();
	return 1;
}
