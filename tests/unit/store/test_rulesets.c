/* Rule sets that sensors matched with: times that touch become one, others stay apart. */
#include "fixture.h"

#include "detect/ruleset_edition.h"

#define HOUR (3600 * 1000000ll)

static char path[FIXTURE_PATH_MAX];
static struct store *store;

static int setup(void **state)
{
	(void)state;
	fixture_path(path);
	store = fixture_open(path, STORE_WRITE, "UTC");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	store_close(store);
	fixture_remove(path);
	return 0;
}

static void put(uint16_t sensor, const char *digest, int64_t from, int64_t to)
{
	struct store_rules rules = {.sensor = sensor, .from = from, .to = to, .rules = 7,
		.updated = 20000};

	(void)snprintf(rules.digest, sizeof(rules.digest), "%s", digest);
	OK(store_rules_put(store, &rules, &err));
}

static void times_that_touch_are_one(void **state)
{
	struct store_rules *rules;
	size_t count;

	(void)state;
	put(1, "aaaa", 0, HOUR);
	put(1, "aaaa", HOUR, 2 * HOUR);
	put(1, "aaaa", 5 * HOUR, 6 * HOUR);
	put(1, "bbbb", 2 * HOUR, 3 * HOUR);
	put(2, "aaaa", 2 * HOUR, 3 * HOUR);
	put(1, "aaaa", HOUR / 2, HOUR); /* within: a file analysed again */
	OK(store_rules_list(store, 0, 9 * HOUR, &rules, &count, &err));
	assert_int_equal(count, 4);
	assert_int_equal(rules[0].from, 0);
	assert_int_equal(rules[0].to, 2 * HOUR);
	assert_string_equal(rules[0].digest, "aaaa");
	assert_int_equal(rules[0].rules, 7);
	assert_int_equal(rules[0].updated, 20000);
	assert_string_equal(rules[1].digest, "bbbb");
	assert_int_equal(rules[2].from, 5 * HOUR);
	assert_int_equal(rules[3].sensor, 2);
	free(rules);
	/* What fills the gap joins both. */
	put(1, "aaaa", 2 * HOUR, 5 * HOUR);
	OK(store_rules_list(store, 0, 9 * HOUR, &rules, &count, &err));
	assert_int_equal(count, 3);
	assert_int_equal(rules[0].to, 6 * HOUR);
	free(rules);
	OK(store_rules_list(store, 7 * HOUR, 9 * HOUR, &rules, &count, &err));
	assert_int_equal(count, 0);
	free(rules);
}

static void editions_differ(void **state)
{
	static const char old[] = "alert tcp any any -> any any (msg:\"a\"; "
	    "metadata:created_at 2020_01_02, updated_at 2024_02_29; sid:1;)\n";
	static const char new[] = "alert tcp any any -> any any (msg:\"b\"; "
	    "metadata:updated_at 2025_09_05; sid:2;)\nalert ip any any -> any any "
	    "(msg:\"c\"; metadata:updated_at 2025_13_99; sid:3;)\n# updated_at 2026_0";
	struct signatures_text texts[] = {
		{"old", old, sizeof(old) - 1}, {"new", new, sizeof(new) - 1},
	};
	struct signatures_text swapped[] = {texts[1], texts[0]};
	struct ruleset_edition one;
	struct ruleset_edition both;
	struct ruleset_edition again;
	struct ruleset_edition turned;

	(void)state;
	ruleset_edition_find(texts, 1, &one);
	ruleset_edition_find(texts, 2, &both);
	ruleset_edition_find(texts, 2, &again);
	ruleset_edition_find(swapped, 2, &turned);
	assert_int_equal(one.updated, 19782); /* 2024-02-29 */
	assert_int_equal(both.updated, 20336); /* 2025-09-05 */
	assert_string_equal(both.digest, again.digest);
	assert_string_not_equal(both.digest, one.digest);
	assert_string_not_equal(both.digest, turned.digest);
	assert_int_equal(strlen(both.digest), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_that_touch_are_one),
		cmocka_unit_test(editions_differ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
