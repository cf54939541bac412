/*
 * DoS attack victims, inferred from backscatter.
 *
 * Packets are per day in total, as the NPA prints them, on the same sensors in both periods; the
 * rate per address stands beside it.  Victims' addresses are counted in SQL and never read here.
 */
#include "report/gather.h"

static int ask_ports(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}, {.name = "target"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_dos_ports", params, 4, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		double now = store_result_real(result, i, 2);
		double before = store_result_real(result, i, 3);
		struct gather_item *item;

		if (sensor == SIZE_MAX)
			continue;
		item = gather_item_get(&g->dos_ports, (uint32_t)store_result_int(result, i, 1));
		report_measure_add(&item->rate, &g->weights[REPORT_BASIS_TOTAL][sensor], now,
		    before);
		report_measure_add(&g->dos, &g->weights[REPORT_BASIS_TOTAL][sensor], now, before);
		report_measure_add(&g->dos_rate, &g->weights[REPORT_BASIS_ADDRESS][sensor], now,
		    before);
		item->packets += now;
		g->dos_packets += now;
	}
	store_result_free(result);
	gather_rank(&g->dos_ports);
	return ST_OK;
}

static int ask_top(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "now_day"}, {.name = "to_day"},
		{.name = "victims", .kind = STORE_PARAM_INT, .int_value = GATHER_VICTIMS_TOP},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_dos_top", params, 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result) && i < GATHER_VICTIMS_TOP; i++)
		g->victim_packets[g->victim_count++] = store_result_real(result, i, 0);
	store_result_free(result);
	return ST_OK;
}

int gather_dos(struct gather *g, struct err *err)
{
	int r = ask_ports(g, err);

	if (r == ST_OK)
		r = gather_country_list(g, "report_dos_countries", REPORT_BASIS_TOTAL,
		    &g->dos_countries, err);
	if (r == ST_OK)
		r = ask_top(g, err);
	if (r == ST_OK)
		r = gather_daily_mean(g, "report_victims", &g->victims, err);
	return r;
}
