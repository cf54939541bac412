/*
 * The table of sources; the contract is in clusters.h.
 *
 * Sets of four entries, one cache line each.  Who sends much stays: a source that finds its set
 * full takes one off the credit of the set's poorest, and its place when nothing is left.
 */
#include "fingerprint/clusters.h"

#include "base/civil.h"
#include "base/hash.h"
#include "base/rd.h"
#include "fingerprint/marks.h"
#include "fingerprint/syn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4
#define SETS (CLUSTERS_SOURCES_MAX / WAYS)
#define CREDIT_MAX 255
#define TIME_UNIT_S 2
#define TIME_SLACK_S 2u  /* between their clock's second and ours, and on the way */
#define OPTION_BITS 4
#define OPTION_SLOTS 16  /* kinds in a word; what is behind is not told apart */
#define OPTION_OTHER 15
#define TCP_HEADER_LEN 20

/* Values are the first SYN's; varied says which have changed since. */
struct entry {
	struct ip src;
	uint64_t options;
	uint32_t seq;
	uint32_t dst; /* IPv6: its last 32 bits */
	uint32_t ack;
	uint32_t stamp; /* time stamp − seconds; 0 with varied: there is none */
	uint32_t syns;  /* 0 = free */
	uint16_t sport;
	uint16_t dport;
	uint16_t ip_id;
	uint16_t window;
	uint16_t varied; /* 1 << enum clusters_field, and the next two */
	uint16_t first;  /* of the day, in units of two seconds */
	uint16_t last;
	uint8_t ttl_low;
	uint8_t ttl_high;
	uint8_t credit;
	uint8_t is_v6;
};

#define VARIED_DST (1u << CLUSTERS_FIELD_COUNT)
#define VARIED_DPORT (2u << CLUSTERS_FIELD_COUNT)
_Static_assert(CLUSTERS_FIELD_COUNT + 2 <= 16, "varied has 16 bits");

struct clusters {
	struct entry *entries; /* [CLUSTERS_SOURCES_MAX] */
	uint32_t *used;        /* which of them, in the order of first use */
	uint32_t used_count;
	int64_t day_us;
	int64_t minute; /* of the newest batch */
	uint32_t in_minute; /* SYNs looked at */
	uint32_t skip;  /* batches */
};

static const char *const field_names[CLUSTERS_FIELD_COUNT] = {"seq", "seq-high", "seq-low", "ack",
    "sport", "ip-id", "window", "ttl", "options", "tsval-time", "seq-dst", "seq^dst",
    "ip-id^dst^dport^seq", "seq-sport<<16"};

const char *clusters_field_name(enum clusters_field field)
{
	return (unsigned)field < CLUSTERS_FIELD_COUNT ? field_names[field] : "";
}

int clusters_new(struct clusters **ret_clusters)
{
	struct clusters *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->entries = calloc(CLUSTERS_SOURCES_MAX, sizeof(*c->entries));
	c->used = calloc(CLUSTERS_SOURCES_MAX, sizeof(*c->used));
	if (!c->entries || !c->used) {
		clusters_free(c);
		return -ENOMEM;
	}
	*ret_clusters = c;
	return ST_OK;
}

void clusters_free(struct clusters *c)
{
	if (!c)
		return;
	free(c->entries);
	free(c->used);
	free(c);
}

void clusters_begin(struct clusters *c, int64_t day_start_us)
{
	/* A capture may change its day with each packet: only what was used is cleared. */
	for (uint32_t i = 0; i < c->used_count; i++)
		c->entries[c->used[i]] = (struct entry){.syns = 0};
	c->used_count = 0;
	c->day_us = day_start_us;
	c->minute = INT64_MIN;
	c->in_minute = 0;
	c->skip = 0;
}

/* ---- one SYN --------------------------------------------------------------------------------- */

static uint32_t low_dst(const struct decode_packet *p)
{
	return p->flags & DECODE_V4 ? ip_v4(p->dst) : (uint32_t)p->dst.lo;
}

static uint16_t moment(const struct clusters *c, int64_t time_us)
{
	int64_t units = (time_us - c->day_us) / (TIME_UNIT_S * CIVIL_US_PER_SECOND);

	return units < 0 ? 0 : units > UINT16_MAX ? UINT16_MAX : (uint16_t)units;
}

static uint64_t pack_options(const struct syn *syn)
{
	uint64_t word = 0;

	/* From 1, so that the end of options in front differs from none. */
	for (unsigned i = 0; i < syn->option_count && i < OPTION_SLOTS; i++) {
		uint64_t kind = syn->options[i] + 1u < OPTION_OTHER ? syn->options[i] + 1u
		                                                   : OPTION_OTHER;

		word |= kind << (OPTION_BITS * i);
	}
	return word;
}

/* Time stamp − seconds since 1970; false without one. */
static bool stamp_of(const struct decode_packet *p, uint32_t *ret_stamp)
{
	size_t begin = (size_t)p->transport_offset + TCP_HEADER_LEN;
	size_t len = p->payload_offset > begin ? p->payload_offset - begin : 0;
	size_t at;

	if (p->payload_offset > p->data_len)
		return false;
	at = syn_find_timestamp(p->data + begin, len);
	if (at >= len)
		return false;
	*ret_stamp = rd_at_u32be(p->data + begin + at)
	    - (uint32_t)(p->time_us / CIVIL_US_PER_SECOND);
	return true;
}

static void entry_begin(struct entry *e, const struct decode_packet *p, const struct syn *syn,
    uint16_t now)
{
	*e = (struct entry){
		.src = p->src,
		.options = pack_options(syn),
		.seq = p->seq,
		.dst = low_dst(p),
		.ack = p->ack,
		.syns = 1,
		.sport = p->sport,
		.dport = p->dport,
		.ip_id = p->ip_id,
		.window = p->window,
		.first = now,
		.last = now,
		.ttl_low = p->ttl,
		.ttl_high = p->ttl,
		.credit = 1,
		.is_v6 = !(p->flags & DECODE_V4),
	};
	if (!stamp_of(p, &e->stamp))
		e->varied |= 1u << CLUSTERS_TIME;
	if (e->is_v6)
		e->varied |= 1u << CLUSTERS_IP_ID | 1u << CLUSTERS_ID_XOR;
}

static uint16_t xor_of(uint32_t ip_id, uint32_t dst, uint32_t dport, uint32_t seq)
{
	return (uint16_t)(ip_id ^ dst ^ dport ^ seq);
}

static void entry_add(struct entry *e, const struct decode_packet *p, const struct syn *syn,
    uint16_t now)
{
	uint32_t dst = low_dst(p);
	uint32_t seq = p->seq ^ e->seq;
	uint32_t stamp = 0;
	unsigned varied = e->varied;

	varied |= (unsigned)(seq != 0) << CLUSTERS_SEQ;
	varied |= (unsigned)(seq >> 16 != 0) << CLUSTERS_SEQ_HIGH;
	varied |= (unsigned)((seq & 0xffff) != 0) << CLUSTERS_SEQ_LOW;
	varied |= (unsigned)(p->ack != e->ack) << CLUSTERS_ACK;
	varied |= (unsigned)(p->sport != e->sport) << CLUSTERS_SPORT;
	varied |= (unsigned)(p->ip_id != e->ip_id) << CLUSTERS_IP_ID;
	varied |= (unsigned)(p->window != e->window) << CLUSTERS_WINDOW;
	varied |= (unsigned)(pack_options(syn) != e->options) << CLUSTERS_OPTIONS;
	varied |= (unsigned)(p->seq - dst != e->seq - e->dst) << CLUSTERS_SEQ_MINUS_DST;
	varied |= (unsigned)((p->seq ^ dst) != (e->seq ^ e->dst)) << CLUSTERS_SEQ_XOR_DST;
	varied |= (unsigned)(xor_of(p->ip_id, dst, p->dport, p->seq)
	    != xor_of(e->ip_id, e->dst, e->dport, e->seq)) << CLUSTERS_ID_XOR;
	varied |= (unsigned)(p->seq - ((uint32_t)p->sport << 16)
	    != e->seq - ((uint32_t)e->sport << 16)) << CLUSTERS_SEQ_SPORT;
	varied |= dst != e->dst ? VARIED_DST : 0;
	varied |= p->dport != e->dport ? VARIED_DPORT : 0;
	if (!(varied & 1u << CLUSTERS_TIME)
	    && (!stamp_of(p, &stamp) || stamp - e->stamp + TIME_SLACK_S > 2 * TIME_SLACK_S))
		varied |= 1u << CLUSTERS_TIME;
	e->varied = (uint16_t)varied;
	e->ttl_low = p->ttl < e->ttl_low ? p->ttl : e->ttl_low;
	e->ttl_high = p->ttl > e->ttl_high ? p->ttl : e->ttl_high;
	e->first = now < e->first ? now : e->first;
	e->last = now > e->last ? now : e->last;
	e->credit += e->credit < CREDIT_MAX;
	e->syns += e->syns < UINT32_MAX;
}

static struct entry *set_of(const struct clusters *c, struct ip src)
{
	return &c->entries[hash_pair(src.hi, src.lo) % SETS * WAYS];
}

static void look_at(struct clusters *c, const struct decode_packet *p)
{
	struct entry *set = set_of(c, p->src);
	struct entry *poorest = set;
	uint16_t now = moment(c, p->time_us);
	struct syn syn;

	syn_parse(p, &syn);
	for (unsigned i = 0; i < WAYS; i++) {
		struct entry *e = &set[i];

		if (e->syns && ip_equal(e->src, p->src)) {
			entry_add(e, p, &syn, now);
			return;
		}
		if (e->credit < poorest->credit)
			poorest = e;
	}
	if (poorest->credit) {
		poorest->credit--;
		/* Its evidence stays until the place is taken. */
		if (poorest->credit)
			return;
	}
	if (!poorest->syns)
		c->used[c->used_count++] = (uint32_t)(poorest - c->entries);
	entry_begin(poorest, p, &syn, now);
}

void clusters_add(struct clusters *c, const struct decode_packet *packets, size_t count)
{
	const struct decode_packet *syns[CAPTURE_BATCH_MAX];
	int64_t minute;
	size_t n = 0;

	if (count == 0)
		return;
	minute = packets[0].time_us / CIVIL_US_PER_MINUTE;
	if (minute != c->minute) {
		c->minute = minute;
		c->in_minute = 0;
		c->skip = 0;
	}
	if (c->skip) {
		c->skip--;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (packets[i].drop != DECODE_DROP_NONE || !marks_is_syn(&packets[i]))
			continue;
		__builtin_prefetch(set_of(c, packets[i].src), 1);
		syns[n++] = &packets[i];
	}
	for (size_t i = 0; i < n; i++)
		look_at(c, syns[i]);
	c->in_minute += (uint32_t)n;
	if (c->in_minute >= CLUSTERS_MINUTE_SYNS)
		c->skip = CLUSTERS_SAMPLE - 1;
}

/* ---- judging --------------------------------------------------------------------------------- */

static uint8_t initial_ttl(uint8_t ttl)
{
	return ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255;
}

static bool is_known(const struct entry *e, unsigned fields)
{
	return (fields & 1u << CLUSTERS_IP_ID && e->ip_id == MARKS_ZMAP_IP_ID)
	    || (fields & 1u << CLUSTERS_SEQ_MINUS_DST && e->seq == e->dst)
	    || (fields & 1u << CLUSTERS_ID_XOR
	        && xor_of(e->ip_id, e->dst, e->dport, e->seq) == 0);
}

/* What is constant, without what follows from the rest: a relation says nothing unless both its
 * sides change. */
static unsigned fields_of(const struct entry *e)
{
	unsigned constant = ~(unsigned)e->varied & ((1u << CLUSTERS_FIELD_COUNT) - 1);

	if (e->ttl_high - e->ttl_low > CLUSTERS_TTL_SLACK)
		constant &= ~(1u << CLUSTERS_TTL);
	if (constant & 1u << CLUSTERS_SEQ)
		constant &= ~(1u << CLUSTERS_SEQ_HIGH | 1u << CLUSTERS_SEQ_LOW);
	if (e->ack == 0)
		constant &= ~(1u << CLUSTERS_ACK);
	if (e->ip_id == 0)
		constant &= ~(1u << CLUSTERS_IP_ID);
	if ((e->last - e->first) * TIME_UNIT_S < CLUSTERS_SPAN_LEAST_S)
		constant &= ~(1u << CLUSTERS_TIME);
	if (constant & 1u << CLUSTERS_SEQ || !(e->varied & VARIED_DST))
		constant &= ~(1u << CLUSTERS_SEQ_MINUS_DST | 1u << CLUSTERS_SEQ_XOR_DST);
	if (constant & (1u << CLUSTERS_SEQ | 1u << CLUSTERS_SPORT))
		constant &= ~(1u << CLUSTERS_SEQ_SPORT);
	/* Observed addresses are neighbours, so a relation to them keeps the upper half. */
	if (constant & (1u << CLUSTERS_SEQ_MINUS_DST | 1u << CLUSTERS_SEQ_XOR_DST
	        | 1u << CLUSTERS_SEQ_SPORT))
		constant &= ~(1u << CLUSTERS_SEQ_HIGH | 1u << CLUSTERS_SEQ_LOW);
	if (!(e->varied & 1u << CLUSTERS_IP_ID))
		constant &= ~(1u << CLUSTERS_ID_XOR);
	return constant;
}

/* FNV-1a over the bytes in this order, for ever. */
static uint32_t id_of(const struct clusters_member *m)
{
	uint8_t bytes[1 + 2 + 8 + 4];

	bytes[0] = m->initial_ttl;
	bytes[1] = (uint8_t)m->window;
	bytes[2] = (uint8_t)(m->window >> 8);
	for (unsigned i = 0; i < 8; i++)
		bytes[3 + i] = (uint8_t)(m->options >> 8 * i);
	for (unsigned i = 0; i < 4; i++)
		bytes[11 + i] = (uint8_t)(m->fields >> 8 * i);
	return hash_fnv32(bytes, sizeof(bytes));
}

static bool member_of(const struct clusters *c, const struct entry *e, struct clusters_member *ret)
{
	unsigned fields;

	/* One connection that is tried again and again keeps everything. */
	if (e->syns < CLUSTERS_SYNS_LEAST || !(e->varied & (VARIED_DST | VARIED_DPORT
	    | 1u << CLUSTERS_SPORT)))
		return false;
	fields = fields_of(e);
	if (!(fields & CLUSTERS_TELLING) || is_known(e, fields))
		return false;
	*ret = (struct clusters_member){
		.src = e->src,
		.last_us = c->day_us + (int64_t)e->last * TIME_UNIT_S * CIVIL_US_PER_SECOND,
		.fields = fields,
		.syns = e->syns,
		.options = fields & 1u << CLUSTERS_OPTIONS ? e->options : 0,
		.window = fields & 1u << CLUSTERS_WINDOW ? e->window : 0,
		.initial_ttl = initial_ttl(e->ttl_high),
	};
	ret->id = id_of(ret);
	return true;
}

int clusters_members(const struct clusters *c,
    int (*each)(void *arg, const struct clusters_member *member), void *arg)
{
	for (uint32_t i = 0; i < c->used_count; i++) {
		struct clusters_member member;
		int rc;

		if (!member_of(c, &c->entries[c->used[i]], &member))
			continue;
		rc = each(arg, &member);
		if (rc)
			return rc;
	}
	return ST_OK;
}

const char *clusters_name(uint32_t id, char text[CLUSTERS_NAME_MAX])
{
	(void)snprintf(text, CLUSTERS_NAME_MAX, "cluster-%08x", (unsigned)id);
	return text;
}

const char *clusters_options_text(uint64_t options, char text[CLUSTERS_OPTIONS_MAX])
{
	static const char *const names[] = {"eol", "nop", "mss", "ws", "sok", "sack", "6", "7", "ts",
	    "9", "10", "11", "12", "13"};
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < OPTION_SLOTS; i++) {
		unsigned kind = (unsigned)(options >> (OPTION_BITS * i)) & OPTION_OTHER;
		int n;

		if (kind == 0)
			break;
		n = snprintf(text + len, CLUSTERS_OPTIONS_MAX - len, "%s%s", len ? "," : "",
		    kind == OPTION_OTHER ? "?" : names[kind - 1]);
		if (n < 0 || (size_t)n >= CLUSTERS_OPTIONS_MAX - len)
			break;
		len += (size_t)n;
	}
	return text;
}

struct record_cluster_day clusters_row(const struct clusters_member *m, uint16_t sensor,
    const struct geo *geo, char options[CLUSTERS_OPTIONS_MAX])
{
	struct geo_place place = geo_lookup(geo, m->src);
	struct record_cluster_day row = {
		.time = m->last_us,
		.sensor = sensor,
		.src_hi = m->src.hi,
		.src_lo = m->src.lo,
		.id = m->id,
		.fields = m->fields,
		.initial_ttl = m->initial_ttl,
		.syn_window = m->window,
		.syns = m->syns,
		.asn = place.asn,
	};

	memcpy(row.country, place.country, 2);
	row.options.data = clusters_options_text(m->options, options);
	row.options.len = (uint32_t)strlen(options);
	return row;
}
