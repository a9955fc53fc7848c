/* SPDX-License-Identifier: MIT */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include <stdio.h>

#include <fend/record.h>

/* The number of a type by its name ("MX", "mx", "TYPE65280"); -1: there is none. */
int record_type(const char *name);

/* Print a record as a line of a zone file (RFC 1035, section 5). */
void record_print(FILE *file, const struct fend_record *record);

#endif
