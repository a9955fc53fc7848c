/* SPDX-License-Identifier: MIT */
#ifndef FEND_TEST_PROCESS_H
#define FEND_TEST_PROCESS_H

#include <sys/types.h>

/*
 * Real servers and clients as child processes of a test. Each lives in a temporary directory of its
 * own, dies with the test (also if the test crashes: PR_SET_PDEATHSIG) and is ended by pid.
 */
struct process;

/*
 * Start argv (NULL-terminated; argv[0] is searched in PATH, /usr/sbin and /sbin). Standard input
 * is a pipe, see process_write(); output and errors go to one file. The test fails if argv[0] is
 * missing.
 */
struct process *process_start(const char *const *argv);
/* Terminate if it still runs, reap, remove its directory. Returns NULL. */
struct process *process_stop(struct process *process);
/* Wait for the exit, at most 20 s; the exit status, or 128 + signal. */
int process_wait(struct process *process);
pid_t process_pid(const struct process *process);
/* Write text to its standard input; NULL closes it. */
void process_write(struct process *process, const char *text);
/* What it has printed so far; free with g_free(). */
char *process_output(const struct process *process);
/* Wait, at most 20 s, until its output contains text. */
void process_expect(struct process *process, const char *text);

/* A directory for a test's files, made on first use, removed when the program ends. */
const char *test_directory(void);
/* A path in it that nothing has yet, to be freed with g_free(). */
char *test_path(const char *name);
/* Write a file into test_directory(); returns its path, to be freed with g_free(). */
char *test_file(const char *name, const char *content);
/* A port on 127.0.0.1 that nobody uses; type SOCK_STREAM, or SOCK_DGRAM for one free in both. */
int test_port(int type);
/* Wait, at most 20 s, until something listens on that TCP port of 127.0.0.1. */
void test_wait_port(int port);

#endif
