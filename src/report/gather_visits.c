/*
 * What visitors spoke: sessions by protocol and events by name, as rates of both periods.
 *
 * Sessions and events divide by the same basis as packets.  Sources are distinct over the period
 * and counted in SQL; their addresses are never read here.
 */
#include "report/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_FIRST 32
#define NAME_TEXT_MAX 256

/* The item of a name; rows come sorted by name, so it is the last one or a new one. */
static struct gather_name *name_get(struct gather_names *names, const char *name)
{
	struct gather_name *item;

	if (names->count && strcmp(names->items[names->count - 1].name, name) == 0)
		return &names->items[names->count - 1];
	if (names->count == names->cap) {
		size_t cap = names->cap ? names->cap * 2 : NAMES_FIRST;
		struct gather_name *items = gather_alloc(cap, sizeof(*items));

		if (names->count)
			memcpy(items, names->items, names->count * sizeof(*items));
		free(names->items);
		names->items = items;
		names->cap = cap;
	}
	item = &names->items[names->count++];
	memset(item, 0, sizeof(*item));
	item->name = gather_alloc(strlen(name) + 1, 1);
	memcpy(item->name, name, strlen(name));
	return item;
}

static struct gather_name *name_find(const struct gather_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].name, name) == 0)
			return &names->items[i];
	return NULL;
}

static int compare_names(const struct gather_name *a, const struct gather_name *b, double rate_a,
    double rate_b)
{
	rate_a = gather_order(rate_a);
	rate_b = gather_order(rate_b);
	if (rate_a != rate_b)
		return rate_a > rate_b ? -1 : 1;
	return strcmp(a->name, b->name);
}

static int compare_before(const void *pa, const void *pb)
{
	const struct gather_name *a = pa;
	const struct gather_name *b = pb;

	return compare_names(a, b, a->rate.before, b->rate.before);
}

static int compare_now(const void *pa, const void *pb)
{
	const struct gather_name *a = pa;
	const struct gather_name *b = pb;

	return compare_names(a, b, a->rate.now, b->rate.now);
}

static void names_rank(struct gather_names *names)
{
	if (!names->count)
		return;
	qsort(names->items, names->count, sizeof(*names->items), compare_before);
	for (size_t i = 0; i < names->count; i++)
		names->items[i].rank_before = names->items[i].rate.before > 0 ? (unsigned)i + 1 : 0;
	qsort(names->items, names->count, sizeof(*names->items), compare_now);
	for (size_t i = 0; i < names->count; i++)
		names->items[i].rank = names->items[i].rate.now > 0 ? (unsigned)i + 1 : 0;
}

/*
 * Loads rows (sensor, protocol[, event], now, before); total is what their sum is added to, NULL
 * where a sum means nothing.
 */
static int load_names(struct gather *g, const char *question, bool events,
    struct gather_names *names, struct report_measure *total, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from"}, {.name = "now"}, {.name = "to"},
	};
	const struct report_weight *weights = g->weights[g->options->basis];
	struct store_result *result = NULL;
	size_t number = events ? 3 : 2;
	int r = gather_ask(g, question, params, 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		double now = store_result_real(result, i, number);
		double before = store_result_real(result, i, number + 1);
		struct gather_name *item;
		char name[NAME_TEXT_MAX];

		if (sensor == SIZE_MAX)
			continue;
		if (events)
			(void)snprintf(name, sizeof(name), "%s.%s", store_result_text(result, i, 1),
			    store_result_text(result, i, 2));
		else
			(void)snprintf(name, sizeof(name), "%s", store_result_text(result, i, 1));
		item = name_get(names, name);
		report_measure_add(&item->rate, &weights[sensor], now, before);
		item->count += now;
		item->sensors += now > 0;
		if (total)
			report_measure_add(total, &weights[sensor], now, before);
	}
	store_result_free(result);
	names_rank(names);
	return ST_OK;
}

/* Columns that are asked by protocol alone. */
static int load_protocol_numbers(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {{.name = "now"}, {.name = "to"}};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_session_sources", params, 2, &result, err);

	for (size_t i = 0; r == ST_OK && i < store_result_rows(result); i++) {
		struct gather_name *item =
		    name_find(&g->protocols, store_result_text(result, i, 0));

		if (item)
			item->sources = store_result_uint(result, i, 1);
	}
	store_result_free(result);
	result = NULL;
	if (r == ST_OK)
		r = gather_ask(g, "report_session_logins", params, 2, &result, err);
	for (size_t i = 0; r == ST_OK && i < store_result_rows(result); i++) {
		struct gather_name *item =
		    name_find(&g->protocols, store_result_text(result, i, 0));

		if (item) {
			item->logins = store_result_uint(result, i, 1);
			item->logins_with = store_result_uint(result, i, 2);
		}
	}
	store_result_free(result);
	return r;
}

static int find_dropped(struct gather *g, struct err *err)
{
	unsigned before = 0;
	int r = store_days_dropped(g->store, RECORD_TABLE_session, g->now.from, g->now.to,
	    &g->visits_dropped, err);

	if (r == ST_OK)
		r = store_days_dropped(g->store, RECORD_TABLE_session, g->first, g->now.from,
		    &before, err);
	g->visits_lost_before = before > 0;
	return r;
}

int gather_visits(struct gather *g, struct err *err)
{
	int r = find_dropped(g, err);

	if (r == ST_OK)
		r = load_names(g, "report_sessions", false, &g->protocols, &g->sessions, err);
	/* A sensor that nobody spoke to has nothing more to be asked. */
	if (r == ST_OK && g->protocols.count)
		r = load_protocol_numbers(g, err);
	if (r == ST_OK)
		r = load_names(g, "report_events", true, &g->events, NULL, err);
	return r;
}

static void names_fini(struct gather_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
}

void gather_visits_fini(struct gather *g)
{
	names_fini(&g->protocols);
	names_fini(&g->events);
}
