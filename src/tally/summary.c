/*
 * The summary of one run; the contract is in summary.h.
 *
 * A random access to a table of a hundred megabytes costs as much as all other work on a packet.
 * So rows are put aside by the address of their source in PARTITIONS streams, and each partition is
 * worked off at once with tables of its own that fit the cache (the radix join of database
 * engines; Manegold, Boncz, Kersten 2002).
 */
#include "tally/summary.h"

#include "base/large.h"
#include "tally/partition.h"
#include "tally/v6.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_COUNTRY 32u /* in packets of the busiest port that is not among them */
#define BUSY_SLOTS 1024u /* ports that are looked at first for the main port of a country */

struct summary {
	const struct tools *tools;
	const struct geo *geo;
	uint32_t pair_rules;
	struct partition partitions[PARTITIONS];
	struct v6_numbers v6;
	struct port_count *ports; /* by slot */
	uint32_t aside;           /* rows put aside */
	uint64_t source_count;
	uint64_t pair_count;
	uint64_t request_sources;
	bool saturated;
};

int summary_new(const struct tools *tools, const struct geo *geo, struct summary **ret_summary)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->tools = tools;
	s->geo = geo;
	s->pair_rules = tools_pair_rules(tools);
	s->ports = large_alloc(SLOTS * sizeof(*s->ports));
	if (!s->ports) {
		summary_free(s);
		return -ENOMEM;
	}
	*ret_summary = s;
	return ST_OK;
}

void summary_free(struct summary *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < PARTITIONS; i++)
		partition_fini(&s->partitions[i]);
	v6_numbers_fini(&s->v6);
	large_free(s->ports, SLOTS * sizeof(*s->ports));
	free(s);
}

/* ---- working off a partition ---------------------------------------------------------------- */

/* Evidence of the source for tools; a missing one for want of memory is said, not hidden. */
static void count_evidence(struct summary *s, struct partition *p, struct source *source,
    const struct aside *row)
{
	uint32_t rules = row->rules;
	struct tools_evidence *evidence;

	/*
	 * With a mark the relation can be the mark's own (Mirai: seq ^ dst is always 0), and a SYN
	 * sent again agrees in both byte orders: another destination can agree in one only.
	 */
	if (source->access && !(row->slot & ASIDE_MARKED)
	    && (row->pair_keys[0] == source->pair_keys[0])
	    != (row->pair_keys[1] == source->pair_keys[1]))
		rules |= s->pair_rules;
	source->pair_keys[0] = row->pair_keys[0];
	source->pair_keys[1] = row->pair_keys[1];
	if (!rules)
		return;
	evidence = partition_evidence(p, source);
	if (evidence)
		tools_evidence_add(evidence, row->packets, rules);
	else
		s->saturated = true;
}

static void work_off_row(struct summary *s, struct partition *p, const struct aside *row)
{
	uint64_t key = aside_key(row);
	uint32_t slot = row->slot & SLOT_MASK;
	struct source *source = partition_find(p, key);

	if (!source && s->source_count < SUMMARY_SOURCES_MAX) {
		source = partition_insert(p, key);
		if (source) {
			struct ip ip = row->slot & ASIDE_V6 ? s->v6.list[row->source - 1]
			                                    : ip_from_v4(row->source);

			source->country = country_number(geo_lookup(s->geo, ip).country);
			s->source_count++;
		}
	}
	if (!source) {
		s->saturated = true;
		return;
	}
	if (!(row->slot & ASIDE_ACCESS))
		return;
	if (row->slot & ASIDE_SYN)
		count_evidence(s, p, source, row);
	s->request_sources += source->access == 0;
	source->access += row->packets;
	switch (partition_count_pair(p, key, slot, row->packets,
	    s->pair_count < SUMMARY_PAIRS_MAX)) {
	case PAIR_NEW:
		s->pair_count++;
		s->ports[slot].sources++;
		break;
	case PAIR_KNOWN:
		break;
	case PAIR_REFUSED:
		s->saturated = true;
		break;
	}
}

static void work_off(struct summary *s)
{
	for (size_t i = 0; i < PARTITIONS; i++) {
		struct partition *p = &s->partitions[i];

		if (p->first)
			partition_warm(p);
		for (const struct aside_block *b = p->first; b; b = b->next)
			for (uint32_t n = 0; n < b->count; n++)
				work_off_row(s, p, &b->rows[n]);
		partition_forget_aside(p);
	}
	s->aside = 0;
}

int summary_finish(struct summary *s)
{
	work_off(s);
	return ST_OK;
}

static int put_aside(struct summary *s, const struct tally_rows *rows, uint32_t i, uint32_t slot)
{
	const struct minute_row *row = tally_row(rows, i);
	struct aside aside = {
		.source = minute_key_src(&row->key),
		.slot = slot,
		.packets = row->packets,
		.pair_keys = {row->pair_keys[0], row->pair_keys[1]},
		.rules = row->rules,
	};
	struct aside *place;

	if (rows->table->has_tail) {
		aside.source = v6_number(&s->v6, tally_row_source(rows, i), SUMMARY_SOURCES_MAX);
		aside.slot |= ASIDE_V6;
		if (!aside.source) {
			s->saturated = true;
			return ST_OK;
		}
	}
	if (minute_key_class(&row->key) == RECORD_CLASS_REQUEST)
		aside.slot |= ASIDE_ACCESS;
	if (row->signature)
		aside.slot |= ASIDE_SYN;
	if (minute_key_marks(&row->key))
		aside.slot |= ASIDE_MARKED;
	place = partition_aside(&s->partitions[partition_of(&aside)]);
	if (!place)
		return -ENOMEM;
	*place = aside;
	s->aside++;
	return ST_OK;
}

int summary_add(struct summary *s, const struct tally_rows *rows)
{
	for (uint32_t i = 0; i < rows->count; i++) {
		const struct minute_row *row = tally_row(rows, i);
		uint32_t slot = slot_of(minute_key_proto(&row->key), minute_key_port(&row->key));
		int rc = put_aside(s, rows, i, slot);

		if (rc)
			return rc;
		if (minute_key_class(&row->key) == RECORD_CLASS_REQUEST) {
			struct port_count *port = &s->ports[slot];

			port->packets += row->packets;
			if (minute_key_marks(&row->key) & RECORD_MARK_MIRAI)
				port->mirai += row->packets;
		}
	}
	if (s->aside >= SUMMARY_ASIDE_MAX)
		work_off(s);
	return ST_OK;
}

struct summary_totals summary_totals(const struct summary *s)
{
	return (struct summary_totals){
		.sources = s->source_count,
		.request_sources = s->request_sources,
		.saturated = s->saturated,
	};
}

/* ---- lists ---------------------------------------------------------------------------------- */

static int compare_ports(const void *va, const void *vb)
{
	const struct summary_port *a = va;
	const struct summary_port *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	return a->proto < b->proto ? -1 : a->proto > b->proto;
}

int summary_ports(const struct summary *s, struct summary_port **ret_ports, size_t *ret_count)
{
	struct summary_port *list;
	size_t count = 0;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		count += s->ports[slot].packets > 0;
	list = calloc(count ? count : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	count = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		const struct port_count *c = &s->ports[slot];

		if (c->packets)
			list[count++] = (struct summary_port){slot_proto(slot), slot_port(slot),
				c->packets, c->sources, c->mirai};
	}
	qsort(list, count, sizeof(*list), compare_ports);
	*ret_ports = list;
	*ret_count = count;
	return ST_OK;
}

static int compare_countries(const void *va, const void *vb)
{
	const struct summary_country *a = va;
	const struct summary_country *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	return memcmp(a->country, b->country, 2);
}

struct rare {
	uint32_t country;
	uint32_t slot;
	uint64_t packets;
};

/* What is known of each country's main port while the pairs are walked. */
struct main_ports {
	struct summary_country *list;
	uint64_t best[COUNTRIES];
	uint16_t *rank;   /* by slot: 1 … BUSY_SLOTS, 0 = not among the busy ones */
	uint32_t busy[BUSY_SLOTS];
	uint32_t busy_count;
	uint64_t next;    /* packets of the busiest slot that is not busy */
	uint64_t *sums;   /* COUNTRIES × BUSY_SLOTS */
	bool open[COUNTRIES]; /* a rarer port could still win */
	struct rare *rare;    /* all pairs of those countries */
	size_t rare_count;
	size_t rare_capacity;
	bool failed;
};

static void offer_port(struct main_ports *m, unsigned country, uint32_t slot, uint64_t packets)
{
	struct summary_country *c = &m->list[country];
	uint16_t port = slot_port(slot);
	uint8_t proto = slot_proto(slot);

	if (packets == 0 || packets < m->best[country])
		return;
	if (packets == m->best[country] && (port > c->port
	    || (port == c->port && proto >= c->proto)))
		return;
	m->best[country] = packets;
	c->port = port;
	c->proto = proto;
}

static int find_busy(const struct summary *s, struct main_ports *m)
{
	struct summary_port *ports;
	size_t count;
	int rc = summary_ports(s, &ports, &count);

	if (rc)
		return rc;
	for (size_t i = 0; i < count && i < BUSY_SLOTS; i++) {
		uint32_t slot = slot_of(ports[i].proto, ports[i].port);

		m->busy[m->busy_count++] = slot;
		m->rank[slot] = (uint16_t)(i + 1);
	}
	m->next = count > BUSY_SLOTS ? ports[BUSY_SLOTS].packets : 0;
	free(ports);
	return ST_OK;
}

static void gather_rare(void *arg, const struct source *source, uint32_t slot, uint64_t packets)
{
	struct main_ports *m = arg;

	if (!m->open[source->country] || m->failed)
		return;
	if (m->rare_count == m->rare_capacity) {
		size_t capacity = m->rare_capacity ? m->rare_capacity * 2 : 1024;
		struct rare *list = realloc(m->rare, capacity * sizeof(*list));

		if (!list) {
			m->failed = true;
			return;
		}
		m->rare = list;
		m->rare_capacity = capacity;
	}
	m->rare[m->rare_count++] = (struct rare){source->country, slot, packets};
}

static void sum_busy(void *arg, const struct source *source, uint32_t slot, uint64_t packets)
{
	struct main_ports *m = arg;

	if (m->rank[slot])
		m->sums[(size_t)source->country * BUSY_SLOTS + m->rank[slot] - 1] += packets;
	gather_rare(arg, source, slot, packets);
}

/* Small countries are likely to stay open: their pairs are gathered in the first walk already. */
static void open_small(struct main_ports *m)
{
	for (unsigned c = 0; c < COUNTRIES; c++)
		m->open[c] = m->list[c].packets > 0
		    && m->list[c].packets <= SMALL_COUNTRY * m->next;
}

static int compare_rare(const void *va, const void *vb)
{
	const struct rare *a = va;
	const struct rare *b = vb;

	if (a->country != b->country)
		return a->country < b->country ? -1 : 1;
	return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Sums each (country, slot) of the open countries and offers it. */
static void offer_rare(struct main_ports *m)
{
	if (m->rare_count)
		qsort(m->rare, m->rare_count, sizeof(*m->rare), compare_rare);
	for (size_t i = 0; i < m->rare_count;) {
		uint64_t packets = 0;
		size_t k = i;

		for (; k < m->rare_count && compare_rare(&m->rare[i], &m->rare[k]) == 0; k++)
			packets += m->rare[k].packets;
		offer_port(m, m->rare[i].country, m->rare[i].slot, packets);
		i = k;
	}
}

/*
 * The main port of each country.  Nearly always it is one of the busiest ports, which one walk
 * over the pairs settles; all ports of the countries where a rarer could win are summed, in that
 * walk for small countries, in another for the rest.
 */
static int find_main_ports(const struct summary *s, struct summary_country *list)
{
	struct main_ports m = {
		.list = list,
		.rank = calloc(SLOTS, sizeof(*m.rank)),
		.sums = calloc((size_t)COUNTRIES * BUSY_SLOTS, sizeof(*m.sums)),
	};
	bool any_open = false;
	int rc = -ENOMEM;

	if (!m.rank || !m.sums)
		goto out;
	rc = find_busy(s, &m);
	if (rc)
		goto out;
	open_small(&m);
	for (size_t i = 0; i < PARTITIONS; i++)
		partition_walk(&s->partitions[i], sum_busy, &m);
	for (unsigned c = 0; c < COUNTRIES; c++) {
		bool gathered = m.open[c];

		m.open[c] = false;
		if (!list[c].packets || gathered)
			continue;
		for (uint32_t i = 0; i < m.busy_count; i++)
			offer_port(&m, c, m.busy[i], m.sums[(size_t)c * BUSY_SLOTS + i]);
		m.open[c] = m.next > 0 && m.best[c] <= m.next;
		any_open = any_open || m.open[c];
	}
	for (size_t i = 0; any_open && i < PARTITIONS; i++)
		partition_walk(&s->partitions[i], gather_rare, &m);
	offer_rare(&m);
	rc = m.failed ? -ENOMEM : ST_OK;
out:
	free(m.rank);
	free(m.sums);
	free(m.rare);
	return rc;
}

int summary_countries(const struct summary *s, struct summary_country **ret_countries,
    size_t *ret_count)
{
	struct summary_country *list = calloc(COUNTRIES, sizeof(*list));
	size_t count = 0;
	int rc;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < PARTITIONS; i++) {
		const struct partition *p = &s->partitions[i];

		for (uint32_t k = 0; k < p->source_size; k++) {
			const struct source *source = &p->sources[k];

			if (!source->access)
				continue;
			list[source->country].packets += source->access;
			list[source->country].sources++;
		}
	}
	rc = find_main_ports(s, list);
	if (rc) {
		free(list);
		return rc;
	}
	for (unsigned n = 0; n < COUNTRIES; n++) {
		if (!list[n].packets)
			continue;
		list[count] = list[n];
		list[count].country[0] = (char)('A' + n / 26);
		list[count].country[1] = (char)('A' + n % 26);
		count++;
	}
	qsort(list, count, sizeof(*list), compare_countries);
	*ret_countries = list;
	*ret_count = count;
	return ST_OK;
}

static int compare_tools(const void *va, const void *vb)
{
	const struct summary_tool *a = va;
	const struct summary_tool *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	return strcmp(a->tool, b->tool);
}

static void judge_partition(const struct summary *s, const struct partition *p,
    struct summary_tool *list)
{
	for (uint32_t k = 0; k < p->source_size; k++) {
		const struct source *source = &p->sources[k];
		uint32_t judged;

		if (!source->key || !source->evidence)
			continue;
		judged = tools_judge(s->tools, &p->evidence[source->evidence - 1], source->access);
		for (; judged; judged &= judged - 1) {
			struct summary_tool *t = &list[__builtin_ctz(judged)];

			t->packets += source->access;
			t->sources++;
		}
	}
}

int summary_tools(const struct summary *s, struct summary_tool **ret_tools, size_t *ret_count)
{
	unsigned tool_count = tools_count(s->tools);
	struct summary_tool *list = calloc(tool_count ? tool_count : 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (unsigned t = 0; t < tool_count; t++)
		list[t].tool = tools_name(s->tools, t);
	for (size_t i = 0; i < PARTITIONS; i++)
		judge_partition(s, &s->partitions[i], list);

	for (unsigned t = 0; t < tool_count; t++)
		if (list[t].sources)
			list[count++] = list[t];
	qsort(list, count, sizeof(*list), compare_tools);
	*ret_tools = list;
	*ret_count = count;
	return ST_OK;
}
