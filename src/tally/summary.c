/* The summary of one run; the contract is in summary.h. */
#include "tally/summary.h"

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_INITIAL 4096u
#define PAIRS_INITIAL 16384u
#define PROTOS 256u
#define PORTS 65536u
#define COUNTRIES (26u * 26u)

/* One source address; its evidence for tools is kept for those that sent SYNs. */
struct source {
	struct ip ip;
	uint64_t access;
	uint32_t asn;
	char country[2];
	bool has_evidence;
	struct tools_evidence evidence;
};

/* Access packets of one source to one port. */
struct pair {
	uint32_t source; /* index + 1; 0 = free */
	uint16_t port;
	uint8_t proto;
	uint32_t packets;
	uint32_t packets_high; /* carries above 32 bits */
};

struct port_count {
	uint64_t packets;
	uint64_t mirai;
	uint32_t sources;
};

struct summary {
	const struct tools *tools;
	const struct geo *geo;
	struct source *sources;
	uint32_t source_count;
	uint32_t source_capacity;
	uint32_t *source_index;
	uint32_t source_mask;
	struct pair *pairs;
	uint32_t pair_mask;
	uint32_t pair_count;
	struct port_count *ports[PROTOS]; /* PORTS each, made when a protocol appears */
	uint64_t backscatter_packets;
	uint64_t request_sources;
	bool saturated;
};

static uint64_t hash_source(struct ip ip)
{
	return hash_pair(ip.hi, ip.lo);
}

static uint64_t hash_pair_key(uint32_t source, uint8_t proto, uint16_t port)
{
	return hash_u64((uint64_t)source << 24 | (uint64_t)port << 8 | proto);
}

static int grow_sources(struct summary *s)
{
	uint32_t capacity = s->sources ? s->source_capacity * 2 : SOURCES_INITIAL;
	struct source *sources = realloc(s->sources, (size_t)capacity * sizeof(*sources));
	uint32_t *index;

	if (!sources)
		return -ENOMEM;
	s->sources = sources;
	index = calloc((size_t)capacity * 2, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(s->source_index);
	s->source_index = index;
	s->source_mask = capacity * 2 - 1;
	s->source_capacity = capacity;
	for (uint32_t i = 0; i < s->source_count; i++) {
		uint32_t at = (uint32_t)hash_source(s->sources[i].ip) & s->source_mask;

		while (index[at])
			at = (at + 1) & s->source_mask;
		index[at] = i + 1;
	}
	return ST_OK;
}

static int grow_pairs(struct summary *s)
{
	uint32_t slots = s->pairs ? (s->pair_mask + 1) * 2 : PAIRS_INITIAL;
	struct pair *fresh = calloc(slots, sizeof(*fresh));
	uint32_t old_slots = s->pairs ? s->pair_mask + 1 : 0;

	if (!fresh)
		return -ENOMEM;
	for (uint32_t i = 0; i < old_slots; i++) {
		const struct pair *p = &s->pairs[i];
		uint32_t at;

		if (!p->source)
			continue;
		at = (uint32_t)hash_pair_key(p->source, p->proto, p->port) & (slots - 1);
		while (fresh[at].source)
			at = (at + 1) & (slots - 1);
		fresh[at] = *p;
	}
	free(s->pairs);
	s->pairs = fresh;
	s->pair_mask = slots - 1;
	return ST_OK;
}

int summary_new(const struct tools *tools, const struct geo *geo, struct summary **ret_summary)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->tools = tools;
	s->geo = geo;
	if (grow_sources(s) || grow_pairs(s)) {
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
	for (unsigned i = 0; i < PROTOS; i++)
		free(s->ports[i]);
	free(s->sources);
	free(s->source_index);
	free(s->pairs);
	free(s);
}

/* The source's index, a new one at first sight; UINT32_MAX at the bound. */
static uint32_t find_source(struct summary *s, struct ip ip)
{
	uint32_t at = (uint32_t)hash_source(ip) & s->source_mask;
	struct geo_place place;
	struct source *source;

	while (s->source_index[at]) {
		uint32_t i = s->source_index[at] - 1;

		if (ip_equal(s->sources[i].ip, ip))
			return i;
		at = (at + 1) & s->source_mask;
	}
	if (s->source_count == s->source_capacity) {
		if (s->source_capacity >= SUMMARY_SOURCES_MAX || grow_sources(s)) {
			s->saturated = true;
			return UINT32_MAX;
		}
		at = (uint32_t)hash_source(ip) & s->source_mask;
		while (s->source_index[at])
			at = (at + 1) & s->source_mask;
	}
	place = geo_lookup(s->geo, ip);
	source = &s->sources[s->source_count];
	memset(source, 0, sizeof(*source));
	source->ip = ip;
	source->asn = place.asn;
	memcpy(source->country, place.country, 2);
	s->source_index[at] = s->source_count + 1;
	return s->source_count++;
}

/* Adds packets to the pair; returns 1 when it is new, 0 when not or at the bound. */
static unsigned add_pair(struct summary *s, uint32_t source, const struct record_flow *flow)
{
	uint32_t at;
	struct pair *p;
	bool fits = s->pair_count < s->pair_mask / 2;

	if (!fits && s->pair_mask < SUMMARY_PAIRS_MAX)
		fits = grow_pairs(s) == ST_OK;
	at = (uint32_t)hash_pair_key(source + 1, flow->proto, flow->port) & s->pair_mask;
	for (;;) {
		p = &s->pairs[at];
		if (!p->source)
			break;
		if (p->source == source + 1 && p->port == flow->port && p->proto == flow->proto) {
			p->packets_high += __builtin_add_overflow(p->packets, flow->packets,
			    &p->packets);
			return 0;
		}
		at = (at + 1) & s->pair_mask;
	}
	if (!fits) {
		s->saturated = true;
		return 0;
	}
	*p = (struct pair){source + 1, flow->port, flow->proto, flow->packets, 0};
	s->pair_count++;
	return 1;
}

static int count_access(struct summary *s, uint32_t source_index, const struct tally_row *row)
{
	const struct record_flow *flow = &row->flow;
	struct port_count *port;

	if (!s->ports[flow->proto]) {
		s->ports[flow->proto] = calloc(PORTS, sizeof(*port));
		if (!s->ports[flow->proto])
			return -ENOMEM;
	}
	port = &s->ports[flow->proto][flow->port];
	port->packets += flow->packets;
	if (flow->marks & RECORD_MARK_MIRAI)
		port->mirai += flow->packets;
	if (source_index != UINT32_MAX) {
		struct source *source = &s->sources[source_index];

		if (source->access == 0)
			s->request_sources++;
		source->access += flow->packets;
		port->sources += add_pair(s, source_index, flow);
		if (flow->syn_signature) {
			source->has_evidence = true;
			tools_evidence_add(s->tools, &source->evidence, flow->packets, row->rules,
			    row->pair_keys);
		}
	}
	return ST_OK;
}

int summary_add(struct summary *s, struct tally_row *rows, size_t count)
{
	/* Same passes as in the tally: ask for the memory, then use it. */
	for (size_t i = 0; i < count; i++) {
		struct ip ip = {rows[i].flow.src_hi, rows[i].flow.src_lo};

		__builtin_prefetch(&s->source_index[(uint32_t)hash_source(ip) & s->source_mask]);
	}
	for (size_t i = 0; i < count; i++) {
		struct ip ip = {rows[i].flow.src_hi, rows[i].flow.src_lo};
		uint32_t word = s->source_index[(uint32_t)hash_source(ip) & s->source_mask];

		if (word) {
			const struct source *source = &s->sources[word - 1];

			__builtin_prefetch(source, 1);
			__builtin_prefetch((const char *)source + 64, 1);
			__builtin_prefetch(&s->pairs[(uint32_t)hash_pair_key(word,
			    rows[i].flow.proto, rows[i].flow.port) & s->pair_mask], 1);
		}
	}
	for (size_t i = 0; i < count; i++) {
		struct record_flow *flow = &rows[i].flow;
		uint32_t index = find_source(s, (struct ip){flow->src_hi, flow->src_lo});
		struct geo_place place = {{'Z', 'Z'}, 0};

		if (flow->class == RECORD_CLASS_BACKSCATTER) {
			s->backscatter_packets += flow->packets;
			place = geo_lookup(s->geo, (struct ip){flow->victim_hi, flow->victim_lo});
		} else if (index != UINT32_MAX) {
			place.asn = s->sources[index].asn;
			memcpy(place.country, s->sources[index].country, 2);
		}
		memcpy(flow->country, place.country, 2);
		flow->asn = place.asn;
		if (flow->class == RECORD_CLASS_REQUEST) {
			int rc = count_access(s, index, &rows[i]);

			if (rc)
				return rc;
		}
	}
	return ST_OK;
}

struct summary_totals summary_totals(const struct summary *s)
{
	return (struct summary_totals){
		.sources = s->source_count,
		.request_sources = s->request_sources,
		.victims_packets = s->backscatter_packets,
		.saturated = s->saturated,
	};
}

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

	for (unsigned proto = 0; proto < PROTOS; proto++)
		for (unsigned port = 0; s->ports[proto] && port < PORTS; port++)
			count += s->ports[proto][port].packets > 0;
	list = calloc(count ? count : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	count = 0;
	for (unsigned proto = 0; proto < PROTOS; proto++) {
		for (unsigned port = 0; s->ports[proto] && port < PORTS; port++) {
			const struct port_count *c = &s->ports[proto][port];

			if (c->packets)
				list[count++] = (struct summary_port){(uint8_t)proto, (uint16_t)port,
					c->packets, c->sources, c->mirai};
		}
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

static unsigned country_number(const char code[2])
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return COUNTRIES - 1; /* ZZ */
	return (unsigned)(code[0] - 'A') * 26 + (unsigned)(code[1] - 'A');
}

/*
 * The main port of each country.  Pairs are put in order of country by counting, so that one
 * array of port sums serves all countries in turn.
 */
static int find_main_ports(const struct summary *s, struct summary_country by_number[COUNTRIES])
{
	uint32_t starts[COUNTRIES + 1] = {0};
	uint32_t filled[COUNTRIES];
	uint32_t *order = malloc(sizeof(*order) * (s->pair_count ? s->pair_count : 1));
	uint64_t *sums = calloc((size_t)PROTOS * PORTS, sizeof(*sums)); /* touched pages only */
	int rc = -ENOMEM;

	if (!order || !sums)
		goto out;
	for (uint32_t i = 0; i <= s->pair_mask; i++)
		if (s->pairs[i].source)
			starts[country_number(s->sources[s->pairs[i].source - 1].country) + 1]++;
	for (unsigned c = 0; c < COUNTRIES; c++)
		starts[c + 1] += starts[c];
	memcpy(filled, starts, sizeof(filled));
	for (uint32_t i = 0; i <= s->pair_mask; i++)
		if (s->pairs[i].source)
			order[filled[country_number(
			    s->sources[s->pairs[i].source - 1].country)]++] = i;
	for (unsigned c = 0; c < COUNTRIES; c++) {
		struct summary_country *country = &by_number[c];
		uint64_t best = 0;

		for (uint32_t k = starts[c]; k < starts[c + 1]; k++) {
			const struct pair *p = &s->pairs[order[k]];

			sums[(size_t)p->proto * PORTS + p->port] += (uint64_t)p->packets_high << 32
			    | p->packets;
		}
		for (uint32_t k = starts[c]; k < starts[c + 1]; k++) {
			const struct pair *p = &s->pairs[order[k]];
			uint64_t sum = sums[(size_t)p->proto * PORTS + p->port];

			if (sum > best || (sum == best && sum > 0 && (p->port < country->port
			    || (p->port == country->port && p->proto < country->proto)))) {
				best = sum;
				country->port = p->port;
				country->proto = p->proto;
			}
		}
		for (uint32_t k = starts[c]; k < starts[c + 1]; k++) {
			const struct pair *p = &s->pairs[order[k]];

			sums[(size_t)p->proto * PORTS + p->port] = 0;
		}
	}
	rc = ST_OK;
out:
	free(order);
	free(sums);
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
	for (uint32_t i = 0; i < s->source_count; i++) {
		const struct source *source = &s->sources[i];
		struct summary_country *c = &list[country_number(source->country)];

		if (!source->access)
			continue;
		c->packets += source->access;
		c->sources++;
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

int summary_tools(const struct summary *s, struct summary_tool **ret_tools, size_t *ret_count)
{
	unsigned tool_count = tools_count(s->tools);
	struct summary_tool *list = calloc(tool_count ? tool_count : 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (unsigned t = 0; t < tool_count; t++)
		list[t].tool = tools_name(s->tools, t);
	for (uint32_t i = 0; i < s->source_count; i++) {
		const struct source *source = &s->sources[i];
		uint32_t judged = source->has_evidence ? tools_judge(s->tools, &source->evidence) : 0;

		for (; judged; judged &= judged - 1) {
			struct summary_tool *t = &list[__builtin_ctz(judged)];

			t->packets += source->access;
			t->sources++;
		}
	}
	for (unsigned t = 0; t < tool_count; t++)
		if (list[t].sources)
			list[count++] = list[t];
	qsort(list, count, sizeof(*list), compare_tools);
	*ret_tools = list;
	*ret_count = count;
	return ST_OK;
}
