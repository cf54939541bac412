/*
 * Matches of signatures: by attack method and country, per day, and the signatures that are new.
 *
 * A match is counted before the rule's own threshold.  Only the time that a sensor matched with
 * rules is observed here; a store that does not know (its captures were analysed by an older
 * Teiten) is taken to have matched wherever something matched.  Sources are counted in SQL and
 * their addresses never read.
 */
#include "report/gather.h"

#include "base/buf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
	size_t len = strlen(text);
	char *copy = gather_alloc(len + 1, 1);

	memcpy(copy, text, len);
	return copy;
}

/* ---- who matched when ------------------------------------------------------------------------ */

/* What is known about the rules of both periods. */
struct rules_known {
	struct store_rules *items;
	size_t count;
	bool *matched_now; /* [sensor_count] */
	bool *matched_before;
};

/* Rules are known from packet to packet, both of which they matched. */
static bool overlaps(const struct store_rules *rules, uint16_t sensor, int64_t from, int64_t to)
{
	return rules->sensor == sensor && rules->from < to && rules->to >= from;
}

static bool has_rules_row(const struct rules_known *known, uint16_t sensor, int64_t from,
    int64_t to)
{
	for (size_t i = 0; i < known->count; i++)
		if (overlaps(&known->items[i], sensor, from, to))
			return true;
	return false;
}

/* Spans of a sensor in which it matched, into `spans`; returns their number. */
static size_t keep_spans(const struct gather *g, const struct rules_known *known, size_t sensor,
    struct report_span *spans)
{
	const struct gather_sensor *s = &g->sensors[sensor];
	int64_t first = g->day_start[0];
	int64_t middle = g->day_start[g->now.from - g->first];
	int64_t last = g->day_start[g->day_count];
	bool assumed_now = known->matched_now[sensor] && !has_rules_row(known, s->id, middle, last);
	bool assumed_before = known->matched_before[sensor]
	    && !has_rules_row(known, s->id, first, middle);
	size_t count = 0;

	for (size_t i = 0; i < s->span_count; i++) {
		bool now = s->spans[i].from >= middle;

		if (now ? assumed_now : assumed_before)
			spans[count++] = s->spans[i];
		else if (has_rules_row(known, s->id, s->spans[i].from, s->spans[i].to))
			spans[count++] = s->spans[i];
	}
	return count;
}

static void observe(struct gather *g, const struct rules_known *known)
{
	struct gather_alerts *a = &g->alerts;
	struct report_observed *now = gather_alloc(g->sensor_count, sizeof(*now));
	struct report_observed *before = gather_alloc(g->sensor_count, sizeof(*before));

	a->days = gather_alloc(g->sensor_count, sizeof(*a->days));
	a->panel = gather_alloc(g->sensor_count, sizeof(*a->panel));
	a->weights = gather_alloc(g->sensor_count, sizeof(*a->weights));
	for (size_t i = 0; i < g->sensor_count; i++) {
		struct report_span *spans = gather_alloc(g->sensors[i].span_count, sizeof(*spans));
		size_t count = keep_spans(g, known, i, spans);

		a->days[i] = gather_alloc(g->day_count, sizeof(**a->days));
		for (size_t d = 0; d < g->day_count; d++) {
			bool is_now = g->first + (int32_t)d >= g->now.from;
			struct report_observed *sum = is_now ? &now[i] : &before[i];

			a->days[i][d] = report_observed_union(spans, count, g->day_start[d],
			    g->day_start[d + 1]);
			sum->days += a->days[i][d].days;
			sum->address_days += a->days[i][d].address_days;
		}
		free(spans);
		a->panel[i] = now[i].days > 0 && before[i].days > 0;
		a->sensors_now += now[i].days > 0;
		a->sensors_before += before[i].days > 0;
		a->panel_count += a->panel[i];
	}
	report_weights(g->options->basis, now, before, a->panel, g->sensor_count, a->weights);
	for (size_t i = 0; g->counts && i < g->sensor_count; i++)
		a->weights[i] = (struct report_weight){.now = now[i].days > 0};
	free(now);
	free(before);
}

/* The newest edition of now, and how many there are in both periods. */
static void note_editions(struct gather *g, const struct rules_known *known)
{
	struct gather_alerts *a = &g->alerts;
	const struct store_rules *newest = NULL;
	int64_t middle = g->day_start[g->now.from - g->first];

	for (size_t i = 0; i < known->count; i++) {
		const struct store_rules *rules = &known->items[i];
		size_t before = 0;

		while (before < i && strcmp(known->items[before].digest, rules->digest) != 0)
			before++;
		a->editions += before == i;
		if (rules->to >= middle && (!newest || rules->to > newest->to))
			newest = rules;
	}
	if (!newest)
		return;
	a->rules = newest->rules;
	a->rules_updated = newest->updated;
	memcpy(a->rules_digest, newest->digest, sizeof(a->rules_digest));
}

static int know_rules(struct gather *g, const struct store_result *result, struct err *err)
{
	struct rules_known known = {
		.matched_now = gather_alloc(g->sensor_count, sizeof(bool)),
		.matched_before = gather_alloc(g->sensor_count, sizeof(bool)),
	};
	int r = store_rules_list(g->store, g->day_start[0], g->day_start[g->day_count],
	    &known.items, &known.count, err);

	if (r < 0)
		goto out;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));

		if (sensor == SIZE_MAX)
			continue;
		known.matched_now[sensor] |= store_result_real(result, i, 5) > 0;
		known.matched_before[sensor] |= store_result_real(result, i, 6) > 0;
	}
	observe(g, &known);
	note_editions(g, &known);
out:
	free(known.items);
	free(known.matched_now);
	free(known.matched_before);
	return r;
}

/* ---- methods and signatures ------------------------------------------------------------------ */

static struct classmap_rule rule_of(const struct store_result *result, size_t row)
{
	return (struct classmap_rule){
		.gid = (uint32_t)store_result_uint(result, row, 1),
		.sid = (uint32_t)store_result_uint(result, row, 2),
		.classtype = store_result_text(result, row, 3),
		.msg = store_result_text(result, row, 4),
	};
}

/* One signature: rows [from, to) are its sensors. */
static void add_signature(struct gather *g, const struct store_result *result, size_t from,
    size_t to)
{
	struct gather_alerts *a = &g->alerts;
	struct classmap_rule rule = rule_of(result, from);
	size_t class = classmap_find(g->classes, &rule);
	struct gather_method *method = &a->methods[class];
	struct gather_fresh fresh = {.gid = rule.gid, .sid = rule.sid, .class = class};
	double before = 0;

	for (size_t i = from; i < to; i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		double now = store_result_real(result, i, 5);
		double then = store_result_real(result, i, 6);

		if (sensor == SIZE_MAX)
			continue;
		report_measure_add(&method->rate, &a->weights[sensor], now, then);
		report_measure_add(&a->rate, &a->weights[sensor], now, then);
		fresh.count += now;
		fresh.sensors += now > 0;
		before += then;
	}
	method->count += fresh.count;
	a->count += fresh.count;
	if (fresh.count > method->main_count) {
		free(method->main);
		method->main = copy_text(rule.msg);
		method->main_count = fresh.count;
	}
	if (fresh.count > 0 && before <= 0) {
		fresh.msg = copy_text(rule.msg);
		a->fresh[a->fresh_count++] = fresh;
	}
}

/* How many methods stand above one, by the rates now or before; その他 stands in no ranking. */
static unsigned rank_of(const struct gather *g, size_t at, bool before)
{
	const struct gather_alerts *a = &g->alerts;
	const struct gather_method *own = &a->methods[at];
	double rate = gather_order(before ? own->rate.before : own->rate.now);
	unsigned above = 0;

	if (rate <= 0 || own->class == classmap_rest(g->classes))
		return 0;
	for (size_t i = 0; i < a->method_count; i++) {
		const struct gather_method *m = &a->methods[i];
		double other = gather_order(before ? m->rate.before : m->rate.now);

		if (m->class != classmap_rest(g->classes)
		    && (other > rate || (other == rate && m->class < own->class)))
			above++;
	}
	return above + 1;
}

static int compare_methods(const void *pa, const void *pb)
{
	const struct gather_method *a = pa;
	const struct gather_method *b = pb;

	if (a->rank != b->rank && a->rank && b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (!a->rank != !b->rank)
		return a->rank ? -1 : 1;
	return a->class < b->class ? -1 : a->class > b->class;
}

static void sum_up(struct gather *g, const struct store_result *result)
{
	struct gather_alerts *a = &g->alerts;
	size_t rows = store_result_rows(result);

	a->method_count = classmap_count(g->classes);
	a->methods = gather_alloc(a->method_count, sizeof(*a->methods));
	a->fresh = gather_alloc(rows, sizeof(*a->fresh));
	for (size_t i = 0; i < a->method_count; i++)
		a->methods[i].class = i;
	for (size_t from = 0; from < rows;) {
		size_t to = from + 1;

		while (to < rows && store_result_uint(result, to, 1) == store_result_uint(result,
		    from, 1) && store_result_uint(result, to, 2) == store_result_uint(result, from, 2))
			to++;
		add_signature(g, result, from, to);
		from = to;
	}
	for (size_t i = 0; i < a->method_count; i++) {
		a->methods[i].rank = rank_of(g, i, false);
		a->methods[i].rank_before = rank_of(g, i, true);
	}
	qsort(a->methods, a->method_count, sizeof(*a->methods), compare_methods);
}

static int ask_signatures(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from"}, {.name = "now"}, {.name = "to"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_alerts", params, 3, &result, err);

	if (r == ST_OK)
		r = know_rules(g, result, err);
	if (r == ST_OK)
		sum_up(g, result);
	store_result_free(result);
	return r;
}

/* ---- new signatures -------------------------------------------------------------------------- */

static int compare_fresh(const void *pa, const void *pb)
{
	const struct gather_fresh *a = pa;
	const struct gather_fresh *b = pb;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	if (a->gid != b->gid)
		return a->gid < b->gid ? -1 : 1;
	return a->sid < b->sid ? -1 : a->sid > b->sid;
}

/* Whether rules were used at any time before the period: else everything would be new. */
static int ask_history(struct gather *g, struct err *err)
{
	struct store_rules *rules = NULL;
	size_t count = 0;
	int r;

	g->alerts.has_history = g->alerts.sensors_before > 0;
	if (g->alerts.has_history)
		return ST_OK;
	r = store_rules_list(g->store, 0, g->day_start[g->now.from - g->first], &rules, &count, err);
	if (r == ST_OK)
		for (size_t i = 0; i < count; i++)
			g->alerts.has_history |=
			    rules[i].from < g->day_start[g->now.from - g->first];
	free(rules);
	return r;
}

/* Takes out those that matched earlier than the previous period. */
static void drop_seen(struct gather_alerts *a, const struct store_result *result)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->fresh_count; i++) {
		bool seen = false;

		for (size_t row = 0; row < store_result_rows(result) && !seen; row++)
			seen = store_result_uint(result, row, 0) == a->fresh[i].gid
			    && store_result_uint(result, row, 1) == a->fresh[i].sid;
		if (seen)
			free(a->fresh[i].msg);
		else
			a->fresh[kept++] = a->fresh[i];
	}
	a->fresh_count = kept;
}

static int ask_fresh(struct gather *g, struct err *err)
{
	struct gather_alerts *a = &g->alerts;
	int64_t *sids;
	struct store_param params[2];
	struct store_result *result = NULL;
	int32_t first;
	int32_t last;
	int r = ask_history(g, err);

	if (r < 0 || a->fresh_count == 0 || !a->has_history)
		return r;
	r = store_days(g->store, &first, &last, err);
	if (r < 0)
		return r;
	sids = gather_alloc(a->fresh_count, sizeof(*sids));
	for (size_t i = 0; i < a->fresh_count; i++)
		sids[i] = a->fresh[i].sid;
	params[0] = (struct store_param){.name = "sids", .kind = STORE_PARAM_INTS, .ints = sids,
	    .int_count = a->fresh_count};
	params[1] = (struct store_param){.name = "until", .kind = STORE_PARAM_TIME,
	    .int_value = g->day_start[g->now.from - g->first]};
	if (first < g->now.from) {
		r = store_ask(g->store, "report_alert_first", params, 2, first, g->now.from, &result,
		    err);
		if (r == ST_OK)
			drop_seen(a, result);
	}
	free(sids);
	store_result_free(result);
	qsort(a->fresh, a->fresh_count, sizeof(*a->fresh), compare_fresh);
	a->fresh_more = a->fresh_count > GATHER_FRESH_MAX ? a->fresh_count - GATHER_FRESH_MAX : 0;
	return r;
}

/* ---- countries and days ---------------------------------------------------------------------- */

static int ask_countries(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {
		{.name = "from"}, {.name = "now"}, {.name = "to"},
	};
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_alert_countries", params, 3, &result, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 0));
		const char *code = store_result_text(result, i, 1);
		struct gather_item *item;

		if (sensor == SIZE_MAX)
			continue;
		if (strlen(code) != 2)
			code = "ZZ";
		item = gather_item_get(&g->alerts.countries, gather_country_key(code));
		memcpy(item->country, code, 2);
		report_measure_add(&item->rate, &g->alerts.weights[sensor],
		    store_result_real(result, i, 2), store_result_real(result, i, 3));
		item->packets += store_result_real(result, i, 2);
	}
	store_result_free(result);
	gather_rank(&g->alerts.countries);
	return ST_OK;
}

/* What one match of a sensor is worth on one day. */
static double day_weight(const struct gather *g, size_t day, size_t sensor)
{
	struct report_observed *const *days = g->alerts.days;
	double address_days = 0;
	size_t sensors = 0;

	if (days[sensor][day].days <= 0)
		return 0;
	if (g->counts)
		return 1;
	for (size_t i = 0; i < g->sensor_count; i++) {
		address_days += days[i][day].address_days;
		sensors += days[i][day].days > 0;
	}
	switch (g->options->basis) {
	case REPORT_BASIS_ADDRESS:
		return 1 / address_days;
	case REPORT_BASIS_SENSOR_MEAN:
		return 1 / (days[sensor][day].days * (double)sensors);
	case REPORT_BASIS_TOTAL:
	case REPORT_BASIS_COUNT:
		break;
	}
	return 1 / days[sensor][day].days;
}

static int ask_days(struct gather *g, struct err *err)
{
	static const struct store_param params[] = {{.name = "from"}, {.name = "to"}};
	struct gather_alerts *a = &g->alerts;
	struct store_result *result = NULL;
	int r = gather_ask(g, "report_alert_days", params, 2, &result, err);

	if (r < 0)
		return r;
	a->matches_days = gather_alloc(g->day_count, sizeof(*a->matches_days));
	for (size_t d = 0; d < g->day_count; d++) {
		double observed = 0;

		for (size_t i = 0; i < g->sensor_count; i++)
			observed += a->days[i][d].days;
		a->matches_days[d] = gather_day_counts(g, observed) ? 0 : NAN;
	}
	for (size_t i = 0; i < store_result_rows(result); i++) {
		int64_t day = store_result_int(result, i, 0) - g->first;
		size_t sensor = gather_sensor_find(g, (uint16_t)store_result_int(result, i, 1));

		if (day >= 0 && day < (int64_t)g->day_count && sensor != SIZE_MAX)
			a->matches_days[day] += store_result_real(result, i, 2)
			    * day_weight(g, (size_t)day, sensor);
	}
	store_result_free(result);
	return ST_OK;
}

/* Days with rules, of all sensors or of the panel. */
static double rule_days(const struct gather *g, bool is_now, bool panel)
{
	double days = 0;

	for (size_t d = 0; d < g->day_count; d++) {
		bool any = false;

		if ((g->first + (int32_t)d >= g->now.from) != is_now)
			continue;
		for (size_t i = 0; i < g->sensor_count; i++)
			any |= g->alerts.days[i][d].days > 0 && (!panel || g->alerts.panel[i]);
		days += any;
	}
	return days;
}

/* SQL: whether some sensor of a group is of the panel. */
static void put_both(const struct gather *g, struct buf *b)
{
	size_t count = 0;

	buf_puts(b, "max(CASE WHEN sensor IN (");
	for (size_t i = 0; i < g->sensor_count; i++)
		if (g->alerts.panel[i])
			buf_printf(b, "%s%u", count++ ? ", " : "", (unsigned)g->sensors[i].id);
	buf_puts(b, count ? ") THEN 1 ELSE 0 END)" : "-1) THEN 1 ELSE 0 END)");
}

static int ask_sources(struct gather *g, struct err *err)
{
	struct report_measure sum = {0};
	struct store_result *result = NULL;
	struct buf both = {0};
	struct store_param params[] = {
		{.name = "from"}, {.name = "to"}, {.name = "both", .kind = STORE_PARAM_SQL},
	};
	int r;

	put_both(g, &both);
	params[2].text = buf_text(&both);
	r = gather_ask(g, "report_alert_sources", params, 3, &result, err);
	buf_fini(&both);
	if (r < 0)
		return r;
	for (size_t i = 0; i < store_result_rows(result); i++) {
		bool is_now = store_result_int(result, i, 0) >= g->now.from;

		*(is_now ? &sum.now : &sum.before) += store_result_real(result, i, 1);
		*(is_now ? &sum.panel_now : &sum.panel_before) += store_result_real(result, i, 2);
	}
	store_result_free(result);
	sum.now /= fmax(rule_days(g, true, false), 1);
	sum.before /= fmax(rule_days(g, false, false), 1);
	sum.panel_now /= fmax(rule_days(g, true, true), 1);
	sum.panel_before /= fmax(rule_days(g, false, true), 1);
	g->alerts.sources = sum;
	return ST_OK;
}

int gather_alerts(struct gather *g, struct err *err)
{
	int r = ask_signatures(g, err);

	/* Where nothing ever matched there is nothing more to be asked. */
	if (r < 0 || (g->alerts.rate.now <= 0 && g->alerts.rate.before <= 0))
		return r;
	r = ask_fresh(g, err);
	if (r == ST_OK)
		r = ask_countries(g, err);
	if (r == ST_OK)
		r = ask_days(g, err);
	if (r == ST_OK)
		r = ask_sources(g, err);
	return r;
}

void gather_alerts_fini(struct gather *g)
{
	struct gather_alerts *a = &g->alerts;

	for (size_t i = 0; a->days && i < g->sensor_count; i++)
		free(a->days[i]);
	for (size_t i = 0; i < a->method_count; i++)
		free(a->methods[i].main);
	for (size_t i = 0; i < a->fresh_count; i++)
		free(a->fresh[i].msg);
	free(a->days);
	free(a->weights);
	free(a->panel);
	free(a->methods);
	free(a->fresh);
	free(a->matches_days);
	gather_list_fini(&a->countries);
}
