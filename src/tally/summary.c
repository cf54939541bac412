/* The summary of one run; the contract is in summary.h. */
#include "tally/summary.h"

#include "base/hash.h"
#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_INITIAL (1u << 12)
#define PAIRS_INITIAL (1u << 13)
#define PLACES_INITIAL (1u << 12)
#define V6_INITIAL (1u << 8)
#define EVIDENCE_INITIAL 256u
#define COUNTRIES (26u * 26u)
#define V4_KEY (1ull << 32)

/*
 * Ports of all protocols in one row of slots: TCP, UDP, then 256 slots for each IP protocol (an
 * ICMP type fits, other protocols have port 0).
 */
#define SLOT_UDP 65536u
#define SLOT_OTHER 131072u
#define SLOTS (SLOT_OTHER + 65536u)
#define SLOT_BITS 18

/* A source in its hash slot, half a cache line. */
struct source {
	uint64_t key; /* V4_KEY | address, or the number of an IPv6 address; 0 = free */
	uint64_t access;
	uint32_t pair_keys[2];
	uint32_t asn;
	uint32_t country : 10; /* COUNTRIES - 1 = ZZ */
	uint32_t evidence : 22; /* position + 1, 0 = none */
};
_Static_assert(sizeof(struct source) == 32, "two sources fill a cache line");
#define EVIDENCE_MAX ((1u << 22) - 2)

struct port_count {
	uint64_t packets;
	uint64_t mirai;
	uint64_t sources;
};

/* Country in the upper bits (+ 1, 0 = free), slot below, packets in the lowest 36. */
#define PLACE_COUNT_BITS 36
#define PLACE_COUNT_MASK ((1ull << PLACE_COUNT_BITS) - 1)

struct summary {
	const struct tools *tools;
	const struct geo *geo;
	uint32_t pair_rules;
	struct source *sources;
	uint32_t source_mask;
	uint32_t source_count;
	uint64_t *pairs; /* (source, slot) sets: source key << 18 | slot, never 0 */
	uint32_t pair_mask;
	uint32_t pair_count;
	uint64_t *places; /* packets by (country, slot) */
	uint32_t place_mask;
	uint32_t place_count;
	struct ip *v6; /* by number - 1 */
	uint32_t *v6_slots;
	uint32_t v6_mask;
	uint32_t v6_count;
	struct tools_evidence *evidence;
	uint32_t evidence_count;
	uint32_t evidence_capacity;
	struct port_count *ports;
	uint64_t backscatter_packets;
	uint64_t request_sources;
	bool saturated;
};

static inline uint64_t hash_source(uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15ull) >> 20;
}

static inline uint64_t hash_word(uint64_t word)
{
	return hash_u64(word);
}

static inline uint32_t slot_of(uint8_t proto, uint16_t port)
{
	if (proto == 6)
		return port;
	if (proto == 17)
		return SLOT_UDP + port;
	return SLOT_OTHER + ((uint32_t)proto << 8 | (port & 0xff));
}

static inline uint8_t slot_proto(uint32_t slot)
{
	return slot < SLOT_UDP ? 6 : slot < SLOT_OTHER ? 17 : (uint8_t)((slot - SLOT_OTHER) >> 8);
}

static inline uint16_t slot_port(uint32_t slot)
{
	return slot < SLOT_OTHER ? (uint16_t)slot : (uint16_t)((slot - SLOT_OTHER) & 0xff);
}

static int grow_sources(struct summary *s)
{
	uint32_t old_size = s->sources ? s->source_mask + 1 : 0;
	uint32_t size = old_size ? old_size * 2 : SOURCES_INITIAL;
	struct source *fresh = large_alloc((size_t)size * sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	for (uint32_t i = 0; i < old_size; i++) {
		uint32_t at;

		if (!s->sources[i].key)
			continue;
		at = (uint32_t)hash_source(s->sources[i].key) & (size - 1);
		while (fresh[at].key)
			at = (at + 1) & (size - 1);
		fresh[at] = s->sources[i];
	}
	large_free(s->sources, (size_t)old_size * sizeof(*fresh));
	s->sources = fresh;
	s->source_mask = size - 1;
	return ST_OK;
}

/* Doubles a table of words whose place depends on `word >> shift`. */
static int grow_words(uint64_t **words, uint32_t *mask, uint32_t initial, unsigned shift)
{
	uint32_t old_size = *words ? *mask + 1 : 0;
	uint32_t size = old_size ? old_size * 2 : initial;
	uint64_t *fresh = large_alloc((size_t)size * sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	for (uint32_t i = 0; i < old_size; i++) {
		uint64_t word = (*words)[i];
		uint32_t at;

		if (!word)
			continue;
		at = (uint32_t)hash_word(word >> shift) & (size - 1);
		while (fresh[at])
			at = (at + 1) & (size - 1);
		fresh[at] = word;
	}
	large_free(*words, (size_t)old_size * sizeof(*fresh));
	*words = fresh;
	*mask = size - 1;
	return ST_OK;
}

static int grow_v6(struct summary *s)
{
	uint32_t size = s->v6 ? (s->v6_mask + 1) * 2 : V6_INITIAL;
	struct ip *list = realloc(s->v6, size / 2 * sizeof(*list));
	uint32_t *slots;

	if (!list)
		return -ENOMEM;
	s->v6 = list;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(s->v6_slots);
	s->v6_slots = slots;
	s->v6_mask = size - 1;
	for (uint32_t i = 0; i < s->v6_count; i++) {
		uint32_t at = (uint32_t)hash_pair(list[i].hi, list[i].lo) & s->v6_mask;

		while (slots[at])
			at = (at + 1) & s->v6_mask;
		slots[at] = i + 1;
	}
	return ST_OK;
}

int summary_new(const struct tools *tools, const struct geo *geo, struct summary **ret_summary)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->tools = tools;
	s->geo = geo;
	s->pair_rules = tools_pair_rules(tools);
	s->ports = large_alloc(SLOTS * sizeof(*s->ports));
	if (!s->ports || grow_sources(s) || grow_v6(s)
	    || grow_words(&s->pairs, &s->pair_mask, PAIRS_INITIAL, 0)
	    || grow_words(&s->places, &s->place_mask, PLACES_INITIAL, PLACE_COUNT_BITS)) {
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
	large_free(s->sources, ((size_t)s->source_mask + 1) * sizeof(*s->sources));
	large_free(s->pairs, ((size_t)s->pair_mask + 1) * sizeof(*s->pairs));
	large_free(s->places, ((size_t)s->place_mask + 1) * sizeof(*s->places));
	large_free(s->ports, SLOTS * sizeof(*s->ports));
	free(s->v6);
	free(s->v6_slots);
	free(s->evidence);
	free(s);
}

/* The number of an IPv6 address, a new one at first sight; 0 at the bound. */
static uint32_t number_v6(struct summary *s, struct ip ip)
{
	uint32_t at = (uint32_t)hash_pair(ip.hi, ip.lo) & s->v6_mask;

	for (; s->v6_slots[at]; at = (at + 1) & s->v6_mask)
		if (ip_equal(s->v6[s->v6_slots[at] - 1], ip))
			return s->v6_slots[at];
	if (s->v6_count == (s->v6_mask + 1) / 2) {
		if (s->v6_count >= SUMMARY_SOURCES_MAX || grow_v6(s))
			return 0;
		at = (uint32_t)hash_pair(ip.hi, ip.lo) & s->v6_mask;
		while (s->v6_slots[at])
			at = (at + 1) & s->v6_mask;
	}
	s->v6[s->v6_count] = ip;
	s->v6_slots[at] = ++s->v6_count;
	return s->v6_count;
}

static unsigned country_number(const char code[2])
{
	if (code[0] < 'A' || code[0] > 'Z' || code[1] < 'A' || code[1] > 'Z')
		return COUNTRIES - 1; /* ZZ */
	return (unsigned)(code[0] - 'A') * 26 + (unsigned)(code[1] - 'A');
}

/* The source of that key, a new one at first sight; NULL at the bound. */
static struct source *find_source(struct summary *s, uint64_t key, struct ip ip)
{
	uint32_t at = (uint32_t)hash_source(key) & s->source_mask;
	struct geo_place place;
	struct source *source;

	for (; s->sources[at].key; at = (at + 1) & s->source_mask)
		if (s->sources[at].key == key)
			return &s->sources[at];
	if (s->source_count >= s->source_mask / 8 * 5) {
		if (s->source_count >= SUMMARY_SOURCES_MAX || grow_sources(s)) {
			s->saturated = true;
			return NULL;
		}
		at = (uint32_t)hash_source(key) & s->source_mask;
		while (s->sources[at].key)
			at = (at + 1) & s->source_mask;
	}
	place = geo_lookup(s->geo, ip);
	source = &s->sources[at];
	source->key = key;
	source->asn = place.asn;
	source->country = country_number(place.country) & 0x3ff;
	s->source_count++;
	return source;
}

/* Adds to the set; returns 1 when the pair is new, 0 when not or at the bound. */
static unsigned add_pair(struct summary *s, uint64_t key, uint32_t slot)
{
	uint64_t word = key << SLOT_BITS | slot;
	uint32_t at = (uint32_t)hash_word(word) & s->pair_mask;

	for (; s->pairs[at]; at = (at + 1) & s->pair_mask)
		if (s->pairs[at] == word)
			return 0;
	if (s->pair_count >= s->pair_mask / 8 * 5) {
		if (s->pair_mask >= SUMMARY_PAIRS_MAX
		    || grow_words(&s->pairs, &s->pair_mask, PAIRS_INITIAL, 0)) {
			s->saturated = true;
			return 0;
		}
		at = (uint32_t)hash_word(word) & s->pair_mask;
		while (s->pairs[at])
			at = (at + 1) & s->pair_mask;
	}
	s->pairs[at] = word;
	s->pair_count++;
	return 1;
}

static inline uint64_t place_key(unsigned country, uint32_t slot)
{
	return (uint64_t)(country + 1) << SLOT_BITS | slot;
}

static int add_place(struct summary *s, unsigned country, uint32_t slot, uint32_t packets)
{
	uint64_t key = place_key(country, slot);
	uint32_t at;

	if (s->place_count >= s->place_mask / 8 * 5
	    && grow_words(&s->places, &s->place_mask, PLACES_INITIAL, PLACE_COUNT_BITS))
		return -ENOMEM;
	at = (uint32_t)hash_word(key) & s->place_mask;
	for (; s->places[at]; at = (at + 1) & s->place_mask) {
		if (s->places[at] >> PLACE_COUNT_BITS == key) {
			s->places[at] += packets;
			return ST_OK;
		}
	}
	s->places[at] = key << PLACE_COUNT_BITS | packets;
	s->place_count++;
	return ST_OK;
}

static struct tools_evidence *evidence_of(struct summary *s, struct source *source)
{
	if (source->evidence)
		return &s->evidence[source->evidence - 1];
	if (s->evidence_count == s->evidence_capacity) {
		uint32_t capacity = s->evidence_capacity ? s->evidence_capacity * 2
		                                         : EVIDENCE_INITIAL;
		struct tools_evidence *list;

		if (s->evidence_count >= EVIDENCE_MAX)
			return NULL;
		list = realloc(s->evidence, (size_t)capacity * sizeof(*list));
		if (!list)
			return NULL;
		s->evidence = list;
		s->evidence_capacity = capacity;
	}
	memset(&s->evidence[s->evidence_count], 0, sizeof(*s->evidence));
	source->evidence = ++s->evidence_count & EVIDENCE_MAX;
	return &s->evidence[source->evidence - 1];
}

static void count_evidence(struct summary *s, struct source *source, const struct tally_row *row)
{
	uint32_t rules = row->rules;
	struct tools_evidence *evidence;

	if (source->access && (row->pair_keys[0] == source->pair_keys[0]
	    || row->pair_keys[1] == source->pair_keys[1]))
		rules |= s->pair_rules;
	source->pair_keys[0] = row->pair_keys[0];
	source->pair_keys[1] = row->pair_keys[1];
	if (!rules)
		return;
	evidence = evidence_of(s, source);
	if (evidence)
		tools_evidence_add(evidence, row->flow.packets, rules);
	else
		s->saturated = true;
}

static int count_access(struct summary *s, struct source *source, const struct tally_row *row)
{
	const struct record_flow *flow = &row->flow;
	uint32_t slot = slot_of(flow->proto, flow->port);
	struct port_count *port = &s->ports[slot];

	port->packets += flow->packets;
	if (flow->marks & RECORD_MARK_MIRAI)
		port->mirai += flow->packets;
	if (!source)
		return add_place(s, COUNTRIES - 1, slot, flow->packets);
	if (flow->syn_signature)
		count_evidence(s, source, row);
	if (source->access == 0)
		s->request_sources++;
	source->access += flow->packets;
	port->sources += add_pair(s, source->key, slot);
	return add_place(s, source->country, slot, flow->packets);
}

static inline uint64_t key_of(struct summary *s, const struct record_flow *flow)
{
	struct ip ip = {flow->src_hi, flow->src_lo};

	return ip_is_v4(ip) ? V4_KEY | ip_v4(ip) : number_v6(s, ip);
}

int summary_add(struct summary *s, struct tally_row *rows, size_t count)
{
	uint64_t keys[TALLY_ROWS_BATCH];

	if (count > TALLY_ROWS_BATCH)
		return ST_LIMIT;
	/* As in the tally: ask for the memory of all rows, then use it. */
	for (size_t i = 0; i < count; i++) {
		const struct record_flow *flow = &rows[i].flow;

		keys[i] = key_of(s, flow);
		__builtin_prefetch(&s->sources[(uint32_t)hash_source(keys[i]) & s->source_mask], 1);
		if (flow->class == RECORD_CLASS_REQUEST)
			__builtin_prefetch(&s->pairs[(uint32_t)hash_word(keys[i] << SLOT_BITS
			    | slot_of(flow->proto, flow->port)) & s->pair_mask], 1);
	}
	for (size_t i = 0; i < count; i++) {
		const struct record_flow *flow = &rows[i].flow;
		const struct source *source =
		    &s->sources[(uint32_t)hash_source(keys[i]) & s->source_mask];

		/* Country and evidence are a guess (the slot may be another source's). */
		__builtin_prefetch(&s->ports[slot_of(flow->proto, flow->port)], 1);
		if (source->evidence)
			__builtin_prefetch(&s->evidence[source->evidence - 1], 1);
		__builtin_prefetch(&s->places[(uint32_t)hash_word(place_key(source->country,
		    slot_of(flow->proto, flow->port))) & s->place_mask], 1);
	}
	for (size_t i = 0; i < count; i++) {
		struct record_flow *flow = &rows[i].flow;
		struct source *source = NULL;
		struct geo_place place = {{'Z', 'Z'}, 0};

		if (keys[i])
			source = find_source(s, keys[i], (struct ip){flow->src_hi, flow->src_lo});
		else
			s->saturated = true;
		if (flow->class == RECORD_CLASS_BACKSCATTER) {
			s->backscatter_packets += flow->packets;
			place = geo_lookup(s->geo, (struct ip){flow->victim_hi, flow->victim_lo});
		} else if (source) {
			place.asn = source->asn;
			place.country[0] = (char)('A' + source->country / 26);
			place.country[1] = (char)('A' + source->country % 26);
		}
		memcpy(flow->country, place.country, 2);
		flow->asn = place.asn;
		if (flow->class == RECORD_CLASS_REQUEST) {
			int rc = count_access(s, source, &rows[i]);

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

int summary_countries(const struct summary *s, struct summary_country **ret_countries,
    size_t *ret_count)
{
	struct summary_country *list = calloc(COUNTRIES, sizeof(*list));
	uint64_t best[COUNTRIES] = {0};
	size_t count = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i <= s->source_mask; i++)
		if (s->sources[i].access)
			list[s->sources[i].country].sources++;
	for (uint32_t i = 0; i <= s->place_mask; i++) {
		uint64_t packets = s->places[i] & PLACE_COUNT_MASK;
		uint64_t key = s->places[i] >> PLACE_COUNT_BITS;
		uint32_t slot = (uint32_t)key & ((1u << SLOT_BITS) - 1);
		struct summary_country *c;
		size_t number;

		if (!key)
			continue;
		number = (size_t)(key >> SLOT_BITS) - 1;
		c = &list[number];
		c->packets += packets;
		if (packets > best[number] || (packets == best[number]
		    && (slot_port(slot) < c->port || (slot_port(slot) == c->port
		    && slot_proto(slot) < c->proto)))) {
			best[number] = packets;
			c->port = slot_port(slot);
			c->proto = slot_proto(slot);
		}
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
	for (uint32_t i = 0; i <= s->source_mask; i++) {
		const struct source *source = &s->sources[i];
		uint32_t judged = 0;

		if (source->key && source->evidence)
			judged = tools_judge(s->tools, &s->evidence[source->evidence - 1],
			    source->access);

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
