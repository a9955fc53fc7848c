/* SPDX-License-Identifier: MIT */
#ifndef FEND_NET_H
#define FEND_NET_H

/* All of libfend-net. */
#include <fend/address.h>
#include <fend/connect.h>
#include <fend/core.h>
#include <fend/datagram.h>
#include <fend/layer.h>
#include <fend/listener.h>
#include <fend/multicast.h>
#include <fend/rate.h>
#include <fend/socket.h>
#include <fend/stream.h>
#include <fend/unix.h>

#endif
