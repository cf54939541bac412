/*
 * Users and passwords that were tried: how often, and those that may be published.
 *
 * What few people type may be a real person's: one is published only when enough sources, on
 * enough sensors and days and out of more than one network, tried it.  The threshold is in the
 * question, so that what is withheld never leaves the engine; only its number is known here.
 */
#include "report/gather.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#define MIN_DAYS 2
#define MIN_ASNS 2

static const struct {
	const char *key;   /* SQL */
	const char *which; /* SQL */
	unsigned texts;
} kinds[GATHER_TRIED_KINDS] = {
	[GATHER_TRIED_USERS] = {"\"user\"", "\"user\" <> ''", 1},
	[GATHER_TRIED_PASSWORDS] = {"password", "secret = 'password'", 1},
	[GATHER_TRIED_LOGINS] = {"protocol, \"user\", password",
	    "secret = 'password' AND \"user\" <> ''", 3},
};

static unsigned at_most(unsigned wanted, size_t there)
{
	return wanted > there ? (unsigned)there : wanted;
}

/* A network that is not known (no AS data) does not count against anything. */
static void put_published(const struct gather *g, size_t sensors, struct buf *sql)
{
	buf_printf(sql,
	    "sources >= %u AND sensors >= %u AND days >= %u AND (asns >= %d OR asn_known = 0)",
	    g->tried_min_sources, at_most(g->tried_min_sensors, sensors), g->tried_min_days,
	    MIN_ASNS);
}

static unsigned top_n(const struct gather *g)
{
	unsigned n = g->options->top_n ? g->options->top_n : REPORT_TOP_DEFAULT;

	return n < REPORT_TOP_MAX ? n : REPORT_TOP_MAX;
}

/* What may be published of a period: all of it, or as much as a table shows. */
static int ask_published(struct gather *g, enum gather_tried_kind kind, bool before, bool limited,
    struct store_result **ret_result, struct err *err)
{
	struct buf published = {0};
	struct buf limit = {0};
	size_t now = (size_t)(g->now.from - g->first);
	int r;

	put_published(g, before ? g->sensors_before : g->sensors_now, &published);
	if (limited)
		buf_printf(&limit, "LIMIT %u", top_n(g));
	const struct store_param params[] = {
		{.name = "key", .kind = STORE_PARAM_SQL, .text = kinds[kind].key},
		{.name = "which", .kind = STORE_PARAM_SQL, .text = kinds[kind].which},
		{.name = "begin", .kind = STORE_PARAM_TIME,
		    .int_value = g->day_start[before ? 0 : now]},
		{.name = "end", .kind = STORE_PARAM_TIME,
		    .int_value = g->day_start[before ? now : g->day_count]},
		{.name = "published", .kind = STORE_PARAM_SQL, .text = buf_text(&published)},
		{.name = "limit", .kind = STORE_PARAM_SQL, .text = buf_text(&limit)},
	};

	r = gather_ask(g, "report_login_top", params, 6, ret_result, err);
	buf_fini(&published);
	buf_fini(&limit);
	return r;
}

/* How many there are in all, and how often they were tried. */
static int ask_kinds(struct gather *g, enum gather_tried_kind kind,
    struct store_result **ret_result, struct err *err)
{
	const struct store_param params[] = {
		{.name = "key", .kind = STORE_PARAM_SQL, .text = kinds[kind].key},
		{.name = "which", .kind = STORE_PARAM_SQL, .text = kinds[kind].which},
		{.name = "begin", .kind = STORE_PARAM_TIME,
		    .int_value = g->day_start[g->now.from - g->first]},
		{.name = "end", .kind = STORE_PARAM_TIME, .int_value = g->day_start[g->day_count]},
	};

	return gather_ask(g, "report_login_kinds", params, 4, ret_result, err);
}

static char *copy_text(const char *text)
{
	char *copy = gather_alloc(strlen(text) + 1, 1);

	memcpy(copy, text, strlen(text));
	return copy;
}

static void take_row(struct gather_tried_item *item, const struct store_result *result, size_t row,
    unsigned texts)
{
	for (unsigned t = 0; t < texts; t++)
		item->texts[t] = copy_text(store_result_text(result, row, t));
	item->tries = store_result_uint(result, row, texts);
	item->sources = store_result_uint(result, row, texts + 1);
	item->sensors = (unsigned)store_result_uint(result, row, texts + 2);
}

static unsigned rank_before(const struct gather_tried_item *item, const struct store_result *before,
    unsigned texts)
{
	for (size_t row = 0; row < store_result_rows(before); row++) {
		bool same = true;

		for (unsigned t = 0; t < texts; t++)
			same &= strcmp(item->texts[t], store_result_text(before, row, t)) == 0;
		if (same)
			return (unsigned)row + 1;
	}
	return 0;
}

static int load_kind(struct gather *g, enum gather_tried_kind kind, struct err *err)
{
	struct gather_tried *tried = &g->tried[kind];
	struct store_result *before = NULL;
	struct store_result *all = NULL;
	struct store_result *now = NULL;
	int r = ask_published(g, kind, false, false, &now, err);

	if (r == ST_OK && g->has_before)
		r = ask_published(g, kind, true, true, &before, err);
	if (r == ST_OK)
		r = ask_kinds(g, kind, &all, err);
	if (r < 0)
		goto out;
	tried->withheld = store_result_uint(all, 0, 0) - store_result_rows(now);
	tried->withheld_tries = store_result_uint(all, 0, 1);
	for (size_t i = 0; i < store_result_rows(now); i++)
		tried->withheld_tries -= store_result_uint(now, i, kinds[kind].texts);
	tried->count = store_result_rows(now) < top_n(g) ? store_result_rows(now) : top_n(g);
	tried->items = gather_alloc(tried->count, sizeof(*tried->items));
	for (size_t i = 0; i < tried->count; i++) {
		take_row(&tried->items[i], now, i, kinds[kind].texts);
		if (before)
			tried->items[i].rank_before =
			    rank_before(&tried->items[i], before, kinds[kind].texts);
	}
out:
	store_result_free(all);
	store_result_free(before);
	store_result_free(now);
	return r;
}

static int load_totals(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from"}, {.name = "now"}, {.name = "to"},
	};
	const struct report_weight *weights = g->weights[g->options->basis];
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_logins", params, 3, &result, err);

	for (size_t i = 0; r == ST_OK && i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));

		if (sensor != SIZE_MAX)
			report_measure_add(&g->logins, &weights[sensor],
			    store_result_real(result, i, 1), store_result_real(result, i, 2));
	}
	store_result_free(result);
	result = NULL;
	if (r == ST_OK)
		r = gather_ask(g, "report_login_sources", &params[1], 2, &result, err);
	if (r == ST_OK) {
		g->login_count = store_result_uint(result, 0, 0);
		g->login_sources = store_result_uint(result, 0, 1);
	}
	store_result_free(result);
	return r;
}

int gather_logins(struct gather *g, struct err *err)
{
	int32_t days = g->now.to - g->now.from;
	int r = load_totals(g, err);

	g->tried_min_sources = g->options->login_min_sources ? g->options->login_min_sources
	                                                     : REPORT_LOGIN_MIN_SOURCES_DEFAULT;
	g->tried_min_sensors = g->options->login_min_sensors ? g->options->login_min_sensors
	                                                     : REPORT_LOGIN_MIN_SENSORS_DEFAULT;
	g->tried_min_days = days < MIN_DAYS ? 1 : MIN_DAYS;
	for (int kind = 0; r == ST_OK && g->login_count && kind < GATHER_TRIED_KINDS; kind++)
		r = load_kind(g, (enum gather_tried_kind)kind, err);
	return r;
}

void gather_logins_fini(struct gather *g)
{
	for (int kind = 0; kind < GATHER_TRIED_KINDS; kind++) {
		for (size_t i = 0; i < g->tried[kind].count; i++)
			for (int t = 0; t < GATHER_TRIED_TEXTS; t++)
				free(g->tried[kind].items[i].texts[t]);
		free(g->tried[kind].items);
	}
}
