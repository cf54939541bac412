/*
 * The batch loop: observe, classify, find the row, count.
 *
 * Each batch goes through in passes, so that the memory that a packet needs has been asked for
 * before it is used: conversation, index word, row.
 */
#include "tally/tally.h"

#include "base/civil.h"
#include "base/hash.h"
#include "fingerprint/marks.h"
#include "tally/classify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tally_minute {
	int64_t start_us;
	bool open;
	bool handed; /* to the relay: its rows may not have been taken yet */
	uint16_t sensor; /* from its end on, as is the next */
	uint32_t dst_end; /* all indices of destinations are below */
	uint64_t last_used; /* batch number */
	struct minute_table v4;
	struct minute_table v6;
	struct minute_hits hits4;
	struct minute_hits hits6;
};

/* What the passes hand on for each packet. */
struct work {
	const struct decode_packet *packet;
	struct tally_minute *minute;
	struct minute_key key;
	uint64_t hash; /* from pass 3 on what minute_table_seek returned */
	uint32_t dst;
	uint8_t second; /* of the minute */
};

/* A packet that an observed address sent, and the number of other packets counted before it. */
struct outbound {
	const struct decode_packet *packet;
	size_t before;
};

struct tally {
	struct tally_counters counters;
	struct destinations destinations;
	struct conversation_memory *memory;
	struct tools *tools;
	tally_sink_fn sink;
	void *sink_arg;
	const struct tally_relay *relay;
	void *relay_arg;
	uint16_t sensor;
	uint64_t batch;
	int64_t newest_us; /* latest packet of the packets being added */
	struct tally_minute minutes[TALLY_MINUTES_OPEN];
	enum tally_dsts dsts;
	/* The batch: plain SYNs first, the others behind them. */
	struct work work[CAPTURE_BATCH_MAX];
	size_t plain;
	const struct decode_packet *others[CAPTURE_BATCH_MAX];
	struct ip victims[CAPTURE_BATCH_MAX]; /* of the others */
	struct outbound outbound[CAPTURE_BATCH_MAX]; /* of this batch, in order */
	size_t outbound_count;
	size_t outbound_next;
};

int tally_new(const struct tally_options *options, struct tally **ret_tally, struct err *err)
{
	struct tally *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (!t)
		return err_set(err, -ENOMEM, "out of memory");
	t->sensor = options->sensor;
	t->tools = options->tools;
	t->sink = options->sink;
	t->sink_arg = options->sink_arg;
	t->relay = options->relay;
	t->relay_arg = options->relay_arg;
	t->dsts = options->dsts;
	if (options->net_count > DESTINATIONS_NETS_MAX
	    || options->excluded_count > DESTINATIONS_NETS_MAX) {
		rc = err_set(err, ST_LIMIT, "more than %d networks", DESTINATIONS_NETS_MAX);
		goto out;
	}
	if (destinations_init(&t->destinations, options->nets, options->net_count, options->known,
	    options->known_count) || conversation_new(&t->memory))
		goto out_memory;
	rc = destinations_exclude(&t->destinations, options->excluded, options->excluded_count);
	if (rc)
		goto out;
	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		struct tally_minute *m = &t->minutes[i];

		if (minute_table_init(&m->v4, false) || minute_table_init(&m->v6, true))
			goto out_memory;
	}
	*ret_tally = t;
	t = NULL;
	rc = ST_OK;
	goto out;
out_memory:
	rc = err_set(err, -ENOMEM, "out of memory");
out:
	tally_free(t);
	return rc;
}

void tally_free(struct tally *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		minute_table_fini(&t->minutes[i].v4);
		minute_table_fini(&t->minutes[i].v6);
		minute_hits_fini(&t->minutes[i].hits4);
		minute_hits_fini(&t->minutes[i].hits6);
	}
	conversation_free(t->memory);
	destinations_fini(&t->destinations);
	free(t);
}

const struct tally_counters *tally_counters(const struct tally *t)
{
	return &t->counters;
}

struct destinations *tally_observed(struct tally *t)
{
	return &t->destinations;
}

const struct destinations *tally_destinations(const struct tally *t)
{
	return &t->destinations;
}

/* ---- closing a minute ----------------------------------------------------------------------- */

static int emit_table(const struct tally_minute *m, const struct minute_table *table,
    tally_sink_fn sink, void *arg)
{
	struct tally_rows rows = {
		.minute_us = m->start_us,
		.sensor = m->sensor,
		.has_dst_bits = m->dst_end <= DESTINATIONS_LISTED_MAX,
		.table = table,
	};

	for (uint32_t i = 0; i < table->count; i += TALLY_ROWS_BATCH) {
		int rc;

		rows.first = i;
		rows.count = table->count - i < TALLY_ROWS_BATCH ? table->count - i
		                                                 : TALLY_ROWS_BATCH;
		rc = sink(arg, &rows);
		if (rc)
			return rc;
	}
	return ST_OK;
}

int tally_minute_emit(struct tally_minute *minute, tally_sink_fn sink, void *arg)
{
	int rc = minute_hits_count(&minute->hits4, &minute->v4, minute->dst_end);

	if (!rc)
		rc = minute_hits_count(&minute->hits6, &minute->v6, minute->dst_end);
	if (!rc)
		rc = emit_table(minute, &minute->v4, sink, arg);
	return rc ? rc : emit_table(minute, &minute->v6, sink, arg);
}

static void forget_rows(struct tally_minute *m)
{
	minute_table_clear(&m->v4);
	minute_table_clear(&m->v6);
}

static int close_minute(struct tally *t, struct tally_minute *m)
{
	int rc;

	m->sensor = t->sensor;
	m->dst_end = destinations_index_end(&t->destinations);
	m->open = false;
	t->counters.minutes_closed++;
	if (t->relay) {
		m->handed = true;
		t->relay->hand(t->relay_arg, m);
		return ST_OK;
	}
	rc = tally_minute_emit(m, t->sink, t->sink_arg);
	forget_rows(m);
	return rc;
}

/* Takes back what was handed on, if it can be had or is waited for; else -EAGAIN. */
static int take_back(struct tally *t, struct tally_minute *m, bool wait)
{
	int rc;

	if (!m->handed)
		return ST_OK;
	rc = t->relay->settle(t->relay_arg, m, wait);
	if (rc == -EAGAIN)
		return rc;
	m->handed = false;
	forget_rows(m);
	return rc;
}

int tally_flush(struct tally *t)
{
	int rc = ST_OK;

	for (size_t n = 0; n < TALLY_MINUTES_OPEN && !rc; n++) {
		struct tally_minute *oldest = NULL;

		for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
			struct tally_minute *m = &t->minutes[i];

			if (m->open && (!oldest || m->start_us < oldest->start_us))
				oldest = m;
		}
		if (!oldest)
			break;
		rc = close_minute(t, oldest);
	}
	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		int r = take_back(t, &t->minutes[i], true);

		rc = rc ? rc : r;
	}
	return rc;
}

static int64_t minute_start(int64_t time_us)
{
	int64_t n = time_us / CIVIL_US_PER_MINUTE;

	if (time_us % CIVIL_US_PER_MINUTE < 0)
		n--;
	return n * CIVIL_US_PER_MINUTE;
}

/*
 * Makes room for a whole batch, so that nothing moves while it is counted; a minute that is full
 * closes early and begins again.
 */
static int prepare_minute(struct tally *t, struct tally_minute *m)
{
	for (int i = 0; i < 2; i++) {
		int64_t start_us = m->start_us;
		int rc;

		if (minute_table_reserve(&m->v4, CAPTURE_BATCH_MAX)
		    && minute_table_reserve(&m->v6, CAPTURE_BATCH_MAX)
		    && minute_hits_reserve(&m->hits4, CAPTURE_BATCH_MAX)
		    && minute_hits_reserve(&m->hits6, CAPTURE_BATCH_MAX))
			return ST_OK;
		if (i > 0)
			break;
		rc = close_minute(t, m);
		if (!rc)
			rc = take_back(t, m, true);
		if (rc)
			return rc;
		t->counters.minutes_closed_early++;
		m->open = true;
		m->start_us = start_us;
	}
	return -ENOMEM;
}

/* Is the one to be given up rather than the other?  The one used longest ago is. */
static bool is_staler(const struct tally_minute *a, const struct tally_minute *b)
{
	return a->last_used < b->last_used
	    || (a->last_used == b->last_used && a->start_us < b->start_us);
}

/*
 * Memory for another minute: what is free, else what the relay gives back soonest, else that of the
 * open minute used longest ago.  ST_LIMIT when all open minutes are wanted by packets of this batch
 * that are not counted yet.
 */
static int make_place(struct tally *t, struct tally_minute **ret_minute)
{
	struct tally_minute *stalest = NULL;
	struct tally_minute *handed = NULL;
	int rc;

	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		struct tally_minute *m = &t->minutes[i];

		if (m->open) {
			if (!stalest || is_staler(m, stalest))
				stalest = m;
			continue;
		}
		rc = take_back(t, m, false);
		if (rc != -EAGAIN) {
			*ret_minute = m;
			return rc;
		}
		if (!handed || is_staler(m, handed))
			handed = m;
	}
	if (handed) {
		*ret_minute = handed;
		return take_back(t, handed, true);
	}
	if (stalest->last_used == t->batch)
		return ST_LIMIT;
	rc = close_minute(t, stalest);
	*ret_minute = stalest;
	return rc ? rc : take_back(t, stalest, true);
}

/* The open minute that starts there, or a new one. */
static int find_minute(struct tally *t, int64_t start_us, struct tally_minute **ret_minute)
{
	struct tally_minute *m = NULL;
	int rc;

	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		m = &t->minutes[i];
		if (m->open && m->start_us == start_us) {
			*ret_minute = m;
			if (m->last_used == t->batch)
				return ST_OK;
			m->last_used = t->batch;
			return prepare_minute(t, m);
		}
	}
	rc = make_place(t, &m);
	if (rc)
		return rc;
	m->open = true;
	m->start_us = start_us;
	m->last_used = t->batch;
	*ret_minute = m;
	return prepare_minute(t, m);
}

/* ---- passes --------------------------------------------------------------------------------- */

static void count_drop(struct tally *t, const struct decode_packet *p)
{
	t->counters.dropped[p->drop]++;
	if (p->drop != DECODE_DROP_LINK_TYPE)
		return;
	for (size_t i = 0; i < TALLY_LINKTYPES_MAX - 1; i++) {
		if (t->counters.undecoded[i].packets == 0)
			t->counters.undecoded[i].linktype = p->linktype;
		if (t->counters.undecoded[i].linktype == p->linktype) {
			t->counters.undecoded[i].packets++;
			break;
		}
	}
}

/* Those that are not plain SYNs. */
static void count_packet(struct tally_counters *c, const struct decode_packet *p)
{
	c->counted++;
	if (p->flags & DECODE_V4)
		c->ip4++;
	else
		c->ip6++;
	switch (p->proto) {
	case DECODE_PROTO_TCP:
		c->tcp++;
		c->tcp_syn += marks_is_syn(p);
		c->tcp_syn_ack += (p->tcp_flags & MARKS_SYN_MASK)
		    == (DECODE_TCP_SYN | DECODE_TCP_ACK);
		c->tcp_rst += (p->tcp_flags & DECODE_TCP_RST) != 0;
		break;
	case DECODE_PROTO_UDP:
		c->udp++;
		break;
	case DECODE_PROTO_ICMP:
		if (p->flags & DECODE_V4)
			c->icmp++;
		else
			c->other_transport++;
		break;
	case DECODE_PROTO_ICMPV6:
		if (p->flags & DECODE_V4)
			c->other_transport++;
		else
			c->icmpv6++;
		break;
	default:
		c->other_transport++;
		break;
	}
}

static void count_plain(struct tally_counters *c, size_t count)
{
	c->counted += count;
	c->ip4 += count;
	c->tcp += count;
	c->tcp_syn += count;
	c->classes[RECORD_CLASS_REQUEST] += count;
}

/* Packets by their marks together: one addition for each, and each mark only once in a batch. */
#define MARKS_SETS (1u << RECORD_MARK_COUNT)

static void count_marks(struct tally_counters *c, const uint32_t packets[MARKS_SETS])
{
	for (unsigned set = 0; set < MARKS_SETS; set++)
		for (unsigned i = 0; i < RECORD_MARK_COUNT; i++)
			c->marks[i] += set >> i & 1 ? packets[set] : 0;
}

/*
 * Nearly all of a darknet's packets: an IPv4 SYN to the one observed network.  It is a request
 * whatever was seen before.
 */
static inline bool is_plain(const struct destinations *d, const struct decode_packet *p)
{
	return d->is_single4 && p->drop == DECODE_DROP_NONE && p->flags & DECODE_V4
	    && (ip_v4(p->dst) & d->single4_mask) == d->single4_base && marks_is_syn(p);
}

/* Pass 1: plain SYNs apart, drops, and the conversation's cache line for those that will ask for
 * it.  Returns the number of others. */
static size_t observe(struct tally *t, struct decode_packet *packets, size_t count)
{
	const struct destinations *d = &t->destinations;
	bool all = d->net_count == 0 && d->excluded_count == 0;
	bool asks = d->net_count == 0 || conversation_any(t->memory);
	size_t plain = 0;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct decode_packet *p = &packets[i];

		if (is_plain(d, p)) {
			t->work[plain++].packet = p;
			continue;
		}
		if (p->drop == DECODE_DROP_NONE && !all && !destinations_observed(d, p->dst)) {
			bool outbound = d->net_count && destinations_observed(d, p->src);

			p->drop = outbound ? DECODE_DROP_OUTBOUND : DECODE_DROP_NOT_OBSERVED;
			if (outbound)
				t->outbound[t->outbound_count++] = (struct outbound){p, n};
		}
		if (p->drop != DECODE_DROP_NONE) {
			count_drop(t, p);
			continue;
		}
		count_packet(&t->counters, p);
		destinations_prefetch(d, p->dst);
		if (asks)
			classify_prefetch(t->memory, p);
		t->others[n++] = p;
	}
	count_plain(&t->counters, plain);
	t->plain = plain;
	for (size_t i = 0; i < n; i++)
		t->work[plain + i].packet = t->others[i];
	return n;
}

/*
 * Remembers what observed addresses sent up to the other packet i: a reply of ours is a
 * conversation for what comes after it only, wherever batches begin and end.
 */
static void note_outbound(struct tally *t, size_t i)
{
	for (; t->outbound_next < t->outbound_count; t->outbound_next++) {
		const struct outbound *o = &t->outbound[t->outbound_next];

		if (o->before > i)
			return;
		classify_outbound(t->memory, o->packet);
	}
}

/* The minute of a packet, asked of find_minute only when it is not the one before. */
static inline int minute_of(struct tally *t, const struct decode_packet *p,
    struct tally_minute **inout_minute)
{
	const struct tally_minute *m = *inout_minute;

	if (p->time_us > t->newest_us)
		t->newest_us = p->time_us;
	if (m && (uint64_t)(p->time_us - m->start_us) < CIVIL_US_PER_MINUTE)
		return ST_OK;
	return find_minute(t, minute_start(p->time_us), inout_minute);
}

/* What both kinds need of packet and minute. */
static inline void describe_place(struct work *w, struct tally_minute *minute,
    const struct minute_table *table)
{
	w->minute = minute;
	w->second = (uint8_t)((uint32_t)(w->packet->time_us - minute->start_us) / CIVIL_US_PER_SECOND);
	w->hash = minute_key_hash(&w->key);
	minute_table_prefetch(table, w->hash);
}

/*
 * Pass 2: class, marks, key; asks for the index word.  Takes packets [from, to), all of them plain,
 * and may stop before the end when they are of more minutes than can be open; *ret_end says where.
 */
static int describe_plain(struct tally *t, size_t from, size_t to, size_t *ret_end)
{
	uint32_t marked[MARKS_SETS] = {0};
	struct tally_minute *minute = NULL;
	int rc = ST_OK;
	size_t i;

	for (i = from; i < to; i++) {
		struct work *w = &t->work[i];
		const struct decode_packet *p = w->packet;
		uint16_t marks;

		rc = minute_of(t, p, &minute);
		if (rc)
			break;
		marks = marks_of_syn4(p);
		marked[marks % MARKS_SETS]++;
		w->key.addresses = minute_key_addresses(ip_v4(p->src), 0);
		w->key.fields = minute_key_fields(p->dport, DECODE_PROTO_TCP, RECORD_CLASS_REQUEST,
		    p->tcp_flags, 0, marks);
		w->dst = destinations_index_single(&t->destinations, ip_v4(p->dst));
		describe_place(w, minute, &minute->v4);
	}
	count_marks(&t->counters, marked);
	*ret_end = i;
	return rc;
}

/* The same for all other packets. */
static int describe_others(struct tally *t, size_t from, size_t to, size_t *ret_end)
{
	bool remember = t->destinations.net_count == 0;
	uint32_t marked[MARKS_SETS] = {0};
	struct tally_minute *minute = NULL;
	int rc = ST_OK;
	size_t i;

	for (i = from; i < to; i++) {
		struct work *w = &t->work[i];
		const struct decode_packet *p = w->packet;
		struct conversation_memory *memory;
		struct classify_result result;
		struct ip victim = {0, 0};
		uint16_t marks = 0;

		rc = minute_of(t, p, &minute);
		if (rc)
			break;
		if (t->outbound_next < t->outbound_count)
			note_outbound(t, i - t->plain);
		memory = remember || conversation_any(t->memory) ? t->memory : NULL;
		classify_packet(memory, remember, p, &result);
		if (p->proto == DECODE_PROTO_TCP)
			marks = marks_of_tcp(p);
		t->counters.classes[result.class]++;
		marked[marks % MARKS_SETS]++;
		if (result.class == RECORD_CLASS_BACKSCATTER)
			victim = result.victim;
		else
			result.attack_proto = 0;
		t->victims[i] = victim;
		w->key.fields = minute_key_fields(result.port, p->proto, (uint8_t)result.class,
		    p->tcp_flags, result.attack_proto, marks);
		w->key.addresses = p->flags & DECODE_V4
		    ? minute_key_addresses(ip_v4(p->src), ip_v4(victim))
		    : hash_pair(hash_pair(p->src.hi, p->src.lo), hash_pair(victim.hi, victim.lo));
		w->dst = destinations_index(&t->destinations, p->dst);
		describe_place(w, minute, p->flags & DECODE_V4 ? &minute->v4 : &minute->v6);
	}
	count_marks(&t->counters, marked);
	*ret_end = i;
	return rc;
}

static inline void begin_row(struct tally *t, struct minute_row *row, const struct work *w,
    bool is_syn)
{
	const struct decode_packet *p = w->packet;
	struct tools_verdict verdict = {0, 0};
	uint32_t pair_keys[2] = {0, 0};

	if (is_syn) {
		verdict = tools_match_syn(t->tools, p, minute_key_marks(&w->key));
		tools_pair_keys(p, pair_keys);
	}
	*row = (struct minute_row){
		.key = w->key,
		.bytes = p->ip_len,
		.packets = 1,
		.first_dst = w->dst,
		.signature = verdict.signature,
		.pair_keys = {pair_keys[0], pair_keys[1]},
		.rules = (uint16_t)verdict.rules,
		.ttl = p->ttl,
		.first_second = w->second,
		.last_second = w->second,
	};
}

static inline void add_to_row(struct minute_row *row, const struct work *w)
{
	row->packets++;
	row->bytes += w->packet->ip_len;
	if (w->second < row->first_second)
		row->first_second = w->second;
	row->last_second = w->second > row->last_second ? w->second : row->last_second;
}

static inline void count_destination(struct minute_row *row, struct minute_hits *hits,
    uint32_t row_number, uint32_t dst, bool is_new)
{
	if (dst < DESTINATIONS_LISTED_MAX)
		row->dst_bits |= 1ull << dst;
	else if (is_new)
		row->dsts_above = 1;
	else if (dst != row->first_dst && dst != DESTINATIONS_NONE)
		minute_hits_add(hits, row_number, dst);
}

/* The same for rows of which only the first two matter. */
static inline void count_few_destinations(struct minute_row *row, uint32_t dst, bool is_new)
{
	if (dst < DESTINATIONS_LISTED_MAX)
		row->dst_bits |= 1ull << dst;
	else if (is_new)
		row->dsts_above = 1;
	else if (dst != row->first_dst && dst != DESTINATIONS_NONE)
		row->dsts_above = row->first_dst < DESTINATIONS_LISTED_MAX ? 1 : 2;
}

/* Pass 4 for plain SYNs: find or begin the row and add the packet to it. */
static inline void count_plain_into_row(struct tally *t, const struct work *w)
{
	struct minute_table *table = &w->minute->v4;
	bool is_new;
	uint32_t number = minute_table_enter(table, &w->key, NULL, w->hash, &is_new);
	struct minute_row *row = minute_table_row(table, number);

	if (is_new)
		begin_row(t, row, w, true);
	else
		add_to_row(row, w);
	if (t->dsts != TALLY_DSTS_ALL)
		count_few_destinations(row, w->dst, is_new);
	else
		count_destination(row, &w->minute->hits4, number, w->dst, is_new);
}

/* The same for all others. */
static inline void count_into_row(struct tally *t, const struct work *w,
    const struct minute_tail *tail)
{
	struct minute_table *table = tail ? &w->minute->v6 : &w->minute->v4;
	struct minute_row *row;
	uint32_t number;
	bool is_new;

	number = minute_table_enter(table, &w->key, tail, w->hash, &is_new);
	row = minute_table_row(table, number);
	if (is_new)
		begin_row(t, row, w, marks_is_syn(w->packet));
	else
		add_to_row(row, w);
	if (t->dsts == TALLY_DSTS_FEW)
		count_few_destinations(row, w->dst, is_new);
	else
		count_destination(row, tail ? &w->minute->hits6 : &w->minute->hits4, number, w->dst,
		    is_new);
}

/* Passes 3 and 4 for the packets [from, to), which have been described. */
static void count_described(struct tally *t, size_t from, size_t to)
{
	size_t plain = to < t->plain ? to : t->plain;
	size_t others = from > t->plain ? from : t->plain;

	for (size_t i = from; i < plain; i++)
		t->work[i].hash = minute_table_seek(&t->work[i].minute->v4, t->work[i].hash);
	for (size_t i = from; i < plain; i++)
		count_plain_into_row(t, &t->work[i]);
	for (size_t i = others; i < to; i++) {
		struct work *w = &t->work[i];

		w->hash = minute_table_seek(w->packet->flags & DECODE_V4 ? &w->minute->v4
		                                                        : &w->minute->v6, w->hash);
	}
	for (size_t i = others; i < to; i++) {
		const struct work *w = &t->work[i];

		if (w->packet->flags & DECODE_V4) {
			count_into_row(t, w, NULL);
		} else {
			struct minute_tail tail = {w->packet->src, t->victims[i]};

			count_into_row(t, w, &tail);
		}
	}
}

/*
 * Closes minutes that packets just added have left behind, so that a live source loses little when
 * it is cut off.  Only older ones: what another file left open in the future is not in the way.
 */
static int close_late(struct tally *t)
{
	for (size_t i = 0; i < TALLY_MINUTES_OPEN; i++) {
		struct tally_minute *m = &t->minutes[i];

		if (m->open && m->last_used != t->batch
		    && m->start_us + CIVIL_US_PER_MINUTE + TALLY_LATE_US <= t->newest_us) {
			int rc = close_minute(t, m);

			if (rc)
				return rc;
		}
	}
	return ST_OK;
}

int tally_add(struct tally *t, struct decode_packet *packets, size_t count)
{
	size_t others;
	size_t total;
	size_t end;

	t->counters.read += count;
	t->outbound_count = 0;
	t->outbound_next = 0;
	t->newest_us = INT64_MIN;
	others = observe(t, packets, count);
	total = t->plain + others;
	for (size_t from = 0; from < total; from = end) {
		int rc = ST_OK;

		t->batch++;
		end = from;
		if (from < t->plain)
			rc = describe_plain(t, from, t->plain, &end);
		if (!rc && end >= t->plain)
			rc = describe_others(t, end, total, &end);
		if (rc && rc != ST_LIMIT)
			return rc;
		count_described(t, from, end);
	}
	note_outbound(t, others);
	return total ? close_late(t) : ST_OK;
}
