/* SPDX-License-Identifier: MIT */
/*
 * fork(2), at any moment, in callbacks as well. The child finds that everything refuses and frees
 * it all, at once or when the dispatches that it was forked in have returned, and the kernel door
 * sees to it that nothing reaches what it shares with its parent. The parent goes on as if nothing
 * had happened.
 */
#include "world.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void
world_forked(void)
{
	unsigned i;

	loops_forked();
	for (i = 0; kinds[i]; i++)
		if (kinds[i]->forked)
			kinds[i]->forked();
}

/* The signal of the child's end is not one that the bytes have asked for. */
static void
await(pid_t pid, const sigset_t *sigchld)
{
	static const struct timespec now;
	int status;

	check(waitpid(pid, &status, 0) == pid && status == 0, "the child failed");
	sigtimedwait(sigchld, NULL, &now);
}

void
op_fork(void)
{
	bool at_once = one_in(2);
	sigset_t sigchld, old;
	pid_t pid;

	if (!world.options->forks || world.has_forked)
		return;
	world.has_forked = true;
	fflush(NULL);
	sigemptyset(&sigchld);
	sigaddset(&sigchld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &sigchld, &old);
	pid = fork();
	check(pid >= 0, "no child");
	world.forked = pid == 0;
	if (pid > 0)
		await(pid, &sigchld);
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (!world.forked)
		return;
	world_end_bytes();
	if (at_once) {
		world_forked();
		world_end();
	}
}
