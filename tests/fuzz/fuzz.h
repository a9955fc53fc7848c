/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_FUZZ_H
#define FEND_TEST_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* What has to be true of every input. A failure aborts, in a build without assertions as well. */
#define require(condition)     \
	((condition) ? (void)0 \
		     : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), abort()))

/* A copy in memory of its own size, so that a sanitizer notices who reads beyond it. */
static inline void *
fuzz_copy(const void *bytes, size_t n)
{
	void *copy = malloc(n);

	require(copy || n == 0);
	if (n > 0)
		memcpy(copy, bytes, n);
	return copy;
}

/* The bytes up to the first NUL among them, as a string. */
static inline char *
fuzz_string(const uint8_t *bytes, size_t n)
{
	const uint8_t *nul = n > 0 ? memchr(bytes, '\0', n) : NULL;
	size_t length = nul ? (size_t)(nul - bytes) : n;
	char *text = malloc(length + 1);

	require(text);
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

#endif
