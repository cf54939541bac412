/*
 * Who observed when: sensors, observed time, weights, missing times, packets not counted.
 *
 * Everything a rate divides by comes from here, and only from coverage: a minute nobody observed
 * is not a minute without packets.
 */
#include "report/gather.h"

#include "base/civil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENSORS_FIRST 16
/* A quarter of an hour: below that a daily rate of a capture means nothing (teiten analyze). */
#define RATE_DAYS_MIN 0.01
#define DROP_TEXT_MAX 4096

static struct gather_sensor *sensor_add(struct gather *g, uint16_t id, size_t *cap)
{
	struct gather_sensor *s;

	if (g->sensor_count == *cap) {
		size_t more = *cap ? *cap * 2 : SENSORS_FIRST;
		struct gather_sensor *grown = gather_alloc(more, sizeof(*grown));

		if (g->sensor_count)
			memcpy(grown, g->sensors, g->sensor_count * sizeof(*grown));
		free(g->sensors);
		g->sensors = grown;
		*cap = more;
	}
	s = &g->sensors[g->sensor_count++];
	s->id = id;
	s->days = gather_alloc(g->day_count, sizeof(*s->days));
	return s;
}

static char *copy_text(const char *text)
{
	size_t len = strlen(text);
	char *copy = gather_alloc(len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

static int ask_spans(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {{.name = "from"}, {.name = "to"}};
	struct store_result *result = NULL;
	struct gather_sensor *s = NULL;
	size_t cap = 0;
	int r = gather_ask(g, "report_coverage", params, 2, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		uint16_t id = (uint16_t)store_result_int(result, i, 0);
		int64_t addresses = store_result_int(result, i, 3);

		if (!s || s->id != id)
			s = sensor_add(g, id, &cap);
		if (s->span_count == s->span_cap) {
			size_t more = s->span_cap ? s->span_cap * 2 : 64;
			struct report_span *grown = gather_alloc(more, sizeof(*grown));

			if (s->span_count)
				memcpy(grown, s->spans, s->span_count * sizeof(*grown));
			free(s->spans);
			s->spans = grown;
			s->span_cap = more;
		}
		s->spans[s->span_count++] = (struct report_span){
			.from = store_result_int(result, i, 1),
			.to = store_result_int(result, i, 2),
			.addresses = addresses > 0 ? (uint32_t)addresses : 1,
		};
	}
	store_result_free(result);
	return ST_OK;
}

static int ask_names(struct gather *g, struct err *err)
{
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_sensors", NULL, 0, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t at = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		struct gather_sensor *s = at == SIZE_MAX ? NULL : &g->sensors[at];

		if (!s)
			continue;
		free(s->name); /* later rows of a sensor are newer */
		free(s->kind);
		s->name = copy_text(store_result_text(result, i, 1));
		s->kind = copy_text(store_result_text(result, i, 3));
		(void)snprintf(s->country, sizeof(s->country), "%.2s",
		    store_result_text(result, i, 2));
	}
	store_result_free(result);
	for (size_t i = 0; i < g->sensor_count; i++) {
		struct gather_sensor *s = &g->sensors[i];
		char text[16];

		if (s->name && s->name[0]) /* NOLINT: sensor_count says there is one */
			continue;
		free(s->name);
		(void)snprintf(text, sizeof(text), "sensor-%u", (unsigned)s->id);
		s->name = copy_text(text);
	}
	return ST_OK;
}

/* Spans before `at` that end before it can be skipped by later windows. */
static size_t spans_until(const struct gather_sensor *s, size_t at, int64_t time)
{
	while (at < s->span_count && s->spans[at].from < time)
		at++;
	return at;
}

/* Observed time per day and per period; an interval never crosses a site day. */
static void observe(struct gather *g, struct gather_sensor *s)
{
	size_t at = 0;

	for (size_t d = 0; d < g->day_count; d++) {
		size_t end = spans_until(s, at, g->day_start[d + 1]);
		bool now = g->first + (int32_t)d >= g->now.from;
		struct report_observed *sum = now ? &s->now : &s->before;

		s->days[d] = report_observed_union(s->spans + at, end - at, g->day_start[d],
		    g->day_start[d + 1]);
		sum->days += s->days[d].days;
		sum->address_days += s->days[d].address_days;
		at = end;
	}
	s->panel = s->now.days > 0 && s->before.days > 0;
}

static void add_gap(struct gather *g, size_t sensor, int64_t from, int64_t to)
{
	if (to - from < GATHER_GAP_MIN_US)
		return;
	if (g->gap_count == GATHER_GAPS_MAX)
		g->gaps_more++;
	else
		g->gaps[g->gap_count++] = (struct gather_gap){sensor, from, to};
}

/* Times of the period in which a sensor that observed some of it did not observe. */
static void find_gaps(struct gather *g, size_t sensor)
{
	const struct gather_sensor *s = &g->sensors[sensor];
	int64_t at = s->nominal_from;
	int64_t end = g->day_start[g->day_count];

	for (size_t i = 0; i < s->span_count; i++) {
		if (s->spans[i].to <= at)
			continue;
		if (s->spans[i].from > at)
			add_gap(g, sensor, at, s->spans[i].from);
		at = s->spans[i].to;
	}
	if (at < end)
		add_gap(g, sensor, at, end);
}

static void weigh(struct gather *g)
{
	struct report_observed *now = gather_alloc(g->sensor_count, sizeof(*now));
	struct report_observed *before = gather_alloc(g->sensor_count, sizeof(*before));
	bool *panel = gather_alloc(g->sensor_count, sizeof(*panel));

	for (size_t i = 0; i < g->sensor_count; i++) {
		now[i] = g->sensors[i].now;
		before[i] = g->sensors[i].before;
		panel[i] = g->sensors[i].panel;
	}
	for (int basis = 0; basis < REPORT_BASIS_COUNT; basis++) {
		g->weights[basis] = gather_alloc(g->sensor_count, sizeof(**g->weights));
		report_weights((enum report_basis)basis, now, before, panel, g->sensor_count,
		    g->weights[basis]);
	}
	for (int basis = 0; g->counts && basis < REPORT_BASIS_COUNT; basis++)
		for (size_t i = 0; i < g->sensor_count; i++)
			g->weights[basis][i] = (struct report_weight){.now = now[i].days > 0};
	free(now);
	free(before);
	free(panel);
}

/*
 * A sensor that joins a running site is expected from its first moment on.  A site's very first
 * period is expected whole: its figures are of a part of the period, and marked so.
 */
static int64_t nominal_from(const struct gather *g, const struct gather_sensor *s)
{
	int64_t start = g->day_start[g->now.from - g->first];

	return g->sensors_before > 0 && s->before.days <= 0 && s->spans[0].from > start
	    ? s->spans[0].from : start;
}

double gather_nominal_days(const struct gather *g, const struct gather_sensor *s)
{
	return (double)(g->day_start[g->day_count] - s->nominal_from) / CIVIL_US_PER_DAY;
}

static void sum_up(struct gather *g)
{
	for (size_t i = 0; i < g->sensor_count; i++) {
		const struct gather_sensor *s = &g->sensors[i];

		g->sensors_now += s->now.days > 0;
		g->sensors_before += s->before.days > 0;
		g->panel_count += s->panel;
		g->observed_days += s->now.days;
		if (s->now.days > 0)
			g->addresses += s->now.address_days / s->now.days;
	}
	for (size_t i = 0; i < g->sensor_count; i++) {
		struct gather_sensor *s = &g->sensors[i];

		if (s->now.days <= 0)
			continue;
		s->nominal_from = nominal_from(g, s);
		g->nominal_days += gather_nominal_days(g, s);
		find_gaps(g, i);
	}
	g->coverage = g->nominal_days > 0 ? g->observed_days / g->nominal_days : 0;
	/* Of captures, also where they are a store's first ones. */
	g->counts = (g->before.from >= g->before.to
	    || (g->options->file_count > 0 && g->sensors_before == 0))
	    && (g->options->any_destination || g->observed_days < RATE_DAYS_MIN);
	g->has_before = g->panel_count > 0;
	g->panel_differs = g->has_before
	    && (g->panel_count != g->sensors_now || g->panel_count != g->sensors_before);
}

static void add_drop(struct gather *g, const char *reason, size_t len, uint64_t packets)
{
	size_t max = sizeof(g->drops[0].reason) - 1;

	if (len > max)
		len = max;
	for (size_t i = 0; i < g->drop_count; i++)
		if (strncmp(g->drops[i].reason, reason, len) == 0 && !g->drops[i].reason[len]) {
			g->drops[i].packets += packets;
			return;
		}
	if (g->drop_count == sizeof(g->drops) / sizeof(g->drops[0]))
		return;
	memcpy(g->drops[g->drop_count].reason, reason, len);
	g->drops[g->drop_count++].packets = packets;
}

static uint64_t read_number(const char *at, const char *end)
{
	uint64_t number = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/* "not-ip=3 ip-short=1" of one interval. */
static void read_drops(struct gather *g, const char *text)
{
	size_t left = strnlen(text, DROP_TEXT_MAX);

	while (left > 0) {
		const char *space = memchr(text, ' ', left);
		size_t len = space ? (size_t)(space - text) : left;
		const char *equals = memchr(text, '=', len);

		if (equals)
			add_drop(g, text, (size_t)(equals - text),
			    read_number(equals + 1, text + len));
		if (!space)
			break;
		left -= len + 1;
		text = space + 1;
	}
}

static int compare_drops(const void *a, const void *b)
{
	const struct gather_drop *da = a;
	const struct gather_drop *db = b;

	if (da->packets != db->packets)
		return da->packets > db->packets ? -1 : 1;
	return strcmp(da->reason, db->reason);
}

static int ask_drops(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {{.name = "now"}, {.name = "to"}};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_drops", params, 2, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		g->packets_read += store_result_uint(result, i, 0);
		g->packets_counted += store_result_uint(result, i, 1);
		g->kernel_drops += store_result_uint(result, i, 2);
		read_drops(g, store_result_text(result, i, 3));
	}
	qsort(g->drops, g->drop_count, sizeof(g->drops[0]), compare_drops);
	store_result_free(result);
	return ST_OK;
}

int gather_coverage(struct gather *g, struct err *err)
{
	int r = ask_spans(g, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < g->sensor_count; i++)
		observe(g, &g->sensors[i]);
	sum_up(g);
	if (g->sensors_now == 0) {
		char from[CIVIL_DATE_TEXT_MAX];
		char to[CIVIL_DATE_TEXT_MAX];

		return err_set(err, ST_NOT_FOUND, "nothing was observed from %s to %s",
		    civil_format_date(g->now.from, from), civil_format_date(g->now.to - 1, to));
	}
	weigh(g);
	r = ask_names(g, err);
	if (r == ST_OK)
		r = ask_drops(g, err);
	return r;
}
