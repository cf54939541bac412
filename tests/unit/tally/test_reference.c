/*
 * Every reference capture through decoder and tally against its ground truth: packets, flags,
 * marks; sources and destinations where no IP packet was dropped; TCP backscatter.  The truth's
 * reader counts fragments and cut headers among its sources, and no UDP, timestamp or mask
 * replies as backscatter, so those are not compared.  Skipped without TEITEN_CORPUS.
 */
#include "feed.h"

#include <dirent.h>
#include <stdio.h>

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
			if (depth == 1 && (size_t)(p - start) == key_len
			    && memcmp(start, key, key_len) == 0 && p[1] == ':')
				return p + 2 + strspn(p + 2, " \n");
			if (!*p)
				return NULL;
		}
	}
	return NULL;
}

/* A number; a missing one is 0. */
static uint64_t number(const char *json, const char *key)
{
	const char *value = member(json, key);

	return value ? strtoull(value, NULL, 10) : 0;
}

/* Does the truth's reader decode all link types of this capture? */
static bool is_decoded(const char *linktypes)
{
	static const unsigned known[] = {0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 228, 229, 276};
	const char *p = strchr(linktypes, '{');
	const char *end = strchr(linktypes, '}');

	assert_true(p && end);
	while ((p = strchr(p + 1, '"')) && p < end) {
		unsigned long type = strtoul(p + 1, NULL, 10);
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && known[i] != type)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return false;
		p = strchr(p + 1, '"');
		if (!p)
			break;
	}
	return true;
}

static unsigned wrong;
static unsigned compared;

static void expect(const char *path, const char *what, uint64_t want, uint64_t got)
{
	compared++;
	if (want == got)
		return;
	wrong++;
	print_error("%s: %s is %llu, not %llu\n", path, what, (unsigned long long)got,
	    (unsigned long long)want);
}

static void compare(const char *path, const char *quick, const struct feed *feed)
{
	const struct tally_counters *c = tally_counters(feed->tally);
	const char *counters = member(quick, "counters");
	const char *back = member(quick, "backscatter");
	uint64_t dropped = 0;
	uint64_t rows_back = 0;

	for (unsigned i = 1; i < DECODE_DROP_COUNT; i++)
		dropped += c->dropped[i];
	for (size_t i = 0; i < feed->count; i++)
		if (feed->rows[i].class == RECORD_CLASS_BACKSCATTER && feed->rows[i].proto == 6)
			rows_back += feed->rows[i].packets;
	expect(path, "read", number(quick, "packets"), c->read);
	expect(path, "counted and dropped", c->read, c->counted + dropped);
	expect(path, "packets in rows", c->counted, feed->packets);
	expect(path, "syn", number(counters, "syn_only"), c->tcp_syn);
	expect(path, "syn_ack", number(counters, "syn_ack"), c->tcp_syn_ack);
	expect(path, "rst", number(counters, "rst"), c->tcp_rst);
	expect(path, "mirai", number(counters, "syn_seq_eq_dst"), c->marks[0]);
	expect(path, "zmap", number(counters, "zmap_ipid"), c->marks[1]);
	expect(path, "masscan", number(counters, "masscan_ipid"), c->marks[2]);
	expect(path, "TCP backscatter", number(back, "syn_ack") + number(back, "rst"), rows_back);
	if (c->dropped[DECODE_DROP_IP_SHORT] || c->dropped[DECODE_DROP_IP_MALFORMED]
	    || c->dropped[DECODE_DROP_LATER_FRAGMENT] || c->dropped[DECODE_DROP_TRANSPORT_SHORT])
		return;
	expect(path, "sources", number(quick, "distinct_src"),
	    summary_totals(feed->summary).sources);
	expect(path, "destinations", number(quick, "distinct_dst"),
	    destinations_count(tally_destinations(feed->tally)));
}

static bool check(const char *path, const char *truth)
{
	const struct capture_options options = {.names = &path, .name_count = 1};
	struct capture_packet views[CAPTURE_BATCH_MAX];
	struct decode_packet packets[CAPTURE_BATCH_MAX];
	const char *quick = member(truth, "pcapquick");
	const struct capture_file *file;
	struct capture *capture = NULL;
	static struct feed feed;
	const char *error;
	size_t n;

	if (!quick || *quick != '{')
		return false;
	error = member(member(quick, "reader"), "error");
	if (!error || strncmp(error, "null", 4) != 0 || !is_decoded(member(quick, "linktypes")))
		return false;
	feed_open(&feed, NULL);
	assert_int_equal(summary_new(&(struct summary_options){.tools = feed.tools}, &feed.summary), ST_OK);
	assert_int_equal(capture_open(&options, &capture, NULL), ST_OK);
	while ((n = capture_next(capture, views, CAPTURE_BATCH_MAX, &file))) {
		decode_batch(views, n, packets);
		assert_int_equal(tally_add(feed.tally, packets, n), ST_OK);
	}
	feed_flush(&feed);
	summary_close(feed.summary);
	assert_int_equal(summary_finish(feed.summary), ST_OK);
	compare(path, quick, &feed);
	capture_close(capture);
	summary_free(feed.summary);
	feed_close(&feed);
	return true;
}

static void test_every_reference_capture(void **state)
{
	const char *corpus = getenv("TEITEN_CORPUS");
	char path[PATH_LEN];
	struct dirent *entry;
	unsigned checked = 0;
	DIR *dir;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/pcap", corpus ? corpus : "");
	dir = corpus ? opendir(path) : NULL;
	if (!dir) {
		print_message("# skipped: no reference captures (TEITEN_CORPUS)\n");
		skip();
	}
	while ((entry = readdir(dir))) {
		char *truth;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/truth/%s.json", corpus, entry->d_name);
		truth = read_text(path);
		if (!truth)
			continue;
		(void)snprintf(path, sizeof(path), "%s/pcap/%s", corpus, entry->d_name);
		checked += check(path, truth);
		free(truth);
	}
	(void)closedir(dir);
	print_message("# %u reference captures, %u comparisons\n", checked, compared);
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
