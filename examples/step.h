/* SPDX-License-Identifier: MIT */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>

#include <fend/dns.h>
#include <fend/tls.h>

/* What all steps share; see all.c. */
struct stage {
	struct fend_loop *loop;
	struct fend_address server;     /* our own HTTPS server */
	struct fend_tls_context *trust; /* a client context that trusts its certificate */
	const char *url;                /* what to fetch */
	bool url_is_own;                /* it is a page of that server */
};

struct all;
struct step;

/* One part of fend at work. */
struct step_type {
	const char *name;
	/* Begin. 0: step_end() is called later, from the loop; or -errno. */
	int (*start)(struct step *step);
	/* Release everything, whatever state it is in; also after start has failed. */
	void (*stop)(struct step *step);
	/* All the others have ended. NULL: goes on as before. */
	void (*hurry)(struct step *step);
};

struct step {
	const struct step_type *type;
	struct all *all;
	const struct stage *stage;
	void *state; /* the type's own, NULL at first */
	fend_time started;
	bool ended, failed;
};

/* The step is over: print its line, with the time it took. err < 0: it has failed. */
void step_end(struct step *step, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Print bytes as they are, between the lines of the steps. */
void step_print(struct step *step, const char *bytes, size_t size);

extern const struct step_type step_task;
extern const struct step_type step_timer;
extern const struct step_type step_signal;
extern const struct step_type step_echo;
extern const struct step_type step_lookup;
extern const struct step_type step_tls;
extern const struct step_type step_https;
extern const struct step_type step_input;

#endif
