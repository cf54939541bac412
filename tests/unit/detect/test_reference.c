/*
 * Small rule tests of others: the capture and the rules of each folder against what Suricata
 * raised.  Engine events (sid 22xxxxx) are not compared; nineteen in twenty folders must agree.
 * Skipped without TEITEN_CORPUS.
 */
#include "feed.h"

#include "capture/capture.h"

#include <dirent.h>

#define TEXT_MAX (1u << 20)
#define PATH_LEN 1024
#define SIDS_MAX 256
#define FOLDERS_MIN 50

struct sids {
	unsigned long list[SIDS_MAX];
	size_t count;
};

static char *read_text(const char *folder, const char *name)
{
	char path[PATH_LEN];
	FILE *f;
	char *text;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f)
		return NULL;
	text = malloc(TEXT_MAX + 1);
	assert_non_null(text);
	len = fread(text, 1, TEXT_MAX, f);
	assert_true(len < TEXT_MAX);
	text[len] = 0;
	(void)fclose(f);
	return text;
}

static void add_sid(struct sids *s, unsigned long sid)
{
	if (sid >= 2200000 && sid < 2300000)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i] == sid)
			return;
	assert_true(s->count < SIDS_MAX);
	s->list[s->count++] = sid;
}

static void take_alert(void *arg, const struct signatures_alert *alert)
{
	if (!alert->suppressed)
		add_sid(arg, alert->sid);
}

static void run_capture(struct signatures *s, const char *folder)
{
	static struct capture_packet views[CAPTURE_BATCH_MAX];
	static struct decode_packet packets[CAPTURE_BATCH_MAX];
	char path[PATH_LEN];
	const char *name = path;
	struct capture_options options = {&name, 1, NULL};
	const struct capture_file *file;
	struct capture *capture;
	struct err err = {0};
	size_t n;

	(void)snprintf(path, sizeof(path), "%s/input.pcap", folder);
	assert_int_equal(capture_open(&options, &capture, &err), ST_OK);
	while ((n = capture_next(capture, views, CAPTURE_BATCH_MAX, &file)) > 0) {
		decode_batch(views, n, packets);
		signatures_add(s, packets, n);
	}
	signatures_flush(s);
	capture_close(capture);
}

/* 1 agrees, 0 does not, -1 no test in this folder. */
static int compare(const char *folder)
{
	char *rules = read_text(folder, "test.rules");
	char *expected = read_text(folder, "expected.json");
	struct sids want = {0};
	struct sids got = {0};
	size_t same = 0;

	if (rules && expected) {
		struct signatures_text text = {"test.rules", rules, strlen(rules)};
		struct signatures_options options = {.texts = &text, .text_count = 1, .flows_max = 4096,
			.alert = take_alert, .arg = &got};
		struct signatures *s;
		struct err err = {0};

		for (const char *p = expected; (p = strstr(p, "\"sid\":")); p++)
			add_sid(&want, strtoul(p + 6, NULL, 10));
		assert_int_equal(signatures_new(&options, &s, &err), ST_OK);
		run_capture(s, folder);
		signatures_free(s);
		for (size_t i = 0; i < want.count; i++)
			for (size_t k = 0; k < got.count; k++)
				same += want.list[i] == got.list[k];
	}
	free(rules);
	free(expected);
	if (!rules || !expected)
		return -1;
	return same == want.count && same == got.count;
}

static void agrees_with_suricata(void **state)
{
	const char *corpus = getenv("TEITEN_CORPUS");
	char path[PATH_LEN];
	struct dirent *entry;
	unsigned agree = 0;
	unsigned total = 0;
	DIR *dir;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/ruletests", corpus ? corpus : "");
	dir = corpus ? opendir(path) : NULL;
	if (!dir) {
		print_message("# no TEITEN_CORPUS with ruletests\n");
		skip();
	}
	while ((entry = readdir(dir))) {
		char folder[PATH_LEN + 300];
		int rc;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(folder, sizeof(folder), "%s/%s", path, entry->d_name);
		rc = compare(folder);
		if (rc < 0)
			continue;
		total++;
		agree += rc == 1;
		if (rc == 0)
			print_message("# differs: %s\n", entry->d_name);
	}
	(void)closedir(dir);
	print_message("# agree %u/%u\n", agree, total);
	assert_true(total >= FOLDERS_MIN);
	assert_true(agree * 20 >= total * 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_suricata)};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: reference", tests, NULL, NULL);
}
