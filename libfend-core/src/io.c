/* SPDX-License-Identifier: MIT */
/*
 * Sources on descriptors: the table they live in, their interest, their callbacks.
 *
 * A registration is made and removed at once, when there is still a caller to tell of an error; a
 * change of interest is only noted, and told to the dispatcher just before the wait, so that
 * changes to and fro cost nothing.
 *
 * What is delivered (io-deliver.h) passes a mask that follows the interest at that moment, which a
 * callback earlier in the batch may have changed; ERR and HUP pass as long as there is any
 * interest.
 */
#include "io.h"

#include <errno.h>
#include <string.h>

#include <fend-internal/public.h>

#include "dispatcher.h"
#include "io-deliver.h"

void
fend__io_table_free(struct io_table *table)
{
	size_t i;

	for (i = 0; i < table->n_chunks; i++)
		fend__release(table->chunks[i]);
	fend__release(table->chunks);
	fend__release(table->by_fd);
}

static struct fend_io *
io_of(struct fend_link *change)
{
	return fend__container_of(change, struct fend_io, change);
}

static int
reserve_fd(struct io_table *table, int fd)
{
	size_t n = table->n_by_fd ? table->n_by_fd : 32;
	uint32_t *grown;

	if ((size_t)fd < table->n_by_fd)
		return 0;
	while (n <= (size_t)fd)
		n *= 2;
	grown = fend__resize(table->by_fd, n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + table->n_by_fd, 0, (n - table->n_by_fd) * sizeof(*grown));
	table->by_fd = grown;
	table->n_by_fd = n;
	return 0;
}

static int
grow(struct fend_loop *loop)
{
	struct io_table *table = &loop->ios;
	struct io_chunk **chunks, *chunk;

	chunks = fend__resize(table->chunks, table->n_chunks + 1, sizeof(*chunks));
	if (!chunks)
		return -ENOMEM;
	table->chunks = chunks;
	chunk = fend__calloc(1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	chunk->loop = loop;
	chunk->first = (uint32_t)table->n_chunks * IO_CHUNK;
	table->chunks[table->n_chunks++] = chunk;
	return 0;
}

/* A slot, the one freed longest ago if there is one. It becomes alive with its generation. */
static struct fend_io *
take_slot(struct fend_loop *loop)
{
	struct io_table *table = &loop->ios;
	struct fend_io *io;

	if (!list_is_empty(&table->free)) {
		io = io_of(table->free.next);
		list_remove(&io->change);
		return io;
	}
	if (table->n_slots == table->n_chunks * IO_CHUNK && grow(loop) < 0)
		return NULL;
	io = fend__io_at(table, table->n_slots);
	io->position = (unsigned char)(table->n_slots++ % IO_CHUNK);
	list_init(&io->change);
	return io;
}

static void
give_slot(struct io_table *table, struct fend_io *io)
{
	list_remove(&io->change);
	list_append(&table->free, &io->change);
}

static int
check_events(const struct fend_loop *loop, unsigned events)
{
	unsigned features = loop->ops->features;

	if (events & ~(unsigned)(IO_INTEREST | IO_MODE))
		return -EINVAL;
	if ((events & FEND_EXCLUSIVE) && (events & (FEND_PRI | FEND_RDHUP | FEND_ONESHOT)))
		return -EINVAL;
	if ((events & FEND_EDGE) && !(features & FEND_LOOP_EDGE))
		return -ENOTSUP;
	if ((events & FEND_EXCLUSIVE) && !(features & FEND_LOOP_EXCLUSIVE))
		return -ENOTSUP;
	if ((events & FEND_RDHUP) && !(features & FEND_LOOP_RDHUP))
		return -ENOTSUP;
	return 0;
}

static void
arm(struct fend_io *io)
{
	io->passes = io->interest ? io->interest | FEND_ERR | FEND_HUP : 0;
}

FEND_PUBLIC int
fend_io_new(struct fend_loop *loop, int fd, unsigned events, fend_io_fn *fn, void *data,
	    struct fend_io **ret_io)
{
	struct io_table *table;
	struct fend_io *io;
	int r;

	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (!fn || !ret_io)
		return -EINVAL;
	if (fd < 0)
		return -EBADF;
	r = check_events(loop, events);
	if (r < 0)
		return r;
	if (fd == loop->wakeup[0] || fd == loop->wakeup[1] ||
	    (loop->embedded && fd == fend_loop_fd(loop)))
		return -EINVAL;
	table = &loop->ios;
	/* Before a table is made for a number that no descriptor has. */
	if ((size_t)fd >= table->n_by_fd) {
		r = fend__kernel->get_flags(fd);
		if (r < 0)
			return r;
	}
	r = reserve_fd(table, fd);
	if (r < 0)
		return r;
	if (table->by_fd[fd])
		return -EEXIST;
	io = take_slot(loop);
	if (!io)
		return -ENOMEM;
	io->generation++;
	io->fn = fn;
	io->data = data;
	io->name = NULL;
	io->fd = fd;
	io->interest = io->told = events & IO_INTEREST;
	io->mode = events & IO_MODE;
	io->counts = 1;
	arm(io);
	r = loop->ops->add(loop, loop->dispatcher, io);
	if (r < 0) {
		io->generation++;
		give_slot(table, io);
		return r;
	}
	table->by_fd[fd] = io_slot(io) + 1;
	fend__loop_hold(loop);
	*ret_io = io;
	return 0;
}

FEND_PUBLIC struct fend_io *
fend_io_free(struct fend_io *io)
{
	struct fend_loop *loop;
	int r;

	if (!io)
		return NULL;
	loop = io_loop(io);
	r = fend__loop_check(loop);
	/* In a child the registration is the parent's as well; after the loop's end there is none. */
	if (r == 0)
		loop->ops->remove(loop, loop->dispatcher, io);
	loop->ios.by_fd[io->fd] = 0;
	io->generation++;
	io->freed = io_moment(loop->stats.iterations);
	give_slot(&loop->ios, io);
	fend__loop_drop(loop);
	return NULL;
}

FEND_PUBLIC int
fend_io_set(struct fend_io *io, unsigned events)
{
	struct fend_loop *loop;
	int r;

	if (!io)
		return -EINVAL;
	loop = io_loop(io);
	r = fend__loop_check(loop);
	if (r < 0)
		return r;
	if (events & ~(unsigned)IO_INTEREST)
		return -EINVAL;
	r = check_events(loop, events | io->mode);
	if (r < 0)
		return r;
	io->interest = (unsigned short)events;
	arm(io);
	/* What was refused is told again; a source in neither list points to itself. */
	list_remove(&io->change);
	list_append(&loop->changed, &io->change);
	fend__embed_changed(loop);
	return 0;
}

FEND_PUBLIC void
fend_io_set_name(struct fend_io *io, const char *name)
{
	if (io)
		io->name = name;
}

FEND_PUBLIC int
fend_io_fd(const struct fend_io *io)
{
	return io ? io->fd : -EINVAL;
}

FEND_PUBLIC unsigned
fend_io_events(const struct fend_io *io)
{
	return io ? io->interest | io->mode : 0;
}

void
fend__ios_flush(struct fend_loop *loop)
{
	while (!list_is_empty(&loop->changed)) {
		struct fend_io *io = io_of(loop->changed.next);

		list_remove(&io->change);
		if (io->told == io->interest && !(io->mode & FEND_ONESHOT))
			continue;
		io->told = io->interest;
		if (loop->ops->modify(loop, loop->dispatcher, io) < 0) {
			io->told = IO_TOLD_NOTHING;
			list_append(&loop->refused, &io->change);
		}
	}
}

void
fend__io_spend(struct fend_io *io, unsigned events)
{
	/* An edge comes once: if it is dropped now, the next change has to bring it back. */
	if ((io->mode & FEND_EDGE) && (events & ~(unsigned)io->passes))
		io->told = IO_TOLD_NOTHING;
	/* Silent until fend_io_set() arms it again. */
	if ((io->mode & FEND_ONESHOT) && (events & io->passes))
		io->passes = 0;
}

void
fend__refused_run(struct fend_loop *loop)
{
	while (!list_is_empty(&loop->refused) && !fend__loop_is_over(loop)) {
		struct fend_io *io = io_of(loop->refused.next);

		list_remove(&io->change);
		fend__io_deliver(loop, io, FEND_ERR);
	}
}
