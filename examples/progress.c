/* SPDX-License-Identifier: MIT */
/*
 * A progress bar: drawn by a timer, at the same pace however fast the bytes come, and once more at
 * the end. It takes the width the terminal has at that moment.
 */
#include "progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PERIOD FEND_MS(100)
enum { BAR_MAX = 60, TEXT_WIDTH = 44 };

struct progress {
	struct fend_timer *timer;
	fend_time started;
	uint64_t received;
	int64_t total;
};

static void
format_size(double size, char text[16])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;

	while (size >= 1024 && unit < sizeof(units) / sizeof(units[0]) - 1) {
		size /= 1024;
		unit++;
	}
	snprintf(text, 16, "%.*f %s", unit ? 1 : 0, size, units[unit]);
}

static int
bar_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size.ws_col = 80;
	if (size.ws_col < TEXT_WIDTH)
		return 0;
	return size.ws_col - TEXT_WIDTH < BAR_MAX ? size.ws_col - TEXT_WIDTH : BAR_MAX;
}

static void
draw(const struct progress *progress)
{
	double seconds = (double)(fend_now() - progress->started) / (double)FEND_SEC(1);
	double part = 1;
	char received[16], rate[16], bar[BAR_MAX + 1];
	int width = bar_width();

	format_size((double)progress->received, received);
	format_size(seconds > 0 ? (double)progress->received / seconds : 0, rate);
	if (progress->total > 0)
		part = (double)progress->received / (double)progress->total;
	memset(bar, ' ', sizeof(bar));
	memset(bar, '#', (size_t)(part * width));
	if (progress->total > 0)
		fprintf(stderr, "\r[%.*s] %3.0f%% %11s %11s/s\033[K", width, bar, part * 100,
			received, rate);
	else
		fprintf(stderr, "\r%11s %11s/s\033[K", received, rate);
	fflush(stderr);
}

static void
on_timer(struct fend_timer *timer, uint64_t expirations, void *data)
{
	draw(data);
}

int
progress_new(struct fend_loop *loop, struct progress **ret_progress)
{
	struct progress *progress = calloc(1, sizeof(*progress));
	int err;

	if (!progress)
		return -ENOMEM;
	err = fend_timer_new(loop, on_timer, progress, &progress->timer);
	if (err < 0) {
		free(progress);
		return err;
	}
	progress->started = fend_now();
	progress->total = -1;
	fend_timer_every(progress->timer, PERIOD, PERIOD);
	*ret_progress = progress;
	return 0;
}

struct progress *
progress_free(struct progress *progress)
{
	if (!progress)
		return NULL;
	draw(progress);
	fputc('\n', stderr);
	fend_timer_free(progress->timer);
	free(progress);
	return NULL;
}

void
progress_add(struct progress *progress, uint64_t size, int64_t total)
{
	progress->received += size;
	progress->total = total;
}
