/* SPDX-License-Identifier: MIT */
/*
 * Feeds the fuzz target files, or all files of directories; without arguments standard input, as
 * AFL++ does it.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "fuzz.h"

enum { SIZE_MAX_READ = 1 << 16 };

static void
die(const char *name)
{
	perror(name);
	exit(2);
}

static void
feed(FILE *file)
{
	static uint8_t bytes[SIZE_MAX_READ];
	size_t n = fread(bytes, 1, sizeof(bytes), file);
	uint8_t *copy = fuzz_copy(bytes, n);

	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static unsigned
feed_path(const char *path)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		die(path);
	printf("# %s\n", path);
	fflush(stdout);
	feed(file);
	fclose(file);
	return 1;
}

static unsigned
feed_directory(const char *path)
{
	struct dirent **entries;
	unsigned files = 0;
	int i, n = scandir(path, &entries, NULL, alphasort);

	if (n < 0)
		die(path);
	for (i = 0; i < n; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (entries[i]->d_name[0] != '.')
			files += feed_path(name);
		free(entries[i]);
	}
	free(entries);
	return files;
}

int
main(int argc, char **argv)
{
	unsigned files = 0;
	int i;

	if (argc == 1) {
		feed(stdin);
		return 0;
	}
	puts("1..1");
	for (i = 1; i < argc; i++) {
		struct stat stat_;

		if (stat(argv[i], &stat_) < 0)
			die(argv[i]);
		files += S_ISDIR(stat_.st_mode) ? feed_directory(argv[i]) : feed_path(argv[i]);
	}
	printf("ok 1 - %u files\n", files);
	return 0;
}
