/* SPDX-License-Identifier: MIT */
/*
 * Resolvers: the files that say whom to ask and what need not be asked, and a channel to ask over.
 *
 * Both files, and the addresses of this host, which decide the order of others, are looked at again
 * when something is to be looked up, but at most once in CHECK. If resolv.conf has changed, a new
 * channel is made for what comes from then on; the old one goes on with what it was asked and ends
 * with the last of its tenants. A file that exists but cannot be read now, or a channel that cannot
 * be made, leaves all as it is until the next time. If that is hosts, and it was never read, the next
 * time is the next lookup: a moment without a descriptor is not to fail those of a second.
 *
 * A resolver without a loop of the caller's has one of its own, which is all that fd and process
 * need. The blocking lookup, which waits for one thing only, has none at all.
 */
#include "resolver.h"

#include <errno.h>
#include <string.h>

#include <fend/error.h>
#include <fend/loop.h>

#include <fend-internal/kernel.h>
#include <fend-internal/log.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "channel.h"
#include "config.h"
#include "files.h"
#include "hosts.h"
#include "interfaces.h"

#define CHECK FEND_SEC(1)
/* c-ares doubles the time with each try, in an int of milliseconds. */
#define TRY_TIMEOUT_MAX FEND_SEC(3600)

enum {
	TRIES_MAX = 10,
	EDNS_SIZE_MIN = 512, /* RFC 6891, 6.2.3 */
	EDNS_SIZE_MAX = 4096,
};

struct fend_resolver {
	struct fend_loop *loop; /* held, or owned; or NULL */
	bool owns_loop;
	unsigned holds; /* lookups, and the owner until it frees */
	bool freed;
	struct fend_resolver_options options; /* with texts of its own */
	struct text_file resolv_conf, hosts_file;
	fend_time resolv_conf_checked, hosts_checked; /* < 0: never, or to be checked again */
	struct hosts *hosts;                          /* NULL: not read yet */
	fend_time interfaces_checked;                 /* as those of the files */
	struct interfaces interfaces;
	struct channel *channel;
	struct tenant *tenants;
};

/* Is it time to look at a file again? */
static bool
is_due(fend_time *checked)
{
	fend_time now = fend__kernel->now();

	if (*checked >= 0 && now - *checked < CHECK)
		return false;
	*checked = now;
	return true;
}

static int
make_channel(struct fend_resolver *resolver, char *text, struct channel **ret_channel)
{
	struct config *config;
	int r = fend__config_new(&resolver->options, text, &config);

	fend__release(text);
	if (r < 0)
		return r;
	return fend__channel_new(resolver->loop, config, resolver->options.keep_max, ret_channel);
}

static int
read_resolv_conf(struct fend_resolver *resolver)
{
	struct channel *channel;
	char *text;
	int r;

	if (!is_due(&resolver->resolv_conf_checked))
		return 0;
	r = fend__text_file_read(&resolver->resolv_conf, &text);
	if (r <= 0)
		return r;
	r = make_channel(resolver, text, &channel);
	if (r < 0) {
		fend__text_file_forget(&resolver->resolv_conf);
		return r;
	}
	if (resolver->channel)
		fend__channel_drop(resolver->channel);
	resolver->channel = channel;
	return 0;
}

static int
read_hosts(struct fend_resolver *resolver)
{
	struct hosts *hosts;
	char *text;
	int r;

	if (!is_due(&resolver->hosts_checked) && resolver->hosts)
		return 0;
	r = fend__text_file_read(&resolver->hosts_file, &text);
	if (r <= 0)
		return r;
	r = fend__hosts_new(text, &hosts);
	if (r < 0) {
		fend__text_file_forget(&resolver->hosts_file);
		return r;
	}
	fend__hosts_free(resolver->hosts);
	resolver->hosts = hosts;
	return 0;
}

static void
tell_log(const struct text_file *file, int error)
{
	static struct fend__log_limit limit;

	fend__log(&limit, "%s cannot be read again: %s", file->path, fend_strerror(error));
}

void
fend__resolver_enter(struct fend_resolver *resolver, struct tenant *tenant)
{
	int r = read_resolv_conf(resolver);

	if (r < 0)
		tell_log(&resolver->resolv_conf, r);
	tenant->channel = fend__channel_hold(resolver->channel);
	tenant->next = resolver->tenants;
	tenant->link = &resolver->tenants;
	if (tenant->next)
		tenant->next->link = &tenant->next;
	resolver->tenants = tenant;
}

void
fend__resolver_leave(struct tenant *tenant)
{
	if (!tenant->channel)
		return;
	*tenant->link = tenant->next;
	if (tenant->next)
		tenant->next->link = tenant->link;
	tenant->channel = fend__channel_drop(tenant->channel);
}

int
fend__resolver_hosts(struct fend_resolver *resolver, const struct hosts **ret_hosts)
{
	int r = read_hosts(resolver);

	if (r < 0 && !resolver->hosts)
		return r;
	if (r < 0)
		tell_log(&resolver->hosts_file, r);
	*ret_hosts = resolver->hosts;
	return 0;
}

const struct interfaces *
fend__resolver_interfaces(struct fend_resolver *resolver)
{
	struct interfaces now;

	if (is_due(&resolver->interfaces_checked) && fend__interfaces_read(&now) == 0) {
		fend__interfaces_clear(&resolver->interfaces);
		resolver->interfaces = now;
	}
	return &resolver->interfaces;
}

char *
fend__resolver_describe_hosts(const struct fend_resolver *resolver, int error)
{
	return fend__printf("%s cannot be read: %s", resolver->hosts_file.path,
			    fend_strerror(error));
}

FEND_PUBLIC int
fend_resolver_flush(struct fend_resolver *resolver)
{
	int r;

	if (!resolver)
		return -EINVAL;
	r = fend__loop_check(resolver->loop);
	if (r < 0)
		return r;
	fend__channel_flush(resolver->channel);
	resolver->resolv_conf_checked = resolver->hosts_checked = -1;
	resolver->interfaces_checked = -1;
	fend__text_file_forget(&resolver->resolv_conf);
	fend__text_file_forget(&resolver->hosts_file);
	return 0;
}

FEND_PUBLIC int
fend_resolver_fd(struct fend_resolver *resolver)
{
	if (!resolver || !resolver->owns_loop)
		return -EINVAL;
	return fend_loop_fd(resolver->loop);
}

FEND_PUBLIC int
fend_resolver_process(struct fend_resolver *resolver)
{
	int r;

	if (!resolver || !resolver->owns_loop)
		return -EINVAL;
	r = fend_loop_dispatch(resolver->loop, 0);
	return r < 0 ? r : 0;
}

struct fend_resolver *
fend__resolver_hold(struct fend_resolver *resolver)
{
	resolver->holds++;
	return resolver;
}

struct fend_resolver *
fend__resolver_drop(struct fend_resolver *resolver)
{
	if (--resolver->holds == 0)
		fend__release(resolver);
	return NULL;
}

bool
fend__resolver_is_freed(const struct fend_resolver *resolver)
{
	return resolver->freed;
}

struct fend_loop *
fend__resolver_loop(const struct fend_resolver *resolver)
{
	return resolver->loop;
}

FEND_PUBLIC struct fend_resolver *
fend_resolver_free(struct fend_resolver *resolver)
{
	if (!resolver)
		return NULL;
	resolver->freed = true;
	while (resolver->tenants) {
		fend__channel_close(resolver->tenants->channel);
		fend__resolver_leave(resolver->tenants);
	}
	if (resolver->channel)
		resolver->channel = fend__channel_drop(resolver->channel);
	resolver->hosts = fend__hosts_free(resolver->hosts);
	fend__interfaces_clear(&resolver->interfaces);
	fend__release(resolver->resolv_conf.path);
	fend__release(resolver->hosts_file.path);
	fend__release((char *)resolver->options.servers);
	if (resolver->owns_loop)
		fend_loop_free(resolver->loop);
	else if (resolver->loop)
		fend__loop_drop(resolver->loop);
	resolver->loop = NULL;
	return fend__resolver_drop(resolver);
}

static int
copy_text(const char *text, const char *otherwise, char **ret_copy)
{
	if (!text)
		text = otherwise;
	*ret_copy = text ? fend__strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static int
take_options(struct fend_resolver *resolver, const struct fend_resolver_options *options)
{
	char *servers;
	int r;

	if (options->try_timeout < 0 || options->try_timeout > TRY_TIMEOUT_MAX ||
	    options->tries < 0 || options->tries > TRIES_MAX || options->keep_max < 0)
		return -EINVAL;
	if (options->edns_size > 0 &&
	    (options->edns_size < EDNS_SIZE_MIN || options->edns_size > EDNS_SIZE_MAX))
		return -EINVAL;
	resolver->options = *options;
	resolver->options.servers = resolver->options.resolv_conf = resolver->options.hosts = NULL;
	r = copy_text(options->servers, NULL, &servers);
	resolver->options.servers = servers;
	if (r == 0)
		r = copy_text(options->resolv_conf, "/etc/resolv.conf",
			      &resolver->resolv_conf.path);
	if (r == 0)
		r = copy_text(options->hosts, "/etc/hosts", &resolver->hosts_file.path);
	return r;
}

int
fend__resolver_open(struct fend_loop *loop, const struct fend_resolver_options *options,
		    struct fend_resolver **ret_resolver)
{
	struct fend_resolver *resolver;
	int r;

	resolver = fend__calloc(1, sizeof(*resolver));
	if (!resolver)
		return -ENOMEM;
	resolver->holds = 1;
	resolver->resolv_conf_checked = resolver->hosts_checked = -1;
	resolver->interfaces_checked = -1;
	if (loop)
		resolver->loop = fend__loop_hold(loop);
	r = take_options(resolver, options);
	if (r == 0)
		r = read_resolv_conf(resolver);
	if (r < 0) {
		fend_resolver_free(resolver);
		return r;
	}
	*ret_resolver = resolver;
	return 0;
}

/* A loop that can be waited for by its descriptor, where that is to be had. */
static int
make_loop(struct fend_loop **ret_loop)
{
	const struct fend_loop_options options = { .size = sizeof(options), .dispatcher = "epoll" };
	int r = fend_loop_new(&options, ret_loop);

	return r == -ENOTSUP ? fend_loop_new(NULL, ret_loop) : r;
}

static int
open_alone(const struct fend_resolver_options *options, struct fend_resolver **ret_resolver)
{
	struct fend_loop *loop;
	int r;

	r = make_loop(&loop);
	if (r < 0)
		return r;
	r = fend__resolver_open(loop, options, ret_resolver);
	if (r < 0) {
		fend_loop_free(loop);
		return r;
	}
	/* It is owned now, for which a hold is not needed. */
	fend__loop_drop(loop);
	(*ret_resolver)->owns_loop = true;
	return 0;
}

FEND_PUBLIC int
fend_resolver_new(struct fend_loop *loop, const struct fend_resolver_options *options,
		  struct fend_resolver **ret_resolver)
{
	struct fend_resolver_options given = { 0 };
	int r;

	if (!ret_resolver)
		return -EINVAL;
	r = loop ? fend__loop_check(loop) : 0;
	if (r < 0)
		return r;
	r = fend__options_copy(&given, sizeof(given), options);
	if (r < 0)
		return r;
	return loop ? fend__resolver_open(loop, &given, ret_resolver)
		    : open_alone(&given, ret_resolver);
}

static void
free_default(void *resolver)
{
	fend_resolver_free(resolver);
}

int
fend__resolver_default(struct fend_loop *loop, struct fend_resolver **ret_resolver)
{
	static const struct fend_resolver_options defaults;
	static const char key;
	struct fend_resolver *resolver = fend__loop_attached(loop, &key);
	int r;

	if (!resolver) {
		r = fend__resolver_open(loop, &defaults, &resolver);
		if (r < 0)
			return r;
		r = fend__loop_attach(loop, &key, resolver, free_default);
		if (r < 0) {
			fend_resolver_free(resolver);
			return r;
		}
	}
	*ret_resolver = resolver;
	return 0;
}
