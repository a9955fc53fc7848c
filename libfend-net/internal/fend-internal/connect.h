/* SPDX-License-Identifier: MIT */
#ifndef FEND_INTERNAL_CONNECT_H
#define FEND_INTERNAL_CONNECT_H

#include <fend/connect.h>

/*
 * For feeders: as fend_connect_last(), and if there was no address at all the race ends with err in
 * place of -EADDRNOTAVAIL. err 0: nothing to say.
 */
int fend__connect_last(struct fend_connect *connect, int err);

#endif
