/*
 * Every reference capture against its ground truth: the same packets and bytes, and damage
 * where the truth's reader met damage.  Skipped without TEITEN_CORPUS.
 */
#include "make.h"

#include <dirent.h>

#define TRUTH_MAX (32u << 20)
#define PATH_LEN 1024

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text;
	size_t len;

	if (!f)
		return NULL;
	text = malloc(TRUTH_MAX + 1);
	assert_non_null(text);
	len = fread(text, 1, TRUTH_MAX, f);
	assert_true(len < TRUTH_MAX);
	text[len] = 0;
	(void)fclose(f);
	return text;
}

/* The value of a member of the JSON object that starts at json, NULL when it has none. */
static const char *member(const char *json, const char *key)
{
	size_t key_len = strlen(key);
	int depth = 0;

	for (const char *p = json; p && *p; p++) {
		if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (--depth == 0)
				return NULL;
		} else if (*p == '"') {
			const char *start = ++p;

			while (*p && *p != '"')
				p += *p == '\\' && p[1] ? 2 : 1;
			if (depth == 1 && (size_t)(p - start) == key_len &&
			    memcmp(start, key, key_len) == 0 && p[1] == ':')
				return p + 2 + strspn(p + 2, " \n");
			if (!*p)
				return NULL;
		}
	}
	return NULL;
}

static bool check(const char *capture_path, const char *truth)
{
	const struct capture_options options = {.names = &capture_path, .name_count = 1};
	struct capture_packet packets[CAPTURE_BATCH_MAX];
	const char *quick = member(truth, "pcapquick");
	const struct capture_file *file;
	struct capture *capture = NULL;
	const char *error;
	uint64_t count = 0;
	size_t n;
	bool same;

	assert_non_null(quick);
	error = member(member(quick, "reader"), "error");
	assert_non_null(error);
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	while ((n = capture_next(capture, packets, CAPTURE_BATCH_MAX, &file)))
		count += n;
	file = capture_files(capture, &n);
	same = count == strtoull(member(quick, "packets"), NULL, 10) &&
	       file->bytes == strtoull(member(quick, "captured_bytes"), NULL, 10) &&
	       (file->error == ST_OK) == (strncmp(error, "null", 4) == 0);
	if (!same)
		print_error("%s: %llu packets, %llu bytes, error %d at %llu: %s\n", capture_path,
		    (unsigned long long)count, (unsigned long long)file->bytes, file->error,
		    (unsigned long long)file->error_offset, file->error_text);
	capture_close(capture);
	return same;
}

static void test_every_reference_capture(void **state)
{
	const char *corpus = getenv("TEITEN_CORPUS");
	char path[PATH_LEN];
	struct dirent *entry;
	unsigned checked = 0;
	unsigned wrong = 0;
	DIR *folder;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/pcap", corpus ? corpus : "");
	folder = corpus ? opendir(path) : NULL;
	if (!folder) {
		print_message("# skipped: no reference captures (TEITEN_CORPUS)\n");
		skip();
	}
	while ((entry = readdir(folder))) {
		char *truth;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/truth/%s.json", corpus, entry->d_name);
		truth = read_text(path);
		if (!truth)
			continue;
		(void)snprintf(path, sizeof(path), "%s/pcap/%s", corpus, entry->d_name);
		wrong += !check(path, truth);
		checked++;
		free(truth);
	}
	(void)closedir(folder);
	print_message("# %u reference captures checked\n", checked);
	assert_true(checked > 0);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_reference_capture),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
