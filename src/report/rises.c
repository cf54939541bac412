/* Rises and falls of a store; the contract is in rises.h. */
#include "report/rises_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_DAYS_MAX 200 /* of several periods in memory at once: a quarter and what is before */

static const char *const kind_names[RISES_KIND_COUNT] = {
    "port", "country", "tool", "signature", "login"};

const char *rises_kind_name(enum rises_kind kind)
{
	return (unsigned)kind < RISES_KIND_COUNT ? kind_names[kind] : "";
}

int rises_kind_find(const char *name, enum rises_kind *ret_kind)
{
	for (unsigned i = 0; i < RISES_KIND_COUNT; i++)
		if (strcmp(name, kind_names[i]) == 0) {
			*ret_kind = (enum rises_kind)i;
			return ST_OK;
		}
	return ST_NOT_FOUND;
}

/* ---- the frame ------------------------------------------------------------------------------- */

static int prepare(struct rises_work *w, struct err *err)
{
	struct gather *g = &w->g;
	struct zone *zone = store_zone(w->store);
	int32_t first;
	int32_t last;
	int rc = store_days(w->store, &first, &last, err);

	if (rc)
		return rc;
	g->store = w->store;
	g->options = &w->report;
	g->now = w->options->period;
	g->first = g->now.from - RISES_HISTORY_DAYS;
	if (g->first < first)
		g->first = first < g->now.from ? first : g->now.from;
	g->before = (struct report_period){.from = g->first, .to = g->now.from};
	if (g->now.to > last + 1 && last + 1 > g->now.from)
		g->now.to = last + 1;
	g->day_count = (size_t)(g->now.to - g->first);
	g->day_start = gather_alloc(g->day_count + 1, sizeof(*g->day_start));
	for (size_t i = 0; i <= g->day_count; i++)
		g->day_start[i] = zone_day_start(zone, g->first + (int32_t)i);
	rc = gather_coverage(g, err);
	if (rc)
		return rc;
	w->exposure = gather_alloc(g->sensor_count * g->day_count, sizeof(double));
	w->nominal = gather_alloc(g->sensor_count, sizeof(double));
	for (size_t i = 0; i < g->sensor_count; i++)
		for (size_t t = 0; t < g->day_count; t++) {
			double days = g->sensors[i].days[t].address_days;

			w->exposure[i * g->day_count + t] = days;
			w->nominal[i] = fmax(w->nominal[i], days);
		}
	w->frame = (struct rise_frame){.sensors = g->sensor_count, .days = g->day_count,
	    .first_day = g->first, .exposure = w->exposure, .nominal = w->nominal};
	return ST_OK;
}

static unsigned history_days(const struct rises_work *w)
{
	size_t period = (size_t)(w->g.now.from - w->g.first);
	unsigned days = 0;

	for (size_t t = 0; t < period; t++)
		for (size_t i = 0; i < w->frame.sensors; i++)
			if (w->exposure[i * w->frame.days + t] > 0) {
				days++;
				break;
			}
	return days;
}

/* ---- findings to rises ----------------------------------------------------------------------- */

/* The earlier finding of the same key and direction, or NULL. */
static const struct rise_finding *earlier_of(const struct rises_found *found, size_t at)
{
	const struct rise_finding *f = &found->findings[at];
	const struct rise_finding *earlier = NULL;

	for (size_t i = 0; i < found->count; i++)
		if (found->findings[i].id == f->id && found->findings[i].direction == f->direction
		    && found->findings[i].to <= f->from)
			earlier = &found->findings[i];
	return earlier;
}

static enum rise_state state_of(const struct rises_work *w, const struct rise_finding *f,
    const struct rise_finding *earlier)
{
	bool began = f->from >= (size_t)(w->g.now.from - w->g.first);

	if (began && earlier)
		return RISE_RECURRED;
	if (!f->going_on)
		return RISE_ENDED;
	return began ? RISE_OPEN : RISE_CONTINUING;
}

static void fill(const struct rises_work *w, enum rises_kind kind, const struct rises_found *found,
    size_t at, struct rise *rise)
{
	const struct rise_finding *f = &found->findings[at];
	const struct rise_finding *earlier = earlier_of(found, at);
	const struct gather *g = &w->g;

	*rise = (struct rise){
		.kind = kind,
		.port_key = found->keys.ports[f->id],
		.direction = f->direction,
		.state = state_of(w, f, earlier),
		.start_us = g->day_start[f->from],
		.end_us = g->day_start[f->to],
		.first_day = g->first + (int32_t)f->from,
		.last_day = g->first + (int32_t)f->to - 1,
		.going_on = f->going_on,
		.slow = f->slow,
		.novel = f->novel,
		.short_history = f->baseline < w->rule.baseline_short,
		.baseline_days = f->baseline,
		.observed = f->observed_rate,
		.expected = f->expected_rate,
		.ratio = f->expected_rate > 0 ? f->observed_rate / f->expected_rate : INFINITY,
		.sources = f->sources,
		.sources_expected = f->sources_expected,
		.log10_p = f->log10_p,
		.locality = f->locality,
		.sensors = f->sensors,
		.risen = f->risen,
		.top_share = f->top_share,
		.effective = f->effective,
		.without_top = f->without_top,
		.mirai_share = NAN,
		.asn_share = NAN,
	};
	(void)snprintf(rise->key, sizeof(rise->key), "%s", found->keys.texts[f->id]);
	(void)snprintf(rise->top_sensor, sizeof(rise->top_sensor), "%s",
	    g->sensor_count ? g->sensors[f->top].name : "");
	if (earlier) {
		rise->earlier_start_us = g->day_start[earlier->from];
		rise->earlier_end_us = g->day_start[earlier->to];
		rise->earlier_first_day = g->first + (int32_t)earlier->from;
		rise->earlier_last_day = g->first + (int32_t)earlier->to - 1;
	}
}

bool rises_overlaps(const struct rises_work *w, const struct rise_finding *f)
{
	return f->to > (size_t)(w->g.now.from - w->g.first);
}

static int append(struct rises_work *w, enum rises_kind kind, const struct rises_found *found,
    size_t at)
{
	if (w->count == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 32;
		struct rise *items = realloc(w->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		w->items = items;
		w->cap = cap;
	}
	fill(w, kind, found, at, &w->items[w->count++]);
	return ST_OK;
}

static int judge_plain(struct rises_work *w, enum rises_kind kind, struct err *err)
{
	struct rises_found found = {0};
	int rc = rises_judge(w, kind, NULL, &found, err);

	for (size_t i = 0; !rc && i < found.count; i++)
		if (rises_overlaps(w, &found.findings[i]) && append(w, kind, &found, i))
			rc = err_set(err, ST_LIMIT, "out of memory");
	rises_found_fini(&found);
	return rc;
}

/* ---- what another rise explains -------------------------------------------------------------- */

/*
 * SQL that is true for packets of ports that rose: they are left out of all days, because what is
 * left must have risen by itself, and leaving out some days only would make falls.
 */
static int explained_sql(const struct rises_work *w, size_t ports, struct buf *b, int *ret_list,
    struct err *err)
{
	uint64_t list[RISES_EXPLAINED_MAX];
	size_t listed = 0;
	int rc;

	/* Ports by themselves first: files that are sorted by them need not be read whole. */
	for (int part = 0; part < 2; part++) {
		size_t count = 0;

		buf_puts(b, part ? " AND (proto * 65536 + port) IN (" : "(port IN (");
		for (size_t i = 0; i < ports && count < RISES_EXPLAINED_MAX; i++) {
			uint32_t key = w->items[i].port_key;

			if (w->items[i].kind != RISES_PORT || w->items[i].direction != RISE_UP)
				continue;
			buf_printf(b, "%s%u", count++ ? "," : "", part ? key : GATHER_PORT(key));
			if (part)
				list[listed++] = GATHER_PORT(key);
		}
		buf_puts(b, count ? ")" : "NULL)");
	}
	rc = store_among_begin(w->store, list, listed, ret_list, err);
	buf_printf(b, " AND among(port, %d))", *ret_list);
	return rc;
}

/* SQL that is true for rows of the keys found in the period. */
static void suspects_sql(const struct rises_work *w, enum rises_kind kind,
    const struct rises_found *found, struct buf *b)
{
	bool country = kind == RISES_COUNTRY;
	size_t count = 0;

	/* As a function of one column, which the engine asks while it reads. */
	buf_puts(b, "has([");
	for (size_t i = 0; i < found->count; i++) {
		const char *key = found->keys.texts[found->findings[i].id];

		if (!rises_overlaps(w, &found->findings[i]))
			continue;
		buf_puts(b, count++ ? "," : "");
		if (country)
			buf_printf(b, "'%.2s'", key);
		else
			buf_printf(b, "%u", rises_mark(key));
	}
	if (count == 0)
		buf_puts(b, country ? "''" : "0");
	buf_puts(b, country ? "], country)" : "], bit)");
}

/* Does the finding stand without the packets of the ports' rises? */
static bool stands(const struct rises_found *all, const struct rise_finding *f,
    const struct rises_found *rest)
{
	for (size_t i = 0; i < rest->count; i++) {
		const struct rise_finding *r = &rest->findings[i];

		if (r->direction == f->direction && r->from < f->to && r->to > f->from
		    && strcmp(rest->keys.texts[r->id], all->keys.texts[f->id]) == 0)
			return true;
	}
	return false;
}

/* The port whose rise overlaps the finding longest. */
static const struct rise *explanation(const struct rises_work *w, size_t ports,
    const struct rise *of)
{
	const struct rise *best = NULL;
	double best_packets = 0;

	for (size_t i = 0; i < ports; i++) {
		const struct rise *r = &w->items[i];
		double packets = r->observed - r->expected;

		if (r->direction == RISE_UP && r->start_us < of->end_us && r->end_us > of->start_us
		    && packets > best_packets) {
			best = r;
			best_packets = packets;
		}
	}
	return best;
}

/* Countries and tools: those that only mirror a port's rise point to it. */
static int judge_mirrored(struct rises_work *w, enum rises_kind kind, size_t ports,
    struct rises *ret, struct err *err)
{
	struct rises_found all = {0};
	struct rises_found rest = {0};
	struct buf sql = {0};
	struct buf suspects = {0};
	int list = -1;
	int rc;

	rc = rises_judge(w, kind, NULL, &all, err);
	if (!rc)
		rc = explained_sql(w, ports, &sql, &list, err);
	suspects_sql(w, kind, &all, &suspects);
	if (!rc && all.count > 0 && ports > 0) {
		const struct rises_rest without = {.of = &all, .suspects = buf_text(&suspects),
		    .explained = buf_text(&sql)};

		rc = rises_judge(w, kind, &without, &rest, err);
	}
	for (size_t i = 0; !rc && i < all.count; i++) {
		const struct rise_finding *f = &all.findings[i];
		const struct rise *why = NULL;

		if (!rises_overlaps(w, f))
			continue;
		if (append(w, kind, &all, i))
			rc = err_set(err, ST_LIMIT, "out of memory");
		if (!rc && ports > 0 && !stands(&all, f, &rest))
			why = explanation(w, ports, &w->items[w->count - 1]);
		if (!why)
			continue;
		ret->explained++;
		(void)snprintf(w->items[w->count - 1].explained_by, 48, "%s", why->key);
		if (!w->options->all)
			w->count--;
	}
	store_among_end(w->store, list);
	rises_found_fini(&all);
	rises_found_fini(&rest);
	buf_fini(&sql);
	buf_fini(&suspects);
	return rc;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int compare(const void *va, const void *vb)
{
	const struct rise *a = va;
	const struct rise *b = vb;
	double change_a = fabs(a->observed - a->expected);
	double change_b = fabs(b->observed - b->expected);

	if (a->direction != b->direction)
		return a->direction < b->direction ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->locality != b->locality)
		return a->locality < b->locality ? -1 : 1;
	if (change_a != change_b)
		return change_a > change_b ? -1 : 1;
	return strcmp(a->key, b->key);
}

static int judge_kinds(struct rises_work *w, struct rises *ret, struct err *err)
{
	unsigned kinds = w->options->kinds ? w->options->kinds : (1u << RISES_KIND_COUNT) - 1;
	unsigned mirrored = 1u << RISES_COUNTRY | 1u << RISES_TOOL;
	size_t ports;
	int rc = kinds & (1u << RISES_PORT | mirrored) ? judge_plain(w, RISES_PORT, err) : ST_OK;

	ports = w->count;
	for (unsigned k = RISES_PORT + 1; !rc && k < RISES_KIND_COUNT; k++) {
		if (!(kinds & 1u << k))
			continue;
		rc = mirrored & 1u << k ? judge_mirrored(w, (enum rises_kind)k, ports, ret, err)
		    : judge_plain(w, (enum rises_kind)k, err);
	}
	if (!rc && !(kinds & 1u << RISES_PORT)) {
		memmove(w->items, w->items + ports, (w->count - ports) * sizeof(*w->items));
		w->count -= ports;
	}
	return rc;
}

static int find(struct rises_work *w, struct rises *ret, struct err *err)
{
	int rc = judge_kinds(w, ret, err);

	for (size_t i = 0; !rc && i < w->count; i++)
		rc = rises_sharpen(w, &w->items[i], err);
	if (!rc)
		rc = rises_evidence(w, err);
	if (!rc)
		ret->history_days = history_days(w);
	if (w->count > 1)
		qsort(w->items, w->count, sizeof(*w->items), compare);
	ret->items = w->items;
	ret->count = w->count;
	w->items = NULL;
	return rc;
}

static void work_fini(struct rises_work *w)
{
	free(w->items);
	free(w->choice.ports);
	free(w->choice.sure);
	free(w->exposure);
	free(w->nominal);
	gather_fini(&w->g);
}

/* Chooses ports in each period and reads the sensors' parts of those of any. */
static int choose(struct rises_work *works, size_t count, struct rises_data *data,
    struct err *err)
{
	bool *wanted = NULL;
	int rc = rises_data_ports(data, err);

	for (size_t i = 0; !rc && i < count; i++)
		rc = rises_choose_ports(&works[i], err);
	if (rc)
		return rc;
	wanted = calloc(data->ports + 1, sizeof(*wanted));
	if (!wanted)
		return err_set(err, ST_LIMIT, "out of memory");
	for (size_t i = 0; i < count; i++)
		for (size_t p = 0; p < works[i].choice.count; p++)
			wanted[works[i].choice.ports[p]] = true;
	rc = rises_data_cells(data, wanted, err);
	free(wanted);
	return rc;
}

/* Does any of the kinds asked for look at ports? */
static bool needs_ports(const struct rises_options *options)
{
	return !options->kinds
	    || options->kinds & (1u << RISES_PORT | 1u << RISES_COUNTRY | 1u << RISES_TOOL);
}

/* All days that the works look at, as one period. */
static void span(const struct rises_work *works, size_t count, int32_t *ret_first, int32_t *ret_to)
{
	*ret_first = works[0].g.first;
	*ret_to = works[0].g.now.to;
	for (size_t i = 1; i < count; i++) {
		if (works[i].g.first < *ret_first)
			*ret_first = works[i].g.first;
		if (works[i].g.now.to > *ret_to)
			*ret_to = works[i].g.now.to;
	}
}

/* Asks before the works go apart what any of them would ask for all. */
static int ask_shared(struct rises_data *data, const struct rises_work *works, size_t count,
    struct err *err)
{
	const struct rises_answers *answers;
	unsigned kinds = 0;
	int rc = ST_OK;

	for (size_t i = 0; i < count; i++)
		kinds |= works[i].options->kinds ? works[i].options->kinds
		                                 : (1u << RISES_KIND_COUNT) - 1;
	if (kinds & (1u << RISES_COUNTRY | 1u << RISES_TOOL))
		kinds |= 1u << RISES_PORT; /* which they may mirror */
	for (unsigned k = 0; !rc && k < RISES_KIND_COUNT; k++)
		if (kinds & 1u << k)
			rc = rises_data_answers(data, (enum rises_kind)k, &answers, err);
	return rc;
}

/* One of several periods on a thread of its own: what it shares with the others it only reads. */
struct apart {
	struct rises_work *work;
	struct rises *ret;
	struct store_beside *beside;
};

static int find_apart(void *arg, struct store *store, struct err *err)
{
	struct apart *apart = arg;

	apart->work->store = store;
	apart->work->g.store = store;
	return find(apart->work, apart->ret, err);
}

/* The first period here, the others beside it. */
static int find_all(struct rises_work *works, size_t count, struct rises *ret_rises,
    struct err *err)
{
	struct apart *aparts = gather_alloc(count, sizeof(*aparts));
	struct err err_apart = {0};
	size_t begun = 1;
	int rc = ST_OK;

	for (; !rc && begun < count; begun++) {
		aparts[begun] = (struct apart){.work = &works[begun], .ret = &ret_rises[begun]};
		rc = store_beside_begin(works[0].store, find_apart, &aparts[begun],
		    &aparts[begun].beside, err);
	}
	if (!rc)
		rc = find(&works[0], &ret_rises[0], err);
	for (size_t i = 1; i < begun; i++) {
		int rc_apart = store_beside_end(aparts[i].beside, &err_apart);

		if (rc || !rc_apart)
			continue;
		rc = rc_apart; /* as if they had been looked into one after the other */
		if (err)
			*err = err_apart;
	}
	free(aparts);
	return rc;
}

/* Reads once what the works need. */
static int find_together(struct rises_work *works, size_t count, struct rises *ret_rises,
    struct err *err)
{
	struct rises_data *data;
	int32_t first;
	int32_t to;
	bool ports = false;
	int rc = ST_OK;

	span(works, count, &first, &to);
	for (size_t i = 0; i < count; i++)
		ports = ports || needs_ports(works[i].options);
	data = rises_data_new(works[0].store, first, to);
	for (size_t i = 0; i < count; i++)
		works[i].data = data;
	if (ports)
		rc = choose(works, count, data, err);
	if (!rc && count > 1)
		rc = ask_shared(data, works, count, err);
	if (!rc)
		rc = find_all(works, count, ret_rises, err);
	rises_data_free(data);
	return rc;
}

int rises_find_all(struct store *store, const struct rises_options *options, size_t count,
    struct rises *ret_rises, struct err *err)
{
	struct rises_work *works = gather_alloc(count, sizeof(*works));
	int32_t first = 0;
	int32_t to = 0;
	size_t step;
	int rc = ST_OK;

	for (size_t i = 0; i < count; i++) {
		ret_rises[i] = (struct rises){0};
		works[i] = (struct rises_work){.store = store, .options = &options[i],
		    .rule = options[i].rule ? *options[i].rule : rise_rule_default()};
	}
	for (size_t i = 0; !rc && i < count; i++)
		rc = prepare(&works[i], err);
	if (!rc && count > 0)
		span(works, count, &first, &to);
	/* Of long periods what they share is too much to hold. */
	step = to - first > SHARED_DAYS_MAX ? 1 : count;
	for (size_t i = 0; !rc && i < count; i += step)
		rc = find_together(&works[i], step, &ret_rises[i], err);
	for (size_t i = 0; i < count; i++)
		work_fini(&works[i]);
	free(works);
	return rc;
}

int rises_find(struct store *store, const struct rises_options *options,
    struct rises *ret_rises, struct err *err)
{
	return rises_find_all(store, options, 1, ret_rises, err);
}

void rises_fini(struct rises *rises)
{
	for (size_t i = 0; i < rises->count; i++)
		free(rises->items[i].name);
	free(rises->items);
	*rises = (struct rises){0};
}
