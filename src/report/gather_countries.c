/*
 * Countries, the home cut, and which port × region × sensor explains a change.
 */
#include "report/gather.h"
#include "report/port_sums.h"

#include "base/buf.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A port explains a country's change when it carries at least this part of it. */
#define EXPLAIN_LEAST 0.4
#define COUNTRY_MOVE_PERCENT 20.0
#define COUNTRIES_MOVED_MAX 8
#define COUNTRY_RANK_WATCHED 5

/* access: the ranking of countries, with its marks; else a question of another section. */
static int ask_countries(struct gather *g, const char *question, bool access,
    enum report_basis basis, struct gather_list *list, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}, {.name = "ranked_origins"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, question, params, access ? 4 : 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		const char *code = store_result_text(result, i, 1);
		double now = store_result_real(result, i, 2);
		double before = store_result_real(result, i, 3);
		struct gather_item *item;

		if (sensor == SIZE_MAX)
			continue;
		if (strlen(code) != 2)
			code = "ZZ";
		item = gather_item_get(list, gather_country_key(code));
		memcpy(item->country, code, 2);
		report_measure_add(&item->rate, &g->weights[basis][sensor], now, before);
		if (list == &g->countries)
			gather_cell_add(&g->country_cells, item->key, sensor, now);
		item->packets += now;
		item->sensors += now > 0;
		if (now > item->packets_top)
			item->packets_top = now;
		if (access)
			report_measure_add(&item->mirai, &g->weights[basis][sensor],
			    store_result_real(result, i, 4), store_result_real(result, i, 5));
	}
	store_result_free(result);
	gather_rank(list);
	return ST_OK;
}

int gather_country_list(struct gather *g, const char *question, enum report_basis basis,
    struct gather_list *list, struct err *err)
{
	return ask_countries(g, question, false, basis, list, err);
}

/* Sums of each country of the ranking by port. */
struct main_ports {
	struct gather *g;
	struct port_sums *sums; /* [countries] */
	int64_t code;           /* of the row before: rows of a country come together */
	struct port_sums *here; /* NULL: not in the ranking */
};

static int take_main_ports(void *arg, const struct store_result *block, struct err *err)
{
	struct main_ports *m = arg;
	const int64_t *columns[4];

	if (!store_result_all_ints(block, 4, columns))
		return ST_OK;
	for (size_t row = 0; row < store_result_rows(block); row++) {
		double *sum;

		if (columns[0][row] != m->code) {
			const struct gather_item *item = gather_item_find(&m->g->countries,
			    (uint32_t)columns[0][row]);

			m->code = columns[0][row];
			m->here = item ? &m->sums[item - m->g->countries.items] : NULL;
		}
		if (!m->here)
			continue;
		sum = port_sums_at(m->here,
		    port_sums_key(m->g, columns[1][row], columns[2][row]));
		if (!sum)
			return err_set(err, ST_LIMIT, "out of memory");
		*sum += (double)columns[3][row];
	}
	return ST_OK;
}

struct main_port {
	const struct port_sums *sums;
	uint32_t key;
	double packets;
};

/* Ports come by key: of equals the first stays. */
static int compare_main_port(void *arg, uint32_t key, size_t port)
{
	struct main_port *best = arg;

	if (best->sums->sums[port] > best->packets) {
		best->packets = best->sums->sums[port];
		best->key = key;
	}
	return ST_OK;
}

/* The port that each country sent most to. */
static int ask_main_ports(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "now_day"}, {.name = "to_day"}, {.name = "ranked"},
	};
	struct main_ports m = {.g = g, .code = -1};
	int r;

	m.sums = gather_alloc(g->countries.count, sizeof(*m.sums));
	for (size_t i = 0; i < g->countries.count; i++)
		m.sums[i].width = 1;
	r = gather_scan(g, "report_country_ports", params, 3, g->now.from, take_main_ports, &m, err);
	for (size_t i = 0; i < g->countries.count; i++) {
		struct main_port best = {.sums = &m.sums[i], .packets = -INFINITY};

		if (r == ST_OK && m.sums[i].index.count > 0) {
			r = port_index_each(&m.sums[i].index, compare_main_port, &best);
			g->countries.items[i].main_key = best.key;
		}
		port_sums_fini(&m.sums[i]);
	}
	free(m.sums);
	return r;
}

/* ---- 国内発・国外発 ---------------------------------------------------------------------------- */

static int read_home(void *arg, size_t sensor, uint32_t key, const double *sums)
{
	struct gather *g = arg;
	const struct report_weight *weight = &g->weights[g->options->basis][sensor];
	struct gather_item *item = gather_item_get(&g->home, key);

	report_measure_add(&item->rate, weight, sums[0], sums[1]);
	report_measure_add(&g->home_access, weight, sums[0], sums[1]);
	item->packets += sums[0];
	return ST_OK;
}

static int ask_home(struct gather *g, struct err *err)
{
	struct store_param params[] = {
		{.name = "from_day"}, {.name = "to_day"},
		{.name = "home", .kind = STORE_PARAM_TEXT, .text = g->options->home_country},
		{.name = "ranked_ports"},
	};
	struct port_sums *sums = gather_alloc(g->sensor_count, sizeof(*sums));
	int r;

	for (size_t i = 0; i < g->sensor_count; i++)
		sums[i].width = 2;
	r = port_sums_ask(g, "report_home_ports", params, 4, 0, sums, err);
	if (r == ST_OK)
		r = port_sums_each(g, sums, read_home, g);
	for (size_t i = 0; i < g->sensor_count; i++)
		port_sums_fini(&sums[i]);
	free(sums);
	if (r == ST_OK)
		gather_rank(&g->home);
	return r;
}

/* Never below zero: both come from the same packets, but sums of doubles differ in the last bit. */
static double less(double all, double part)
{
	double rest = all - part;

	return rest > all * 1e-12 ? rest : 0;
}

static void make_abroad(struct gather *g)
{
	for (size_t i = 0; i < g->ports.count; i++) {
		const struct gather_item *all = &g->ports.items[i];
		const struct gather_item *home = gather_item_find(&g->home, all->key);
		struct gather_item *item = gather_item_get(&g->abroad, all->key);

		item->rate = all->rate;
		item->packets = all->packets - (home ? home->packets : 0);
		if (!home)
			continue;
		item->rate.now = less(all->rate.now, home->rate.now);
		item->rate.before = less(all->rate.before, home->rate.before);
		item->rate.panel_now = less(all->rate.panel_now, home->rate.panel_now);
		item->rate.panel_before = less(all->rate.panel_before, home->rate.panel_before);
	}
	gather_rank(&g->abroad);
}

/* ---- what explains the changes --------------------------------------------------------------- */

static double difference(const struct report_measure *m)
{
	return m->panel_now - m->panel_before;
}

/* The ports with the largest rises (sign +1) or falls (−1), largest first. */
static size_t pick_movers(const struct gather *g, double sign, struct gather_mover *ret_movers)
{
	size_t count = 0;

	for (size_t i = 0; i < g->ports.count; i++) {
		const struct gather_item *item = &g->ports.items[i];
		double moved = sign * difference(&item->rate);
		size_t at = count;

		if (moved <= 0)
			continue;
		while (at > 0 && sign * difference(&ret_movers[at - 1].rate) < moved)
			at--;
		if (at == GATHER_MOVERS_MAX)
			continue;
		if (count < GATHER_MOVERS_MAX)
			count++;
		for (size_t j = count - 1; j > at; j--)
			ret_movers[j] = ret_movers[j - 1];
		ret_movers[at] = (struct gather_mover){.key = item->key, .rate = item->rate};
	}
	return count;
}

/* The country and the sensor whose difference goes furthest in the port's direction. */
static void explain_mover(struct gather *g, struct gather_mover *m,
    const struct store_result *result)
{
	struct gather_list countries = {0};
	double *sensors = gather_alloc(g->sensor_count, sizeof(*sensors));
	double sign = difference(&m->rate) < 0 ? -1 : 1;

	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		const char *code = store_result_text(result, i, 1);
		struct report_measure part = {0};
		struct gather_item *item;

		if (sensor == SIZE_MAX || (uint32_t)store_result_int(result, i, 2) != m->key)
			continue;
		report_measure_add(&part, &g->weights[g->options->basis][sensor],
		    store_result_real(result, i, 3), store_result_real(result, i, 4));
		item = gather_item_get(&countries, gather_country_key(code));
		(void)memcpy(item->country, strlen(code) == 2 ? code : "ZZ", 2);
		item->rate.panel_now += part.panel_now;
		item->rate.panel_before += part.panel_before;
		sensors[sensor] += difference(&part);
	}
	m->sensor = SIZE_MAX;
	for (size_t i = 0; i < g->sensor_count; i++)
		if (sign * sensors[i] > sign * m->sensor_difference) {
			m->sensor = i;
			m->sensor_difference = sensors[i];
		}
	for (size_t i = 0; i < countries.count; i++) {
		double moved = difference(&countries.items[i].rate);

		if (sign * moved > sign * m->country_difference
		    || (moved == m->country_difference && m->country[0]
		        && memcmp(countries.items[i].country, m->country, 2) < 0)) {
			m->country_difference = moved;
			memcpy(m->country, countries.items[i].country, 2);
		}
	}
	free(sensors);
	gather_list_fini(&countries);
}

static int ask_movers(struct gather *g, struct err *err)
{
	int64_t targets[2 * GATHER_MOVERS_MAX + GATHER_CONTRIBUTION_PORTS];
	struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}, {.name = "target"},
		{.name = "panel"},
		{.name = "targets", .kind = STORE_PARAM_INTS, .ints = targets},
		{.name = "ranked_ports"}, {.name = "ports", .kind = STORE_PARAM_SQL},
	};
	struct store_result *result = NULL;
	struct gather_ports ports;
	struct gather_mover falls[GATHER_MOVERS_MAX];
	size_t count;
	int r;

	g->rise_count = pick_movers(g, 1, g->movers);
	g->fall_count = pick_movers(g, -1, falls);
	memcpy(g->movers + g->rise_count, falls, g->fall_count * sizeof(*falls));
	count = g->rise_count + g->fall_count;
	if (count == 0)
		return ST_OK;
	for (size_t i = 0; i < count; i++)
		targets[i] = g->movers[i].key;
	params[5].int_count = gather_contribution_ports(g, targets, count);
	r = gather_ports_begin(g, targets, params[5].int_count, &ports, err);
	params[7].text = ports.sql;
	if (r == ST_OK)
		r = gather_ask(g, "report_movers", params, 8, &result, err);
	gather_ports_end(g, &ports);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		explain_mover(g, &g->movers[i], result);
	gather_contributions(g, result);
	store_result_free(result);
	return ST_OK;
}

/* Countries near the top whose change is large; returns their number. */
static size_t moved_countries(const struct gather *g, const struct gather_item **ret_items)
{
	size_t count = 0;

	for (size_t i = 0; i < g->countries.count && count < COUNTRIES_MOVED_MAX; i++) {
		const struct gather_item *item = &g->countries.items[i];
		struct report_change change = report_change_of(&item->rate, g->has_before);
		bool watched = (item->rank && item->rank <= COUNTRY_RANK_WATCHED)
		    || (item->rank_before && item->rank_before <= COUNTRY_RANK_WATCHED);

		if (memcmp(item->country, "ZZ", 2) == 0)
			continue;
		if (watched && (change.state == REPORT_CHANGE_UP
		    || change.state == REPORT_CHANGE_DOWN)
		    && fabs(change.percent) >= COUNTRY_MOVE_PERCENT
		    && isalpha((unsigned char)item->country[0])
		    && isalpha((unsigned char)item->country[1]))
			ret_items[count++] = item;
	}
	return count;
}

/* Panel difference of packets, put on the observed time of now. */
static double panel_difference(const struct gather *g, double now, double before)
{
	double days_now = 0;
	double days_before = 0;

	for (size_t i = 0; i < g->sensor_count; i++)
		if (g->sensors[i].panel) {
			days_now += g->sensors[i].now.address_days;
			days_before += g->sensors[i].before.address_days;
		}
	return days_before > 0 ? now - before * days_now / days_before : 0;
}

static void explain_countries(struct gather *g, const struct store_result *result,
    const struct gather_item *const *items, size_t count)
{
	g->country_moves = gather_alloc(count, sizeof(*g->country_moves));
	for (size_t c = 0; c < count; c++) {
		struct gather_country_move best = {.packets = 0};
		double whole = 0;
		double sign = difference(&items[c]->rate) < 0 ? -1 : 1;

		for (size_t i = 0; i < store_result_rows(result); i++) {
			double moved;

			if (memcmp(store_result_text(result, i, 0), items[c]->country, 2) != 0)
				continue;
			moved = panel_difference(g, store_result_real(result, i, 2),
			    store_result_real(result, i, 3));
			whole += moved;
			if (sign * moved > sign * best.packets) {
				best.packets = moved;
				best.key = (uint32_t)store_result_int(result, i, 1);
			}
		}
		if (best.packets == 0 || fabs(best.packets) < EXPLAIN_LEAST * fabs(whole))
			continue;
		memcpy(best.country, items[c]->country, 2);
		g->country_moves[g->country_move_count++] = best;
	}
}

static int ask_country_moves(struct gather *g, struct err *err)
{
	const struct gather_item *items[COUNTRIES_MOVED_MAX];
	size_t count = moved_countries(g, items);
	struct store_param params[] = {
		{.name = "from_day"}, {.name = "now_day"}, {.name = "to_day"}, {.name = "target"},
		{.name = "panel"}, {.name = "countries", .kind = STORE_PARAM_SQL},
		{.name = "least", .kind = STORE_PARAM_INT, .int_value = 1},
		{.name = "ranked"},
	};
	struct store_result *result = NULL;
	struct buf codes = {0};
	int r;

	if (count == 0)
		return ST_OK;
	for (size_t i = 0; i < count; i++)
		buf_printf(&codes, "%s'%.2s'", i ? ", " : "", items[i]->country);
	params[5].text = buf_text(&codes);
	r = gather_ask(g, "report_country_moves", params, 8, &result, err);
	buf_fini(&codes);
	if (r < 0)
		return r;
	explain_countries(g, result, items, count);
	store_result_free(result);
	return ST_OK;
}

int gather_countries(struct gather *g, struct err *err)
{
	int r = ask_countries(g, "report_countries", true, g->options->basis, &g->countries, err);

	if (r == ST_OK)
		r = ask_main_ports(g, err);
	if (r == ST_OK && g->options->home_country && g->options->home_country[0]) {
		r = ask_home(g, err);
		if (r == ST_OK)
			make_abroad(g);
	}
	return r;
}

int gather_movers(struct gather *g, struct err *err)
{
	int r;

	if (!g->has_before)
		return ST_OK;
	r = ask_movers(g, err);
	if (r == ST_OK)
		r = ask_country_moves(g, err);
	return r;
}
