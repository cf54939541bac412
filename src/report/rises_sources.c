/*
 * The sources of rises, and what they did besides: the other ports that they asked, and whether
 * their addresses were forged.
 *
 * The rises of a period are looked into together: who their sources are is asked for each (a port's
 * rows lie together), but everything of those days is read once for all of them and counted here.
 * Addresses never leave this file.
 */
#include "report/rises_parts.h"
#include "report/word_list.h"

#include "base/civil.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNTRIES_MOST 20 /* of which shares are made */
#define ASNS_LARGEST 4    /* rows looked at for the largest three: AS 0 is none */
#define DAY_GROUPS_MAX 8  /* more different days are looked into as one */
#define PAIRS_MAX (8u << 20) /* distinct sources of ports in memory at a time */
#define PARTS_MAX 256

/* In words: AS and source; rise, port and source. */
#define ASN_SHIFT 32
#define PORT_SHIFT 32
#define PORT_MASK 0xffffff
#define RISE_SHIFT 56
_Static_assert(RISES_TOGETHER <= 64, "a rise must be a bit of a mask");

/* ---- the most -------------------------------------------------------------------------------- */

#define MOST_MAX 6 /* ports: one of them is the rise's own */

/* Keys with the most sources, most first; of equals the smaller key. */
struct most {
	struct {
		uint32_t key;
		uint64_t sources;
	} items[MOST_MAX];
	size_t count;
};

static void most_add(struct most *most, size_t limit, uint32_t key, uint64_t sources)
{
	size_t at = most->count;

	while (at > 0 && (most->items[at - 1].sources < sources
	    || (most->items[at - 1].sources == sources && most->items[at - 1].key > key)))
		at--;
	if (at == limit)
		return;
	if (most->count < limit)
		most->count++;
	for (size_t i = most->count - 1; i > at; i--)
		most->items[i] = most->items[i - 1];
	most->items[at].key = key;
	most->items[at].sources = sources;
}

/* ---- by AS and country ----------------------------------------------------------------------- */

/* Of one rise. */
struct reader {
	struct rises_sources *sources;
	uint64_t bit;
	struct word_list asn_sources; /* AS and source */
	struct gather_list countries;
	uint64_t packets;
	uint64_t mirai;
};

static int take_sources(void *arg, const struct store_result *block, struct err *err)
{
	struct reader *reader = arg;
	size_t rows = store_result_rows(block);

	for (size_t row = 0; row < rows; row++) {
		uint32_t asn = (uint32_t)store_result_int(block, row, 0);
		const char *code = store_result_text(block, row, 1);
		uint64_t packets = store_result_uint(block, row, 4);
		struct source_entry *entry = source_index_get(&reader->sources->index,
		    store_result_uint(block, row, 2), store_result_uint(block, row, 3));
		struct gather_item *country = gather_item_get(&reader->countries,
		    gather_country_key(code));

		if (!entry || word_list_add(&reader->asn_sources,
		        (uint64_t)asn << ASN_SHIFT | entry->identity))
			return err_set(err, ST_LIMIT, "out of memory");
		entry->mask |= reader->bit;
		(void)snprintf(country->country, sizeof(country->country), "%s", code);
		country->packets += (double)packets;
		reader->packets += packets;
		reader->mirai += store_result_uint(block, row, 5);
	}
	return ST_OK;
}

static int compare_countries(const void *va, const void *vb)
{
	const struct gather_item *a = va;
	const struct gather_item *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return strcmp(a->country, b->country);
}

/* Distinct sources, Mirai's share, the largest AS. */
static int tell_sources(struct reader *reader, struct rise *rise)
{
	struct word_list *list = &reader->asn_sources;
	struct most most = {.count = 0};
	uint64_t largest = 0;

	if (word_list_unique(list))
		return -ENOMEM;
	for (size_t from = 0, to; from < list->count; from = to) {
		uint64_t asn = list->words[from] >> ASN_SHIFT;

		for (to = from; to < list->count && list->words[to] >> ASN_SHIFT == asn;)
			to++;
		most_add(&most, ASNS_LARGEST, (uint32_t)asn, to - from);
	}
	rise->source_count = list->count;
	for (size_t i = 0; i < most.count; i++)
		if (most.items[i].key != 0)
			largest += most.items[i].sources;
	if (reader->packets > 0)
		rise->mirai_share = (double)reader->mirai / (double)reader->packets;
	if (rise->source_count > 0 && largest > 0)
		rise->asn_share = (double)largest / (double)rise->source_count;
	return ST_OK;
}

static void tell_countries(struct reader *reader, struct rise *rise)
{
	struct gather_list *countries = &reader->countries;
	size_t count;
	double all = 0;

	if (countries->count > 1)
		qsort(countries->items, countries->count, sizeof(*countries->items),
		    compare_countries);
	count = countries->count < COUNTRIES_MOST ? countries->count : COUNTRIES_MOST;
	for (size_t i = 0; i < count; i++)
		all += countries->items[i].packets;
	for (size_t i = 0; i < count && rise->country_count < RISES_PARTS; i++) {
		struct rises_part *part = &rise->countries[rise->country_count];

		if (strcmp(countries->items[i].country, "ZZ") == 0)
			continue;
		(void)snprintf(part->name, sizeof(part->name), "%s", countries->items[i].country);
		part->share = all > 0 ? countries->items[i].packets / all : 0;
		rise->country_count++;
	}
}

int rises_sources_add(struct rises_sources *sources, struct rise *rise, struct err *err)
{
	struct rises_work *w = sources->w;
	struct zone *zone = store_zone(w->store);
	int32_t from = zone_day(zone, rise->start_us);
	int32_t to = zone_day(zone, rise->end_us - 1) + 1;
	struct reader reader = {.sources = sources, .bit = 1ull << sources->count};
	struct buf key = {0};
	int rc;

	rises_key_sql(rise, &key);
	const struct store_param params[] = {
		{.name = "begin", .kind = STORE_PARAM_TIME, .int_value = rise->start_us},
		{.name = "end", .kind = STORE_PARAM_TIME, .int_value = rise->end_us},
		{.name = "begin_day", .kind = STORE_PARAM_DATE, .int_value = from},
		{.name = "end_day", .kind = STORE_PARAM_DATE, .int_value = to},
		{.name = "key", .kind = STORE_PARAM_SQL, .text = buf_text(&key)},
	};
	rc = gather_scan(&w->g, "rises_sources", params, 5, from, take_sources, &reader, err);
	if (!rc && tell_sources(&reader, rise))
		rc = err_set(err, ST_LIMIT, "out of memory");
	if (!rc) {
		if (rise->kind != RISES_COUNTRY)
			tell_countries(&reader, rise);
		for (int32_t day = from; day < to; day++)
			if (day >= w->g.first && day < w->g.first + (int32_t)w->g.day_count)
				sources->days[day - w->g.first] |= reader.bit;
		sources->rises[sources->count++] = rise;
	}
	word_list_fini(&reader.asn_sources);
	gather_list_fini(&reader.countries);
	buf_fini(&key);
	return rc;
}

/* ---- what they did besides ------------------------------------------------------------------- */

/* The rises that an address is a source of, of those that a day belongs to. */
static uint64_t mask_at(const struct rises_sources *sources, const struct source_entry *entry,
    int64_t day)
{
	day -= sources->w->g.first;
	return day >= 0 && day < (int64_t)sources->w->g.day_count
	    ? entry->mask & sources->days[day] : 0;
}

static int take_victims(void *arg, const struct store_result *block, struct err *err)
{
	struct rises_sources *sources = arg;

	(void)err;
	for (size_t row = 0; row < store_result_rows(block); row++) {
		struct source_entry *entry = source_index_find(&sources->index,
		    store_result_uint(block, row, 1), store_result_uint(block, row, 2));
		uint64_t mask = entry
		    ? mask_at(sources, entry, store_result_int(block, row, 0)) & ~entry->seen : 0;

		if (!mask)
			continue;
		entry->seen |= mask;
		for (; mask; mask &= mask - 1)
			sources->rises[__builtin_ctzll(mask)]->victims++;
	}
	return ST_OK;
}

/* Sources of each port, counted once: those of a part of all ports, so that they fit. */
struct counter {
	const struct rises_sources *sources;
	struct word_list pairs; /* rise, port, source */
	struct most *most;      /* [RISES_TOGETHER] ports */
	uint64_t parts;
	uint64_t part;
	bool full;
};

static int count_pair(struct counter *c, const struct source_entry *entry, uint64_t mask,
    uint32_t key)
{
	int rc = ST_OK;

	if (c->pairs.count + RISES_TOGETHER > PAIRS_MAX) {
		rc = word_list_unique(&c->pairs);
		c->full = c->pairs.count > PAIRS_MAX / 2 && c->parts < PARTS_MAX;
	}
	for (; !rc && mask; mask &= mask - 1)
		rc = word_list_add(&c->pairs, (uint64_t)__builtin_ctzll(mask) << RISE_SHIFT
		    | (uint64_t)key << PORT_SHIFT | entry->identity);
	return rc;
}

static int take_flow(void *arg, const struct store_result *block, struct err *err)
{
	struct counter *c = arg;
	const int64_t *columns[5];
	size_t rows = store_result_rows(block);

	if (!store_result_all_ints(block, 5, columns))
		return ST_OK;
	for (size_t row = 0; row < rows; row++) {
		const struct source_entry *entry = source_index_find(&c->sources->index,
		    (uint64_t)columns[1][row], (uint64_t)columns[2][row]);
		uint32_t key;
		uint64_t mask;

		if (!entry)
			continue;
		mask = mask_at(c->sources, entry, columns[0][row]);
		key = GATHER_KEY(columns[3][row] & 0xff, columns[4][row] & 0xffff);
		if (!mask || (c->parts > 1 && key % c->parts != c->part))
			continue;
		if (count_pair(c, entry, mask, key) || c->full)
			return err_set(err, ST_LIMIT, "out of memory");
	}
	return ST_OK;
}

/* The ports of this part. */
static int rank_ports(struct counter *c, struct err *err)
{
	const struct word_list *list = &c->pairs;

	if (word_list_unique(&c->pairs))
		return err_set(err, ST_LIMIT, "out of memory");
	for (size_t from = 0, to; from < list->count; from = to) {
		uint64_t rise_port = list->words[from] >> PORT_SHIFT;

		for (to = from; to < list->count && list->words[to] >> PORT_SHIFT == rise_port;)
			to++;
		most_add(&c->most[rise_port >> (RISE_SHIFT - PORT_SHIFT)], MOST_MAX,
		    (uint32_t)(rise_port & PORT_MASK), to - from);
	}
	c->pairs.count = 0;
	return ST_OK;
}

static void tell_overlaps(const struct most *most, struct rise *rise)
{
	for (size_t i = 0; i < most->count && rise->overlap_count < RISES_PARTS; i++) {
		struct rises_part *part = &rise->overlaps[rise->overlap_count];
		uint32_t key = most->items[i].key;

		part->key = key;
		if (key == rise->port_key || rise->source_count == 0)
			continue;
		(void)snprintf(part->name, sizeof(part->name), "%u/%s", key & 0xffff,
		    key >> 16 == 6 ? "tcp" : key >> 16 == 17 ? "udp" : "icmp");
		part->share = (double)most->items[i].sources / (double)rise->source_count;
		rise->overlap_count++;
	}
}

/*
 * SQL for the days that belong to these very rises (0: to any), as ranges, which the engine picks
 * files by.
 */
static void put_days(const struct rises_sources *sources, uint64_t mask, struct buf *sql)
{
	const struct gather *g = &sources->w->g;
	const char *separator = "";

	buf_putc(sql, '(');
	for (size_t from = 0, to; from < g->day_count; from = to + 1) {
		for (to = from; to < g->day_count && sources->days[to]
		    && (!mask || sources->days[to] == mask);)
			to++;
		if (to == from)
			continue;
		buf_puts(sql, separator);
		gather_put_days(g, from, to, sql);
		separator = " OR ";
	}
	buf_puts(sql, separator[0] ? ")" : "1 = 0)");
}

static int32_t first_day(const struct rises_sources *sources)
{
	size_t day = 0;

	while (day < sources->w->g.day_count && !sources->days[day])
		day++;
	return sources->w->g.first + (int32_t)day;
}

/* Days with the same rises, and the sources of those. */
struct day_groups {
	uint64_t masks[DAY_GROUPS_MAX];
	int lists[DAY_GROUPS_MAX]; /* among() */
	size_t count;
};

/* Which rises days belong to; of very many different ones, all are one group: mask 0. */
static void group_days(const struct rises_sources *sources, struct day_groups *groups)
{
	for (size_t day = 0; day < sources->w->g.day_count; day++) {
		uint64_t mask = sources->days[day];
		size_t i = 0;

		while (i < groups->count && groups->masks[i] != mask)
			i++;
		if (!mask || i < groups->count)
			continue;
		if (groups->count == DAY_GROUPS_MAX) {
			groups->masks[0] = 0;
			groups->count = 1;
			return;
		}
		groups->masks[groups->count++] = mask;
	}
}

static int list_sources(struct rises_sources *sources, uint64_t mask, int *ret_list,
    struct err *err)
{
	uint64_t *lows = calloc(sources->index.count + 1, sizeof(*lows));
	size_t count = 0;
	int rc;

	if (!lows)
		return err_set(err, ST_LIMIT, "out of memory");
	for (size_t i = 0; i < sources->index.count; i++)
		if (!mask || sources->index.entries[i].mask & mask)
			lows[count++] = sources->index.entries[i].lo;
	rc = store_among_begin(sources->w->store, lows, count, ret_list, err);
	free(lows);
	return rc;
}

/* Everything that the sources of rises asked on the rises' days. */
static int put_rows(struct rises_sources *sources, struct day_groups *groups, struct buf *sql,
    struct err *err)
{
	int rc = ST_OK;

	group_days(sources, groups);
	for (size_t i = 0; i < DAY_GROUPS_MAX; i++)
		groups->lists[i] = -1;
	for (size_t i = 0; !rc && i < groups->count; i++) {
		rc = list_sources(sources, groups->masks[i], &groups->lists[i], err);
		buf_printf(sql, "%sSELECT date, src_hi, src_lo, proto, port FROM flow "
		    "WHERE class = 0 AND among(src_lo, %d) AND ", i ? " UNION ALL " : "",
		    groups->lists[i]);
		put_days(sources, groups->masks[i], sql);
	}
	return rc;
}

/* Counts in as many parts as are needed. */
static int count_ports(struct counter *c, const char *rows, struct err *err)
{
	const struct store_param params[] = {
	    {.name = "rows", .kind = STORE_PARAM_SQL, .text = rows}};
	struct gather *g = &c->sources->w->g;
	int rc = ST_OK;

	for (c->parts = 1, c->part = 0; !rc && c->part < c->parts; c->part++) {
		rc = gather_scan(g, "rises_overlap", params, 1, first_day(c->sources), take_flow,
		    c, err);
		if (!rc) {
			rc = rank_ports(c, err);
			continue;
		}
		if (!c->full)
			return rc;
		c->pairs.count = 0;
		memset(c->most, 0, RISES_TOGETHER * sizeof(*c->most));
		c->full = false;
		c->parts *= 4;
		c->part = UINT64_MAX; /* the next one is the first again */
		rc = ST_OK;
	}
	return rc;
}

static int tell_victims(struct rises_sources *sources, struct err *err)
{
	struct store_param params[] = {{.name = "days", .kind = STORE_PARAM_SQL}};
	struct buf days = {0};
	int rc;

	put_days(sources, 0, &days);
	params[0].text = buf_text(&days);
	rc = gather_scan(&sources->w->g, "rises_victims", params, 1, first_day(sources),
	    take_victims, sources, err);
	buf_fini(&days);
	return rc;
}

int rises_sources_tell(struct rises_sources *sources, struct err *err)
{
	struct most most[RISES_TOGETHER] = {{.count = 0}};
	struct counter counter = {.sources = sources, .most = most};
	struct day_groups groups = {.count = 0};
	struct buf rows = {0};
	int rc;

	if (sources->count == 0 || sources->index.count == 0)
		return ST_OK;
	rc = tell_victims(sources, err);
	if (!rc)
		rc = put_rows(sources, &groups, &rows, err);
	if (!rc)
		rc = count_ports(&counter, buf_text(&rows), err);
	for (size_t i = 0; !rc && i < sources->count; i++)
		tell_overlaps(&most[i], sources->rises[i]);
	for (size_t i = 0; i < groups.count; i++)
		store_among_end(sources->w->store, groups.lists[i]);
	word_list_fini(&counter.pairs);
	buf_fini(&rows);
	return rc;
}

struct rises_sources *rises_sources_new(struct rises_work *w)
{
	struct rises_sources *sources = gather_alloc(1, sizeof(*sources));

	sources->w = w;
	sources->days = gather_alloc(w->g.day_count, sizeof(*sources->days));
	return sources;
}

void rises_sources_free(struct rises_sources *sources)
{
	source_index_fini(&sources->index);
	free(sources->days);
	free(sources);
}
