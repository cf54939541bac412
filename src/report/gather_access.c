/*
 * Access: ports, days, sources, the 13 weeks before.
 *
 * One question gives every port of every sensor in both periods, so that ranking, shares, marks
 * and differences all come from the same numbers.
 */
#include "report/gather.h"
#include "report/port_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An hour, of all sensors together: a day of seconds has no rate, and would be the busiest. */
#define DAY_LEAST (1.0 / 24)
#define FIGURE_PORTS 10 /* daily values are kept for so many of the first ports */

static void item_add(struct gather *g, struct gather_item *item, size_t sensor, double now,
    double before)
{
	report_measure_add(&item->rate, &g->weights[g->options->basis][sensor], now, before);
	gather_cell_add(&g->port_cells, item->key, sensor, now);
	item->packets += now;
	item->sensors += now > 0;
	if (now > item->packets_top)
		item->packets_top = now;
}

/* ---- ports ----------------------------------------------------------------------------------- */

enum {
	SUM_NOW,
	SUM_BEFORE,
	SUM_MIRAI_NOW,
	SUM_MIRAI_BEFORE,
	SUM_COUNT,
};

struct port_reader {
	struct gather *g;
	bool total; /* counts everybody; the ports may be ranked without some */
	bool ports;
};

static int read_port(void *arg, size_t sensor, uint32_t key, const double *sums)
{
	const struct port_reader *reader = arg;
	struct gather *g = reader->g;
	const struct report_weight *weight = &g->weights[g->options->basis][sensor];

	if (reader->ports) {
		struct gather_item *item = gather_item_get(&g->ports, key);

		item_add(g, item, sensor, sums[SUM_NOW], sums[SUM_BEFORE]);
		report_measure_add(&item->mirai, weight, sums[SUM_MIRAI_NOW],
		    sums[SUM_MIRAI_BEFORE]);
	}
	if (!reader->total)
		return ST_OK;
	report_measure_add(&g->access, weight, sums[SUM_NOW], sums[SUM_BEFORE]);
	report_measure_add(&g->mirai, weight, sums[SUM_MIRAI_NOW], sums[SUM_MIRAI_BEFORE]);
	report_measure_add(&g->access_address, &g->weights[REPORT_BASIS_ADDRESS][sensor],
	    sums[SUM_NOW], sums[SUM_BEFORE]);
	g->sensors[sensor].access_now += sums[SUM_NOW];
	g->sensors[sensor].access_before += sums[SUM_BEFORE];
	return ST_OK;
}

static int ask_ports(struct gather *g, bool total, bool ports, struct err *err)
{
	const struct store_param params[] = {
		{.name = "from_day"}, {.name = "to_day"},
		{.name = "ranked_port_days"},
	};
	const struct store_param marked[] = {params[0], params[1], {.name = "ranked_ports"}};
	struct port_reader reader = {.g = g, .total = total, .ports = ports};
	struct port_sums *sums = gather_alloc(g->sensor_count, sizeof(*sums));
	int r;

	for (size_t i = 0; i < g->sensor_count; i++)
		sums[i].width = SUM_COUNT;
	r = port_sums_ask(g, ports ? "report_ports" : "report_ports_all", params, ports ? 3 : 2,
	    SUM_NOW, sums, err);
	if (r == ST_OK)
		r = port_sums_ask(g, ports ? "report_ports_mirai" : "report_ports_mirai_all", marked,
		    ports ? 3 : 2, SUM_MIRAI_NOW, sums, err);
	if (r == ST_OK)
		r = port_sums_each(g, sums, read_port, &reader);
	for (size_t i = 0; i < g->sensor_count; i++)
		port_sums_fini(&sums[i]);
	free(sums);
	return r;
}

/* Research scanners, and those that rankings leave out. */
static int ask_apart(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_apart", params, 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		bool research = strcmp(store_result_text(result, i, 1), "research") == 0;

		if (sensor != SIZE_MAX)
			report_measure_add(research ? &g->research : &g->apart,
			    &g->weights[g->options->basis][sensor],
			    store_result_real(result, i, 2), store_result_real(result, i, 3));
	}
	store_result_free(result);
	return ST_OK;
}

/* Keys for SQL; one row 0/ICMP stands for all types. */
static void target_param(const uint32_t *keys, size_t count, int64_t *ret_targets,
    struct store_param *ret_param)
{
	for (size_t i = 0; i < count; i++)
		ret_targets[i] = keys[i];
	if (count == 0)
		ret_targets[count++] = -1;
	*ret_param = (struct store_param){.name = "targets", .kind = STORE_PARAM_INTS,
	    .ints = ret_targets, .int_count = count};
}

/* Equal rates within the ranking are told apart by their sources, which only `flow` knows. */
static int break_ties(struct gather *g, size_t top, struct err *err)
{
	uint32_t keys[2 * REPORT_TOP_MAX];
	int64_t targets[2 * REPORT_TOP_MAX];
	struct store_param params[4] = {{.name = "now"}, {.name = "to"}, {.name = "target"}};
	struct store_result *result = NULL;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < g->ports.count && count < 2 * REPORT_TOP_MAX; i++) {
		const struct gather_item *item = &g->ports.items[i];
		double rate = gather_order(item->rate.now);
		bool as_above = i > 0 && gather_order(item[-1].rate.now) == rate;
		bool tie = as_above || (i + 1 < g->ports.count
		    && gather_order(item[1].rate.now) == rate);

		if (i > top && !as_above)
			break;
		if (tie && item->rate.now > 0)
			keys[count++] = item->key;
	}
	if (count == 0)
		return ST_OK;
	target_param(keys, count, targets, &params[3]);
	r = gather_ask(g, "report_port_sources", params, 4, &result, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		struct gather_item *item = gather_item_find(&g->ports,
		    (uint32_t)store_result_int(result, i, 0));

		if (item)
			item->sources = store_result_uint(result, i, 1);
	}
	store_result_free(result);
	gather_rank(&g->ports);
	return ST_OK;
}

/* ---- days ------------------------------------------------------------------------------------ */

/* Packets of one day and sensor as a part of that day's rate. */
static double day_part(const struct gather *g, enum report_basis basis, size_t day, size_t sensor,
    double packets)
{
	double address_days = 0;
	size_t sensors = 0;
	double own = g->sensors[sensor].days[day].days;

	if (own <= 0)
		return 0;
	if (g->counts)
		return packets;
	for (size_t i = 0; i < g->sensor_count; i++) {
		address_days += g->sensors[i].days[day].address_days;
		sensors += g->sensors[i].days[day].days > 0;
	}
	switch (basis) {
	case REPORT_BASIS_ADDRESS:
		return packets / address_days;
	case REPORT_BASIS_SENSOR_MEAN:
		return packets / own / (double)sensors;
	case REPORT_BASIS_TOTAL:
	case REPORT_BASIS_COUNT:
		break;
	}
	return packets / own;
}

bool gather_day_counts(const struct gather *g, double observed)
{
	return observed >= (g->counts ? 1e-12 : DAY_LEAST);
}

/* A daily array: 0 where somebody observed, NAN where nobody did, or hardly. */
static double *days_new(const struct gather *g)
{
	double *days = gather_alloc(g->day_count, sizeof(*days));

	for (size_t d = 0; d < g->day_count; d++) {
		double observed = 0;

		for (size_t i = 0; i < g->sensor_count; i++)
			observed += g->sensors[i].days[d].days;
		days[d] = gather_day_counts(g, observed) ? 0 : NAN;
	}
	return days;
}

/* Adds a question's (date, sensor, packets) to daily rates in that basis. */
static int ask_days(struct gather *g, const char *question, enum report_basis basis,
    double *days, struct err *err)
{
	static const struct store_param params[] = {{.name = "from_day"}, {.name = "to_day"}};
	struct store_result *result = NULL;
	int r = gather_ask(g, question, params, 2, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int64_t day = store_result_int(result, i, 0) - g->first;
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 1));

		if (day < 0 || day >= (int64_t)g->day_count || sensor == SIZE_MAX)
			continue;
		days[day] += day_part(g, basis, (size_t)day, sensor,
		    store_result_real(result, i, 2));
	}
	store_result_free(result);
	return ST_OK;
}

static int ask_port_days(struct gather *g, struct err *err)
{
	uint32_t keys[FIGURE_PORTS];
	int64_t targets[FIGURE_PORTS];
	struct store_param params[6] = {
		{.name = "from_day"}, {.name = "to_day"}, {.name = "target"}, {.name = NULL},
		{.name = "ranked_port_days"}, {.name = "ports", .kind = STORE_PARAM_SQL},
	};
	struct gather_ports ports;
	struct store_result *result = NULL;
	size_t count = 0;
	int r;

	for (size_t i = 0; i < g->ports.count && count < FIGURE_PORTS; i++)
		if (g->ports.items[i].rank) {
			g->ports.items[i].days = days_new(g);
			keys[count++] = g->ports.items[i].key;
		}
	target_param(keys, count, targets, &params[3]);
	r = gather_ports_begin(g, targets, params[3].int_count, &ports, err);
	params[5].text = ports.sql;
	if (r == ST_OK)
		r = gather_ask(g, "report_daily_ports", params, 6, &result, err);
	gather_ports_end(g, &ports);
	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int64_t day = store_result_int(result, i, 0) - g->first;
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 1));
		struct gather_item *item = gather_item_find(&g->ports,
		    (uint32_t)store_result_int(result, i, 2));

		if (day < 0 || day >= (int64_t)g->day_count || sensor == SIZE_MAX || !item
		    || !item->days)
			continue;
		item->days[day] += day_part(g, g->options->basis, (size_t)day, sensor,
		    store_result_real(result, i, 3));
	}
	store_result_free(result);
	return ST_OK;
}

/* ---- sources --------------------------------------------------------------------------------- */

/* Adds a day's distinct count to the sums of its period. */
static void mean_days(const struct gather *g, struct report_measure *mean)
{
	double now = 0;
	double before = 0;
	double panel_now = 0;
	double panel_before = 0;

	for (size_t d = 0; d < g->day_count; d++) {
		bool is_now = g->first + (int32_t)d >= g->now.from;
		bool any = false;
		bool panel = false;

		for (size_t i = 0; i < g->sensor_count; i++) {
			bool observed = g->sensors[i].days[d].days > 0;

			any |= observed;
			panel |= observed && g->sensors[i].panel;
		}
		*(is_now ? &now : &before) += any;
		*(is_now ? &panel_now : &panel_before) += panel;
	}
	mean->now = now > 0 ? mean->now / now : 0;
	mean->before = before > 0 ? mean->before / before : 0;
	mean->panel_now = panel_now > 0 ? mean->panel_now / panel_now : 0;
	mean->panel_before = panel_before > 0 ? mean->panel_before / panel_before : 0;
}

int gather_daily_mean(struct gather *g, const char *question, struct report_measure *ret_mean,
    struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from_day"}, {.name = "to_day"}, {.name = "in_panel"},
	};
	struct store_result *result = NULL;
	struct report_measure mean = {0};
	int r = gather_ask(g, question, params, 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		bool is_now = store_result_int(result, i, 0) >= g->now.from;

		*(is_now ? &mean.now : &mean.before) += store_result_real(result, i, 1);
		*(is_now ? &mean.panel_now : &mean.panel_before)
		    += store_result_real(result, i, 2);
	}
	store_result_free(result);
	mean_days(g, &mean);
	*ret_mean = mean;
	return ST_OK;
}

/* ---- the weeks before ------------------------------------------------------------------------ */

struct week_top {
	uint32_t key[GATHER_WEEK_TOP];
	double packets[GATHER_WEEK_TOP];
	size_t count;
};

static void week_add(struct week_top *top, uint32_t key, double packets)
{
	size_t at = top->count;

	while (at > 0 && (top->packets[at - 1] < packets
	    || (top->packets[at - 1] == packets && top->key[at - 1] > key)))
		at--;
	if (at == GATHER_WEEK_TOP)
		return;
	if (top->count < GATHER_WEEK_TOP)
		top->count++;
	for (size_t i = top->count - 1; i > at; i--) {
		top->key[i] = top->key[i - 1];
		top->packets[i] = top->packets[i - 1];
	}
	top->key[at] = key;
	top->packets[at] = packets;
}

struct week_reader {
	struct gather *g;
	int32_t from;
	struct port_sums sums; /* a number per week */
	struct week_top tops[GATHER_WEEKS];
};

/* Weeks end where the period begins. */
static int take_weeks(void *arg, const struct store_result *block, struct err *err)
{
	struct week_reader *weeks = arg;
	const int64_t *columns[4];

	if (!store_result_all_ints(block, 4, columns))
		return ST_OK;
	for (size_t row = 0; row < store_result_rows(block); row++) {
		int64_t week = (columns[0][row] - weeks->from) / 7;
		double *sums = port_sums_at(&weeks->sums,
		    port_sums_key(weeks->g, columns[1][row], columns[2][row]));

		if (!sums)
			return err_set(err, ST_LIMIT, "out of memory");
		if (week >= 0 && week < GATHER_WEEKS)
			sums[week] += (double)columns[3][row];
	}
	return ST_OK;
}

static int rank_weeks(void *arg, uint32_t key, size_t port)
{
	struct week_reader *weeks = arg;

	for (size_t w = 0; w < GATHER_WEEKS; w++) {
		double packets = weeks->sums.sums[port * GATHER_WEEKS + w];

		if (packets > 0)
			week_add(&weeks->tops[w], key, packets);
	}
	return ST_OK;
}

static void count_weeks(struct gather *g, const struct week_top weeks[GATHER_WEEKS])
{
	for (size_t w = 0; w < GATHER_WEEKS; w++) {
		g->weeks_known += weeks[w].count > 0;
		for (size_t i = 0; i < weeks[w].count; i++) {
			struct gather_item *item = gather_item_find(&g->ports, weeks[w].key[i]);

			if (item)
				item->weeks_top++;
		}
	}
}

static int ask_weeks(struct gather *g, struct err *err)
{
	struct week_reader *weeks = gather_alloc(1, sizeof(*weeks));
	struct store_param params[] = {
		{.name = "weeks_from", .kind = STORE_PARAM_DATE,
		    .int_value = g->now.from - 7 * GATHER_WEEKS},
		{.name = "weeks_to", .kind = STORE_PARAM_DATE, .int_value = g->now.from},
		{.name = "ranked_together"},
	};
	int r;

	weeks->g = g;
	weeks->from = g->now.from - 7 * GATHER_WEEKS;
	weeks->sums.width = GATHER_WEEKS;
	r = gather_scan(g, "report_weeks", params, 3, weeks->from, take_weeks, weeks, err);
	if (r == ST_OK)
		r = port_index_each(&weeks->sums.index, rank_weeks, weeks);
	if (r == ST_OK)
		count_weeks(g, weeks->tops);
	port_sums_fini(&weeks->sums);
	free(weeks);
	return r;
}

int gather_access(struct gather *g, struct err *err)
{
	size_t top = g->options->top_n ? g->options->top_n : REPORT_TOP_DEFAULT;
	bool apart = g->options->ports_attackers;
	int r = ask_ports(g, !apart, true, err);

	if (r == ST_OK && apart)
		r = ask_ports(g, true, false, err);
	if (r == ST_OK)
		r = ask_apart(g, err);
	if (r < 0)
		return r;
	gather_rank(&g->ports);
	r = break_ties(g, top, err);
	g->access_days = days_new(g);
	g->dos_days = days_new(g);
	if (r == ST_OK)
		r = ask_days(g, "report_daily", g->options->basis, g->access_days, err);
	if (r == ST_OK)
		r = ask_days(g, "report_dos_daily", REPORT_BASIS_TOTAL, g->dos_days, err);
	if (r == ST_OK)
		r = ask_port_days(g, err);
	if (r == ST_OK)
		r = gather_daily_mean(g, g->has_before && g->panel_differs ? "report_sources"
		    : "report_sources_all", &g->sources, err);
	if (r == ST_OK && g->before.from < g->before.to)
		r = ask_weeks(g, err);
	return r;
}
