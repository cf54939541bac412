/* Rates, observed time and changes; the golden pairs are from the NPA's published figures. */
#include "report/rate.h"

#include "base/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <math.h>

#define HOUR (3600 * CIVIL_US_PER_SECOND)
#define DAY CIVIL_US_PER_DAY

static void assert_near(double value, double expected)
{
	if (fabs(value - expected) > 1e-9 * (1 + fabs(expected)))
		fail_msg("%.12f is not %.12f", value, expected);
}

/* As printed: half away from zero at so many decimals. */
static double printed(double value, int decimals)
{
	double unit = pow(10, decimals);
	double scaled = fabs(value) * unit;
	double rounded = floor(scaled + 0.5 + 1e-9 * scaled) / unit;

	return value < 0 ? -rounded : rounded;
}

/* difference and percent as the originals print them */
static void test_published_pairs(void **state)
{
	static const struct {
		double now;
		double before;
		double difference;
		double percent;
		int decimals;
	} pairs[] = {
		{5438.3, 6531.8, -1093.5, -16.7, 1},
		{45808.0, 49522.1, -3714.1, -7.5, 1},
		{1071.4, 1312.1, -240.7, -18.3, 1},
		{13283.3, 19854.2, -6570.9, -33.1, 1},
		{684.9, 685.9, -1.0, -0.1, 1},
		{4840.1, 5463.5, -623.4, -11.4, 1},
		{483.9, 341.0, 142.9, 41.9, 1},
		{517.04, 377.32, 139.72, 37.0, 2},
		{740.92, 729.02, 11.90, 1.6, 2},
		{1692.0, 729.3, 962.7, 132.0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct report_measure m = {.panel_now = pairs[i].now,
		    .panel_before = pairs[i].before};
		struct report_change c = report_change_of(&m, true);

		assert_near(printed(c.difference, pairs[i].decimals), pairs[i].difference);
		assert_near(printed(c.percent, 1), pairs[i].percent);
		assert_int_equal(c.state, c.difference > 0 ? REPORT_CHANGE_UP : REPORT_CHANGE_DOWN);
	}
}

/* FY2012 Q4: 11.1 and +2.0 were printed with 22.2 %, which only unrounded values give. */
static void test_percent_from_unrounded(void **state)
{
	struct report_measure m = {.panel_now = 11.08, .panel_before = 9.07};
	struct report_change c = report_change_of(&m, true);

	(void)state;
	assert_near(printed(m.panel_now, 1), 11.1);
	assert_near(printed(m.panel_before, 1), 9.1);
	assert_near(printed(c.difference, 1), 2.0);
	assert_near(printed(c.percent, 1), 22.2);
}

static void test_states(void **state)
{
	struct report_measure m = {.panel_now = 5};

	(void)state;
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_NEW);
	assert_near(report_change_of(&m, true).percent, 0);
	assert_near(report_change_of(&m, true).difference, 5);
	assert_int_equal(report_change_of(&m, false).state, REPORT_CHANGE_NO_DATA);
	m.panel_now = 0;
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_NONE);
	m = (struct report_measure){.panel_now = 10004, .panel_before = 10000};
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_SAME);
	m.panel_now = 10005;
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_UP);
	m.panel_now = 9995;
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_DOWN);
	m = (struct report_measure){.panel_now = 0, .panel_before = 3};
	assert_near(report_change_of(&m, true).percent, -100);
}

static void test_union(void **state)
{
	const struct report_span spans[] = {
		{0, 6 * HOUR, 4},
		{3 * HOUR, 9 * HOUR, 4},   /* overlaps three hours */
		{4 * HOUR, 5 * HOUR, 4},   /* inside */
		{12 * HOUR, 18 * HOUR, 8}, /* after a gap, with more addresses */
		{30 * HOUR, 40 * HOUR, 8}, /* the next day */
	};
	struct report_observed o = report_observed_union(spans, 5, 0, DAY);

	(void)state;
	assert_near(o.days, 15.0 / 24);
	assert_near(o.address_days, (9 * 4 + 6 * 8) / 24.0);
	o = report_observed_union(spans, 5, 5 * HOUR, 13 * HOUR);
	assert_near(o.days, 5.0 / 24);
	assert_near(o.address_days, (4 * 4 + 1 * 8) / 24.0);
	o = report_observed_union(spans, 0, 0, DAY);
	assert_near(o.days, 0);
}

/* Two captures of one sensor at the same time: the time once, with the larger address count. */
static void test_union_of_different_addresses(void **state)
{
	const struct report_span spans[] = {{0, 12 * HOUR, 4}, {6 * HOUR, 18 * HOUR, 16}};
	struct report_observed o = report_observed_union(spans, 2, 0, DAY);

	(void)state;
	assert_near(o.days, 0.75);
	assert_near(o.address_days, (6 * 4 + 12 * 16) / 24.0);
}

/* Sensor 0: 4 addresses, both periods; 1: 1 address, now only; 2: gone now. */
static void test_bases(void **state)
{
	const struct report_observed now[] = {{7, 28}, {3.5, 3.5}, {0, 0}};
	const struct report_observed before[] = {{7, 28}, {0, 0}, {7, 7}};
	const bool panel[] = {true, false, false};
	const double packets_now[] = {2800, 70, 0};
	const double packets_before[] = {1400, 0, 700};
	static const struct report_measure expected[REPORT_BASIS_COUNT] = {
		[REPORT_BASIS_ADDRESS] = {2870 / 31.5, 2100 / 35.0, 100, 50},
		[REPORT_BASIS_SENSOR_MEAN] = {(400 + 20) / 2.0, (200 + 100) / 2.0, 400, 200},
		[REPORT_BASIS_TOTAL] = {420, 300, 400, 200},
	};

	(void)state;
	for (int basis = 0; basis < REPORT_BASIS_COUNT; basis++) {
		struct report_weight weights[3];
		struct report_measure m = {0};

		report_weights((enum report_basis)basis, now, before, panel, 3, weights);
		for (size_t i = 0; i < 3; i++)
			report_measure_add(&m, &weights[i], packets_now[i], packets_before[i]);
		assert_near(m.now, expected[basis].now);
		assert_near(m.before, expected[basis].before);
		assert_near(m.panel_now, expected[basis].panel_now);
		assert_near(m.panel_before, expected[basis].panel_before);
	}
}

/* Half the time observed, half the packets: the same rate. */
static void test_outage_keeps_the_rate(void **state)
{
	const struct report_observed whole = {7, 7};
	const struct report_observed half = {3.5, 3.5};
	const bool panel = true;
	struct report_weight weight;
	struct report_measure m = {0};

	(void)state;
	report_weights(REPORT_BASIS_ADDRESS, &half, &whole, &panel, 1, &weight);
	report_measure_add(&m, &weight, 3500, 7000);
	assert_near(m.now, 1000);
	assert_near(m.before, 1000);
	assert_int_equal(report_change_of(&m, true).state, REPORT_CHANGE_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_pairs),
		cmocka_unit_test(test_percent_from_unrounded),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_union),
		cmocka_unit_test(test_union_of_different_addresses),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_outage_keeps_the_rate),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
