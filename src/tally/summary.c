/*
 * The summary of one run; the contract is in summary.h.
 *
 * Its tables are far larger than the cache.  A read at random of such a table costs a few
 * nanoseconds when many are under way at the same time and a hundred when each waits for the one
 * before, so rows go through in batches, one step of all before the next step of any.
 */
#include "tally/summary.h"

#include "base/large.h"
#include "tally/places.h"
#include "tally/sources.h"
#include "tally/v6.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SMALL_COUNTRY 32u /* in packets of the busiest port that is not among them */
#define BUSY_SLOTS 1024u /* ports that are looked at first for the main port of a country */
#define SUMS_OF_COUNTRY (BUSY_SLOTS + 1)

_Static_assert(SUMMARY_SOURCES_MAX <= SOURCES_MAX, "numbers of sources");

/* By slot. */
struct port_counts {
	uint64_t packets[SLOTS]; /* from summary_finish on, as are the sources */
	uint32_t sources[SLOTS];
	uint64_t mirai[SLOTS];
	uint64_t unpaired[SLOTS]; /* packets that no pair counts, for want of room or as it was wished */
};

struct summary {
	struct summary_options options;
	uint32_t pair_rules;
	struct sources sources;
	struct v6_numbers v6;
	struct port_counts *ports;
	/* From summary_finish on: */
	struct places places; /* of the sources */
	struct summary_port *port_list;
	size_t port_count;
	struct summary_country *country_list;
	size_t country_count;
	struct summary_asn *asn_list;
	size_t asn_count;
	uint64_t request_sources;
	bool saturated;
};

/* What the steps hand on for each row of a batch. */
struct waiting {
	const struct minute_row *row;
	uint64_t key;
	uint32_t slot;
	uint32_t place; /* in the index of sources */
	uint64_t pair;
};

int summary_new(const struct summary_options *options, struct summary **ret_summary)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->options = *options;
	s->pair_rules = tools_pair_rules(options->tools);
	s->ports = large_alloc(sizeof(*s->ports));
	if (!s->ports || sources_init(&s->sources, SUMMARY_SOURCES_MAX)) {
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
	sources_fini(&s->sources);
	places_fini(&s->places);
	free(s->port_list);
	free(s->country_list);
	free(s->asn_list);
	v6_numbers_fini(&s->v6);
	large_free(s->ports, sizeof(*s->ports));
	free(s);
}

/* ---- adding rows ---------------------------------------------------------------------------- */

static inline bool is_access(const struct minute_row *row)
{
	return minute_key_class(&row->key) == RECORD_CLASS_REQUEST;
}

/* Packets that no pair counts: the port has them, and numbers of sources are lower bounds now. */
static void refuse(struct summary *s, const struct minute_row *row, uint32_t slot)
{
	s->saturated = true;
	if (is_access(row))
		s->ports->unpaired[slot] += row->packets;
}

/* Step 1: which rows have a source.  Returns how many. */
static uint32_t begin_rows(struct summary *s, const struct tally_rows *rows,
    struct waiting waiting[TALLY_ROWS_BATCH])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < rows->count; i++) {
		const struct minute_row *row = tally_row(rows, i);
		struct waiting *w = &waiting[count];

		w->row = row;
		w->slot = slot_of(minute_key_proto(&row->key), minute_key_port(&row->key));
		if (minute_key_marks(&row->key) & RECORD_MARK_MIRAI && is_access(row))
			s->ports->mirai[w->slot] += row->packets;
		w->key = SOURCE_V4 | minute_key_src(&row->key);
		if (rows->table->has_tail)
			w->key = v6_number(&s->v6, tally_row_source(rows, i), SUMMARY_SOURCES_MAX);
		if (!w->key) {
			refuse(s, row, w->slot);
			continue;
		}
		sources_prefetch(&s->sources, w->key);
		if (s->options.apart)
			__builtin_prefetch(&s->ports->unpaired[w->slot], 1);
		count++;
	}
	return count;
}

/* The rules that the row's SYNs match, and the relation to the source's SYNs before.  Without
 * branches, as what is after it: none of it could be foretold. */
static inline uint32_t rules_of(const struct summary *s, struct source *source,
    const struct minute_row *row)
{
	/*
	 * With a mark the relation can be the mark's own (Mirai: seq ^ dst is always 0), and a SYN
	 * sent again agrees in both byte orders: another destination can agree in one only.
	 */
	bool related = (source->access != 0) & (minute_key_marks(&row->key) == 0)
	    & ((row->pair_keys[0] == source->pair_keys[0])
	    ^ (row->pair_keys[1] == source->pair_keys[1]));

	source->pair_keys[0] = row->pair_keys[0];
	source->pair_keys[1] = row->pair_keys[1];
	return row->rules | choose_u32(related, s->pair_rules, 0);
}

/* Whether a source asks one address or several: tells scanners from mistakes. */
static inline void note_destination(struct source *source, const struct minute_row *row)
{
	uint32_t dst = row->first_dst < SOURCE_DST_SEVERAL - 1 ? row->first_dst + 1 : 1;
	bool several = (row->dsts_above > 1) | ((row->dst_bits & (row->dst_bits - 1)) != 0)
	    | ((row->dsts_above != 0) & (row->dst_bits != 0))
	    | ((source->dst != 0) & (source->dst != dst));

	source->dst = choose_u32(several, SOURCE_DST_SEVERAL, dst);
}

/* Step 3: counts the row to its source, or asks for its pair when that is elsewhere. */
static inline void count_source(struct summary *s, struct waiting *w)
{
	const struct minute_row *row = w->row;
	struct source *source = sources_enter(&s->sources, w->key, w->place);
	uint32_t rules;

	w->pair = 0;
	if (!source) {
		refuse(s, row, w->slot);
		return;
	}
	if (!is_access(row)) {
		source->talks = true;
		return;
	}
	rules = row->signature ? rules_of(s, source, row) : 0;
	/* Missing evidence for want of memory is said, not hidden. */
	if (!sources_add_evidence(&s->sources, source, row->packets, rules))
		s->saturated = true;
	note_destination(source, row);
	s->request_sources += source->access == 0;
	source->access += row->packets;
	if (s->options.apart) {
		s->ports->unpaired[w->slot] += row->packets;
		return;
	}
	w->pair = pair_of(&s->sources, source, w->slot);
	w->pair &= sources_count_own(source, w->slot, row->packets) - 1ull;
}

int summary_add(struct summary *s, const struct tally_rows *rows)
{
	struct waiting waiting[TALLY_ROWS_BATCH];
	const struct waiting *paired[TALLY_ROWS_BATCH];
	uint32_t pairs = 0;
	bool has_room = sources_reserve(&s->sources, rows->count);
	uint32_t count = begin_rows(s, rows, waiting);

	for (uint32_t i = 0; i < count && !has_room; i++)
		refuse(s, waiting[i].row, waiting[i].slot);
	if (!has_room)
		return ST_OK;
	for (uint32_t i = 0; i < count; i++)
		waiting[i].place = sources_seek(&s->sources, waiting[i].key);
	for (uint32_t i = 0; i < count; i++) {
		count_source(s, &waiting[i]);
		paired[pairs] = &waiting[i];
		pairs += waiting[i].pair != 0;
	}
	for (uint32_t i = 0; i < pairs; i++)
		pair_prefetch(&s->sources, paired[i]->pair);
	for (uint32_t i = 0; i < pairs; i++) {
		const struct waiting *w = paired[i];

		if (!pair_count(&s->sources, w->pair, w->row->packets, SUMMARY_PAIRS_MAX))
			refuse(s, w->row, w->slot);
	}
	return ST_OK;
}

/* ---- sums and lists of the end --------------------------------------------------------------- */

/* At the end, because a table of ports would be in the way of the others all the time. */
static void count_ports(struct summary *s)
{
	memcpy(s->ports->packets, s->ports->unpaired, sizeof(s->ports->packets));
	memset(s->ports->sources, 0, sizeof(s->ports->sources));
	sources_count_ports(&s->sources, s->ports->packets, s->ports->sources);
}

static void count_source_port(void *arg, uint32_t number, uint32_t slot, uint64_t packets)
{
	uint32_t *ports = arg;

	(void)slot;
	(void)packets;
	ports[number - 1]++;
}

int summary_sources(const struct summary *s, summary_source_fn each, void *arg)
{
	const struct sources *sources = &s->sources;
	uint32_t *ports = calloc(sources->count ? sources->count : 1, sizeof(*ports));
	int rc = ST_OK;

	if (!ports)
		return -ENOMEM;
	pair_walk(sources, count_source_port, ports);
	/* A pair that ran over is walked again. */
	for (uint32_t i = 0; i < sources->overflow_count; i++)
		ports[sources->overflow[i].number - 1]--;
	for (uint32_t i = 0; i < sources->count && !rc; i++) {
		const struct source *source = &sources->list[i];
		struct summary_source out = {
			.ip = source->key & SOURCE_V4 ? ip_from_v4((uint32_t)source->key)
			                              : s->v6.list[source->key - 1],
			.access = source->access,
			.ports = ports[i],
			.several_addresses = source->dst == SOURCE_DST_SEVERAL,
			.talks = source->talks,
		};

		out.tools = sources_judge(sources, source, s->options.tools);
		rc = each(arg, &out);
	}
	free(ports);
	return rc;
}

struct summary_totals summary_totals(const struct summary *s)
{
	return (struct summary_totals){
		.sources = s->sources.count,
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

static int list_ports(struct summary *s)
{
	struct summary_port *list;
	size_t count = 0;

	for (uint32_t slot = 0; slot < SLOTS; slot++)
		count += s->ports->packets[slot] > 0;
	list = calloc(count ? count : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	count = 0;
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (s->ports->packets[slot])
			list[count++] = (struct summary_port){slot_proto(slot), slot_port(slot),
				s->ports->packets[slot], s->ports->sources[slot],
				s->ports->mirai[slot]};
	}
	qsort(list, count, sizeof(*list), compare_ports);
	free(s->port_list);
	s->port_list = list;
	s->port_count = count;
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
	const uint16_t *countries; /* by number of the source - 1 */
	struct summary_country *list;
	uint64_t best[PLACES_COUNTRIES];
	uint16_t *rank;   /* by slot: 1 … BUSY_SLOTS, 0 = not among the busy ones */
	uint32_t busy[BUSY_SLOTS];
	uint32_t busy_count;
	uint64_t next;    /* packets of the busiest slot that is not busy */
	uint64_t *sums;   /* PLACES_COUNTRIES × SUMS_OF_COUNTRY: by rank, the first for all the others */
	bool open[PLACES_COUNTRIES]; /* a rarer port could still win */
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

static void find_busy(const struct summary *s, struct main_ports *m)
{
	const struct summary_port *ports = s->port_list;

	for (size_t i = 0; i < s->port_count && i < BUSY_SLOTS; i++) {
		uint32_t slot = slot_of(ports[i].proto, ports[i].port);

		m->busy[m->busy_count++] = slot;
		m->rank[slot] = (uint16_t)(i + 1);
	}
	m->next = s->port_count > BUSY_SLOTS ? ports[BUSY_SLOTS].packets : 0;
}

static inline void gather_rare(void *arg, uint32_t number, uint32_t slot, uint64_t packets)
{
	struct main_ports *m = arg;
	uint32_t country = m->countries[number - 1];

	if (!m->open[country] || m->failed)
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
	m->rare[m->rare_count++] = (struct rare){country, slot, packets};
}

static inline void sum_busy(void *arg, uint32_t number, uint32_t slot, uint64_t packets)
{
	struct main_ports *m = arg;

	m->sums[(size_t)m->countries[number - 1] * SUMS_OF_COUNTRY + m->rank[slot]] += packets;
	gather_rare(arg, number, slot, packets);
}

/* Small countries are likely to stay open: their pairs are gathered in the first walk already. */
static void open_small(struct main_ports *m)
{
	for (unsigned c = 0; c < PLACES_COUNTRIES; c++)
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
		.countries = s->places.countries,
		.list = list,
		.rank = calloc(SLOTS, sizeof(*m.rank)),
		.sums = calloc((size_t)PLACES_COUNTRIES * SUMS_OF_COUNTRY, sizeof(*m.sums)),
	};
	bool any_open = false;
	int rc = -ENOMEM;

	if (!m.rank || !m.sums)
		goto out;
	find_busy(s, &m);
	open_small(&m);
	pair_walk(&s->sources, sum_busy, &m);
	for (unsigned c = 0; c < PLACES_COUNTRIES; c++) {
		bool gathered = m.open[c];

		m.open[c] = false;
		if (!list[c].packets || gathered)
			continue;
		for (uint32_t i = 0; i < m.busy_count; i++)
			offer_port(&m, c, m.busy[i], m.sums[(size_t)c * SUMS_OF_COUNTRY + i + 1]);
		m.open[c] = m.next > 0 && m.best[c] <= m.next;
		any_open = any_open || m.open[c];
	}
	if (any_open)
		pair_walk(&s->sources, gather_rare, &m);
	offer_rare(&m);
	rc = m.failed ? -ENOMEM : ST_OK;
out:
	free(m.rank);
	free(m.sums);
	free(m.rare);
	return rc;
}

static int list_countries(struct summary *s)
{
	struct summary_country *list = calloc(PLACES_COUNTRIES, sizeof(*list));
	size_t count = 0;
	int rc;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->sources.count; i++) {
		struct summary_country *country = &list[s->places.countries[i]];

		country->packets += s->sources.list[i].access;
		country->sources += s->sources.list[i].access > 0;
	}
	rc = s->options.apart ? ST_OK : find_main_ports(s, list);
	if (rc) {
		free(list);
		return rc;
	}
	for (unsigned n = 0; n < PLACES_COUNTRIES; n++) {
		if (!list[n].packets)
			continue;
		list[count] = list[n];
		list[count].country[0] = (char)('A' + n / 26);
		list[count].country[1] = (char)('A' + n % 26);
		count++;
	}
	qsort(list, count, sizeof(*list), compare_countries);
	free(s->country_list);
	s->country_list = list;
	s->country_count = count;
	return ST_OK;
}

static int compare_asns(const void *va, const void *vb)
{
	const struct summary_asn *a = va;
	const struct summary_asn *b = vb;

	if (a->packets != b->packets)
		return a->packets > b->packets ? -1 : 1;
	if (a->sources != b->sources)
		return a->sources > b->sources ? -1 : 1;
	return a->asn < b->asn ? -1 : a->asn > b->asn;
}

static int list_asns(struct summary *s)
{
	uint32_t count = s->places.asn_count;
	struct summary_asn *list = calloc(count + 1, sizeof(*list));
	size_t kept = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->sources.count; i++) {
		struct summary_asn *asn = &list[s->places.asn_of[i]];

		asn->packets += s->sources.list[i].access;
		asn->sources += s->sources.list[i].access > 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		list[i].asn = s->places.asns[i];
		if (list[i].packets)
			list[kept++] = list[i];
	}
	qsort(list, kept, sizeof(*list), compare_asns);
	free(s->asn_list);
	s->asn_list = list;
	s->asn_count = kept;
	return ST_OK;
}

void summary_close(struct summary *s)
{
	sources_close(&s->sources);
}

int summary_finish(struct summary *s)
{
	int rc;

	count_ports(s);
	rc = list_ports(s);
	places_fini(&s->places);
	if (!rc)
		rc = places_find(&s->sources, &s->v6, s->options.geo, &s->places);
	if (!rc)
		rc = list_asns(s);
	return rc ? rc : list_countries(s);
}

/* A copy of a list for the caller. */
static int copy_list(const void *list, size_t count, size_t size, void **ret_copy)
{
	void *copy = calloc(count ? count : 1, size);

	if (!copy)
		return -ENOMEM;
	if (count)
		memcpy(copy, list, count * size);
	*ret_copy = copy;
	return ST_OK;
}

int summary_ports(const struct summary *s, struct summary_port **ret_ports, size_t *ret_count)
{
	void *copy;

	if (copy_list(s->port_list, s->port_count, sizeof(**ret_ports), &copy))
		return -ENOMEM;
	*ret_ports = copy;
	*ret_count = s->port_count;
	return ST_OK;
}

int summary_countries(const struct summary *s, struct summary_country **ret_countries,
    size_t *ret_count)
{
	void *copy;

	if (copy_list(s->country_list, s->country_count, sizeof(**ret_countries), &copy))
		return -ENOMEM;
	*ret_countries = copy;
	*ret_count = s->country_count;
	return ST_OK;
}

int summary_asns(const struct summary *s, struct summary_asn **ret_asns, size_t *ret_count)
{
	void *copy;

	if (copy_list(s->asn_list, s->asn_count, sizeof(**ret_asns), &copy))
		return -ENOMEM;
	*ret_asns = copy;
	*ret_count = s->asn_count;
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

static void judge_sources(const struct summary *s, struct summary_tool *list)
{
	for (uint32_t i = 0; i < s->sources.count; i++) {
		const struct source *source = &s->sources.list[i];
		uint32_t judged = sources_judge(&s->sources, source, s->options.tools);

		for (; judged; judged &= judged - 1) {
			struct summary_tool *t = &list[__builtin_ctz(judged)];

			t->packets += source->access;
			t->sources++;
		}
	}
}

int summary_tools(const struct summary *s, struct summary_tool **ret_tools, size_t *ret_count)
{
	unsigned tool_count = tools_count(s->options.tools);
	struct summary_tool *list = calloc(tool_count ? tool_count : 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (unsigned t = 0; t < tool_count; t++)
		list[t].tool = tools_name(s->options.tools, t);
	judge_sources(s, list);
	for (unsigned t = 0; t < tool_count; t++)
		if (list[t].sources)
			list[count++] = list[t];
	qsort(list, count, sizeof(*list), compare_tools);
	*ret_tools = list;
	*ret_count = count;
	return ST_OK;
}
