// SPDX-License-Identifier: Apache-2.0
/*
 * Runs a fuzz target over files, and over the files in directories, given as
 * arguments: the corpus as a regression test, without libFuzzer. Without
 * arguments, as a test: fuzz_NAME over tests/fuzz/corpus/NAME in $srcdir, which
 * `make check` sets. Directories are read in the order of names, hidden files
 * left out. Fails when there was nothing to run.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#define BYTES_MAX (1u << 20)

static unsigned inputs;

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *data;
	size_t bytes;

	if (file == NULL) {
		perror(path);
		return -1;
	}
	data = malloc(BYTES_MAX);
	if (data == NULL)
		abort();
	bytes = fread(data, 1, BYTES_MAX, file);
	(void)fclose(file);
	/* A block of its exact size, so that a read behind its end is seen. */
	if (bytes > 0) {
		uint8_t *exact = malloc(bytes);

		if (exact == NULL)
			abort();
		memcpy(exact, data, bytes);
		(void)LLVMFuzzerTestOneInput(exact, bytes);
		free(exact);
	} else {
		(void)LLVMFuzzerTestOneInput(data, 0);
	}
	free(data);
	inputs++;
	return 0;
}

static int
visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int
replay_directory(const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, visible, alphasort);
	int r = 0;

	if (count < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char *file = NULL;

		if (asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			abort();
		if (replay_file(file) < 0)
			r = -1;
		free(file);
		free(names[i]);
	}
	free(names);
	return r;
}

static int
replay(const char *path)
{
	struct stat info;

	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return replay_directory(path);
	return replay_file(path);
}

static int
replay_own_corpus(void)
{
	const char *top = getenv("srcdir");
	const char *name = strchr(program_invocation_short_name, '_');
	char *path = NULL;
	int r;

	if (name == NULL)
		return -1;
	if (asprintf(&path, "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".", name + 1) < 0)
		abort();
	r = replay(path);
	free(path);
	return r;
}

int
main(int argc, char **argv)
{
	int r = argc > 1 ? 0 : replay_own_corpus();

	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			r = -1;
	printf("%u inputs\n", inputs);
	return inputs > 0 && r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
