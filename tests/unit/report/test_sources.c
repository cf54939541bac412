/*
 * Who is behind a rise and what they did besides, counted by hand: sources (IPv6 by /64), countries,
 * AS, other ports on the rise's own days; and the numbers and lists that this is counted with.
 */
#include "site.h"

#include "report/rises.h"
#include "report/source_index.h"
#include "report/word_list.h"

#include <math.h>

#define SENSORS 3
#define FIRST_DAY (SITE_WEEK_A - 10)
#define RISE_FROM (SITE_WEEK_B + 2)
#define QUIET 4
#define LOUD 48
#define PACKETS 4
#define V6_HI 0x20010db800010000ull

static struct site site;
static uint16_t sensors[SENSORS];

struct asked {
	int32_t day;
	uint64_t hi;
	uint64_t lo;
	uint8_t proto;
	uint16_t port;
	const char *country;
	uint32_t asn;
};

static void ask(uint16_t sensor, const struct asked *a)
{
	struct record_flow row = {
		.time = (int64_t)a->day * CIVIL_US_PER_DAY + SITE_MINUTE,
		.sensor = sensor,
		.src_hi = a->hi,
		.src_lo = a->lo,
		.proto = a->proto,
		.port = a->port,
		.class = RECORD_CLASS_REQUEST,
		.tcp_flags = a->proto == 6 ? 2 : 0,
		.packets = PACKETS,
		.bytes = 40 * PACKETS,
		.dsts = 1,
		.dst_bits = 1,
		.country = {a->country[0], a->country[1]},
		.asn = a->asn,
	};

	OK(store_ingest_flow(site.ingest, &row, 1, &err));
}

static uint64_t source(unsigned number)
{
	return IP_V4_PREFIX | (20u << 24 | number << 8 | 1);
}

/* Of the sources of the rise, 12 ask 2323/tcp as well and 6 5900/udp; one address of the /64, too. */
static void ask_besides(uint16_t sensor, int32_t day)
{
	for (unsigned i = 0; i < 12; i++)
		ask(sensor, &(const struct asked){day, 0, source(i), 6, 2323, "CN", 64500});
	for (unsigned i = 0; i < 5; i++)
		ask(sensor, &(const struct asked){day, 0, source(i), 17, 5900, "CN", 64500});
	ask(sensor, &(const struct asked){day, V6_HI, 7, 17, 5900, "BR", 64502});
	ask(sensor, &(const struct asked){day, V6_HI, 8, 17, 5900, "BR", 64502});
}

static void ask_day(uint16_t sensor, int32_t day)
{
	bool loud = day >= RISE_FROM;

	for (unsigned i = 0; i < QUIET; i++)
		ask(sensor, &(const struct asked){day, 0, source(200 + i), 6, 22, "US", 64510});
	for (unsigned i = 0; i < (loud ? LOUD : QUIET); i++)
		ask(sensor, &(const struct asked){day, 0, source(i), 6, 8728,
		    i < LOUD / 2 ? "CN" : "BR", i < LOUD / 2 ? 64500 : 0});
	/* Everybody asks this port, but on other days: it is no part of the rise. */
	for (unsigned i = 0; !loud && i < LOUD; i++)
		ask(sensor, &(const struct asked){day, 0, source(i), 6, 9999, "CN", 64500});
	if (!loud)
		return;
	ask(sensor, &(const struct asked){day, V6_HI, 7, 6, 8728, "BR", 64502});
	ask(sensor, &(const struct asked){day, V6_HI, 8, 6, 8728, "BR", 64502});
	ask_besides(sensor, day);
}

static void begin(void)
{
	static const char *const names[SENSORS] = {"alpha", "beta", "gamma"};

	site_new(&site, "UTC");
	for (size_t s = 0; s < SENSORS; s++) {
		sensors[s] = site_sensor(&site, names[s]);
		site_begin(&site, sensors[s]);
		for (int32_t day = FIRST_DAY; day < SITE_WEEK_B + 7; day++) {
			struct record_coverage row = {
				.time = (int64_t)day * CIVIL_US_PER_DAY,
				.end = (int64_t)(day + 1) * CIVIL_US_PER_DAY,
				.sensor = sensors[s],
				.addresses = 4,
			};

			OK(store_ingest_coverage(site.ingest, &row, 1, &err));
			ask_day(sensors[s], day);
		}
		site_commit(&site);
	}
}

static const struct rise *find_port(const struct rises *rises, const char *key)
{
	for (size_t i = 0; i < rises->count; i++)
		if (rises->items[i].kind == RISES_PORT && strcmp(rises->items[i].key, key) == 0)
			return &rises->items[i];
	fail_msg("%s did not rise", key);
	return NULL;
}

static void assert_part(const struct rises_part *part, const char *name, double share)
{
	assert_string_equal(part->name, name);
	if (fabs(part->share - share) > 1e-12)
		fail_msg("%s: %.17g, not %.17g", name, part->share, share);
}

static void check(void)
{
	const struct rises_options options = {
		.period = {REPORT_PERIOD_WEEK, SITE_WEEK_B, SITE_WEEK_B + 7},
		.evidence = true,
	};
	struct rises rises = {0};
	const struct rise *rise;
	double sources = LOUD + 1; /* the /64 is one */

	OK(rises_find(site.store, &options, &rises, &err));
	rise = find_port(&rises, "8728/tcp");
	assert_int_equal(rise->source_count, LOUD + 1);
	assert_int_equal(rise->victims, 0);
	assert_int_equal(rise->country_count, 2);
	assert_part(&rise->countries[0], "BR", (LOUD / 2 + 2) / (double)(LOUD + 2));
	assert_part(&rise->countries[1], "CN", LOUD / 2 / (double)(LOUD + 2));
	/* AS 64500 has 24 sources, 64502 one; AS 0 is none. */
	assert_true(fabs(rise->asn_share - 25 / sources) < 1e-12);
	assert_int_equal(rise->overlap_count, 2);
	assert_part(&rise->overlaps[0], "2323/tcp", 12 / sources);
	assert_part(&rise->overlaps[1], "5900/udp", 6 / sources);
	rises_fini(&rises);
}

static void test_who_and_what_besides(void **state)
{
	const struct store_compact_options all = {.before_day = INT32_MAX};
	struct store_compact_stats stats;

	(void)state;
	begin();
	check();
	OK(store_compact(site.store, &all, &stats, &err));
	check();
	site_free(&site);
}

/* Every section at once with the rises: the same document each time, and nothing left behind. */
static void test_documents_are_the_same(void **state)
{
	struct report_options options = {
		.period = {REPORT_PERIOD_WEEK, SITE_WEEK_B, SITE_WEEK_B + 7},
		.home_country = "JP",
	};
	double access = 0;
	size_t facts = 0;

	(void)state;
	begin();
	for (int round = 0; round < 3; round++) {
		struct report_document *doc = NULL;
		size_t count = 0;
		double sum = 0;

		OK(report_build(site.store, &options, &doc, &err));
		for (const struct report_fact *f = doc->facts; f; f = f->next) {
			count++;
			if (f->known && isfinite(f->value))
				sum += f->value;
		}
		if (round == 0) {
			access = sum;
			facts = count;
		}
		assert_int_equal(count, facts);
		assert_true(count > 100);
		assert_true(sum == access);
		report_document_free(doc);
	}
	site_free(&site);
}

/* ---- numbers and lists ----------------------------------------------------------------------- */

static void test_addresses_have_numbers(void **state)
{
	struct source_index index = {0};

	(void)state;
	assert_null(source_index_find(&index, 0, 1));
	for (uint64_t i = 0; i < 5000; i++) {
		assert_non_null(source_index_get(&index, 0, IP_V4_PREFIX | i * 977));
		assert_non_null(source_index_get(&index, V6_HI + i % 50, i + 1));
	}
	/* 5000 of each, and an entry for each /64. */
	assert_int_equal(index.count, 10050);
	for (uint64_t i = 0; i < 5000; i++) {
		struct source_entry *v4 = source_index_find(&index, 0, IP_V4_PREFIX | i * 977);
		struct source_entry *v6 = source_index_find(&index, V6_HI + i % 50, i + 1);

		assert_non_null(v4);
		assert_non_null(v6);
		assert_int_equal(v4->identity, v4 - index.entries);
		assert_int_equal(v6->identity,
		    source_index_find(&index, V6_HI + i % 50, 0)->identity);
		assert_null(source_index_find(&index, 0, IP_V4_PREFIX | (i * 977 + 1)));
	}
	source_index_fini(&index);
}

static void test_words_are_sorted_once(void **state)
{
	struct word_list list = {0};
	uint64_t word = 1;

	(void)state;
	assert_int_equal(word_list_unique(&list), 0);
	assert_int_equal(list.count, 0);
	for (unsigned i = 0; i < 20000; i++) {
		word = word * 6364136223846793005ull + 1442695040888963407ull;
		assert_int_equal(word_list_add(&list, word), 0);
		assert_int_equal(word_list_add(&list, i % 100), 0);
	}
	assert_int_equal(word_list_unique(&list), 0);
	assert_int_equal(list.count, 20100);
	for (size_t i = 1; i < list.count; i++)
		assert_true(list.words[i - 1] < list.words[i]);
	assert_int_equal(list.words[99], 99);
	word_list_fini(&list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_and_what_besides),
		cmocka_unit_test(test_documents_are_the_same),
		cmocka_unit_test(test_addresses_have_numbers),
		cmocka_unit_test(test_words_are_sorted_once),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
