/* What several observers saw together: intersections, sums, clocks that were set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tally/overlap.h"

#define SECOND 1000000ll
#define NOON (1760000000ll * SECOND)
#define CLOCK (NOON - 5000 * SECOND)

static void add(struct overlap *o, unsigned observer, int64_t clock, int64_t from, int64_t end,
    uint64_t packets)
{
	struct record_coverage row = {
		.time = NOON + from * SECOND,
		.end = NOON + end * SECOND,
		.sensor = 3,
		.addresses = 16,
		.packets_read = packets,
		.packets_counted = packets,
		.kernel_drops = 2 * packets,
	};

	overlap_add(o, observer, CLOCK + clock * SECOND, &row);
}

static void expect(struct overlap *o, int64_t from, int64_t end, uint64_t packets)
{
	struct record_coverage row;

	assert_true(overlap_next(o, &row));
	assert_int_equal((row.time - NOON) / SECOND, from);
	assert_int_equal((row.end - NOON) / SECOND, end);
	assert_int_equal(row.packets_read, packets);
	assert_int_equal(row.packets_counted, packets);
	assert_int_equal(row.kernel_drops, 2 * packets);
	assert_int_equal(row.sensor, 3);
	assert_int_equal(row.addresses, 16);
}

static void expect_none(struct overlap *o)
{
	struct record_coverage row;

	assert_false(overlap_next(o, &row));
}

static struct overlap *begin(unsigned observers)
{
	struct overlap *o;

	assert_int_equal(overlap_new(observers, &o), ST_OK);
	return o;
}

static void test_one_row_for_each_minute(void **state)
{
	struct overlap *o = begin(3);

	(void)state;
	for (int64_t minute = 0; minute < 600; minute += 60) {
		add(o, 1, 0, minute, minute + 60, 10);
		add(o, 0, 0, minute, minute + 60, 1);
		expect_none(o);
		add(o, 2, 0, minute, minute + 60, 100);
		expect(o, minute, minute + 60, 111);
		expect_none(o);
	}
	overlap_free(o);
}

/* One observer is missing from 70 to 150: so is the sensor's coverage, and no count. */
static void test_one_was_away(void **state)
{
	struct overlap *o = begin(2);

	(void)state;
	for (int64_t minute = 0; minute < 240; minute += 60)
		add(o, 0, 0, minute, minute + 60, 1);
	add(o, 1, 0, 0, 60, 10);
	add(o, 1, 0, 60, 70, 20);
	add(o, 1, 0, 150, 180, 30);
	expect(o, 0, 60, 11);
	expect(o, 60, 70, 21);
	expect(o, 150, 180, 31);
	expect_none(o);
	add(o, 1, 0, 180, 240, 40);
	expect(o, 180, 240, 41);
	expect_none(o);
	overlap_free(o);
}

/* What was counted without a common interval comes with the next one. */
static void test_counts_without_an_interval(void **state)
{
	struct overlap *o = begin(2);

	(void)state;
	add(o, 0, 0, 0, 60, 5);
	add(o, 0, 0, 60, 120, 7);
	add(o, 1, 0, 130, 180, 1);
	expect_none(o);
	add(o, 0, 0, 120, 180, 100);
	expect(o, 130, 180, 113);
	expect_none(o);
	overlap_free(o);
}

/* The clock goes an hour back (or ahead) at 30; the observers see it at 30 and at 32. */
static void check_step(int64_t step)
{
	struct overlap *o = begin(2);

	add(o, 0, 0, 0, 30, 1);
	add(o, 0, step, 30 + step, 60 + step, 10);
	add(o, 1, 0, 0, 32, 100);
	add(o, 1, step, 32 + step, 60 + step, 1000);
	expect(o, 0, 30, 101);
	expect(o, 32 + step, 60 + step, 1010);
	expect_none(o);
	/* One that came to see it by mistake, and back. */
	add(o, 0, step, 60 + step, 120 + step, 1);
	add(o, 1, step + 5, 65 + step, 66 + step, 10);
	add(o, 1, step, 61 + step, 120 + step, 100);
	expect(o, 61 + step, 120 + step, 111);
	expect_none(o);
	overlap_free(o);
}

static void test_clock_set(void **state)
{
	(void)state;
	check_step(3600);
	check_step(-3600);
	check_step(-3);
}

/* Clocks that were read a little apart are the same; what was noted of them stays. */
static void test_offsets(void **state)
{
	struct overlap *o = begin(2);
	struct record_coverage row = {.time = NOON, .end = NOON + 60 * SECOND, .sensor = 1,
		.drops = {"gone with the message", 21}};
	struct record_coverage found;

	(void)state;
	overlap_add(o, 0, CLOCK + 7, &row);
	row.clock_offset_us = 1500000;
	row.end -= 20 * SECOND;
	overlap_add(o, 1, CLOCK - 9, &row);
	assert_true(overlap_next(o, &found));
	assert_int_equal(found.clock_offset_us, 1500000);
	assert_int_equal(found.end, NOON + 40 * SECOND);
	assert_int_equal(found.drops.len, 0);
	overlap_free(o);
}

/* One that never comes does not make the others wait without bound, nor lose a count. */
static void test_waiting(void **state)
{
	struct overlap *o = begin(2);
	int64_t last = OVERLAP_WAITING_MAX + 100;

	(void)state;
	for (int64_t minute = 0; minute < last; minute++)
		add(o, 0, 0, 60 * minute, 60 * minute + 60, 1);
	expect_none(o);
	add(o, 1, 0, 60 * last - 60, 60 * last, 5);
	expect(o, 60 * last - 60, 60 * last, (uint64_t)last + 5);
	expect_none(o);
	overlap_free(o);
}

/* One is away at the end. */
static void test_rest(void **state)
{
	struct overlap *o = begin(2);
	struct record_coverage row;

	(void)state;
	assert_false(overlap_rest(o, &row));
	add(o, 0, 0, 0, 60, 5);
	add(o, 1, 0, 0, 60, 1);
	expect(o, 0, 60, 6);
	assert_false(overlap_rest(o, &row));
	add(o, 0, 0, 60, 120, 7);
	add(o, 0, 0, 120, 130, 8);
	expect_none(o);
	assert_true(overlap_rest(o, &row));
	assert_int_equal(row.time, NOON + 130 * SECOND);
	assert_int_equal(row.end, row.time);
	assert_int_equal(row.sensor, 3);
	assert_int_equal(row.packets_read, 15);
	assert_int_equal(row.kernel_drops, 30);
	assert_false(overlap_rest(o, &row));
	overlap_free(o);
}

/* From a worker that was taken over. */
static void test_nonsense(void **state)
{
	struct overlap *o = begin(2);
	struct overlap *none;

	(void)state;
	add(o, 7, 0, 0, 60, 1);
	add(o, 0, 0, 60, 0, 1);
	add(o, 0, 0, 60, 60, 1);
	add(o, 0, 0, 60, 120, 1);
	add(o, 1, 0, 60, 120, 1);
	expect(o, 60, 120, 4);
	expect_none(o);
	overlap_free(o);
	assert_int_equal(overlap_new(0, &none), ST_LIMIT);
	assert_int_equal(overlap_new(OVERLAP_OBSERVERS_MAX + 1, &none), ST_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_row_for_each_minute),
		cmocka_unit_test(test_one_was_away),
		cmocka_unit_test(test_counts_without_an_interval),
		cmocka_unit_test(test_clock_set),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_waiting),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_nonsense),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
