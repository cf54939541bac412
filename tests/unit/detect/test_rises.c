/* Rises and falls: what must be found, what must not, and what is said about where. */
/* clang-format off: cmocka needs these before itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "detect/rise.h"
#include "detect/rise_tail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAYS 22
#define SENSORS 4
#define ADDRESSES 4.0

/* A site whose counts a test writes down: [sensor][day]. */
struct site {
	size_t sensors;
	double exposure[SENSORS][DAYS];
	double nominal[SENSORS];
	float packets[SENSORS][DAYS];
	float sources[SENSORS][DAYS];
	float together[DAYS];
	float heavy[SENSORS][DAYS];
	uint64_t random;
	struct rise_detector *detector;
	const struct rise_finding *found;
	size_t count;
};

static double uniform(struct site *s)
{
	s->random = s->random * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(s->random >> 11) / 9007199254740992.0;
}

static double poisson(struct site *s, double mean)
{
	double limit = exp(-mean);
	double product = uniform(s);
	double n = 0;

	if (mean > 50)
		return fmax(0, floor(mean + sqrt(mean * 12) * (uniform(s) + uniform(s)
		    + uniform(s) - 1.5) * 0.58));
	while (product > limit) {
		product *= uniform(s);
		n++;
	}
	return n;
}

static void clear(struct site *s)
{
	memset(s->packets, 0, sizeof(s->packets));
	memset(s->sources, 0, sizeof(s->sources));
	memset(s->together, 0, sizeof(s->together));
}

static void site_begin(struct site *s, size_t sensors)
{
	*s = (struct site){.sensors = sensors, .random = 42};
	for (size_t i = 0; i < sensors; i++) {
		s->nominal[i] = ADDRESSES;
		for (size_t t = 0; t < DAYS; t++)
			s->exposure[i][t] = ADDRESSES;
	}
}

/* Visits of one packet or more, from as many sources, none of them the same at two sensors. */
static void visits(struct site *s, size_t sensor, size_t day, double count, double packets)
{
	s->sources[sensor][day] += (float)count;
	s->packets[sensor][day] += (float)(count * packets);
	s->together[day] += (float)count;
}

static void everywhere(struct site *s, size_t from, size_t to, double mean, double packets)
{
	for (size_t i = 0; i < s->sensors; i++)
		for (size_t t = from; t < to; t++)
			visits(s, i, t, poisson(s, mean), packets);
}

static void site_judge(struct site *s, uint64_t keys)
{
	const struct rise_rule rule = rise_rule_default();
	const struct rise_frame frame = {
		.sensors = s->sensors,
		.days = DAYS,
		.first_day = 20759,
		.exposure = &s->exposure[0][0],
		.nominal = s->nominal,
	};
	const struct rise_series series = {
		.packets = &s->packets[0][0],
		.sources = &s->sources[0][0],
		.union_sources = s->together,
		.heavy = &s->heavy[0][0],
		.sparse = true,
	};

	rise_detector_free(s->detector);
	s->detector = NULL;
	assert_int_equal(rise_detector_new(&rule, &frame, &s->detector), 0);
	rise_detector_pass(s->detector, keys);
	assert_int_equal(rise_detector_add(s->detector, &series), 0);
	assert_int_equal(rise_detector_finish(s->detector, &s->found, &s->count), 0);
}

static void global_rise_on_a_quiet_port(void **state)
{
	struct site s;

	(void)state;
	for (double mean = 4; mean < 300; mean *= 3) {
		site_begin(&s, 4);
		everywhere(&s, 0, DAYS, 0.05, 1);
		everywhere(&s, 15, 20, mean, 2);
		site_judge(&s, 3000);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.found[0].direction, RISE_UP);
		assert_int_equal(s.found[0].from, 15);
		assert_int_equal(s.found[0].to, 20);
		assert_false(s.found[0].going_on);
		assert_int_equal(s.found[0].locality, RISE_GLOBAL);
		assert_int_equal(s.found[0].sensors, 4);
		assert_int_equal(s.found[0].risen, 4);
		rise_detector_free(s.detector);
	}
}

static void one_sensor_burst(void **state)
{
	struct site s;

	(void)state;
	for (size_t sensors = 2; sensors <= 4; sensors++)
		for (double background = 0; background < 9; background += 4) {
			site_begin(&s, sensors);
			everywhere(&s, 0, DAYS, background, 2);
			visits(&s, 1, 16, 40, 20);
			site_judge(&s, 3000);
			assert_int_equal(s.count, 1);
			assert_int_equal(s.found[0].from, 16);
			assert_int_equal(s.found[0].to, 17);
			assert_int_equal(s.found[0].locality, RISE_SINGLE);
			assert_int_equal(s.found[0].risen, 1);
			assert_int_equal(s.found[0].top, 1);
			assert_true(s.found[0].top_share > 0.9);
			rise_detector_free(s.detector);
		}
}

/* Few sources that ask one sensor again and again. */
static void few_sources_that_repeat(void **state)
{
	struct site s;

	(void)state;
	for (double mean = 0; mean < 0.6; mean += 0.25) {
		site_begin(&s, 4);
		everywhere(&s, 0, DAYS, mean / 4, 1);
		visits(&s, 2, 15, 4, 500);
		site_judge(&s, 3000);
		assert_int_equal(s.count, 1);
		assert_int_equal(s.found[0].locality, RISE_SINGLE);
		rise_detector_free(s.detector);
	}
}

/*
 * The same beside many who ask the port every day, where a few more sources say nothing: it is known
 * how many of them sent much.  One who does is a scanner, four are not.
 */
static void heavy_sources_among_many(void **state)
{
	struct site s;

	(void)state;
	for (double mean = 5; mean < 100; mean *= 2.5)
		for (float heavy = 1; heavy <= 5; heavy++) {
			site_begin(&s, 4);
			everywhere(&s, 0, DAYS, mean, 1);
			visits(&s, 2, 15, heavy, 8000 / heavy);
			visits(&s, 2, 16, heavy, 8000 / heavy);
			s.heavy[2][15] = heavy;
			s.heavy[2][16] = heavy;
			site_judge(&s, 3000);
			assert_int_equal(s.count, heavy >= 4);
			if (s.count) {
				assert_int_equal(s.found[0].from, 15);
				assert_int_equal(s.found[0].to, 17);
				assert_int_equal(s.found[0].locality, RISE_SINGLE);
				assert_int_equal(s.found[0].risen, 1);
			}
			rise_detector_free(s.detector);
		}
	/* Many packets of nobody in particular are none; nor are a few of heavy sources. */
	assert_true(rise_heavy_possible(100, 5));
	assert_false(rise_heavy_possible(99, 0));
	assert_false(rise_heavy_possible(1000, 51));
	assert_true(rise_heavy_least(1) == 10 && rise_heavy_least(16) == 64);
}

static void one_sensor_alone_cannot_tell(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 1);
	everywhere(&s, 0, DAYS, 1, 1);
	everywhere(&s, 15, 20, 50, 2);
	site_judge(&s, 3000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.found[0].locality, RISE_UNKNOWN);
	rise_detector_free(s.detector);
}

/* One source, thousands of packets, all sensors, on a quiet port and on a busy one. */
static void a_busy_scanner_is_no_rise(void **state)
{
	struct site s;

	(void)state;
	for (double background = 0; background < 30; background += 10) {
		site_begin(&s, 4);
		everywhere(&s, 0, DAYS, background, 2);
		for (size_t i = 0; i < 4; i++) {
			s.sources[i][15]++;
			s.packets[i][15] += 5000;
		}
		s.together[15]++;
		site_judge(&s, 3000);
		assert_int_equal(s.count, 0);
		rise_detector_free(s.detector);
	}
}

/* Three scanners of the same day ask every address once. */
static void three_scanners_are_no_rise(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	for (size_t i = 0; i < 4; i++) {
		s.sources[i][15] = 3;
		s.packets[i][15] = 12;
	}
	s.together[15] = 3;
	site_judge(&s, 3000);
	assert_int_equal(s.count, 0);
	rise_detector_free(s.detector);
}

static void outages_are_no_falls(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	everywhere(&s, 0, DAYS, 30, 2);
	for (size_t t = 15; t < 18; t++) {
		s.together[t] -= s.sources[3][t];
		s.packets[3][t] = s.sources[3][t] = 0;
		s.exposure[3][t] = 0;
	}
	for (size_t i = 0; i < 4; i++) { /* and all of them for a day, but two hours */
		s.packets[i][19] = s.sources[i][19] = 2;
		s.exposure[i][19] = ADDRESSES / 12;
	}
	s.together[19] = 8;
	site_judge(&s, 3000);
	assert_int_equal(s.count, 0);
	rise_detector_free(s.detector);
}

static void weekdays_and_noise_are_nothing(void **state)
{
	static const double weekday[7] = {1.3, 1.3, 1.2, 1.2, 1.2, 0.7, 0.6};
	struct site s;

	(void)state;
	site_begin(&s, 4);
	for (int round = 0; round < 300; round++) {
		double mean = pow(10, uniform(&s) * 3 - 1);
		uint64_t random = s.random;

		clear(&s);
		for (size_t i = 0; i < 4; i++)
			for (size_t t = 0; t < DAYS; t++)
				visits(&s, i, t, poisson(&s, mean * weekday[t % 7]), 2);
		site_judge(&s, 0);
		assert_int_equal(s.count, 0);
		assert_true(s.random != random);
	}
	rise_detector_free(s.detector);
}

static void a_fall_is_found(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	everywhere(&s, 0, 14, 60, 3);
	everywhere(&s, 14, DAYS, 4, 3);
	site_judge(&s, 3000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.found[0].direction, RISE_DOWN);
	assert_int_equal(s.found[0].from, 14);
	assert_true(s.found[0].going_on);
	assert_int_equal(s.found[0].locality, RISE_GLOBAL);
	rise_detector_free(s.detector);
}

static void a_slow_rise_is_found(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	everywhere(&s, 0, DAYS, 40, 3);
	for (size_t t = 10; t < DAYS; t++)
		everywhere(&s, t, t + 1, 4.0 * (double)(t - 9), 3);
	site_judge(&s, 3000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.found[0].direction, RISE_UP);
	assert_true(s.found[0].going_on);
	assert_true(s.found[0].from >= 10 && s.found[0].from <= 20);
	assert_int_equal(s.found[0].locality, RISE_GLOBAL);
	rise_detector_free(s.detector);
}

static void a_pause_does_not_end_a_rise(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	everywhere(&s, 12, 15, 20, 2);
	everywhere(&s, 17, 18, 20, 2);
	site_judge(&s, 3000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.found[0].from, 12);
	assert_int_equal(s.found[0].to, 18);
	clear(&s);
	everywhere(&s, 10, 12, 20, 2);
	everywhere(&s, 18, 20, 20, 2);
	site_judge(&s, 3000);
	assert_int_equal(s.count, 2);
	assert_int_equal(s.found[0].to, 12);
	assert_int_equal(s.found[1].from, 18);
	rise_detector_free(s.detector);
}

/* A large sensor and three small ones that see the same rate per address. */
static void sizes_do_not_make_a_rise_local(void **state)
{
	struct site s;

	(void)state;
	site_begin(&s, 4);
	s.nominal[0] = 64;
	for (size_t t = 0; t < DAYS; t++)
		s.exposure[0][t] = 64;
	for (size_t t = 14; t < 19; t++) {
		visits(&s, 0, t, poisson(&s, 160), 2);
		for (size_t i = 1; i < 4; i++)
			visits(&s, i, t, poisson(&s, 10), 2);
	}
	site_judge(&s, 3000);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.found[0].locality, RISE_GLOBAL);
	rise_detector_free(s.detector);
}

static void tails(void **state)
{
	const double ln_p[2] = {log(0.01), log(0.02)};

	(void)state;
	/* Poisson(1): P(X ≥ 3) = 1 − 2.5/e. */
	assert_float_equal(exp(rise_upper_tail(3, 1, 1)), 1 - 2.5 * exp(-1), 1e-3);
	/* Geometric: size 1, mean 1, variance 2: P(X ≥ 10) = 2^-10, P(X ≤ 0) = 1/2. */
	assert_float_equal(rise_upper_tail(10, 1, 2), -10 * log(2), 1e-9);
	assert_float_equal(exp(rise_lower_tail(0, 1, 2)), 0.5, 1e-9);
	/* Far out: geometric again, 2^-1000. */
	assert_float_equal(rise_upper_tail(1000, 1, 2), -1000 * log(2), 1e-6);
	/* Fisher of two: p (1 − ln p) of their product. */
	assert_float_equal(exp(rise_fisher(ln_p, 2)), 2e-4 * (1 - log(2e-4)), 1e-9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tails),
	    cmocka_unit_test(global_rise_on_a_quiet_port),
	    cmocka_unit_test(one_sensor_burst),
	    cmocka_unit_test(few_sources_that_repeat),
	    cmocka_unit_test(heavy_sources_among_many),
	    cmocka_unit_test(one_sensor_alone_cannot_tell),
	    cmocka_unit_test(a_busy_scanner_is_no_rise),
	    cmocka_unit_test(three_scanners_are_no_rise),
	    cmocka_unit_test(outages_are_no_falls),
	    cmocka_unit_test(weekdays_and_noise_are_nothing),
	    cmocka_unit_test(a_fall_is_found),
	    cmocka_unit_test(a_slow_rise_is_found),
	    cmocka_unit_test(a_pause_does_not_end_a_rise),
	    cmocka_unit_test(sizes_do_not_make_a_rise_local),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
