/* SPDX-License-Identifier: MIT */
#ifndef FEND_DETAIL_H
#define FEND_DETAIL_H

struct answer;
struct config;

/*
 * Why there are no records of that type for name, as one line for people, to be released: "NXDOMAIN
 * from 192.0.2.1:53 for name.test AAAA". NULL: there is no memory.
 */
char *fend__answer_describe(const struct answer *answer, const struct config *config,
			    const char *name, int type);
/* The same while nobody has answered. */
char *fend__silence_describe(const struct config *config, const char *name, int type);

#endif
