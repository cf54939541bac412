/*
 * TCP segments (RFC 9293) of a conversation that somebody else holds: which stream they belong to,
 * which of their bytes are new, and what is missing.
 *
 * We see what was captured, not what the ends received, so nothing is acknowledged or rejected:
 * a stream is believed as long as its numbers are possible.  A hole is waited for until its bytes
 * come, the other side has acknowledged them for a while, more is held behind it than the limit,
 * or the stream ends.
 */
#include "stream/internal.h"

#include "fingerprint/marks.h"

#define SYN_FIN_RST (DECODE_TCP_SYN | DECODE_TCP_FIN | DECODE_TCP_RST)
#define MS_SHIFT 10 /* microseconds to about milliseconds */

/* Payload of a segment with its place. */
struct segment {
	uint32_t seq;
	const uint8_t *data;
	uint32_t len;  /* captured */
	uint32_t wire; /* sent */
};

/* One direction of a stream at work. */
struct flow {
	struct streams *streams;
	struct slot *slot;
	void *context;
	struct side *side;
	enum stream_side from;
};

static struct flow flow_of(struct streams *s, uint32_t number, enum stream_side from)
{
	struct slot *slot = streams_slot(s, number);

	return (struct flow){s, slot, table_context(&s->table, number), &slot->sides[from], from};
}

static bool is_between(uint32_t seq, uint32_t from, int32_t len)
{
	int32_t diff = seq_diff(seq, from);

	return diff >= 0 && diff <= len;
}

static void begin_side(struct side *side, uint32_t seq, bool guessed)
{
	side->base = seq;
	side->next = seq;
	side->flags = (uint8_t)(SIDE_KNOWN | (guessed ? SIDE_GUESSED : 0)
	    | (side->flags & (SIDE_ACKED | SIDE_FIN)));
}

/* ---- delivery ------------------------------------------------------------------------------- */

static void deliver(struct flow *f, const uint8_t *data, uint32_t len)
{
	struct streams *s = f->streams;

	f->side->next += len;
	f->side->flags &= (uint8_t)~(SIDE_GUESSED | SIDE_WAITING);
	f->slot->stream.bytes[f->from] += len;
	if (s->sink.data)
		s->sink.data(s->options.arg, &f->slot->stream, f->context, f->from, data, len);
}

static void give_up(struct flow *f, uint32_t len)
{
	struct streams *s = f->streams;

	f->side->next += len;
	f->side->flags &= (uint8_t)~(SIDE_GUESSED | SIDE_WAITING);
	f->slot->stream.gap_bytes[f->from] += len;
	s->counters.gaps++;
	s->counters.gap_bytes += len;
	if (s->sink.gap)
		s->sink.gap(s->options.arg, &f->slot->stream, f->context, f->from, len);
}

/* Delivers what is held without a hole before it; nobody waits for what the snap length cut. */
static void drain(struct flow *f)
{
	for (;;) {
		const uint8_t *data;
		uint32_t len;

		while ((len = hold_ready(&f->streams->hold, f->side, &data)) > 0)
			deliver(f, data, len);
		if (hold_is_empty(f->side)) {
			if (f->side->flags & SIDE_CUT)
				f->side->flags ^= SIDE_CUT | SIDE_CUT_TAIL;
			return;
		}
		if (!(f->side->flags & SIDE_CUT))
			return;
		give_up(f, hold_hole(&f->streams->hold, f->side));
	}
}

/* Up to `len` missing bytes, fewer when held ones come before their end. */
static uint32_t missing_before_held(const struct flow *f, uint32_t len)
{
	uint32_t hole;

	if (hold_is_empty(f->side))
		return len;
	hole = hold_hole(&f->streams->hold, f->side);
	return hole < len ? hole : len;
}

/* Nothing before `target` is waited for any more. */
static void give_up_to(struct flow *f, uint32_t target)
{
	while (seq_diff(target, f->side->next) > 0) {
		give_up(f, missing_before_held(f, target - f->side->next));
		drain(f);
	}
}

/* How far the other side's acknowledgment and the FIN say that bytes were sent. */
static uint32_t sent_to(const struct side *side)
{
	uint32_t target = side->next;

	if (side->flags & SIDE_ACKED && seq_diff(side->acked, target) > 0)
		target = side->acked;
	if (side->flags & SIDE_FIN)
		return seq_diff(target, side->fin) > 0 ? side->fin : target;
	/* A FIN that was not captured takes a number as well. */
	return target == side->next + 1 && hold_is_empty(side) ? side->next : target;
}

/* ---- data ----------------------------------------------------------------------------------- */

static void trim_front(struct segment *seg, uint32_t n)
{
	uint32_t present = n < seg->len ? n : seg->len;

	seg->seq += n;
	seg->data += present;
	seg->len -= present;
	seg->wire -= n;
}

static uint32_t hold_segment(struct flow *f, uint32_t seq, const uint8_t *data, uint32_t len,
    bool *ret_pool_empty)
{
	struct streams *s = f->streams;
	struct hold_result r = hold_put(&s->hold, f->side, s->hold_nodes_max, seq, data, len);

	s->counters.retransmitted_bytes += r.repeated;
	s->counters.overlaps += r.differs;
	*ret_pool_empty = r.pool_empty;
	return r.taken;
}

/* A segment that begins at the next byte.  Where it reaches what is held, the held copy wins. */
static void take_in_order(struct flow *f, struct segment *seg)
{
	uint32_t len = missing_before_held(f, seg->len);
	uint32_t behind = 0;
	bool pool_empty;

	if (len < seg->len)
		behind = hold_segment(f, seg->seq + len, seg->data + len, seg->len - len, &pool_empty);
	if (len > 0)
		deliver(f, seg->data, len);
	trim_front(seg, len + behind);
	drain(f);
}

/* A segment behind a hole; when it cannot be held whole, the first hole is given up. */
static void take_ahead(struct flow *f, struct segment *seg)
{
	bool pool_empty;
	uint32_t taken = hold_segment(f, seg->seq, seg->data, seg->len, &pool_empty);

	trim_front(seg, taken);
	if (seg->len == 0)
		return;
	f->streams->counters.no_room += pool_empty;
	give_up(f, missing_before_held(f, seg->seq - f->side->next));
	drain(f);
}

static void take_data(struct flow *f, struct segment seg)
{
	struct stream_counters *c = &f->streams->counters;
	uint32_t cut = seg.wire - seg.len;
	uint32_t end;

	c->truncated += cut > 0;
	if (f->side->flags & SIDE_FIN) {
		int32_t room = seq_diff(f->side->fin, seg.seq);

		if (room <= 0)
			return;
		if (seg.wire > (uint32_t)room)
			seg.wire = (uint32_t)room;
		if (seg.len > seg.wire)
			seg.len = seg.wire;
	}
	end = seg.seq + seg.wire;
	if (seq_diff(seg.seq, f->side->next) > 0) {
		if (f->side->flags & SIDE_CUT_TAIL && hold_is_empty(f->side))
			give_up_to(f, seg.seq);
		else
			c->held_segments++;
	}
	f->side->flags &= (uint8_t)~SIDE_CUT_TAIL;
	while (seg.len > 0) {
		int32_t ahead = seq_diff(seg.seq, f->side->next);

		if (ahead < 0) {
			uint32_t old = (uint32_t)-ahead < seg.len ? (uint32_t)-ahead : seg.len;

			c->retransmitted_bytes += old;
			trim_front(&seg, old);
		} else if (ahead == 0) {
			take_in_order(f, &seg);
		} else {
			take_ahead(f, &seg);
		}
	}
	if (cut == 0)
		return;
	if (seq_diff(seg.seq, f->side->next) <= 0)
		give_up_to(f, end);
	else if (!hold_is_empty(f->side))
		f->side->flags |= SIDE_CUT;
}

/* ---- acknowledgments, ends ------------------------------------------------------------------ */

static void take_ack(struct flow *f, const struct decode_packet *p)
{
	struct side *peer = &f->slot->sides[stream_other(f->from)];
	uint32_t last;

	if (!(peer->flags & SIDE_KNOWN)) {
		begin_side(peer, p->ack, true);
		peer->acked = p->ack;
		peer->flags |= SIDE_ACKED;
		return;
	}
	if (!is_between(p->ack, peer->base, INT32_MAX) && !(peer->flags & SIDE_ACKED))
		return;
	if (f->from == STREAM_CLIENT && f->slot->flags & SLOT_SYN_ACK && f->slot->stream.has_syn)
		f->slot->stream.handshake = STREAM_HANDSHAKE_FULL;
	last = peer->flags & SIDE_ACKED && seq_diff(peer->acked, peer->next) > 0 ? peer->acked
	                                                                          : peer->next;
	/* A jump is somebody else's number: no window is that large between two packets. */
	if (seq_diff(p->ack, last) > STREAM_NEAR_MAX)
		return;
	if (!(peer->flags & SIDE_ACKED) || seq_diff(p->ack, peer->acked) > 0) {
		peer->acked = p->ack;
		peer->flags |= SIDE_ACKED;
	}
}

/* Gives up what the other side has had for a while: the capture has lost it. */
static void check_hole(struct flow *f, int64_t time_us)
{
	struct side *side = f->side;
	uint32_t now_ms = (uint32_t)((uint64_t)time_us >> MS_SHIFT);

	if (!(side->flags & SIDE_ACKED) || sent_to(side) == side->next) {
		side->flags &= (uint8_t)~SIDE_WAITING;
	} else if (!(side->flags & SIDE_WAITING)) {
		side->flags |= SIDE_WAITING;
		side->hole_ms = now_ms;
	} else if (seq_diff(now_ms, side->hole_ms) > STREAM_ACK_GRACE_US >> MS_SHIFT) {
		give_up_to(f, sent_to(side));
	}
}

static void take_fin(struct flow *f, uint32_t number, uint32_t fin)
{
	if (f->side->flags & SIDE_FIN || !is_between(fin, f->side->next, STREAM_WINDOW_MAX))
		return;
	f->side->flags |= SIDE_FIN;
	f->side->fin = fin;
	if (f->slot->flags & SLOT_HALF_CLOSED)
		return;
	wheel_remove(&f->streams->wheel, number);
	f->slot->flags |= SLOT_HALF_CLOSED;
	wheel_add(&f->streams->wheel, number);
}

static bool is_finished(const struct slot *slot)
{
	for (int i = 0; i < 2; i++) {
		const struct side *side = &slot->sides[i];

		if (!(side->flags & SIDE_FIN) || side->next != side->fin)
			return false;
	}
	return true;
}

void tcp_flush(struct streams *s, uint32_t number)
{
	for (int i = STREAM_CLIENT; i <= STREAM_SERVER; i++) {
		struct flow f = flow_of(s, number, (enum stream_side)i);

		if (!(f.side->flags & SIDE_KNOWN))
			continue;
		while (!hold_is_empty(f.side)) {
			drain(&f);
			if (!hold_is_empty(f.side))
				give_up(&f, hold_hole(&s->hold, f.side));
		}
		give_up_to(&f, f.side->flags & SIDE_FIN ? f.side->fin : sent_to(f.side));
	}
}

/* Would the other end believe this RST (RFC 9293 3.10.7.4)?  Old numbers are ignored by all. */
static bool is_believable_reset(const struct streams *s, const struct slot *slot,
    const struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	const struct side *side = &slot->sides[a->from];
	const struct side *peer = &slot->sides[stream_other(a->from)];
	uint32_t high;

	if (!(side->flags & SIDE_KNOWN)) {
		/* As in RFC 9293's SYN-SENT: what it acknowledges must have been sent. */
		return p->tcp_flags & DECODE_TCP_ACK && peer->flags & SIDE_KNOWN
		    && is_between(p->ack, peer->base,
		    seq_diff(peer->next, peer->base) + STREAM_RST_AHEAD_MAX);
	}
	high = side->next;
	if (side->flags & SIDE_ACKED && seq_diff(side->acked, high) > 0)
		high = side->acked;
	if (!hold_is_empty(side))
		high = s->hold.nodes[side->held_tail].seq + HOLD_NODE_LEN;
	return is_between(p->seq, side->next,
	    seq_diff(high, side->next) + STREAM_RST_AHEAD_MAX);
}

/* ---- which stream --------------------------------------------------------------------------- */

/* Does this packet continue what the remembered SYN (or SYN-ACK) began? */
static bool fits_recent(const struct streams *s, const struct recent_entry *e,
    const struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	int64_t age = a->time_us - recent_time_us(e);
	bool from_client = a->key.src_low == !!(e->flags & RECENT_CLIENT_LOW);

	if (age > s->options.tcp_idle_us || age < -s->options.tcp_idle_us)
		return false;
	if (from_client)
		return is_between(a->seq, e->client_isn + 1, STREAM_NEAR_MAX);
	if (e->flags & RECENT_SYN_ACK)
		return is_between(a->seq, e->server_isn + 1, STREAM_NEAR_MAX);
	return is_between(p->ack, e->client_isn + 1, STREAM_NEAR_MAX);
}

/* A stream is known under these ports, but a newer SYN has begun another one that this packet
 * belongs to. */
static bool is_reused(const struct streams *s, const struct slot *slot, const struct arrival *a)
{
	const struct recent_entry *e = recent_find(&s->recent, a->key.hash);
	const struct side *client;
	bool from_client;

	if (!e || recent_time_us(e) < slot->stream.last_us || !fits_recent(s, e, a))
		return false;
	from_client = a->key.src_low == !!(e->flags & RECENT_CLIENT_LOW);
	client = &slot->sides[from_client ? a->from : stream_other(a->from)];
	return !(client->flags & SIDE_KNOWN) || client->base != e->client_isn + 1;
}

/* A byte that a keep-alive or a zero-window probe repeats says nothing about a stream unseen. */
static bool is_probe(const struct decode_packet *p)
{
	return p->payload_len == 1 && p->data[p->payload_offset] == 0
	    && !(p->tcp_flags & (DECODE_TCP_PSH | DECODE_TCP_FIN));
}

static void apply_recent(struct streams *s, struct slot *slot, const struct recent_entry *e)
{
	struct stream *stream = &slot->stream;

	stream->handshake = STREAM_HANDSHAKE_SYN;
	if (recent_time_us(e) < stream->first_us)
		stream->first_us = recent_time_us(e);
	begin_side(&slot->sides[STREAM_CLIENT], e->client_isn + 1, false);
	if (e->flags & RECENT_SYN_ACK) {
		begin_side(&slot->sides[STREAM_SERVER], e->server_isn + 1, false);
		slot->flags |= SLOT_SYN_ACK;
	}
	if (!(e->flags & RECENT_SYN))
		return;
	stream->has_syn = true;
	stream->syn_marks = recent_marks(e);
	stream->syn_signature = recent_signature(e, s->options.tools);
	if (e->flags & RECENT_ACK)
		stream->handshake = STREAM_HANDSHAKE_FULL;
}

/* Opens the stream of a packet with payload. */
static uint32_t open_stream(struct streams *s, struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	const struct recent_entry *e = recent_find(&s->recent, a->key.hash);
	bool is_syn_ack = p->tcp_flags & DECODE_TCP_SYN;
	uint32_t number;

	if (e && !is_syn_ack && !fits_recent(s, e, a))
		e = NULL;
	if (!e && is_probe(p))
		return SLOT_NONE;
	if (e)
		a->from = a->key.src_low == !!(e->flags & RECENT_CLIENT_LOW) ? STREAM_CLIENT
		                                                             : STREAM_SERVER;
	else
		a->from = streams_guess_side(s, p);
	number = streams_open(s, a, a->from);
	if (e)
		apply_recent(s, streams_slot(s, number), e);
	else
		s->counters.midstream++;
	/* What this packet tells is known when the sink hears of the stream. */
	if (e && a->from == STREAM_CLIENT) {
		struct flow f = flow_of(s, number, a->from);

		take_ack(&f, p);
	}
	streams_announce(s, number);
	return number;
}

/* A SYN that carries data (RFC 7413, and scanners). */
static void handle_syn_data(struct streams *s, struct arrival *a, uint32_t number)
{
	const struct decode_packet *p = a->packet;
	struct segment seg = {a->seq, p->data + p->payload_offset, p->payload_len,
		streams_wire_len(p)};
	struct flow f;

	if (number != SLOT_NONE) {
		const struct slot *slot = streams_slot(s, number);

		f = flow_of(s, number, a->from);
		if (f.side->flags & SIDE_KNOWN && f.side->base == a->seq) {
			s->counters.retransmitted_bytes += p->payload_len;
			return;
		}
		if (slot->state == SLOT_OPEN && !(f.side->flags & SIDE_KNOWN)) {
			begin_side(f.side, a->seq, false); /* both ends open at once */
			f.slot->stream.last_us = a->time_us;
			f.slot->stream.packets[a->from]++;
			take_data(&f, seg);
			return;
		}
		if (slot->state == SLOT_ENDED)
			streams_forget(s, number);
		else
			streams_end(s, number, STREAM_END_REPLACED);
	}
	a->from = STREAM_CLIENT;
	number = streams_open(s, a, STREAM_CLIENT);
	f = flow_of(s, number, STREAM_CLIENT);
	f.slot->stream.handshake = STREAM_HANDSHAKE_SYN;
	f.slot->stream.has_syn = true;
	f.slot->stream.syn_marks = (uint8_t)marks_of_tcp(p);
	f.slot->stream.syn_signature = recent_signature_of(p, s->options.tools);
	begin_side(f.side, a->seq, false);
	streams_announce(s, number);
	f.slot->stream.packets[STREAM_CLIENT]++;
	take_data(&f, seg);
}

/* ---- segments of a stream that is open ------------------------------------------------------ */

/* The server's number, when the stream was opened before its SYN-ACK came. */
static void adopt_syn_ack(struct flow *f, const struct decode_packet *p)
{
	struct slot *slot = f->slot;
	const struct side *client = &slot->sides[STREAM_CLIENT];

	if (f->from != STREAM_SERVER || !(client->flags & SIDE_KNOWN)
	    || !is_between(p->ack, client->base, STREAM_NEAR_MAX))
		return;
	if (!(f->side->flags & SIDE_KNOWN) || f->side->flags & SIDE_GUESSED) {
		begin_side(f->side, p->seq + 1, false);
		drain(f);
	}
	if (f->side->base != p->seq + 1)
		return;
	slot->flags |= SLOT_SYN_ACK;
	if (slot->stream.handshake == STREAM_HANDSHAKE_NONE)
		slot->stream.handshake = STREAM_HANDSHAKE_SYN;
}

/* Knows where the segment's side is; false when the segment cannot be of this stream. */
static bool place_segment(struct flow *f, uint32_t seq)
{
	struct side *side = f->side;
	int32_t ahead;

	if (!(side->flags & SIDE_KNOWN))
		begin_side(side, seq, true);
	ahead = seq_diff(seq, side->next);
	if (ahead < 0 && side->flags & SIDE_GUESSED && hold_is_empty(side)
	    && ahead >= -(int32_t)f->streams->options.hold_max)
		begin_side(side, seq, true);
	return ahead <= STREAM_WINDOW_MAX && ahead >= -STREAM_WINDOW_MAX;
}

static void handle_segment(struct streams *s, const struct arrival *a, uint32_t number)
{
	const struct decode_packet *p = a->packet;
	struct flow f = flow_of(s, number, a->from);
	struct flow back = flow_of(s, number, stream_other(a->from));
	struct segment seg = {.seq = a->seq};

	f.slot->stream.last_us = a->time_us;
	if (p->tcp_flags & DECODE_TCP_SYN)
		adopt_syn_ack(&f, p);
	if (!place_segment(&f, seg.seq)) {
		s->counters.ignored++;
		return;
	}
	wheel_touch(&s->wheel, f.slot);
	take_ack(&f, p);
	if (back.side->flags & (SIDE_ACKED | SIDE_WAITING))
		check_hole(&back, a->time_us);
	seg.wire = streams_wire_len(p);
	if (p->tcp_flags & DECODE_TCP_FIN)
		take_fin(&f, number, seg.seq + seg.wire);
	if (seg.wire > 0) {
		seg.data = p->data + p->payload_offset;
		seg.len = p->payload_len;
		f.slot->stream.packets[a->from] += p->payload_len > 0;
		take_data(&f, seg);
	}
	if (f.side->flags & SIDE_WAITING)
		check_hole(&f, a->time_us);
	if (f.slot->flags & SLOT_HALF_CLOSED && is_finished(f.slot))
		streams_end(s, number, STREAM_END_FIN);
}

/* Retransmissions after the end belong to nothing; a new connection on the same ports does. */
static bool is_late(const struct streams *s, const struct slot *slot, const struct arrival *a)
{
	const struct side *side = &slot->sides[a->from];

	if (is_reused(s, slot, a))
		return false;
	return !(side->flags & SIDE_KNOWN)
	    || is_between(a->seq, side->next - STREAM_NEAR_MAX, 2 * STREAM_NEAR_MAX);
}

static void handle_reset(struct streams *s, struct arrival *a, uint32_t number)
{
	struct slot *slot;

	if (number == SLOT_NONE || streams_slot(s, number)->state != SLOT_OPEN)
		return;
	slot = streams_slot(s, number);
	if (!is_believable_reset(s, slot, a)) {
		s->counters.ignored++;
		return;
	}
	slot->stream.last_us = a->time_us;
	streams_end(s, number, STREAM_END_RESET);
}

/* Neither number has to do with the stream's: a connection whose beginning was not seen, or noise. */
static bool is_foreign(const struct slot *slot, const struct arrival *a)
{
	const struct side *side = &slot->sides[a->from];
	const struct side *peer = &slot->sides[stream_other(a->from)];

	return side->flags & peer->flags & SIDE_KNOWN
	    && !is_between(a->seq, side->next - STREAM_NEAR_MAX, 2 * STREAM_NEAR_MAX)
	    && !is_between(a->packet->ack, peer->next - STREAM_NEAR_MAX, 2 * STREAM_NEAR_MAX);
}

enum owner {
	OWNER_STREAM,  /* the stream found */
	OWNER_ANOTHER, /* another connection on the same ports */
	OWNER_NOBODY,
};

static enum owner find_owner(const struct streams *s, const struct slot *slot,
    const struct arrival *a)
{
	if (slot->state == SLOT_ENDED)
		return is_late(s, slot, a) ? OWNER_NOBODY : OWNER_ANOTHER;
	if (a->seq == slot->sides[a->from].next)
		return OWNER_STREAM;
	if (is_reused(s, slot, a))
		return OWNER_ANOTHER;
	if (!is_foreign(slot, a))
		return OWNER_STREAM;
	/* Who guesses the ports must not end a stream that is in use. */
	return a->time_us - slot->stream.last_us > STREAM_STALE_US ? OWNER_ANOTHER : OWNER_NOBODY;
}

/* The stream that a segment with ACK belongs to, opened when it carries payload, or SLOT_NONE. */
static uint32_t find_or_open(struct streams *s, struct arrival *a, uint32_t number)
{
	const struct decode_packet *p = a->packet;
	enum owner owner = OWNER_ANOTHER;

	if (number != SLOT_NONE)
		owner = find_owner(s, streams_slot(s, number), a);
	if (owner == OWNER_STREAM)
		return number;
	if (p->payload_len == 0) {
		if (!(p->tcp_flags & DECODE_TCP_SYN))
			recent_note_ack(&s->recent, p, a->key);
		return SLOT_NONE;
	}
	if (owner == OWNER_NOBODY) {
		if (streams_slot(s, number)->state == SLOT_ENDED)
			s->counters.retransmitted_bytes += p->payload_len;
		else
			s->counters.ignored++;
		return SLOT_NONE;
	}
	if (number != SLOT_NONE) {
		if (streams_slot(s, number)->state == SLOT_ENDED)
			streams_forget(s, number);
		else
			streams_end(s, number, STREAM_END_REPLACED);
	}
	return open_stream(s, a);
}

void tcp_handle(struct streams *s, struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	uint32_t number;

	if ((p->tcp_flags & SYN_FIN_RST) == DECODE_TCP_SYN && !(p->tcp_flags & DECODE_TCP_ACK)) {
		recent_note_syn(&s->recent, p, a->key);
		if (p->payload_len == 0)
			return;
	}
	if (p->tcp_flags & DECODE_TCP_SYN && p->tcp_flags & (DECODE_TCP_FIN | DECODE_TCP_RST)) {
		s->counters.ignored++;
		return;
	}
	number = table_find(&s->table, p, a->key.hash, &a->from);
	if (number != SLOT_NONE && streams_slot(s, number)->state == SLOT_OPEN
	    && a->time_us - streams_slot(s, number)->stream.last_us > s->options.tcp_idle_us) {
		streams_end(s, number, STREAM_END_IDLE);
		number = SLOT_NONE;
	}
	if (p->tcp_flags & DECODE_TCP_RST) {
		handle_reset(s, a, number);
		return;
	}
	if (!(p->tcp_flags & DECODE_TCP_ACK)) {
		if (p->tcp_flags & DECODE_TCP_SYN)
			handle_syn_data(s, a, number);
		else
			s->counters.ignored++;
		return;
	}
	if (p->tcp_flags & DECODE_TCP_SYN)
		recent_note_syn_ack(&s->recent, p, a->key);
	number = find_or_open(s, a, number);
	if (number != SLOT_NONE)
		handle_segment(s, a, number);
}
