/* Flows; the contract is in flow.h. */
#include "detect/flow.h"

#include "base/hash.h"
#include "base/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000ll
#define TCP_NEW_US (60 * SECOND)
#define TCP_IDLE_US (600 * SECOND)
#define TCP_CLOSED_US (60 * SECOND)
#define UDP_NEW_US (30 * SECOND)
#define UDP_IDLE_US (300 * SECOND)
#define ICMP_IDLE_US (30 * SECOND)
#define WINDOW_MAX (1 << 25) /* how far from what is expected a sequence number may lie */

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

struct flow_segment {
	struct flow_segment *next;
	uint32_t seq;
	uint32_t len;
	uint8_t data[];
};

/* A SYN that nothing has followed yet: a flow of a telescope in sixteen bytes. */
struct note {
	uint32_t tag;    /* of the ends; its last bit: the lower end is the client; 0: empty */
	uint32_t seq;
	uint32_t second; /* when */
	uint32_t timestamp; /* of RFC 7323; 0: none */
};

#define NOTES_WAYS 4u /* one cache line */

struct flow_table {
	struct flow_sink sink;
	void *arg;
	struct flow *slots;
	uint32_t slots_max;
	uint32_t slots_used;
	struct flow *free;   /* by next_hash */
	struct flow **hash;
	uint32_t hash_mask;
	struct flow *newest;
	struct flow *oldest;
	uint64_t opened;
	uint64_t evicted;
	struct note *notes;
	uint32_t notes_mask; /* of sets */
	uint64_t serial;
	struct flow passing; /* of the SYN that is being looked at */
	uint32_t passing_bucket;
	struct note *passing_note;
};

int flow_table_new(uint32_t flows_max, const struct flow_sink *sink, void *arg,
    struct flow_table **ret_table)
{
	struct flow_table *t = calloc(1, sizeof(*t));
	uint32_t buckets = 1;

	if (!t)
		return -ENOMEM;
	while (buckets < flows_max && buckets < 1u << 30)
		buckets <<= 1;
	t->sink = *sink;
	t->arg = arg;
	t->slots_max = flows_max;
	t->hash_mask = buckets - 1;
	t->slots = large_alloc((size_t)flows_max * sizeof(*t->slots));
	t->hash = large_alloc((size_t)buckets * sizeof(struct flow *));
	t->notes_mask = buckets > 1 ? buckets / 2 - 1 : 0; /* twice as many as flows */
	t->notes = large_alloc(((size_t)t->notes_mask + 1) * NOTES_WAYS * sizeof(struct note));
	if (!t->slots || !t->hash || !t->notes) {
		flow_table_free(t);
		return -ENOMEM;
	}
	*ret_table = t;
	return ST_OK;
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool from_server_first(struct ip a, uint16_t ap, struct ip b, uint16_t bp)
{
	int order = ip_compare(a, b);

	return order > 0 || (order == 0 && ap > bp);
}

/* The same for both directions. */
static uint64_t key_hash(const struct packet *p)
{
	struct ip a = p->src;
	struct ip b = p->dst;
	uint16_t ap = p->sport;
	uint16_t bp = p->dport;
	uint64_t h;

	if (from_server_first(a, ap, b, bp)) {
		a = p->dst;
		b = p->src;
		ap = p->dport;
		bp = p->sport;
	}
	h = hash_pair(a.hi ^ a.lo, b.hi + b.lo);
	h = hash_pair(h, (uint64_t)ap << 32 | (uint64_t)bp << 16 | (uint64_t)p->proto << 8 | p->depth);
	return h;
}

static bool same_flow(const struct flow *f, const struct packet *p, enum flow_side *ret_side)
{
	if (f->proto != p->proto || f->depth != p->depth)
		return false;
	if (ip_equal(f->ips[0], p->src) && ip_equal(f->ips[1], p->dst) && f->ports[0] == p->sport
	    && f->ports[1] == p->dport) {
		*ret_side = SIDE_CLIENT;
		return true;
	}
	if (ip_equal(f->ips[1], p->src) && ip_equal(f->ips[0], p->dst) && f->ports[1] == p->sport
	    && f->ports[0] == p->dport) {
		*ret_side = SIDE_SERVER;
		return true;
	}
	return false;
}

static void unlink_lru(struct flow_table *t, struct flow *f)
{
	*(f->newer ? &f->newer->older : &t->newest) = f->older;
	*(f->older ? &f->older->newer : &t->oldest) = f->newer;
}

static void link_newest(struct flow_table *t, struct flow *f)
{
	f->newer = NULL;
	f->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = f;
	t->newest = f;
}

static uint32_t flow_hash(const struct flow_table *t, const struct flow *f)
{
	struct packet p = {.src = f->ips[0], .dst = f->ips[1], .sport = f->ports[0],
		.dport = f->ports[1], .proto = f->proto, .depth = f->depth};

	return (uint32_t)key_hash(&p) & t->hash_mask;
}

static void deliver_held(struct flow_table *t, struct flow *f, enum flow_side side, bool skip,
    int64_t time_us);

static void close_flow(struct flow_table *t, struct flow *f, int64_t time_us)
{
	struct flow **at = &t->hash[flow_hash(t, f)];

	for (int side = 0; side < 2; side++) {
		if (f->streams[side].held && f->tcp != TCP_NONE)
			deliver_held(t, f, (enum flow_side)side, true, time_us);
	}
	t->sink.close(t->arg, f, time_us);
	for (int side = 0; side < 2; side++)
		while (f->streams[side].held) {
			struct flow_segment *next = f->streams[side].held->next;

			free(f->streams[side].held);
			f->streams[side].held = next;
		}
	while (*at != f)
		at = &(*at)->next_hash;
	*at = f->next_hash;
	unlink_lru(t, f);
	free(f->bits);
	free(f->ints);
	f->live = false;
	f->next_hash = t->free;
	t->free = f;
}

static int64_t idle_limit(const struct flow *f)
{
	switch (f->proto) {
	case DECODE_PROTO_TCP:
		return f->tcp == TCP_ESTABLISHED ? TCP_IDLE_US : f->tcp == TCP_CLOSED ? TCP_CLOSED_US
		                                                                     : TCP_NEW_US;
	case DECODE_PROTO_UDP:
		return f->saw[0] && f->saw[1] ? UDP_IDLE_US : UDP_NEW_US;
	default:
		return f->saw[0] && f->saw[1] ? UDP_IDLE_US : ICMP_IDLE_US;
	}
}

static struct flow *new_slot(struct flow_table *t, int64_t now, uint32_t bucket)
{
	struct flow *f;

	if (!t->free && t->slots_used == t->slots_max) {
		t->evicted++;
		close_flow(t, t->oldest, now);
	}
	if (t->free) {
		f = t->free;
		t->free = f->next_hash;
	} else {
		f = &t->slots[t->slots_used++];
	}
	memset(f, 0, sizeof(*f));
	f->next_hash = t->hash[bucket];
	t->hash[bucket] = f;
	link_newest(t, f);
	return f;
}

static void describe(struct flow_table *t, struct flow *f, const struct packet *p)
{
	f->live = true;
	f->ips[0] = p->src;
	f->ips[1] = p->dst;
	f->ports[0] = p->sport;
	f->ports[1] = p->dport;
	f->proto = p->proto;
	f->depth = p->depth;
	f->first_us = p->time_us;
	f->serial = ++t->serial;
	t->opened++;
}

/* A SYN on a session that has ended begins another one. */
static bool begins_again(const struct flow *f, const struct packet *p)
{
	if (f->proto != DECODE_PROTO_TCP || (p->tcp_flags & (SYN | ACK | RST)) != SYN)
		return false;
	if (f->tcp == TCP_CLOSED)
		return true;
	return f->tcp == TCP_ESTABLISHED && f->streams[0].fin && f->streams[1].fin;
}

/* Puts a flow with its links into a slot: what it was before is kept. */
static struct flow *settle(struct flow_table *t, const struct flow *from, uint32_t bucket)
{
	struct flow *f = new_slot(t, from->first_us, bucket);
	struct flow *next_hash = f->next_hash;
	struct flow *newer = f->newer;
	struct flow *older = f->older;

	*f = *from;
	f->next_hash = next_hash;
	f->newer = newer;
	f->older = older;
	return f;
}

/* A flow of one SYN: it goes into a slot only when something has been learnt of it. */
static void end_passing(struct flow_table *t)
{
	const struct flow *f = &t->passing;

	if (!t->passing_note)
		return;
	if (f->bits || f->ints || f->pass || f->label) {
		t->passing_note->tag = 0;
		(void)settle(t, f, t->passing_bucket);
	}
	t->passing_note = NULL;
}

static bool lower_is_source(const struct packet *p)
{
	return !from_server_first(p->src, p->sport, p->dst, p->dport);
}

/* The note of these ends, else the place for one: an empty or the oldest. */
static struct note *find_note(struct flow_table *t, uint64_t hash, int64_t now, bool *ret_found)
{
	struct note *set = &t->notes[((hash >> 20) & t->notes_mask) * NOTES_WAYS];
	struct note *place = set;
	uint32_t tag = (uint32_t)(hash >> 32) | 2u;
	uint32_t second = (uint32_t)(now / SECOND);

	*ret_found = true;
	for (unsigned i = 0; i < NOTES_WAYS; i++) {
		struct note *n = &set[i];

		if (n->tag && second - n->second > TCP_NEW_US / SECOND)
			n->tag = 0;
		if ((n->tag | 1u) == (tag | 1u))
			return n;
		if (!n->tag)
			place = n;
		else if (place->tag && (int32_t)(n->second - place->second) < 0)
			place = n;
	}
	*ret_found = false;
	return place;
}

/* What the SYN of a session left, when the session goes on. */
static void remember(struct flow *f, uint32_t seq, uint32_t timestamp)
{
	struct flow_stream *c = &f->streams[SIDE_CLIENT];

	f->tcp = TCP_SYN_SENT;
	f->saw[SIDE_CLIENT] = f->ip_only_done[SIDE_CLIENT] = true;
	c->known = true;
	c->next = c->high = seq + 1;
	c->has_timestamp = timestamp != 0;
	c->timestamp = timestamp;
}

static bool is_bare_syn(const struct packet *p)
{
	return p->proto == DECODE_PROTO_TCP && p->payload_len == 0 && !p->bare
	    && (p->tcp_flags & (SYN | ACK | RST | FIN)) == SYN;
}

static struct flow *begin_flow(struct flow_table *t, const struct packet *p, uint64_t hash,
    enum flow_side *side)
{
	uint32_t bucket = (uint32_t)hash & t->hash_mask;
	struct flow *f;
	struct note *n;
	bool found;

	*side = SIDE_CLIENT;
	if (p->proto != DECODE_PROTO_TCP) {
		f = new_slot(t, p->time_us, bucket);
		describe(t, f, p);
		return f;
	}
	n = find_note(t, hash, p->time_us, &found);
	if (!found && is_bare_syn(p)) {
		*n = (struct note){((uint32_t)(hash >> 32) | 2u) & ~1u, p->seq,
			(uint32_t)(p->time_us / SECOND), p->has_timestamps ? p->timestamp : 0};
		n->tag |= lower_is_source(p);
		f = &t->passing;
		memset(f, 0, sizeof(*f));
		describe(t, f, p);
		t->passing_note = n;
		t->passing_bucket = bucket;
		return f;
	}
	f = new_slot(t, p->time_us, bucket);
	describe(t, f, p);
	if (!found)
		return f;
	if ((n->tag & 1u) != lower_is_source(p)) { /* the server's answer */
		*side = SIDE_SERVER;
		f->ips[0] = p->dst;
		f->ips[1] = p->src;
		f->ports[0] = p->dport;
		f->ports[1] = p->sport;
	}
	remember(f, n->seq, n->timestamp);
	n->tag = 0;
	t->opened--; /* it was counted with its SYN */
	return f;
}

static struct flow *find_flow(struct flow_table *t, const struct packet *p, enum flow_side *side)
{
	uint64_t hash = key_hash(p);

	end_passing(t);
	for (struct flow *f = t->hash[(uint32_t)hash & t->hash_mask]; f; f = f->next_hash) {
		if (!same_flow(f, p, side))
			continue;
		if (p->time_us - f->last_us > idle_limit(f) || begins_again(f, p)) {
			close_flow(t, f, p->time_us);
			break;
		}
		if (t->newest != f) {
			unlink_lru(t, f);
			link_newest(t, f);
		}
		return f;
	}
	return begin_flow(t, p, hash, side);
}

/* ---- TCP ------------------------------------------------------------------------------------ */

static int32_t distance(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void hand_on(struct flow_table *t, struct flow *f, enum flow_side side, const uint8_t *data,
    uint32_t len, int64_t time_us)
{
	struct flow_stream *s = &f->streams[side];

	s->next += len;
	s->bytes += len;
	t->sink.data(t->arg, f, side, data, len, time_us);
}

/* Hands on what has become in order; skip: what is missing will not come any more. */
static void deliver_held(struct flow_table *t, struct flow *f, enum flow_side side, bool skip,
    int64_t time_us)
{
	struct flow_stream *s = &f->streams[side];

	while (s->held) {
		struct flow_segment *seg = s->held;
		int32_t ahead = distance(seg->seq, s->next);

		if (ahead > 0) {
			if (!skip)
				return;
			s->next = seg->seq;
			t->sink.gap(t->arg, f, side, (uint64_t)ahead, time_us);
			ahead = 0;
		}
		s->held = seg->next;
		s->held_bytes -= seg->len;
		if ((uint32_t)-ahead < seg->len)
			hand_on(t, f, side, seg->data + -ahead, seg->len - (uint32_t)-ahead, time_us);
		free(seg);
	}
}

/* Keeps what came too early, in order of its sequence numbers. */
static void hold(struct flow_table *t, struct flow *f, enum flow_side side, uint32_t seq,
    const uint8_t *data, uint32_t len, int64_t time_us)
{
	struct flow_stream *s = &f->streams[side];
	struct flow_segment **at = &s->held;
	struct flow_segment *seg;

	if (s->held_bytes + len > FLOW_HELD_MAX)
		deliver_held(t, f, side, true, time_us);
	while (*at && distance((*at)->seq, seq) <= 0)
		at = &(*at)->next;
	seg = malloc(sizeof(*seg) + len);
	if (!seg)
		return;
	seg->seq = seq;
	seg->len = len;
	memcpy(seg->data, data, len);
	seg->next = *at;
	*at = seg;
	s->held_bytes += len;
}

/* True when the payload belongs to the stream. */
static bool take_payload(struct flow_table *t, struct flow *f, enum flow_side side,
    const struct packet *p)
{
	struct flow_stream *s = &f->streams[side];
	uint32_t seq = p->seq + ((p->tcp_flags & SYN) != 0);
	uint32_t len = p->payload_len;
	const uint8_t *data = p->payload;
	int32_t ahead;

	if (!s->known) {
		s->known = true;
		s->next = s->high = seq;
	}
	ahead = distance(seq, s->next);
	if (ahead > WINDOW_MAX || ahead < -WINDOW_MAX)
		return false;
	if (distance(seq + len, s->high) > 0)
		s->high = seq + len;
	if (p->tcp_flags & FIN) {
		s->fin = true;
		s->fin_seq = seq + len;
	}
	if (len == 0)
		return true;
	if (ahead > 0) {
		hold(t, f, side, seq, data, len, p->time_us);
		return true;
	}
	if ((uint32_t)-ahead >= len)
		return true; /* all of it is known */
	hand_on(t, f, side, data + -ahead, len - (uint32_t)-ahead, p->time_us);
	deliver_held(t, f, side, false, p->time_us);
	return true;
}

static bool tcp_syn(struct flow *f, enum flow_side side, const struct packet *p)
{
	struct flow_stream *mine = &f->streams[side];
	struct flow_stream *other = &f->streams[!side];

	if (f->tcp == TCP_NONE) {
		if (p->tcp_flags & ACK || side != SIDE_CLIENT)
			return false;
		f->tcp = TCP_SYN_SENT;
		mine->known = true;
		mine->next = mine->high = p->seq + 1;
		return true;
	}
	if (f->tcp == TCP_SYN_SENT && side == SIDE_CLIENT && !(p->tcp_flags & ACK)) {
		mine->next = mine->high = p->seq + 1; /* tried again */
		return true;
	}
	if (f->tcp == TCP_SYN_SENT && side == SIDE_SERVER) {
		if (p->tcp_flags & ACK) {
			if (distance(p->ack, other->next) > 0 || distance(p->ack, other->next) < -65536)
				return false; /* acknowledges what was not sent */
		} else {
			f->four_way = true;
		}
		f->tcp = TCP_SYN_RECEIVED;
		mine->known = true;
		mine->next = mine->high = p->seq + 1;
		return true;
	}
	return f->tcp == TCP_SYN_RECEIVED || f->tcp == TCP_ESTABLISHED;
}

static bool tcp_reset(struct flow_table *t, struct flow *f, enum flow_side side,
    const struct packet *p)
{
	struct flow_stream *mine = &f->streams[side];

	if (f->tcp == TCP_NONE || (mine->known && f->tcp != TCP_SYN_SENT
	        && (distance(p->seq, mine->next) < -65536 || distance(p->seq, mine->high) > 65536)))
		return false;
	/* RFC 5961: in the middle of a session only the very next number resets it. */
	if (f->tcp == TCP_ESTABLISHED && mine->known && p->seq != mine->high + mine->fin
	    && p->seq != mine->next)
		return false;
	/* A client that resets what it has not been answered to says nothing about the server. */
	if (f->tcp == TCP_SYN_SENT && side == SIDE_CLIENT)
		return false;
	for (int i = 0; i < 2; i++)
		deliver_held(t, f, (enum flow_side)i, true, p->time_us);
	f->tcp = TCP_CLOSED;
	return true;
}

/* RFC 7323 §5: what is older than the last packet, or answers what was never sent, was put in by
 * somebody else. */
static bool timestamp_fits(struct flow *f, enum flow_side side, const struct packet *p)
{
	struct flow_stream *mine = &f->streams[side];
	const struct flow_stream *other = &f->streams[!side];

	if (!p->has_timestamps || f->tcp == TCP_NONE)
		return true;
	if (f->tcp == TCP_SYN_SENT && side == SIDE_SERVER && other->has_timestamp && p->timestamp_echo
	    && p->timestamp_echo != other->timestamp)
		return false;
	return !mine->has_timestamp || !mine->timestamp || !p->timestamp
	    || distance(p->timestamp, mine->timestamp) >= -1;
}

static void keep_timestamp(struct flow_stream *mine, const struct packet *p)
{
	if (p->has_timestamps
	    && (!mine->has_timestamp || distance(p->timestamp, mine->timestamp) > 0)) {
		mine->has_timestamp = true;
		mine->timestamp = p->timestamp;
	}
}

/* Follows the session; true when the payload went to the stream. */
static bool take_tcp(struct flow_table *t, struct flow *f, enum flow_side side,
    const struct packet *p)
{
	if (!timestamp_fits(f, side, p))
		return false;
	if (!(p->tcp_flags & RST) && (f->tcp != TCP_NONE || (p->tcp_flags & (SYN | ACK)) == SYN))
		keep_timestamp(&f->streams[side], p);
	if (p->tcp_flags & RST)
		return tcp_reset(t, f, side, p);
	if (p->tcp_flags & SYN) {
		if (!tcp_syn(f, side, p))
			return false;
		if (p->payload_len && p->fast_open && side == SIDE_CLIENT)
			return take_payload(t, f, side, p);
		if (f->four_way && p->tcp_flags & ACK && side == SIDE_CLIENT)
			return true;
		return p->payload_len == 0 ? true : p->fast_open ? take_payload(t, f, side, p) : false;
	}
	if (f->tcp == TCP_NONE || f->tcp == TCP_CLOSED)
		return false;
	if (f->tcp == TCP_SYN_SENT)
		return false; /* the answer was not seen */
	if (f->tcp == TCP_SYN_RECEIVED) {
		const struct flow_stream *other = &f->streams[!side];

		if (!(p->tcp_flags & ACK) || (other->known && distance(p->ack, other->high) > WINDOW_MAX))
			return false;
		f->tcp = TCP_ESTABLISHED;
		f->stood = true;
	}
	if (p->payload_len && !(p->tcp_flags & ACK))
		return false; /* nobody would take it */
	return take_payload(t, f, side, p);
}

void flow_table_prefetch(const struct flow_table *t, const struct packet *p)
{
	uint64_t hash;

	if (!p->has_ports)
		return;
	hash = key_hash(p);
	__builtin_prefetch(&t->hash[(uint32_t)hash & t->hash_mask]);
	if (p->proto == DECODE_PROTO_TCP)
		__builtin_prefetch(&t->notes[((hash >> 20) & t->notes_mask) * NOTES_WAYS], 1);
}

struct flow_view flow_table_add(struct flow_table *t, const struct packet *p)
{
	struct flow_view view = {0};
	struct flow *f;

	if (!p->has_ports && p->rule_proto != RULE_PROTO_ICMP && p->rule_proto != RULE_PROTO_ICMPV6)
		return view;
	f = find_flow(t, p, &view.side);
	f->last_us = p->time_us;
	f->saw[view.side] = true;
	view.flow = f;
	if (f->proto == DECODE_PROTO_TCP) {
		if (p->bare || (p->tcp_flags & ACK && distance(p->ack, f->streams[!view.side].next) >= 0))
			f->burst[!view.side] = 0;
		view.in_stream = take_tcp(t, f, view.side, p);
		view.established = f->tcp == TCP_ESTABLISHED || (f->tcp == TCP_CLOSED && f->stood);
		if (f->tcp == TCP_ESTABLISHED && f->streams[0].fin && f->streams[1].fin
		    && !f->streams[0].held && !f->streams[1].held && p->payload_len == 0
		    && f->streams[0].next == f->streams[0].fin_seq
		    && f->streams[1].next == f->streams[1].fin_seq && (p->tcp_flags & FIN) == 0)
			f->tcp = TCP_CLOSED;
	} else {
		view.established = f->saw[0] && f->saw[1];
	}
	return view;
}

void flow_table_stand(struct flow_table *t, enum flow_side side, struct packet *p)
{
	struct packet first = *p; /* as if the client had sent it */
	enum flow_side found;
	struct flow *f;

	if (side == SIDE_SERVER) {
		first.src = p->dst;
		first.dst = p->src;
		first.sport = p->dport;
		first.dport = p->sport;
	}
	f = find_flow(t, &first, &found);
	f->last_us = p->time_us;
	if (f->proto != DECODE_PROTO_TCP)
		return;
	if (f->tcp == TCP_NONE) {
		f->tcp = TCP_ESTABLISHED;
		f->stood = true;
		for (int i = 0; i < 2; i++) {
			f->streams[i].known = true;
			f->streams[i].next = f->streams[i].high = 1;
		}
	}
	p->seq = f->streams[side].next;
	p->ack = f->streams[!side].next;
}

void flow_table_end(struct flow_table *t, const struct packet *p)
{
	enum flow_side side;

	for (struct flow *f = t->hash[(uint32_t)key_hash(p) & t->hash_mask]; f; f = f->next_hash) {
		if (same_flow(f, p, &side)) {
			close_flow(t, f, p->time_us);
			return;
		}
	}
}

void flow_table_flush(struct flow_table *t)
{
	end_passing(t);
	if (t->notes)
		memset(t->notes, 0, ((size_t)t->notes_mask + 1) * NOTES_WAYS * sizeof(struct note));
	while (t->oldest)
		close_flow(t, t->oldest, t->oldest->last_us);
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	if (t->slots)
		flow_table_flush(t);
	large_free(t->slots, (size_t)t->slots_max * sizeof(*t->slots));
	large_free(t->hash, ((size_t)t->hash_mask + 1) * sizeof(struct flow *));
	large_free(t->notes, ((size_t)t->notes_mask + 1) * NOTES_WAYS * sizeof(struct note));
	free(t);
}

uint64_t flow_table_opened(const struct flow_table *t)
{
	return t->opened;
}

uint64_t flow_table_evicted(const struct flow_table *t)
{
	return t->evicted;
}

/* ---- bits and numbers of a flow ------------------------------------------------------------- */

bool flow_bit_get(const struct flow *f, uint16_t name)
{
	for (unsigned i = 0; i < f->bit_count; i++)
		if (f->bits[i] == name)
			return true;
	return false;
}

void flow_bit_set(struct flow *f, uint16_t name, bool on)
{
	for (unsigned i = 0; i < f->bit_count; i++) {
		if (f->bits[i] != name)
			continue;
		if (!on)
			f->bits[i] = f->bits[--f->bit_count];
		return;
	}
	if (!on || f->bit_count == FLOW_BITS_MAX)
		return;
	if (!f->bits)
		f->bits = malloc(FLOW_BITS_MAX * sizeof(*f->bits));
	if (f->bits)
		f->bits[f->bit_count++] = name;
}

struct flow_int *flow_int_find(struct flow *f, uint16_t name, bool make)
{
	for (unsigned i = 0; i < f->int_count; i++)
		if (f->ints[i].name == name)
			return &f->ints[i];
	if (!make || f->int_count == FLOW_INTS_MAX)
		return NULL;
	if (!f->ints)
		f->ints = malloc(FLOW_INTS_MAX * sizeof(*f->ints));
	if (!f->ints)
		return NULL;
	f->ints[f->int_count] = (struct flow_int){name, 0};
	return &f->ints[f->int_count++];
}
