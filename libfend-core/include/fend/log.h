/* SPDX-License-Identifier: MIT */
#ifndef FEND_LOG_H
#define FEND_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * text: one line without a newline, valid during the call. It may come from any thread that uses
 * fend, and must not call fend.
 */
typedef void fend_log_fn(const char *text, void *data);

/*
 * Have told what has no caller to return to, such as a callback that took too long. Each kind of
 * message comes once a second at most, with the number of those left out. fn NULL, which is how it
 * starts: nobody is told, and nothing is ever printed. Set it before other threads use fend.
 */
void fend_set_log(fend_log_fn *fn, void *data);

#ifdef __cplusplus
}
#endif

#endif
