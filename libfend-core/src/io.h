/* SPDX-License-Identifier: MIT */
#ifndef FEND_IO_PRIVATE_H
#define FEND_IO_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/io.h>
#include <fend/task.h>

#include <fend-internal/public.h>

struct fend_loop;

#define IO_INTEREST (FEND_IN | FEND_OUT | FEND_PRI | FEND_RDHUP)
#define IO_TOLD_NOTHING 0xffff
#define IO_MODE (FEND_EDGE | FEND_ONESHOT | FEND_EXCLUSIVE)

/* There may be many thousands: 64 bytes each, where a pointer has 8. */
struct fend_io {
	fend_io_fn *fn;
	void *data;
	const char *name;
	struct fend_link change; /* in loop->changed or refused; next free slot's while free */
	int fd;
	uint32_t generation;           /* differs each time the slot is used: odd while it is */
	uint32_t index;                /* the dispatcher's own */
	unsigned short interest, mode; /* bits of IO_INTEREST and IO_MODE */
	unsigned short passes;  /* what may be told now: interest, ERR and HUP, or nothing at all */
	unsigned short told;    /* the interest that the dispatcher knows, or IO_TOLD_NOTHING */
	unsigned short freed;   /* io_moment() in which the slot was freed last */
	unsigned char position; /* of the slot in its chunk */
	unsigned char counts;   /* as a callback: 1, or 0 for the loop's own */
};

_Static_assert(sizeof(void *) != 8 || sizeof(struct fend_io) == 64, "a source is no larger");

#define IO_CHUNK 64

struct io_chunk {
	struct fend_io ios[IO_CHUNK]; /* first: to find one is less work then */
	struct fend_loop *loop;
	uint32_t first; /* slot */
};

/*
 * All sources of a loop, in chunks that never move: a slot's memory is that of a source for as long
 * as the loop's memory lives. What the kernel is given to remember is slot and generation, so what
 * it reports about a source that is gone is recognised whatever has become of the slot.
 */
struct io_table {
	struct io_chunk **chunks;
	size_t n_chunks;
	uint32_t n_slots;      /* ever used */
	struct fend_link free; /* freed slots */
	uint32_t *by_fd;       /* slot + 1 of the source on each descriptor, 0: none */
	size_t n_by_fd;
};

static inline struct io_chunk *
io_chunk(const struct fend_io *io)
{
	return fend__container_of(io - io->position, struct io_chunk, ios);
}

static inline struct fend_loop *
io_loop(const struct fend_io *io)
{
	return io_chunk(io)->loop;
}

static inline uint32_t
io_slot(const struct fend_io *io)
{
	return io_chunk(io)->first + io->position;
}

/*
 * An iteration, but for its upper bits: who takes another for it, once in 65536, is mistaken for no
 * longer than that iteration.
 */
static inline unsigned short
io_moment(uint64_t iterations)
{
	return (unsigned short)iterations;
}

/* A cookie is what the kernel remembers; this one is the loop's own wake-up. */
#define IO_COOKIE_WAKEUP UINT64_MAX

static inline uint64_t
io_cookie(const struct fend_io *io)
{
	return (uint64_t)io->generation << 32 | io_slot(io);
}

/* The source in a slot that was ever used, whether it is alive or not. */
static inline struct fend_io *
fend__io_at(const struct io_table *table, uint32_t slot)
{
	struct fend_io *ios = table->chunks[slot / IO_CHUNK]->ios;
	size_t offset = slot * sizeof(*ios) % (IO_CHUNK * sizeof(*ios));

	/* In bytes, since the compiler makes four instructions more of an index. */
	return (struct fend_io *)((char *)ios + offset);
}

static inline bool
io_is_alive(const struct fend_io *io)
{
	return io->generation & 1;
}

void fend__io_table_free(struct io_table *table);

#endif
