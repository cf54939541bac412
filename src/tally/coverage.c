/* Coverage of a capture; the contract is in coverage.h. */
#include "tally/coverage.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAYS_INITIAL 32u

struct day {
	int32_t day;
	int64_t first_us;
	int64_t last_us;
	uint64_t read;
	uint64_t counted;
	uint64_t dropped[DECODE_DROP_COUNT];
};

struct coverage {
	struct zone *zone;
	struct day *days; /* as they came; ordered when somebody asks */
	uint32_t *slots;  /* open addressing by date: position + 1, twice as many as capacity */
	size_t count;
	size_t capacity;
	size_t current; /* the day of the latest run */
	bool ordered;
	int64_t day_start_us;
	int64_t day_end_us;
	int32_t day;
	struct record_coverage *rows;
	struct buf texts;
};

int coverage_new(struct zone *zone, struct coverage **ret_coverage)
{
	struct coverage *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->zone = zone;
	c->ordered = true;
	*ret_coverage = c;
	return ST_OK;
}

void coverage_free(struct coverage *c)
{
	if (!c)
		return;
	free(c->days);
	free(c->slots);
	free(c->rows);
	buf_fini(&c->texts);
	free(c);
}

static struct coverage_run span_of(const struct decode_packet *packets, size_t count)
{
	struct coverage_run run = {count, packets[0].time_us, packets[0].time_us};

	for (size_t i = 1; i < count; i++) {
		int64_t time_us = packets[i].time_us;

		run.first_us = time_us < run.first_us ? time_us : run.first_us;
		run.last_us = time_us > run.last_us ? time_us : run.last_us;
	}
	return run;
}

struct coverage_run coverage_run(struct coverage *c, const struct decode_packet *packets,
    size_t count)
{
	struct coverage_run run = {0};
	size_t n;

	if (count == 0)
		return run;
	if (packets[0].time_us < c->day_start_us || packets[0].time_us >= c->day_end_us) {
		c->day = zone_day(c->zone, packets[0].time_us);
		c->day_start_us = zone_day_start(c->zone, c->day);
		c->day_end_us = zone_day_start(c->zone, c->day + 1);
	}
	run = span_of(packets, count);
	if (run.first_us >= c->day_start_us && run.last_us < c->day_end_us)
		return run;
	for (n = 0; n < count; n++)
		if (packets[n].time_us < c->day_start_us || packets[n].time_us >= c->day_end_us)
			break;
	return span_of(packets, n ? n : 1);
}

/* A capture may hold any date in any order: finding one must not depend on how many there are. */
static uint32_t *slot_of_day(const struct coverage *c, int32_t day)
{
	size_t mask = c->capacity * 2 - 1;
	size_t at = (size_t)hash_u64((uint64_t)day) & mask;

	while (c->slots[at] && c->days[c->slots[at] - 1].day != day)
		at = (at + 1) & mask;
	return &c->slots[at];
}

static void fill_slots(struct coverage *c)
{
	memset(c->slots, 0, c->capacity * 2 * sizeof(*c->slots));
	for (size_t i = 0; i < c->count; i++)
		*slot_of_day(c, c->days[i].day) = (uint32_t)i + 1;
}

static int grow(struct coverage *c)
{
	size_t capacity = c->capacity ? c->capacity * 2 : DAYS_INITIAL;
	uint32_t *slots = malloc(capacity * 2 * sizeof(*slots));
	struct day *days;

	if (!slots)
		return -ENOMEM;
	days = realloc(c->days, capacity * sizeof(*days));
	if (!days) {
		free(slots);
		return -ENOMEM;
	}
	free(c->slots);
	c->slots = slots;
	c->days = days;
	c->capacity = capacity;
	fill_slots(c);
	return ST_OK;
}

static struct day *find_day(struct coverage *c, int32_t day)
{
	uint32_t *slot;

	if (c->current < c->count && c->days[c->current].day == day)
		return &c->days[c->current];
	if (c->count == c->capacity && grow(c))
		return NULL;
	slot = slot_of_day(c, day);
	if (!*slot) {
		c->ordered = c->ordered && (c->count == 0 || c->days[c->count - 1].day < day);
		c->days[c->count] = (struct day){.day = day, .first_us = INT64_MAX,
			.last_us = INT64_MIN};
		*slot = (uint32_t)++c->count;
	}
	c->current = *slot - 1;
	return &c->days[c->current];
}

static int compare_days(const void *va, const void *vb)
{
	const struct day *a = va;
	const struct day *b = vb;

	return a->day < b->day ? -1 : a->day > b->day;
}

/* Puts the days in the order of their dates. */
static void order_days(struct coverage *c)
{
	if (c->ordered)
		return;
	qsort(c->days, c->count, sizeof(*c->days), compare_days);
	fill_slots(c);
	c->current = c->count;
	c->ordered = true;
}

int coverage_add(struct coverage *c, const struct coverage_run *run,
    const struct tally_counters *before, const struct tally_counters *after)
{
	struct day *day = find_day(c, c->day);

	if (!day)
		return -ENOMEM;
	if (run->first_us < day->first_us)
		day->first_us = run->first_us;
	if (run->last_us > day->last_us)
		day->last_us = run->last_us;
	day->read += after->read - before->read;
	day->counted += after->counted - before->counted;
	for (size_t i = 0; i < DECODE_DROP_COUNT; i++)
		day->dropped[i] += after->dropped[i] - before->dropped[i];
	return ST_OK;
}

static bool is_silence(const struct day *a, const struct day *b)
{
	return b->first_us - a->last_us > COVERAGE_SILENCE_MAX_DAYS * CIVIL_US_PER_DAY;
}

int64_t coverage_observed_us(struct coverage *c)
{
	int64_t sum = 0;

	order_days(c);
	for (size_t i = 0; i < c->count; i++) {
		sum += c->days[i].last_us - c->days[i].first_us;
		if (i > 0 && !is_silence(&c->days[i - 1], &c->days[i]))
			sum += c->days[i].first_us - c->days[i - 1].last_us;
	}
	return sum;
}

int64_t coverage_silent_days(struct coverage *c)
{
	int64_t sum = 0;

	order_days(c);
	for (size_t i = 1; i < c->count; i++)
		if (is_silence(&c->days[i - 1], &c->days[i]))
			sum += (c->days[i].first_us - c->days[i - 1].last_us) / CIVIL_US_PER_DAY;
	return sum;
}

static void put_drops(struct buf *b, const struct day *day)
{
	bool first = true;

	for (size_t i = 1; i < DECODE_DROP_COUNT; i++) {
		if (!day->dropped[i])
			continue;
		buf_printf(b, "%s%s=%llu", first ? "" : " ", decode_drop_name((enum decode_drop)i),
		    (unsigned long long)day->dropped[i]);
		first = false;
	}
}

/* Rows a day gives: itself, and the quiet days up to the next one. */
static size_t rows_of(const struct coverage *c, size_t i)
{
	if (i + 1 == c->count || is_silence(&c->days[i], &c->days[i + 1]))
		return 1;
	return (size_t)(c->days[i + 1].day - c->days[i].day);
}

int coverage_rows(struct coverage *c, uint16_t sensor, uint32_t addresses,
    const struct record_coverage **ret_rows, size_t *ret_count)
{
	size_t total = 0;
	size_t n = 0;
	size_t text_at = 0;

	order_days(c);
	for (size_t i = 0; i < c->count; i++)
		total += rows_of(c, i);
	free(c->rows);
	c->rows = calloc(total ? total : 1, sizeof(*c->rows));
	if (!c->rows)
		return -ENOMEM;
	buf_reset(&c->texts);
	for (size_t i = 0; i < c->count; i++) {
		const struct day *day = &c->days[i];
		bool joined_before = i > 0 && !is_silence(&c->days[i - 1], day);
		size_t quiet = rows_of(c, i);

		for (size_t k = 0; k < quiet; k++) {
			struct record_coverage *row = &c->rows[n++];
			int32_t date = day->day + (int32_t)k;
			bool joined_after = i + 1 < c->count && !is_silence(day, &c->days[i + 1]);

			row->sensor = sensor;
			row->addresses = addresses;
			row->time = k > 0 || joined_before ? zone_day_start(c->zone, date)
			                                   : day->first_us;
			row->end = k + 1 < quiet || joined_after ? zone_day_start(c->zone, date + 1)
			                                         : day->last_us + 1;
			if (k > 0)
				continue;
			row->packets_read = day->read;
			row->packets_counted = day->counted;
			put_drops(&c->texts, day);
			row->drops.len = (uint32_t)(c->texts.len - text_at);
			text_at = c->texts.len;
		}
	}
	if (c->texts.failed)
		return -ENOMEM;
	/* The text buffer no longer moves: point into it. */
	text_at = 0;
	for (size_t i = 0; i < n; i++) {
		c->rows[i].drops.data = buf_text(&c->texts) + text_at;
		text_at += c->rows[i].drops.len;
	}
	*ret_rows = c->rows;
	*ret_count = n;
	return ST_OK;
}
