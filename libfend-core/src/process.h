/* SPDX-License-Identifier: MIT */
#ifndef FEND_PROCESS_H
#define FEND_PROCESS_H

/* Get fend__process() ready to notice forks from now on. */
void fend__process_init(void);

#endif
