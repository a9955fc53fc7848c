/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_MODEL_H
#define FEND_TEST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Bytes taken as a sequence of operations: calls of libfend-core, and what peers, signals, children
 * and a failing kernel do meanwhile. They are carried out on the library and on a simple model of
 * its guarantees side by side, and whatever differs is a failure.
 *
 * The clock is virtual and every choice comes from the bytes, so the same bytes do the same each
 * time.
 */
struct model_options {
	const char *dispatcher;
	bool forks;  /* operations may fork this process */
	FILE *trace; /* where to name each operation, or NULL */
};

void model_run(const uint8_t *bytes, size_t n, const struct model_options *options);

/* The operation in progress, for whoever tells of a crash. */
extern unsigned long model_operation;

/* Told of a failure; must not return. To begin with it prints the text and aborts. */
extern void (*model_failed)(const char *text);

#endif
