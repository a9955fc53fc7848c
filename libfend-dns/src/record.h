/* SPDX-License-Identifier: MIT */
#ifndef FEND_RECORD_PRIVATE_H
#define FEND_RECORD_PRIVATE_H

#include <fend/record.h>

/* As fend_answer_parse(), of a message that came age seconds ago: so much less is left to live. */
int fend__answer_read(const void *message, size_t size, uint32_t age,
		      struct fend_answer **ret_answer);

/*
 * The first record of the type asked for that the name asked for has, be it by way of aliases; NULL
 * if there is none.
 */
const struct fend_record *fend__answer_find(const struct fend_answer *answer);

#endif
