/* Rounding half away from zero in decimal, separators, signs; the figures printed by the NPA. */
#include "publish/number.h"

#include "publish/publish.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(double value, int decimals, const char *plain, const char *with_sign)
{
	struct buf b = {0};

	publish_number(&b, value, decimals);
	assert_string_equal(buf_text(&b), plain);
	buf_reset(&b);
	publish_number_signed(&b, value, decimals);
	assert_string_equal(buf_text(&b), with_sign);
	buf_fini(&b);
}

static void test_halves_go_away_from_zero(void **state)
{
	(void)state;
	check(0.15, 1, "0.2", "+0.2");
	check(-0.15, 1, "-0.2", "-0.2");
	check(2.675, 2, "2.68", "+2.68");
	check(1.005, 2, "1.01", "+1.01");
	check(0.5, 0, "1", "+1");
	check(-0.5, 0, "-1", "-1");
	check(1.5, 0, "2", "+2");
	check(2.5, 0, "3", "+3");
	check(0.285 * 100, 0, "29", "+29"); /* 28.499999999999996 in binary */
	check(0.1 + 0.2, 1, "0.3", "+0.3");
	check(0.05, 1, "0.1", "+0.1");
	check(0.049999, 1, "0.0", "0.0");
}

static void test_carries_and_small_values(void **state)
{
	(void)state;
	check(9.95, 1, "10.0", "+10.0");
	check(999.96, 1, "1,000.0", "+1,000.0");
	check(999999.5, 0, "1,000,000", "+1,000,000");
	check(0.96, 0, "1", "+1");
	check(0.04, 0, "0", "0");
	check(-0.04, 1, "0.0", "0.0");
	check(0.0, 2, "0.00", "0.00");
	check(-0.0, 1, "0.0", "0.0");
	check(1e-300, 3, "0.000", "0.000");
	check(0.000123456, 6, "0.000123", "+0.000123");
}

static void test_large_values(void **state)
{
	(void)state;
	check(1234567.891, 2, "1,234,567.89", "+1,234,567.89");
	check(686200000000.0, 0, "686,200,000,000", "+686,200,000,000");
	check(9007199254740992.0, 0, "9,007,199,254,740,992", "+9,007,199,254,740,992");
	check(1e15, 1, "1,000,000,000,000,000.0", "+1,000,000,000,000,000.0");
	check(-5e17, 0, "-500,000,000,000,000,000", "-500,000,000,000,000,000");
	check(NAN, 1, "-", "-");
	check(INFINITY, 1, "-", "-");
	check(1.5, -1, "2", "+2");
	check(0.5, 99, "0.500000000", "+0.500000000");
}

/* Printed by the NPA: value, previous, decimals → difference and percentage (product.md §10.5). */
static void test_published_pairs(void **state)
{
	static const struct {
		double now, before;
		int decimals;
		const char *difference, *percent;
	} rows[] = {
		{5438.3, 6531.8, 1, "-1,093.5", "-16.7"}, {45808.0, 49522.1, 1, "-3,714.1", "-7.5"},
		{1071.4, 1312.1, 1, "-240.7", "-18.3"}, {13283.3, 19854.2, 1, "-6,570.9", "-33.1"},
		{684.9, 685.9, 1, "-1.0", "-0.1"}, {4840.1, 5463.5, 1, "-623.4", "-11.4"},
		{483.9, 341.0, 1, "+142.9", "+41.9"}, {517.04, 377.32, 2, "+139.72", "+37.0"},
		{740.92, 729.02, 2, "+11.90", "+1.6"}, {1692.0, 729.3, 1, "+962.7", "+132.0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};

		publish_number_signed(&b, rows[i].now - rows[i].before, rows[i].decimals);
		assert_string_equal(buf_text(&b), rows[i].difference);
		buf_reset(&b);
		publish_number_signed(&b, (rows[i].now - rows[i].before) / rows[i].before * 100, 1);
		assert_string_equal(buf_text(&b), rows[i].percent);
		buf_fini(&b);
	}
}

static void test_integers(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} rows[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {-1234567, "-1,234,567"},
		{INT64_MAX, "9,223,372,036,854,775,807"}, {INT64_MIN, "-9,223,372,036,854,775,808"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = {0};

		publish_integer(&b, rows[i].value);
		assert_string_equal(buf_text(&b), rows[i].text);
		buf_fini(&b);
	}
}

static void test_raw_numbers_read_back(void **state)
{
	static const double values[] = {9612.4, 0.1 + 0.2, 1.0 / 3, -2.5, 0, 1e-7, 123456789.125};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf b = {0};

		publish_number_raw(&b, values[i]);
		assert_true(strtod(buf_text(&b), NULL) == values[i]);
		if (i == 0)
			assert_string_equal(buf_text(&b), "9612.4");
		buf_reset(&b);
		publish_number_raw(&b, NAN);
		assert_string_equal(buf_text(&b), "");
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_halves_go_away_from_zero),
		cmocka_unit_test(test_carries_and_small_values),
		cmocka_unit_test(test_large_values),
		cmocka_unit_test(test_published_pairs),
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_raw_numbers_read_back),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
