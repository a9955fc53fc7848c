/* SPDX-License-Identifier: MIT */
/*
 * Channels: what is asked of one set of name servers, by way of c-ares, and what drives that. Each
 * socket of c-ares is a source on the loop, and the next thing due the channel's one timer. Without
 * a loop, or while somebody waits without running it, the same is done by poll(2) on these sockets.
 *
 * An exchange is in one list at a time: waiting for its turn, running at c-ares, kept because the
 * answer may be used again, or lost. Askers come and go; what c-ares has begun goes on without
 * them.
 *
 * Calls into c-ares stand between enter() and leave(). The last leave() begins what waits and sets
 * the timer: so an asker that is told, with c-ares on the stack, can ask on. It also destroys what
 * nobody holds any more.
 *
 * c-ares sends what it is asked at once, over one socket for each server, and what then overflows
 * somebody's buffer is only asked again after seconds. So not more than BURST questions that are
 * not answered yet are begun within WINDOW; the others wait in line, oldest first. A server that
 * does not answer at all thus holds them up by WINDOW each BURST, not by its timeouts. Servers that
 * are asked in turn have a burst each.
 *
 * c-ares has been known to forget questions. There is a time by which it must have given up, and a
 * while after that the channel does. The exchange then stays in memory, as c-ares might remember.
 */
#include "channel.h"

#include <errno.h>

#include <fend/error.h>
#include <fend/io.h>
#include <fend/timer.h>

#include <fend-internal/deadline.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#include "config.h"
#include "exchange.h"
#include "message.h"
#include "sockets.h"
#include "sources.h"

enum {
	BURST = 128, /* per server that takes part, of datagrams up to */
	BURST_SIZE = 1232,
	AT_ONCE = 8, /* begun without a look at what else the loop has to do */
	RCODE_FORMERR = 1,
};

#define WINDOW FEND_MS(100)
#define GRACE FEND_SEC(1) /* beyond the time by which c-ares must have given up */

struct channel {
	unsigned holds;
	unsigned entered;
	struct config *config;
	fend_time keep_max;
	fend_time patience;     /* until an exchange is lost */
	struct fend_loop *loop; /* held; or NULL */
	struct cares *cares;    /* NULL: closed */
	struct sockets sockets;
	struct fend_timer *timer;
	fend_time due; /* when it is set to, with or without a loop */

	struct exchanges exchanges;
	struct node waiting, running, lost; /* oldest first */
	struct sources sources;

	unsigned burst;
	unsigned window;
	unsigned unanswered;   /* of those begun in this window */
	fend_time window_ends; /* FEND_FOREVER: nobody waits for its end */
};

/* How long the answer may be used again. */
static fend_time
keep_time(const struct exchange *exchange, const struct answer *answer)
{
	fend_time most = exchange->channel->keep_max, time;

	if (answer->err || most <= 0)
		return 0;
	time = FEND_SEC(fend__message_ttl(answer->message, answer->size));
	return time < most ? time : most;
}

/*
 * c-ares repeats a question without EDNS when a server has no idea of it, but up to 1.19 only the
 * first of those that were on their way.
 */
static bool
is_to_be_repeated(const struct exchange *exchange, const struct answer *answer)
{
	return answer->rcode == RCODE_FORMERR && answer->err && !exchange->repeated &&
	       exchange->channel->config->edns_size > 0;
}

static void
on_answer(struct question *question, const struct answer *answer)
{
	struct exchange *exchange = fend__container_of(question, struct exchange, question);
	struct channel *channel = exchange->channel;
	bool is_lost = !exchange->link;
	fend_time time;

	if (exchange->window == channel->window)
		channel->unanswered--;
	if (!is_lost && is_to_be_repeated(exchange, answer)) {
		exchange->repeated = true;
		fend__exchange_move(exchange, &channel->waiting);
		return;
	}
	time = is_lost ? 0 : keep_time(exchange, answer);
	if (time > 0 && fend__exchange_keep(exchange, answer, time)) {
		fend__exchange_tell(exchange, answer);
	} else {
		/* Who asks again from below asks anew. */
		fend__exchange_hide(exchange);
		fend__exchange_tell(exchange, answer);
		fend__exchange_free(exchange);
	}
}

static void
begin(struct channel *channel, struct exchange *exchange)
{
	exchange->window = channel->window;
	exchange->until = fend__time_add(fend__kernel->now(), channel->patience);
	fend__exchange_move(exchange, &channel->running);
	channel->unanswered++;
	fend__cares_ask(channel->cares, exchange->name, exchange->type, &exchange->question);
}

/* May another question begin? If not, it is set when. */
static bool
window_is_open(struct channel *channel)
{
	if (channel->unanswered >= channel->burst) {
		if (channel->window_ends == FEND_FOREVER)
			channel->window_ends = fend__time_add(fend__kernel->now(), WINDOW);
		return false;
	}
	channel->window_ends = FEND_FOREVER;
	return true;
}

/*
 * Open the next window if it is time. Not while questions are asked: as long as a program does that
 * nobody reads the answers.
 */
static void
open_window(struct channel *channel)
{
	if (fend__remaining(channel->window_ends) != 0)
		return;
	channel->window_ends = FEND_FOREVER;
	channel->window++;
	channel->unanswered = 0;
}

/* Is there more that could begin? */
static bool
begin_waiting(struct channel *channel)
{
	struct exchange *exchange;
	int n = 0;

	while ((exchange = fend__list_first(&channel->waiting))) {
		if (!exchange->askers)
			fend__exchange_free(exchange);
		else if (!window_is_open(channel))
			return false;
		else if (n++ == AT_ONCE)
			return true;
		else
			begin(channel, exchange);
	}
	channel->window_ends = FEND_FOREVER;
	return false;
}

/* They run in the order in which they began, and each as long. */
static void
give_up(struct channel *channel)
{
	static const struct answer silence = {
		.err = FEND_EAI_AGAIN,
		.silent = true,
		.rcode = -1,
	};
	struct exchange *exchange;

	while ((exchange = fend__list_first(&channel->running)) &&
	       exchange->until <= fend__kernel->now()) {
		if (exchange->window == channel->window)
			channel->unanswered--;
		exchange->window = channel->window - 1;
		fend__exchange_hide(exchange);
		fend__exchange_move(exchange, &channel->lost);
		fend__exchange_tell(exchange, &silence);
	}
}

static fend_time
earlier(fend_time a, fend_time b)
{
	if (a == FEND_FOREVER || b == FEND_FOREVER)
		return a == FEND_FOREVER ? b : a;
	return a < b ? a : b;
}

static fend_time
next_due(const struct channel *channel)
{
	struct exchange *oldest = fend__list_first(&channel->running);
	fend_time due = earlier(fend__cares_due(channel->cares), channel->window_ends);

	due = earlier(due, fend__sockets_due(&channel->sockets));
	return oldest ? earlier(due, oldest->until) : due;
}

static void
set_timer(struct channel *channel, fend_time due)
{
	if (due == channel->due)
		return;
	channel->due = due;
	if (due == FEND_FOREVER)
		fend_timer_stop(channel->timer);
	else
		fend_timer_at(channel->timer, due);
}

static void
free_exchanges(struct node *list)
{
	struct exchange *exchange;

	while ((exchange = fend__list_first(list))) {
		fend__exchange_disperse(exchange);
		fend__exchange_free(exchange);
	}
}

void
fend__channel_close(struct channel *channel)
{
	struct node *node;

	if (!channel->cares)
		return;
	channel->entered++;
	free_exchanges(&channel->waiting);
	free_exchanges(&channel->exchanges.kept);
	for (node = channel->running.next; node != &channel->running; node = node->next) {
		struct exchange *exchange = fend__container_of(node, struct exchange, node);

		fend__exchange_hide(exchange);
		fend__exchange_disperse(exchange);
	}
	/*
	 * It answers what runs, except what it may have lost, and what is hidden is not repeated.
	 */
	channel->cares = fend__cares_free(channel->cares);
	free_exchanges(&channel->running);
	free_exchanges(&channel->lost);
	fend__sockets_fini(&channel->sockets);
	channel->timer = fend_timer_free(channel->timer);
	if (channel->loop)
		channel->loop = fend__loop_drop(channel->loop);
	channel->entered--;
}

static void
enter(struct channel *channel)
{
	channel->entered++;
}

static void
leave(struct channel *channel)
{
	if (channel->entered == 1 && channel->holds > 0 && channel->cares) {
		bool is_more = begin_waiting(channel);

		set_timer(channel, is_more ? 0 : next_due(channel));
	}
	channel->entered--;
	if (channel->entered > 0 || channel->holds > 0)
		return;
	fend__channel_close(channel);
	fend__config_free(channel->config);
	fend__release(channel);
}

static void
process(struct channel *channel, int fd, unsigned events)
{
	if (fd >= 0 && fend__sockets_end_kept(&channel->sockets, fd))
		return;
	fend__cares_process(channel->cares, fd, events);
	if (fd < 0) {
		give_up(channel);
		open_window(channel);
		fend__sockets_expire(&channel->sockets);
	}
}

static void
on_ready(struct fend_io *io, unsigned events, void *data)
{
	struct channel *channel = data;

	enter(channel);
	process(channel, fend_io_fd(io), events);
	leave(channel);
}

static void
on_due(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct channel *channel = data;

	enter(channel);
	channel->due = FEND_FOREVER;
	process(channel, -1, 0);
	leave(channel);
}

int
fend__channel_step(struct channel *channel, fend_time deadline)
{
	unsigned events;
	int fd, r;

	r = fend__sockets_poll(&channel->sockets, fend__remaining(earlier(deadline, channel->due)));
	if (r < 0 && r != -EINTR)
		return r;
	enter(channel);
	while (fend__sockets_next(&channel->sockets, &fd, &events))
		process(channel, fd, events);
	if (fend__remaining(channel->due) == 0)
		process(channel, -1, 0);
	leave(channel);
	return 0;
}

int
fend__channel_ask(struct channel *channel, const char *name, int type, struct asker *asker)
{
	size_t hash = fend__exchange_hash(name, type);
	struct exchange *exchange;
	struct answer answer;

	asker->exchange = NULL;
	if (!channel->cares)
		return -ESHUTDOWN;
	exchange = fend__exchange_find(&channel->exchanges, hash, name, type);
	if (exchange && exchange->since >= 0) {
		if (fend__exchange_recall(exchange, &answer)) {
			asker->fn(asker, &answer);
			return 0;
		}
		exchange = NULL;
	}
	if (!exchange) {
		exchange = fend__exchange_new(&channel->exchanges, hash, name, type,
					      &channel->waiting);
		if (!exchange)
			return -ENOMEM;
		exchange->channel = channel;
		exchange->question.fn = on_answer;
	}
	fend__exchange_join(exchange, asker);
	enter(channel);
	leave(channel);
	return 0;
}

void
fend__channel_flush(struct channel *channel)
{
	free_exchanges(&channel->exchanges.kept);
}

/*
 * c-ares asks each server so many times, and waits twice as long in each round. In some versions
 * it starts over for TCP and without EDNS.
 */
static fend_time
patience(const struct config *config)
{
	fend_time rounds = ((fend_time)1 << config->tries) - 1;
	fend_time most = FEND_SEC(86400);
	fend_time time = config->try_timeout * (fend_time)config->n_servers;

	if (time > most / (3 * rounds))
		return most;
	return 3 * rounds * time + GRACE;
}

/* What should fit into a socket's receive buffer, of which there is one for each server. */
static unsigned
burst(const struct config *config)
{
	unsigned most = config->edns_size > BURST_SIZE
				? BURST * BURST_SIZE / (unsigned)config->edns_size
				: BURST;

	return config->rotate ? most * (unsigned)config->n_servers : most;
}

int
fend__channel_new(struct fend_loop *loop, struct config *config, fend_time keep_max,
		  struct channel **ret_channel)
{
	struct channel *channel = fend__calloc(1, sizeof(*channel));
	int r = 0;

	if (!channel) {
		fend__config_free(config);
		return -ENOMEM;
	}
	channel->holds = 1;
	channel->config = config;
	channel->keep_max = keep_max;
	channel->patience = patience(config);
	channel->burst = burst(config);
	channel->due = channel->window_ends = FEND_FOREVER;
	fend__list_init(&channel->waiting);
	fend__list_init(&channel->running);
	fend__exchanges_init(&channel->exchanges);
	fend__list_init(&channel->lost);
	channel->sockets = (struct sockets){
		.loop = loop,
		.fn = on_ready,
		.data = channel,
		.may_keep = config->n_servers == 1,
	};
	r = fend__cares_new(config, &channel->sockets, &channel->cares);
	if (r == 0 && loop) {
		channel->loop = fend__loop_hold(loop);
		r = fend_timer_new(loop, on_due, channel, &channel->timer);
	}
	if (r < 0) {
		fend__channel_drop(channel);
		return r;
	}
	*ret_channel = channel;
	return 0;
}

struct channel *
fend__channel_hold(struct channel *channel)
{
	channel->holds++;
	return channel;
}

struct channel *
fend__channel_drop(struct channel *channel)
{
	enter(channel);
	channel->holds--;
	leave(channel);
	return NULL;
}

const struct config *
fend__channel_config(const struct channel *channel)
{
	return channel->config;
}

struct sources *
fend__channel_sources(struct channel *channel)
{
	return &channel->sources;
}
