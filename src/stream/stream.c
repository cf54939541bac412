/*
 * Streams of a passive capture: batches, how streams begin and end, UDP exchanges.
 *
 * A batch goes through in passes so that the memory that a packet needs has been asked for before
 * it is used: index bucket, slot.  SYNs without payload, most of what a telescope sees, are done
 * with in the first pass unless something of their conversation has to come first.
 */
#include "stream/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MAX_US (1ll << 58) /* beyond the year 9999; differences of two do not overflow */
#define FLUSH_AHEAD 16u /* slots */
#define POOL_MIN_NODES 64u
#define BRIEF_SHARE 32u /* at most this part of the memory is for exchanges without a slot */
#define POOL_SHARE_MIN 8u /* at least this part of the memory holds bytes out of order */
#define IDLE_MAX_US (1ll << 50)
#define CONVERSATIONS 1024u /* of a batch, told apart by so many bits; RECENT_ENTRIES is a multiple */
#define TCP_HEADER_MIN 20u
#define UDP_HEADER_LEN 8u

const char *stream_end_name(enum stream_end end)
{
	static const char *const names[STREAM_END_COUNT] = {
		[STREAM_END_FIN] = "fin",
		[STREAM_END_RESET] = "reset",
		[STREAM_END_IDLE] = "idle",
		[STREAM_END_REPLACED] = "replaced",
		[STREAM_END_CAPTURE] = "capture-ended",
	};

	return end < STREAM_END_COUNT ? names[end] : "";
}

const struct stream_counters *streams_counters(const struct streams *s)
{
	return &s->counters;
}

/* ---- beginning and end of everything -------------------------------------------------------- */

static void set_defaults(struct stream_options *o)
{
	if (o->hold_max == 0)
		o->hold_max = STREAM_DEFAULT_HOLD;
	if (o->memory_max == 0)
		o->memory_max = STREAM_DEFAULT_MEMORY;
	if (o->tcp_idle_us == 0)
		o->tcp_idle_us = STREAM_DEFAULT_TCP_IDLE_US;
	if (o->udp_idle_us == 0)
		o->udp_idle_us = STREAM_DEFAULT_UDP_IDLE_US;
}

static uint64_t brief_bytes(const struct stream_options *o)
{
	return o->sink && o->sink->datagram ? o->memory_max / BRIEF_SHARE : 0;
}

/* What memory_max leaves for the pool with so many streams; 0 when that is too little. */
static uint32_t pool_nodes(const struct stream_options *o, uint32_t streams_max)
{
	uint64_t fixed = sizeof(struct streams) + RECENT_ENTRIES * sizeof(struct recent_entry)
	    + table_size(streams_max, o->context_size) + brief_bytes(o);
	uint64_t wanted = (uint64_t)streams_max * 2 * (o->hold_max / HOLD_NODE_LEN + 2);
	uint64_t nodes;

	if (fixed >= o->memory_max || (o->memory_max - fixed) * POOL_SHARE_MIN < o->memory_max)
		return 0;
	nodes = (o->memory_max - fixed) / sizeof(struct hold_node);
	if (wanted < POOL_MIN_NODES)
		wanted = POOL_MIN_NODES;
	if (nodes > wanted)
		nodes = wanted;
	if (nodes >= SLOT_NONE)
		nodes = SLOT_NONE - 1;
	return nodes < POOL_MIN_NODES ? 0 : (uint32_t)nodes;
}

/* Checks and completes the options; streams_max left open becomes what fits. */
static int settle(struct stream_options *o, uint32_t *ret_nodes)
{
	uint32_t nodes;

	set_defaults(o);
	if (o->tcp_idle_us < 0 || o->udp_idle_us < 0 || o->tcp_idle_us > IDLE_MAX_US
	    || o->udp_idle_us > IDLE_MAX_US || o->streams_max > TABLE_STREAMS_MAX
	    || o->hold_max / HOLD_NODE_LEN + 2 > UINT16_MAX || o->context_size > o->memory_max)
		return ST_USAGE;
	if (o->streams_max) {
		nodes = pool_nodes(o, o->streams_max);
	} else {
		o->streams_max = STREAM_DEFAULT_MAX;
		while (!(nodes = pool_nodes(o, o->streams_max)) && o->streams_max > 1)
			o->streams_max /= 2;
	}
	if (!nodes)
		return ST_USAGE;
	*ret_nodes = nodes;
	return ST_OK;
}

int streams_new(const struct stream_options *options, struct streams **ret_streams)
{
	struct streams *s = calloc(1, sizeof(*s));
	struct wheel_times times;
	uint32_t nodes;
	int rc = -ENOMEM;

	if (!s)
		return -ENOMEM;
	s->options = *options;
	if (options->sink)
		s->sink = *options->sink;
	rc = settle(&s->options, &nodes);
	if (rc)
		goto out;
	s->hold_nodes_max = (uint16_t)(s->options.hold_max / HOLD_NODE_LEN + 2);
	rc = table_init(&s->table, s->options.streams_max, s->options.context_size);
	if (!rc)
		rc = hold_init(&s->hold, nodes);
	if (!rc)
		rc = recent_init(&s->recent);
	if (!rc)
		rc = brief_init(&s->brief, brief_bytes(&s->options));
	if (rc)
		goto out;
	times = (struct wheel_times){
		.tcp_idle_us = s->options.tcp_idle_us,
		.half_closed_us = s->options.tcp_idle_us < STREAM_HALF_CLOSED_US
		    ? s->options.tcp_idle_us : STREAM_HALF_CLOSED_US,
		.udp_idle_us = s->options.udp_idle_us,
		.linger_us = STREAM_LINGER_US,
	};
	wheel_init(&s->wheel, &s->table, &times);
	*ret_streams = s;
	s = NULL;
out:
	streams_free(s);
	return rc;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	streams_flush(s);
	brief_fini(&s->brief);
	recent_fini(&s->recent);
	hold_fini(&s->hold);
	table_fini(&s->table);
	free(s);
}

/* Exchanges without a slot: nobody hears of their end. */
static void flush_brief(struct streams *s)
{
	uint32_t over = wheel_udp_over(&s->wheel);

	for (uint32_t i = 0; i < s->brief.bucket_count; i++) {
		struct brief_bucket *bucket = &s->brief.buckets[i];

		for (unsigned way = 0; way < BRIEF_WAYS && brief_is_used(&bucket->ways[way]); way++) {
			s->counters.ended[seq_diff(over, bucket->ways[way].touched) > 0
			    ? STREAM_END_IDLE : STREAM_END_CAPTURE]++;
			bucket->ways[way] = (struct brief_exchange){0};
		}
	}
}

void streams_flush(struct streams *s)
{
	flush_brief(s);
	for (uint32_t i = 0; i < s->table.fresh; i++) {
		if (s->table.fresh - i > FLUSH_AHEAD)
			table_prefetch_bucket(&s->table, streams_slot(s, i + FLUSH_AHEAD)->hash);
		if (streams_slot(s, i)->state == SLOT_OPEN)
			streams_end(s, i, STREAM_END_CAPTURE);
		else if (streams_slot(s, i)->state == SLOT_ENDED)
			streams_forget(s, i);
	}
}

/* ---- one stream ----------------------------------------------------------------------------- */

void streams_forget(struct streams *s, uint32_t number)
{
	wheel_remove(&s->wheel, number);
	table_remove(&s->table, number);
}

void streams_end(struct streams *s, uint32_t number, enum stream_end end)
{
	struct slot *slot = streams_slot(s, number);
	bool lingers = end == STREAM_END_FIN || end == STREAM_END_RESET;

	if (slot->stream.proto == DECODE_PROTO_TCP)
		tcp_flush(s, number);
	/* One side has said that it is finished: what follows is silence, not an interruption. */
	if (end == STREAM_END_IDLE && slot->flags & SLOT_HALF_CLOSED)
		end = STREAM_END_FIN;
	s->counters.ended[end]++;
	if (s->sink.close)
		s->sink.close(s->options.arg, &slot->stream, table_context(&s->table, number), end);
	wheel_remove(&s->wheel, number);
	if (!lingers) {
		table_remove(&s->table, number);
		return;
	}
	slot->state = SLOT_ENDED;
	wheel_touch(&s->wheel, slot);
	wheel_add(&s->wheel, number);
}

/* Ends or forgets a slot because its room is needed or its time is over. */
static void clear_slot(struct streams *s, uint32_t number, enum stream_end end)
{
	if (streams_slot(s, number)->state == SLOT_ENDED)
		streams_forget(s, number);
	else
		streams_end(s, number, end);
}

/* A slot that has been silent for long is in no cache, nor is its neighbour on the wheel. */
PREFETCH_HELPER void prefetch_end(const struct streams *s, uint32_t number)
{
	const struct slot *slot = &s->table.slots[number];

	table_prefetch_bucket(&s->table, slot->hash);
	if (slot->next != SLOT_NONE)
		table_prefetch(&s->table, slot->next);
}

uint32_t streams_open(struct streams *s, const struct arrival *a, enum stream_side from)
{
	const struct decode_packet *p = a->packet;
	uint32_t number = table_crowded(&s->table, a->key.hash);
	bool is_client = from == STREAM_CLIENT;
	struct slot *slot;

	if (number == SLOT_NONE && table_is_full(&s->table))
		number = wheel_oldest(&s->wheel);
	if (number != SLOT_NONE)
		clear_slot(s, number, STREAM_END_REPLACED);
	number = table_add(&s->table, a->key.hash);
	slot = streams_slot(s, number);
	slot->state = SLOT_OPEN;
	slot->stream = (struct stream){
		.client = is_client ? p->src : p->dst,
		.server = is_client ? p->dst : p->src,
		.client_port = is_client ? p->sport : p->dport,
		.server_port = is_client ? p->dport : p->sport,
		.proto = p->proto,
		.first_us = a->time_us,
		.last_us = a->time_us,
	};
	wheel_touch(&s->wheel, slot);
	wheel_add(&s->wheel, number);
	return number;
}

static void tell_open(struct streams *s, uint32_t number)
{
	if (s->sink.open)
		s->sink.open(s->options.arg, &streams_slot(s, number)->stream,
		    table_context(&s->table, number));
}

void streams_announce(struct streams *s, uint32_t number)
{
	s->counters.opened[streams_slot(s, number)->stream.proto == DECODE_PROTO_UDP]++;
	tell_open(s, number);
}

/* The consumer's answer is asked for once per port: it may have to look at all of its protocols. */
static bool is_known_port(struct streams *s, uint8_t proto, uint16_t port)
{
	bool is_udp = proto == DECODE_PROTO_UDP;
	uint64_t *known = &s->known_ports[is_udp][port / 64];
	uint64_t *asked = &s->asked_ports[is_udp][port / 64];
	uint64_t bit = 1ull << port % 64;

	if (!(*asked & bit)) {
		*asked |= bit;
		*known |= s->options.known_port(s->options.arg, proto, port) ? bit : 0;
	}
	return *known & bit;
}

/* The destination is asked about first: services' ports are few, clients' are all others. */
enum stream_side streams_guess_side(struct streams *s, const struct decode_packet *p)
{
	if (!s->options.known_port)
		return STREAM_CLIENT;
	return !is_known_port(s, p->proto, p->dport) && is_known_port(s, p->proto, p->sport)
	    ? STREAM_SERVER : STREAM_CLIENT;
}

/* ---- lengths -------------------------------------------------------------------------------- */

uint32_t streams_wire_len(const struct decode_packet *p)
{
	uint32_t headers;

	/* Something follows the datagram, so all of it is there; no length: offloaded, taken as is. */
	if (p->payload_offset + p->payload_len < p->data_len || p->ip_len == 0
	    || p->network_offset > p->transport_offset)
		return p->payload_len;
	headers = (uint32_t)(p->transport_offset - p->network_offset);
	if (p->proto == DECODE_PROTO_TCP) {
		uint32_t tcp_len = (uint32_t)(p->data[p->transport_offset + 12] >> 4) * 4;

		headers += tcp_len < TCP_HEADER_MIN ? TCP_HEADER_MIN : tcp_len;
	} else {
		headers += UDP_HEADER_LEN;
	}
	return p->ip_len > headers + p->payload_len ? p->ip_len - headers : p->payload_len;
}

/* ---- packets -------------------------------------------------------------------------------- */

/* The exchange needs a context: it becomes a stream; this packet has been told. */
static void keep_exchange(struct streams *s, const struct arrival *a, struct brief_exchange *e)
{
	uint32_t number;
	struct stream *stream;

	/* The next in the bucket moves up: places are used from the front. */
	brief_take_off(&s->brief, e, a->key.hash);
	number = streams_open(s, a, a->from);
	stream = &streams_slot(s, number)->stream;
	stream->packets[a->from] = 1;
	stream->bytes[a->from] = a->packet->payload_len;
	tell_open(s, number);
}

/* A datagram of an exchange that has no slot and may need none; false: it has to have one. */
static bool handle_brief(struct streams *s, struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	uint32_t over = wheel_udp_over(&s->wheel);
	struct stream_memory memory;
	struct brief_exchange *e;
	struct stream stream;
	bool is_client;
	bool found;

	e = brief_find(&s->brief, p, a->key, over, &found);
	if (!e)
		return false;
	if (brief_is_used(e) && (!found || seq_diff(over, e->touched) > 0
	    || a->time_us - e->last_us > s->options.udp_idle_us)) {
		s->counters.ended[STREAM_END_IDLE]++;
		found = false;
	}
	if (found) {
		a->from = brief_client_low(e) == a->key.src_low ? STREAM_CLIENT : STREAM_SERVER;
	} else {
		a->from = streams_guess_side(s, p);
		brief_begin(e, p, a->key, (a->from == STREAM_CLIENT) == a->key.src_low);
		s->counters.opened[1]++;
	}
	is_client = a->from == STREAM_CLIENT;
	e->last_us = a->time_us;
	e->touched = s->wheel.target;
	memory = brief_memory(e);
	stream = (struct stream){
		.client = is_client ? p->src : p->dst,
		.server = is_client ? p->dst : p->src,
		.client_port = is_client ? p->sport : p->dport,
		.server_port = is_client ? p->dport : p->sport,
		.proto = p->proto,
		.first_us = a->time_us,
		.last_us = a->time_us,
	};
	stream.packets[a->from] = 1;
	stream.bytes[a->from] = p->payload_len;
	if (streams_wire_len(p) > p->payload_len)
		s->counters.truncated++;
	if (s->sink.datagram(s->options.arg, &stream, &memory, a->from, p->data + p->payload_offset,
	    p->payload_len))
		brief_remember(e, memory);
	else
		keep_exchange(s, a, e);
	return true;
}

static void handle_udp(struct streams *s, struct arrival *a)
{
	const struct decode_packet *p = a->packet;
	uint32_t number = table_find(&s->table, p, a->key.hash, &a->from);
	struct slot *slot;

	if (number != SLOT_NONE
	    && a->time_us - streams_slot(s, number)->stream.last_us > s->options.udp_idle_us) {
		streams_end(s, number, STREAM_END_IDLE);
		number = SLOT_NONE;
	}
	if (number == SLOT_NONE && s->brief.bucket_count && handle_brief(s, a))
		return;
	if (number == SLOT_NONE) {
		a->from = streams_guess_side(s, p);
		number = streams_open(s, a, a->from);
		streams_announce(s, number);
	}
	slot = streams_slot(s, number);
	slot->stream.last_us = a->time_us;
	slot->stream.packets[a->from]++;
	slot->stream.bytes[a->from] += p->payload_len;
	wheel_touch(&s->wheel, slot);
	if (streams_wire_len(p) > p->payload_len)
		s->counters.truncated++;
	if (s->sink.data)
		s->sink.data(s->options.arg, &slot->stream, table_context(&s->table, number), a->from,
		    p->data + p->payload_offset, p->payload_len);
}

const struct stream *streams_find(const struct streams *s, const struct decode_packet *ends,
    void **ret_context)
{
	enum stream_side from;
	uint32_t number = table_find(&s->table, ends, slot_key_of(ends).hash, &from);

	if (number == SLOT_NONE || s->table.slots[number].state == SLOT_FREE)
		return NULL;
	*ret_context = table_context(&s->table, number);
	return &s->table.slots[number].stream;
}

static int64_t clamp_time(int64_t time_us)
{
	if (time_us > TIME_MAX_US)
		return TIME_MAX_US;
	return time_us < -TIME_MAX_US ? -TIME_MAX_US : time_us;
}

_Static_assert(RECENT_ENTRIES % CONVERSATIONS == 0, "other bits, other entries");

/* From the window on: protocol, flags, TCP flags, TTL, reason of a drop, type of service. */
#define WORD_AT offsetof(struct decode_packet, window)
_Static_assert(WORD_AT + sizeof(uint64_t) == offsetof(struct decode_packet, data), "one word");

static inline uint64_t word_of(const struct decode_packet *p)
{
	uint64_t word;

	memcpy(&word, (const uint8_t *)p + WORD_AT, sizeof(word));
	return word;
}

static bool is_bare_syn(const struct decode_packet *p)
{
	return p->proto == DECODE_PROTO_TCP && p->payload_len == 0
	    && (p->tcp_flags & (DECODE_TCP_SYN | DECODE_TCP_ACK | DECODE_TCP_FIN | DECODE_TCP_RST))
	        == DECODE_TCP_SYN;
}

/* Nearly all that a darknet sees, told by a look at one word and one length: an IPv4 SYN that carries
 * nothing.  What is none may still be a bare SYN. */
static bool is_plain_syn(const struct decode_packet *p)
{
	const struct decode_packet looked_at = {
		.proto = UINT8_MAX,
		.flags = DECODE_V4 | DECODE_TRANSPORT | DECODE_FRAGMENT | DECODE_LATER_FRAGMENT,
		.tcp_flags = DECODE_TCP_SYN | DECODE_TCP_ACK | DECODE_TCP_FIN | DECODE_TCP_RST,
		.drop = UINT8_MAX,
	};
	const struct decode_packet plain = {
		.proto = DECODE_PROTO_TCP,
		.flags = DECODE_V4 | DECODE_TRANSPORT,
		.tcp_flags = DECODE_TCP_SYN,
	};

	return ((word_of(p) ^ word_of(&plain)) & word_of(&looked_at)) == 0 && p->payload_len == 0;
}

/* Looks at the packets that concern nobody and at lone SYNs; the others go on. */
static size_t sort_out(struct streams *s, const struct decode_packet *packets, size_t count,
    struct arrival *arrivals)
{
	uint64_t waiting[CONVERSATIONS / 64] = {0}; /* conversations of those that go on */
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		const struct decode_packet *p = &packets[i];
		struct slot_key key;
		uint64_t *word;
		uint64_t bit;

		if (is_plain_syn(p)) {
			key = slot_key_of_v4(p);
			if (!(waiting[key.hash % CONVERSATIONS / 64] >> key.hash % 64 & 1)) {
				recent_note_syn(&s->recent, p, key);
				continue;
			}
		}
		if ((p->flags & (DECODE_TRANSPORT | DECODE_FRAGMENT | DECODE_LATER_FRAGMENT))
		    != DECODE_TRANSPORT || p->drop == DECODE_DROP_NOT_OBSERVED)
			continue;
		if (p->proto == DECODE_PROTO_UDP ? p->payload_len == 0 : p->proto != DECODE_PROTO_TCP)
			continue;
		key = slot_key_of(p);
		word = &waiting[key.hash % CONVERSATIONS / 64];
		bit = 1ull << key.hash % 64;
		if (is_bare_syn(p) && !(*word & bit)) {
			recent_note_syn(&s->recent, p, key);
			continue;
		}
		*word |= bit;
		table_prefetch_bucket(&s->table, key.hash);
		if (p->proto == DECODE_PROTO_UDP && s->brief.bucket_count)
			brief_prefetch(&s->brief, key.hash);
		arrivals[n++] = (struct arrival){
			.packet = p,
			.key = key,
			.time_us = clamp_time(p->time_us),
			.seq = p->seq + (p->proto == DECODE_PROTO_TCP && p->tcp_flags & DECODE_TCP_SYN),
		};
	}
	return n;
}

void streams_add(struct streams *s, const struct decode_packet *packets, size_t count)
{
	struct arrival arrivals[CAPTURE_BATCH_MAX];

	while (count > 0) {
		size_t batch = count < CAPTURE_BATCH_MAX ? count : CAPTURE_BATCH_MAX;
		size_t n = sort_out(s, packets, batch, arrivals);
		uint32_t number;

		wheel_tell(&s->wheel, clamp_time(packets[batch - 1].time_us));
		for (size_t i = 0; i < n; i++)
			table_prefetch_slots(&s->table, arrivals[i].key.hash);
		for (size_t i = 0; i < n; i++) {
			if (arrivals[i].packet->proto == DECODE_PROTO_UDP)
				handle_udp(s, &arrivals[i]);
			else
				tcp_handle(s, &arrivals[i]);
		}
		while ((number = wheel_due(&s->wheel)) != SLOT_NONE) {
			prefetch_end(s, number);
			clear_slot(s, number, STREAM_END_IDLE);
		}
		packets += batch;
		count -= batch;
	}
}
