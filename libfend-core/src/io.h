/* SPDX-License-Identifier: MIT */
#ifndef FEND_IO_PRIVATE_H
#define FEND_IO_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fend/io.h>
#include <fend/task.h>

struct fend_loop;

#define IO_INTEREST (FEND_IN | FEND_OUT | FEND_PRI | FEND_RDHUP)
#define IO_TOLD_NOTHING 0xffff
#define IO_MODE (FEND_EDGE | FEND_ONESHOT | FEND_EXCLUSIVE)

struct fend_io {
	struct fend_loop *loop;
	fend_io_fn *fn;
	void *data;
	const char *name;
	int fd;
	unsigned short interest, mode; /* bits of IO_INTEREST and IO_MODE */
	unsigned short passes; /* what may be told now: interest, ERR and HUP, or nothing at all */
	uint32_t slot;       /* where in the table this is */
	uint32_t generation; /* differs each time the slot is used: odd while it is */
	uint32_t index;      /* the dispatcher's own */
	uint64_t freed;      /* the iteration in which the slot was freed last */
	unsigned short told;   /* the interest that the dispatcher knows, or IO_TOLD_NOTHING */
	unsigned short counts; /* as a callback: 1, or 0 for the loop's own */
	struct fend_link change; /* in loop->changed or loop->refused; next free slot's while free */
};

/*
 * All sources of a loop, in chunks that never move: a slot's memory is that of a source for as long
 * as the loop's memory lives. What the kernel is given to remember is slot and generation, so what
 * it reports about a source that is gone is recognised whatever has become of the slot.
 */
struct io_table {
	struct fend_io **chunks;
	size_t n_chunks;
	uint32_t n_slots;            /* ever used */
	struct fend_link free;       /* freed slots */
	uint32_t *by_fd;             /* slot + 1 of the source on each descriptor, 0: none */
	size_t n_by_fd;
};

/* A cookie is what the kernel remembers; this one is the loop's own wake-up. */
#define IO_COOKIE_WAKEUP UINT64_MAX

static inline uint64_t
io_cookie(const struct fend_io *io)
{
	return (uint64_t)io->generation << 32 | io->slot;
}

#define IO_CHUNK 64

/* The source in a slot that was ever used, whether it is alive or not. */
static inline struct fend_io *
fend__io_at(const struct io_table *table, uint32_t slot)
{
	return &table->chunks[slot / IO_CHUNK][slot % IO_CHUNK];
}

static inline bool
io_is_alive(const struct fend_io *io)
{
	return io->generation & 1;
}

void fend__io_table_free(struct io_table *table);

#endif
