/* What visitors said in a capture; the contract is in visitors.h. */
#include "cmd/visitors.h"

#include "decode/tunnel.h"
#include "protocol/patterns.h"

#include <errno.h>
#include <stdlib.h>

/* A row of session that was made during the last call. */
struct ended {
	struct ip client;
	uint64_t id;
	int64_t first_us;
	int64_t last_us;
	uint32_t dst_index;
	uint16_t sport;
	uint16_t dport;
	uint8_t proto;
};

struct visitors {
	struct visitors_options options;
	struct patterns *patterns;
	struct sessions *sessions;
	struct streams *streams;
	bool spoken;                 /* anything but bare SYNs has come */
	struct store_ingest *ingest; /* during a call */
	struct err *err;             /* during a call */
	struct ended *ended;
	size_t ended_count;
	size_t ended_room;
};

static int remember(struct visitors *v, const struct record_session *row)
{
	if (v->ended_count == v->ended_room) {
		size_t room = v->ended_room ? v->ended_room * 2 : 64;
		struct ended *ended = realloc(v->ended, room * sizeof(*ended));

		if (!ended)
			return -ENOMEM;
		v->ended = ended;
		v->ended_room = room;
	}
	v->ended[v->ended_count++] = (struct ended){
		.client = {row->src_hi, row->src_lo},
		.id = row->id,
		.first_us = row->time,
		.last_us = row->time + (int64_t)row->duration_us,
		.dst_index = row->dst_index,
		.sport = row->sport,
		.dport = row->dport,
		.proto = row->transport,
	};
	return ST_OK;
}

static int take_row(void *arg, enum record_table_id table, const void *row)
{
	struct visitors *v = arg;

	if (v->options.remember && table == RECORD_TABLE_session && remember(v, row))
		return -ENOMEM;
	return v->ingest ? store_ingest_rows(v->ingest, table, row, 1, v->err) : ST_OK;
}

static int take_blob(void *arg, const char *sha256, const void *data, size_t len)
{
	struct visitors *v = arg;

	return v->ingest ? store_payload_put(v->options.store, sha256, data, len, v->err) : ST_OK;
}

static const struct sessions_sink sink = {take_row, take_blob};

/* Whose port is it?  For captures that begin in the middle of a stream. */
static bool known_port(void *arg, uint8_t proto, uint16_t port)
{
	(void)arg;
	return identify_knows_port(proto == DECODE_PROTO_TCP ? PROTOCOL_TCP : PROTOCOL_UDP, port);
}

int visitors_new(const struct visitors_options *options, struct visitors **ret_visitors,
    struct err *err)
{
	struct visitors *v = calloc(1, sizeof(*v));
	struct sessions_options sessions = {
		.sensor = options->sensor,
		.passive = true,
		.room_bytes = options->room_bytes,
		.destinations = options->destinations,
		.geo = options->geo,
		.sink = options->store ? &sink : NULL,
		.arg = v,
	};
	struct stream_options streams = {
		.streams_max = options->streams_max,
		.hold_max = options->hold_max,
		.memory_max = options->stream_bytes,
		.context_size = sessions_context_size(),
		.known_port = known_port,
		.tools = options->tools,
		.sink = options->store ? &sessions_stream_sink : &sessions_counting_sink,
	};
	int rc;

	if (!v)
		return err_set(err, -ENOMEM, "out of memory");
	v->options = *options;
	rc = patterns_new(&v->patterns);
	sessions.patterns = v->patterns;
	if (!rc)
		rc = sessions_new(&sessions, &v->sessions);
	streams.arg = v->sessions;
	if (!rc)
		rc = streams_new(&streams, &v->streams);
	if (rc) {
		visitors_free(v);
		return err_set(err, rc, "streams: %s", st_text(rc));
	}
	*ret_visitors = v;
	return ST_OK;
}

void visitors_free(struct visitors *v)
{
	if (!v)
		return;
	streams_free(v->streams);
	sessions_free(v->sessions);
	patterns_free(v->patterns);
	free(v->ended);
	free(v);
}

static int finish_call(struct visitors *v)
{
	int rc = sessions_error(v->sessions);

	if (rc && v->err && v->err->code == ST_OK)
		(void)err_set(v->err, rc, "sessions: %s", st_text(rc));
	v->ingest = NULL;
	v->err = NULL;
	return rc;
}

/* What came through tunnels is said too. */
static void add_inner(struct visitors *v, const struct decode_packet *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct decode_packet packet = packets[i];
		struct capture_packet inner;

		for (unsigned depth = 0; depth < TUNNEL_DEPTH_MAX && tunnel_possible(&packet)
		     && packet.drop == DECODE_DROP_NONE && tunnel_inner(&packet, &inner); depth++) {
			decode_batch(&inner, 1, &packet);
			if (packet.drop == DECODE_DROP_NONE)
				streams_add(v->streams, &packet, 1);
		}
	}
}

static bool has_tunnels(const struct decode_packet *packets, size_t count)
{
	bool found = false;

	for (size_t i = 0; i < count && !found; i++)
		found = packets[i].proto != DECODE_PROTO_TCP && tunnel_possible(&packets[i]);
	return found;
}

/*
 * Does anybody answer, or say anything?  Until then a capture is a darknet's, no stream can come of it,
 * and its SYNs need not be remembered; the batch in which it begins is taken whole.
 */
static bool anybody_speaks(struct visitors *v, const struct decode_packet *packets, size_t count)
{
	uint32_t said = 0;

	for (size_t i = 0; !v->spoken && i < count; i++)
		said |= packets[i].payload_len
		    | (packets[i].drop | (packets[i].tcp_flags ^ DECODE_TCP_SYN)
		    | (packets[i].proto ^ DECODE_PROTO_TCP));
	v->spoken = v->spoken || said != 0;
	return v->spoken;
}

static void expect_clients(struct visitors *v, const struct decode_packet *packets, size_t count)
{
	struct ip clients[CAPTURE_BATCH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < count && n < CAPTURE_BATCH_MAX; i++)
		if (packets[i].payload_len > 0)
			clients[n++] = packets[i].src;
	sessions_expect(v->sessions, clients, n);
}

int visitors_add(struct visitors *v, const struct decode_packet *packets, size_t count,
    struct store_ingest *ingest, struct err *err)
{
	v->ingest = ingest;
	v->err = err;
	v->ended_count = 0;
	if (!anybody_speaks(v, packets, count))
		return ST_OK;
	if (v->options.store)
		expect_clients(v, packets, count);
	streams_add(v->streams, packets, count);
	if (has_tunnels(packets, count))
		add_inner(v, packets, count);
	return finish_call(v);
}

int visitors_end_file(struct visitors *v, bool last, struct store_ingest *ingest, struct err *err)
{
	v->ingest = ingest;
	v->err = err;
	if (last)
		streams_flush(v->streams);
	sessions_flush(v->sessions, INT64_MAX);
	return finish_call(v);
}

/* Is it one that ended while the last packets were taken?  client and server as the alert has them. */
static uint64_t find_ended(const struct visitors *v, struct ip client, uint16_t sport,
    struct ip server, uint16_t dport, const struct signatures_alert *alert)
{
	struct destinations *d = v->options.destinations;
	uint32_t index;

	if (v->ended_count == 0 || (d && !destinations_observed(d, server)))
		return 0;
	index = d ? destinations_index_quiet(d, server) : 0;
	for (size_t i = 0; i < v->ended_count; i++) {
		const struct ended *e = &v->ended[i];

		if (e->sport == sport && e->dport == dport && e->proto == alert->proto
		    && e->dst_index == index && ip_equal(e->client, client)
		    && e->first_us <= alert->time_us && alert->time_us <= e->last_us)
			return e->id;
	}
	return 0;
}

uint64_t visitors_session(void *arg, const struct signatures_alert *alert)
{
	const struct visitors *v = arg;
	struct decode_packet ends = {
		.src = alert->src, .dst = alert->dst, .sport = alert->sport, .dport = alert->dport,
		.proto = alert->proto,
	};
	const struct stream *stream;
	void *context = NULL;
	uint64_t id;

	if (alert->proto != DECODE_PROTO_TCP && alert->proto != DECODE_PROTO_UDP)
		return 0;
	id = find_ended(v, alert->src, alert->sport, alert->dst, alert->dport, alert);
	if (!id)
		id = find_ended(v, alert->dst, alert->dport, alert->src, alert->sport, alert);
	if (id)
		return id;
	stream = streams_find(v->streams, &ends, &context);
	return stream && stream->first_us <= alert->time_us ? sessions_id(context) : 0;
}

const struct sessions *visitors_sessions(const struct visitors *v)
{
	return v->sessions;
}

const struct stream_counters *visitors_counters(const struct visitors *v)
{
	return streams_counters(v->streams);
}

const char *visitors_protocol(const struct visitors *v, uint16_t number)
{
	return identify_name(v->patterns, number);
}
