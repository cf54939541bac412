/*
 * What every gathering step shares: parameters of questions, keyed lists, ranking.
 *
 * A question names only the parameters its SQL uses; their values are the same for all of them.
 */
#include "report/gather.h"

#include "report/ranked.h"

#include "base/buf.h"
#include "base/civil.h"
#include "base/hash.h"
#include "base/zone.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_FIRST 256
#define ORDER_BITS 40

void *gather_alloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory) {
		(void)fputs("report: out of memory\n", stderr);
		abort();
	}
	return memory;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static void list_index(struct gather_list *list, size_t item)
{
	size_t at = hash_u64(list->items[item].key) & (list->table_size - 1);

	while (list->table[at])
		at = (at + 1) & (list->table_size - 1);
	list->table[at] = (uint32_t)item + 1;
}

static void list_reindex(struct gather_list *list)
{
	memset(list->table, 0, list->table_size * sizeof(*list->table));
	for (size_t i = 0; i < list->count; i++)
		list_index(list, i);
}

static void list_grow(struct gather_list *list)
{
	size_t cap = list->cap ? list->cap * 2 : LIST_FIRST;
	struct gather_item *items = gather_alloc(cap, sizeof(*items));

	if (list->count)
		memcpy(items, list->items, list->count * sizeof(*items));
	free(list->items);
	free(list->table);
	list->items = items;
	list->cap = cap;
	list->table_size = cap * 2;
	list->table = gather_alloc(list->table_size, sizeof(*list->table));
	list_reindex(list);
}

struct gather_item *gather_item_find(const struct gather_list *list, uint32_t key)
{
	size_t at;

	if (!list->table_size)
		return NULL;
	at = hash_u64(key) & (list->table_size - 1);
	for (; list->table[at]; at = (at + 1) & (list->table_size - 1))
		if (list->items[list->table[at] - 1].key == key)
			return &list->items[list->table[at] - 1];
	return NULL;
}

struct gather_item *gather_item_get(struct gather_list *list, uint32_t key)
{
	struct gather_item *item = gather_item_find(list, key);

	if (item)
		return item;
	if (list->count == list->cap)
		list_grow(list);
	item = &list->items[list->count];
	memset(item, 0, sizeof(*item));
	item->key = key;
	list_index(list, list->count++);
	return item;
}

uint32_t gather_country_key(const char *code)
{
	return (uint32_t)(unsigned char)code[0] << 8 | (code[0] ? (unsigned char)code[1] : 0u);
}

void gather_list_fini(struct gather_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].days);
	free(list->items);
	free(list->table);
	memset(list, 0, sizeof(*list));
}

static int compare_keys(const struct gather_item *a, const struct gather_item *b)
{
	/* Port number first, so that 53/TCP and 53/UDP come before 80/TCP. */
	if (GATHER_PORT(a->key) != GATHER_PORT(b->key))
		return GATHER_PORT(a->key) < GATHER_PORT(b->key) ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

double gather_order(double rate)
{
	int exponent;
	double mantissa = frexp(rate, &exponent);

	return ldexp(floor(ldexp(mantissa, ORDER_BITS) + 0.5), exponent - ORDER_BITS);
}

static int compare_before(const void *pa, const void *pb)
{
	const struct gather_item *a = pa;
	const struct gather_item *b = pb;

	if (a->order != b->order)
		return a->order > b->order ? -1 : 1;
	return compare_keys(a, b);
}

static int compare_now(const void *pa, const void *pb)
{
	const struct gather_item *a = pa;
	const struct gather_item *b = pb;

	if (a->order != b->order)
		return a->order > b->order ? -1 : 1;
	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	return compare_keys(a, b);
}

void gather_rank(struct gather_list *list)
{
	if (!list->count)
		return;
	for (size_t i = 0; i < list->count; i++)
		list->items[i].order = gather_order(list->items[i].rate.before);
	qsort(list->items, list->count, sizeof(*list->items), compare_before);
	for (size_t i = 0; i < list->count; i++)
		list->items[i].rank_before = list->items[i].rate.before > 0 ? (unsigned)i + 1 : 0;
	for (size_t i = 0; i < list->count; i++)
		list->items[i].order = gather_order(list->items[i].rate.now);
	qsort(list->items, list->count, sizeof(*list->items), compare_now);
	for (size_t i = 0; i < list->count; i++)
		list->items[i].rank = list->items[i].rate.now > 0 ? (unsigned)i + 1 : 0;
	list_reindex(list);
}

size_t gather_sensor_find(const struct gather *g, uint16_t id)
{
	for (size_t i = 0; i < g->sensor_count; i++)
		if (g->sensors[i].id == id)
			return i;
	return SIZE_MAX;
}

/* ---- questions ------------------------------------------------------------------------------- */

/* "1, 2, 3": the panel's numbers; a list is never empty in SQL. */
static void put_panel(const struct gather *g, struct buf *b)
{
	size_t count = 0;

	for (size_t i = 0; i < g->sensor_count; i++)
		if (g->sensors[i].panel)
			buf_printf(b, "%s%u", count++ ? ", " : "", (unsigned)g->sensors[i].id);
	if (count == 0)
		buf_puts(b, "-1");
}

/* Whether some sensor of a group is of the panel; a constant where that is known beforehand. */
static void put_in_panel(const struct gather *g, struct buf *b)
{
	if (!g->has_before || !g->panel_differs) {
		buf_puts(b, g->has_before ? "1" : "0");
		return;
	}
	buf_puts(b, "max(CASE WHEN sensor IN (");
	put_panel(g, b);
	buf_puts(b, ") THEN 1 ELSE 0 END)");
}

const char *gather_target_sql(const struct gather *g)
{
	return g->options->icmp_zero
	    ? "CASE WHEN proto = 1 OR proto = 58 THEN proto * 65536 ELSE proto * 65536 + port END"
	    : "(proto * 65536 + port)";
}

/* What a ranking counts; NULL: another parameter. */
static const char *ranked_param(const struct gather *g, const char *name)
{
	const struct {
		const char *name;
		const struct buf *sql;
	} params[] = {
		{"ranked", &g->ranked}, {"ranked_ports", &g->ranked_ports},
		{"ranked_origins", &g->ranked_origins}, {"ranked_port_days", &g->ranked_port_days},
		{"ranked_together", &g->ranked_together},
	};

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		if (strcmp(name, params[i].name) == 0)
			return buf_text(params[i].sql);
	return NULL;
}

/* Fills a common parameter by its name; false when the name is the question's own. */
static bool common_param(const struct gather *g, const char *name, struct buf *text,
    struct store_param *ret_param)
{
	size_t now = (size_t)(g->now.from - g->first);
	size_t at = name[0] == 'f' ? 0 : name[0] == 'n' ? now : g->day_count;
	struct store_param p = {.name = name};

	if (strcmp(name, "from") == 0 || strcmp(name, "now") == 0 || strcmp(name, "to") == 0) {
		p.kind = STORE_PARAM_TIME;
		p.int_value = g->day_start[at];
	} else if (strcmp(name, "from_day") == 0 || strcmp(name, "now_day") == 0
	    || strcmp(name, "to_day") == 0) {
		p.kind = STORE_PARAM_DATE;
		p.int_value = g->first + (int32_t)at;
	} else if (strcmp(name, "target") == 0) {
		p.kind = STORE_PARAM_SQL;
		p.text = gather_target_sql(g);
	} else if (ranked_param(g, name)) {
		p.kind = STORE_PARAM_SQL;
		p.text = ranked_param(g, name);
	} else if (strcmp(name, "panel") == 0 || strcmp(name, "in_panel") == 0) {
		p.kind = STORE_PARAM_SQL;
		if (name[0] == 'p')
			put_panel(g, text);
		else
			put_in_panel(g, text);
		p.text = buf_text(text);
	} else {
		return false;
	}
	*ret_param = p;
	return true;
}

int gather_ask(struct gather *g, const char *question, const struct store_param *params,
    size_t count, struct store_result **ret_result, struct err *err)
{
	struct store_param filled[GATHER_PARAMS_MAX];
	struct buf panel = {0}; /* a question has one of the two panel parameters at most */
	int r;

	if (count > GATHER_PARAMS_MAX)
		count = GATHER_PARAMS_MAX;
	for (size_t i = 0; i < count; i++)
		if (!common_param(g, params[i].name, &panel, &filled[i]))
			filled[i] = params[i];
	r = store_ask(g->store, question, filled, count, g->first, g->now.to, ret_result, err);
	buf_fini(&panel);
	return r;
}

int gather_scan(struct gather *g, const char *question, const struct store_param *params,
    size_t count, int32_t from, store_scan_each *each, void *arg, struct err *err)
{
	struct store_param filled[GATHER_PARAMS_MAX];
	struct buf panel = {0};
	int r;

	if (count > GATHER_PARAMS_MAX)
		count = GATHER_PARAMS_MAX;
	for (size_t i = 0; i < count; i++)
		if (!common_param(g, params[i].name, &panel, &filled[i]))
			filled[i] = params[i];
	r = store_scan(g->store, question, filled, count, from, g->now.to, each, arg, err);
	buf_fini(&panel);
	return r;
}

int gather_ports_begin(struct gather *g, const int64_t *targets, size_t count,
    struct gather_ports *ret_ports, struct err *err)
{
	uint64_t ports[GATHER_PORTS_MAX];
	bool any = count > GATHER_PORTS_MAX;
	int r = ST_OK;

	ret_ports->list = -1;
	for (size_t i = 0; i < count && !any; i++) {
		uint32_t proto = GATHER_PROTO((uint32_t)targets[i]);

		ports[i] = GATHER_PORT((uint32_t)targets[i]);
		any = g->options->icmp_zero && (proto == 1 || proto == 58);
	}
	if (!any)
		r = store_among_begin(g->store, ports, count, &ret_ports->list, err);
	(void)snprintf(ret_ports->sql, sizeof(ret_ports->sql), any ? "1 = 1" : "among(port, %d)",
	    ret_ports->list);
	return r;
}

void gather_ports_end(struct gather *g, struct gather_ports *ports)
{
	store_among_end(g->store, ports->list);
}

void gather_put_days(const struct gather *g, size_t from, size_t to, struct buf *sql)
{
	char text[CIVIL_DATE_TEXT_MAX];

	buf_printf(sql, "(date >= toDate('%s')",
	    civil_format_date(g->first + (int32_t)from, text));
	buf_printf(sql, " AND date < toDate('%s'))",
	    civil_format_date(g->first + (int32_t)to, text));
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Everything but coverage, which the rest needs, and rises, which are asked for beside. */
static int run_sections(struct gather *g, struct err *err)
{
	int r = gather_access(g, err);

	if (r == ST_OK)
		r = gather_countries(g, err);
	if (r == ST_OK) {
		gather_robust(g, &g->ports, &g->port_cells);
		gather_robust(g, &g->countries, &g->country_cells);
		r = gather_movers(g, err);
	}
	if (r == ST_OK)
		r = gather_dos(g, err);
	if (r == ST_OK)
		r = gather_attacks(g, err);
	if (r == ST_OK)
		r = gather_alerts(g, err);
	if (r == ST_OK)
		r = gather_visits(g, err);
	if (r == ST_OK)
		r = gather_logins(g, err);
	if (r == ST_OK)
		r = store_notes(g->store, g->now.from, g->now.to, &g->notes, err);
	return r;
}

int gather_run(struct gather *g, struct err *err)
{
	struct zone *zone = store_zone(g->store);
	unsigned countries = g->options->countries_all ? RANKED_ALL : RANKED_WITHOUT_VICTIMS;
	unsigned ports = g->options->ports_attackers ? RANKED_WITHOUT_VICTIMS : RANKED_ALL;
	struct store_beside *rises = NULL;
	struct err err_rises = {0};
	int r_rises;
	int r;

	g->first = g->before.from < g->before.to ? g->before.from : g->now.from;
	g->day_count = (size_t)(g->now.to - g->first);
	g->day_start = gather_alloc(g->day_count + 1, sizeof(*g->day_start));
	for (size_t i = 0; i <= g->day_count; i++)
		g->day_start[i] = zone_day_start(zone, g->first + (int32_t)i);
	ranked_put(&g->ranked, RANKED_COUNTRY_DAY, countries);
	ranked_put(&g->ranked_origins, RANKED_ORIGIN_DAY, countries);
	ranked_put(&g->ranked_ports, RANKED_COUNTRY_DAY, ports);
	ranked_put(&g->ranked_port_days, RANKED_PORT_DAY, ports);
	ranked_put(&g->ranked_together, RANKED_PORT_TOGETHER, ports);
	r = gather_coverage(g, err);
	/* Captures alone have nothing to compare with. */
	if (r == ST_OK && g->before.from < g->before.to)
		r = store_beside_begin(g->store, gather_rises, g, &rises, err);
	if (r == ST_OK)
		r = run_sections(g, err);
	r_rises = store_beside_end(rises, &err_rises);
	if (r == ST_OK && r_rises) { /* as if they had been asked for last */
		r = r_rises;
		if (err)
			*err = err_rises;
	}
	return r;
}

void gather_fini(struct gather *g)
{
	for (size_t i = 0; i < g->sensor_count; i++) {
		free(g->sensors[i].name);
		free(g->sensors[i].kind);
		free(g->sensors[i].spans);
		free(g->sensors[i].days);
	}
	free(g->sensors);
	buf_fini(&g->ranked);
	buf_fini(&g->ranked_ports);
	buf_fini(&g->ranked_origins);
	buf_fini(&g->ranked_port_days);
	buf_fini(&g->ranked_together);
	for (int i = 0; i < REPORT_BASIS_COUNT; i++)
		free(g->weights[i]);
	gather_list_fini(&g->ports);
	gather_list_fini(&g->countries);
	free(g->port_cells.items);
	free(g->country_cells.items);
	gather_list_fini(&g->home);
	gather_list_fini(&g->abroad);
	gather_list_fini(&g->dos_ports);
	gather_list_fini(&g->dos_countries);
	gather_list_fini(&g->reflections);
	gather_alerts_fini(g);
	gather_rises_fini(g);
	gather_visits_fini(g);
	gather_logins_fini(g);
	note_list_free(&g->notes);
	free(g->country_moves);
	free(g->access_days);
	free(g->dos_days);
	free(g->day_start);
}
