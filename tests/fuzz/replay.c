/*
 * Runs a fuzz target over every file of a folder: the saved corpus as an ordinary test.
 * A missing or empty folder fails, so that a target cannot lose its corpus silently.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FILE_MAX (4u << 20)

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	uint8_t *exact;
	size_t len;

	if (!f)
		return -1;
	data = malloc(FILE_MAX);
	if (!data)
		abort();
	len = fread(data, 1, FILE_MAX, f);
	(void)fclose(f);
	exact = realloc(data, len ? len : 1); /* so that the sanitizer sees the true end */
	if (!exact)
		abort();
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	struct dirent *entry;
	char path[4096];
	DIR *dir;

	if (argc != 2)
		return 2;
	dir = opendir(argv[1]);
	if (!dir) {
		(void)fprintf(stderr, "there is no %s: put at least one small input there\n", argv[1]);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (replay_file(path) == 0)
			count++;
	}
	(void)closedir(dir);
	(void)printf("%u inputs replayed\n", count);
	return count ? 0 : 1;
}
