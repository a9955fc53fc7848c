/* SPDX-License-Identifier: MIT */
/*
 * Token buckets. A bucket fills when somebody asks: there is a timer only while somebody waits, and
 * then one for all of them.
 *
 * Who finds it empty waits in a line, and so does who comes while there is one. When enough has
 * gathered, it is divided among the first in line, and what each gets is its credit, which nobody
 * else can take before it comes to use it. That makes sharing fair whatever the order in which they
 * run.
 *
 * A rate's group is asked after the rate itself, and the groups above it in turn; a user waits for
 * the first that has nothing.
 */
#include "rate.h"

#include <errno.h>
#include <string.h>

#include <fend/timer.h>

#include <fend-internal/kernel.h>
#include <fend-internal/list.h>
#include <fend-internal/loop.h>
#include <fend-internal/public.h>

#define SECOND ((uint64_t)FEND_SEC(1))

/* What one in line should get at least, if others wait as well: a few segments. */
#define PORTION 4096

struct fend_rate {
	struct fend_loop *loop;
	struct fend_timer *timer; /* armed while there is a line */
	struct fend_rate *group;
	struct fend_link member; /* in the group's members */
	struct fend_link members;
	struct fend_link users;
	struct fend_link line; /* of users that wait */
	uint64_t speed;        /* bytes per second; 0: no limit */
	uint64_t burst;
	uint64_t tokens;  /* bytes that may pass */
	fend_time filled; /* when they were that many */
	uint64_t bytes, waits;
};

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Nanoseconds in which so many bytes pass, rounded up. The limits keep this from overflowing. */
static uint64_t
duration(const struct fend_rate *rate, uint64_t bytes)
{
	return (bytes * SECOND + rate->speed - 1) / rate->speed;
}

static void
refill(struct fend_rate *rate)
{
	uint64_t missing = rate->burst - rate->tokens, elapsed, gained;
	fend_time now = fend_loop_now(rate->loop);

	elapsed = now > rate->filled ? (uint64_t)(now - rate->filled) : 0;
	if (elapsed >= duration(rate, missing)) {
		rate->tokens = rate->burst;
		rate->filled = now;
		return;
	}
	/* The fraction of a byte is not lost: time stays where the last whole one came. */
	gained = elapsed * rate->speed / SECOND;
	rate->tokens += gained;
	rate->filled += (fend_time)duration(rate, gained);
}

/* What has to gather before anybody is let go: a hundredth of a second's bytes. */
static uint64_t
enough(const struct fend_rate *rate)
{
	return least(rate->burst, most(rate->speed / 100, 1));
}

static void
arm(struct fend_rate *rate)
{
	uint64_t needed = enough(rate), wait = 0;

	if (list_is_empty(&rate->line)) {
		fend_timer_stop(rate->timer);
		return;
	}
	if (rate->tokens < needed)
		wait = duration(rate, needed - rate->tokens);
	fend_timer_at(rate->timer, fend__time_add(rate->filled, (fend_time)wait));
}

static struct rate_user *
first_in(struct fend_link *line)
{
	return fend__container_of(line->next, struct rate_user, waiting);
}

static void
stop_waiting(struct rate_user *user)
{
	list_remove(&user->waiting);
	user->waits_for = NULL;
}

static void
return_credit(struct rate_user *user)
{
	struct fend_rate *creditor = user->creditor;

	if (creditor)
		creditor->tokens = least(creditor->burst, creditor->tokens + user->credit);
	user->creditor = NULL;
	user->credit = 0;
}

static void
let_go(struct fend_rate *rate, struct rate_user *user, uint64_t credit)
{
	stop_waiting(user);
	return_credit(user);
	if (credit > 0)
		user->creditor = rate;
	user->credit = credit;
	rate->tokens -= credit;
	user->resume(user);
}

/* Without a limit there is nothing to wait for. */
static void
let_all_go(struct fend_rate *rate)
{
	while (!list_is_empty(&rate->line))
		let_go(rate, first_in(&rate->line), 0);
}

static uint64_t
count(const struct fend_link *list)
{
	const struct fend_link *link;
	uint64_t n = 0;

	for (link = list->next; link != list; link = link->next)
		n++;
	return n;
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	struct fend_rate *rate = data;
	uint64_t n, share;

	refill(rate);
	if (rate->tokens >= enough(rate)) {
		n = most(rate->tokens / least(PORTION, enough(rate)), 1);
		n = least(n, count(&rate->line));
		for (share = n ? rate->tokens / n : 0; n > 0; n--)
			let_go(rate, first_in(&rate->line), share);
	}
	arm(rate);
}

static void
wait_for(struct fend_rate *rate, struct rate_user *user)
{
	user->waits_for = rate;
	list_append(&rate->line, &user->waiting);
	rate->waits++;
	arm(rate);
}

/* What user may take from this rate, out of its credit or the bucket. */
static uint64_t
available(struct fend_rate *rate, const struct rate_user *user)
{
	uint64_t credit = user->creditor == rate ? user->credit : 0;

	refill(rate);
	return list_is_empty(&rate->line) ? credit + rate->tokens : credit;
}

size_t
fend__rate_allow(struct rate_user *user, size_t size)
{
	struct fend_rate *rate;

	if (user->waits_for)
		return 0;
	for (rate = user->rate; rate; rate = rate->group) {
		if (!rate->speed)
			continue;
		size = (size_t)least(size, available(rate, user));
		if (size == 0) {
			wait_for(rate, user);
			return 0;
		}
	}
	return size;
}

void
fend__rate_spend(struct rate_user *user, size_t size)
{
	struct fend_rate *rate;

	for (rate = user->rate; rate; rate = rate->group) {
		uint64_t credit = user->creditor == rate ? least(user->credit, size) : 0;

		rate->bytes += size;
		user->credit -= credit;
		if (user->creditor == rate && user->credit == 0)
			user->creditor = NULL;
		rate->tokens -= least(rate->tokens, size - credit);
	}
}

void
fend__rate_join(struct fend_rate *rate, struct rate_user *user)
{
	user->rate = rate;
	if (rate)
		list_append(&rate->users, &user->link);
}

void
fend__rate_leave(struct rate_user *user)
{
	struct fend_rate *waited = user->waits_for;

	if (!user->rate)
		return;
	if (waited) {
		stop_waiting(user);
		arm(waited);
	}
	return_credit(user);
	list_remove(&user->link);
	user->rate = NULL;
}

struct fend_loop *
fend__rate_loop(const struct fend_rate *rate)
{
	return rate->loop;
}

static int
set(struct fend_rate *rate, uint64_t speed, uint64_t burst)
{
	if (speed > FEND_RATE_MAX || burst > FEND_RATE_MAX)
		return -EINVAL;
	rate->speed = speed;
	rate->burst = burst ? burst : most(speed / 10, 1);
	return 0;
}

FEND_PUBLIC int
fend_rate_new(struct fend_loop *loop, const struct fend_rate_options *options,
	      struct fend_rate **ret_rate)
{
	struct fend_rate_options given = { 0 };
	struct fend_rate *rate;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	r = fend__options_copy(&given, sizeof(given), options);
	if (r < 0)
		return r;
	if (!ret_rate || (given.group && given.group->loop != loop))
		return -EINVAL;
	rate = fend__calloc(1, sizeof(*rate));
	if (!rate)
		return -ENOMEM;
	r = set(rate, given.bytes_per_second, given.burst);
	if (r >= 0)
		r = fend_timer_new(loop, on_timer, rate, &rate->timer);
	if (r < 0) {
		fend__release(rate);
		return r;
	}
	fend_timer_set_name(rate->timer, "rate");
	rate->loop = fend__loop_hold(loop);
	rate->tokens = rate->burst;
	rate->filled = fend_loop_now(loop);
	list_init(&rate->members);
	list_init(&rate->users);
	list_init(&rate->line);
	list_init(&rate->member);
	rate->group = given.group;
	if (rate->group)
		list_append(&rate->group->members, &rate->member);
	*ret_rate = rate;
	return 0;
}

static void
forget_users(struct fend_rate *rate)
{
	while (!list_is_empty(&rate->users)) {
		struct rate_user *user =
			fend__container_of(rate->users.next, struct rate_user, link);

		fend__rate_leave(user);
		user->resume(user);
	}
}

/* What the users of this rate and of its members have to their credit with another one. */
static void
cancel_credits(struct fend_rate *rate, const struct fend_rate *creditor)
{
	struct fend_link *link;

	for (link = rate->users.next; link != &rate->users; link = link->next) {
		struct rate_user *user = fend__container_of(link, struct rate_user, link);

		if (user->creditor == creditor)
			return_credit(user);
	}
	for (link = rate->members.next; link != &rate->members; link = link->next)
		cancel_credits(fend__container_of(link, struct fend_rate, member), creditor);
}

static void
forget_members(struct fend_rate *rate)
{
	while (!list_is_empty(&rate->members)) {
		struct fend_rate *member =
			fend__container_of(rate->members.next, struct fend_rate, member);

		list_remove(&member->member);
		member->group = NULL;
	}
}

FEND_PUBLIC struct fend_rate *
fend_rate_free(struct fend_rate *rate)
{
	if (!rate)
		return NULL;
	forget_users(rate);
	let_all_go(rate);
	cancel_credits(rate, rate);
	forget_members(rate);
	list_remove(&rate->member);
	fend_timer_free(rate->timer);
	fend__loop_drop(rate->loop);
	return fend__release(rate);
}

FEND_PUBLIC int
fend_rate_set(struct fend_rate *rate, uint64_t bytes_per_second, uint64_t burst)
{
	int r;

	if (!rate)
		return -EINVAL;
	r = fend__loop_check(rate->loop);
	if (r < 0)
		return r;
	if (rate->speed)
		refill(rate);
	r = set(rate, bytes_per_second, burst);
	if (r < 0)
		return r;
	rate->tokens = least(rate->tokens, rate->burst);
	rate->filled = fend_loop_now(rate->loop);
	if (!rate->speed)
		let_all_go(rate);
	arm(rate);
	return 0;
}

FEND_PUBLIC int
fend_rate_stats(const struct fend_rate *rate, struct fend_rate_stats *ret_stats)
{
	struct fend_rate_stats stats;
	size_t size;

	if (!rate || !ret_stats || ret_stats->size < sizeof(size))
		return -EINVAL;
	size = ret_stats->size;
	stats.size = size;
	stats.bytes = rate->bytes;
	stats.waits = rate->waits;
	memset(ret_stats, 0, size);
	memcpy(ret_stats, &stats, size < sizeof(stats) ? size : sizeof(stats));
	return 0;
}
