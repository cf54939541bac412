/*
 * Attacks as they were judged: victims of reflection, and the largest ones of both kinds.
 *
 * Attacks are stored by site day and cut at its ends; one that goes on over midnight is put
 * together here.  Victims' addresses are read for that and go no further.
 */
#include "report/gather.h"

#include "base/ip.h"

#include <stdlib.h>
#include <string.h>

#define ATTACKS_READ_MAX 100000
/* Parts of one attack on both sides of midnight are nearer than this. */
#define SAME_ATTACK_US (10 * 60 * 1000000ll)

static struct gather_incident incident_of(const struct store_result *result, size_t row)
{
	struct gather_incident incident = {
		.attack = {
			.kind = strcmp(store_result_text(result, row, 0), "reflection") == 0
			    ? ATTACK_REFLECTION : ATTACK_BACKSCATTER,
			.victim = {store_result_uint(result, row, 1), store_result_uint(result, row, 2)},
			.proto = (uint8_t)store_result_uint(result, row, 3),
			.port = (uint16_t)store_result_uint(result, row, 4),
			.start_us = store_result_int(result, row, 5),
			.end_us = store_result_int(result, row, 6),
			.packets = store_result_uint(result, row, 7),
			.max_ppm = store_result_uint(result, row, 8),
		},
		.asn = (uint32_t)store_result_uint(result, row, 10),
	};
	const char *country = store_result_text(result, row, 9);

	memcpy(incident.country, strlen(country) == 2 ? country : "ZZ", 2);
	return incident;
}

static bool is_same(const struct attack *a, const struct attack *b)
{
	return a->kind == b->kind && a->victim.hi == b->victim.hi && a->victim.lo == b->victim.lo
	    && a->proto == b->proto && a->port == b->port
	    && b->start_us - a->end_us <= SAME_ATTACK_US;
}

/* Most packets first; the list keeps the first ones. */
static void keep(struct gather *g, const struct gather_incident *incident)
{
	size_t at = g->incident_count;

	while (at > 0 && g->incidents[at - 1].attack.packets < incident->attack.packets)
		at--;
	if (at == GATHER_INCIDENTS_MAX)
		return;
	if (g->incident_count < GATHER_INCIDENTS_MAX)
		g->incident_count++;
	for (size_t i = g->incident_count - 1; i > at; i--)
		g->incidents[i] = g->incidents[i - 1];
	g->incidents[at] = *incident;
}

static int ask_incidents(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "now_day"}, {.name = "to_day"},
		{.name = "most", .kind = STORE_PARAM_INT, .int_value = ATTACKS_READ_MAX},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_incidents", params, 3, &result, err);
	size_t rows;

	if (r < 0)
		return r;
	rows = store_result_rows(result);
	for (size_t i = 0; i < rows;) {
		struct gather_incident whole = incident_of(result, i);

		for (i++; i < rows; i++) {
			struct gather_incident next = incident_of(result, i);

			if (!is_same(&whole.attack, &next.attack))
				break;
			if (next.attack.end_us > whole.attack.end_us)
				whole.attack.end_us = next.attack.end_us;
			whole.attack.packets += next.attack.packets;
			if (next.attack.max_ppm > whole.attack.max_ppm)
				whole.attack.max_ppm = next.attack.max_ppm;
		}
		g->attacks_now[whole.attack.kind]++;
		keep(g, &whole);
	}
	store_result_free(result);
	return ST_OK;
}

/* Observed days of now (index 1) and before (0); at least 1. */
static void count_days(const struct gather *g, double ret_days[2])
{
	ret_days[0] = ret_days[1] = 0;
	for (size_t d = 0; d < g->day_count; d++) {
		bool observed = false;

		for (size_t i = 0; i < g->sensor_count; i++)
			observed |= g->sensors[i].days[d].days > 0;
		ret_days[g->first + (int32_t)d >= g->now.from] += observed;
	}
	for (size_t i = 0; i < 2; i++)
		if (ret_days[i] < 1)
			ret_days[i] = 1;
}

/* Rows of attack know no sensors: the panel is everybody. */
static struct report_measure mean_of(double now, double before, const double days[2])
{
	return (struct report_measure){now / days[1], before / days[0], now / days[1],
	    before / days[0]};
}

/* Mean of daily victims of each service that was made to reflect. */
static int ask_reflections(struct gather *g, const double days[2], struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}, {.name = "target"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_reflections", params, 4, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		struct gather_item *item = gather_item_get(&g->reflections,
		    (uint32_t)store_result_int(result, i, 0));

		item->rate = mean_of(store_result_real(result, i, 1),
		    store_result_real(result, i, 2), days);
		item->packets = store_result_real(result, i, 3);
	}
	store_result_free(result);
	gather_rank(&g->reflections);
	return ST_OK;
}

/* The same of all services together: an address counts once a day. */
static int ask_victims(struct gather *g, const double days[2], struct err *err)
{
	static const struct store_param params[] = {{.name = "from_day"}, {.name = "to_day"}};
	struct store_result *result = NULL;
	double sums[2] = {0, 0};
	int r = gather_ask(g, "report_reflection_victims", params, 2, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++)
		sums[store_result_int(result, i, 0) >= g->now.from]
		    += store_result_real(result, i, 1);
	store_result_free(result);
	g->reflection_victims = mean_of(sums[1], sums[0], days);
	return ST_OK;
}

int gather_attacks(struct gather *g, struct err *err)
{
	double days[2];
	int r = ask_incidents(g, err);

	count_days(g, days);
	if (r == ST_OK)
		r = ask_reflections(g, days, err);
	if (r == ST_OK && g->reflections.count)
		r = ask_victims(g, days, err);
	return r;
}
