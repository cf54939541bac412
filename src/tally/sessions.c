/*
 * Sessions; the contract is in sessions.h.
 *
 * A visit is what this keeps of one stream: the protocol session, counts, and (with a sink) its
 * first payload and attributes in two bags of pooled memory.
 */
#include "tally/sessions.h"

#include "base/hash.h"
#include "geo/memo.h"
#include "protocol/blob.h"
#include "protocol/encoding.h"
#include "protocol/template.h"
#include "protocol/urls.h"
#include "tally/attributes.h"
#include "tally/blobs.h"
#include "tally/quarter.h"
#include "tally/repeats.h"
#include "tally/scrub.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_BYTES_DEFAULT (256ull << 20)
#define TEXT_BYTES_DEFAULT (256ull << 20)
#define FIRST_PAYLOAD_MAX 4096u
#define TEXT_OUT_MAX (3 * PROTOCOL_TEXT_MAX + 64) /* U+FFFD is three bytes for one */

struct visit {
	struct session session;
	uint64_t id;
	struct bag payload;
	struct bag attributes;
	struct blob *blobs;
	struct geo_place place; /* the client's; with a sink */
	uint32_t logins;
	uint32_t commands;
	uint32_t payloads;
	uint16_t protocol; /* what it was first; IDENTIFY_UNKNOWN */
	uint16_t outer;    /* what that came through; IDENTIFY_UNKNOWN */
	bool ignored;      /* not towards an observed address */
};

struct sessions {
	struct sessions_options options;
	struct session_driver driver;
	struct room_pool *texts;
	struct geo_memo *places;
	struct blobs *blobs;
	struct quarter *quarter;
	struct logins *logins;
	uint64_t *events; /* by event_base[module] + event */
	unsigned *event_base;
	uint64_t protocols[UINT16_MAX + 1];
	struct visit brief;  /* the UDP exchange at work that has no context */
	bool brief_waits;    /* for a context */
	struct repeat did;   /* what its datagram does */
	struct repeats repeats;
	int error;
};

/* What a fact needs to know of where it came from. */
struct scene {
	struct sessions *sessions;
	const struct stream *stream;
	struct visit *visit;
};

static void note_error(struct sessions *s, int rc)
{
	if (rc && !s->error)
		s->error = rc;
}

static void give_row(struct sessions *s, enum record_table_id table, const void *row)
{
	if (s->options.sink && !s->error)
		note_error(s, s->options.sink->row(s->options.arg, table, row));
}

/* ---- facts ---------------------------------------------------------------------------------- */

static struct record_text clean(const struct scene *scene, struct protocol_text text,
    char out[TEXT_OUT_MAX])
{
	size_t n = scrub_text(scene->stream->server, text.data, text.len, out, TEXT_OUT_MAX);

	return (struct record_text){out, (uint32_t)n};
}

static struct record_text literal(const char *text)
{
	return (struct record_text){text, (uint32_t)strlen(text)};
}

static unsigned number_of(const struct scene *scene, const struct protocol_fact *fact)
{
	uint16_t number = scene->visit->session.number;

	return identify_module(number) == fact->module ? number : protocol_module_number(fact->module);
}

static void note_event(struct repeat *did, unsigned event)
{
	did->other = did->other || did->event_count == REPEATS_EVENTS_MAX || event > UINT16_MAX;
	if (!did->other)
		did->events[did->event_count++] = (uint16_t)event;
}

static void take_event(const struct scene *scene, const struct protocol_fact *fact)
{
	struct sessions *s = scene->sessions;
	unsigned module = number_of(scene, fact);

	s->events[s->event_base[module] + fact->event]++;
	note_event(&s->did, s->event_base[module] + fact->event);
	if (s->options.sink)
		note_error(s, quarter_add(s->quarter, scene->stream->last_us, (uint16_t)module,
		    (uint16_t)fact->event, scene->stream->server_port, scene->visit->place.country));
}

static void give_login(const struct scene *scene, const struct protocol_fact *fact)
{
	static const char *const secrets[] = {"none", "password", "hash", "key"};
	static const char *const outcomes[] = {"unknown", "accepted", "refused"};
	struct sessions *s = scene->sessions;
	char user[TEXT_OUT_MAX];
	char password[TEXT_OUT_MAX];
	struct record_login row = {
		.time = scene->stream->last_us,
		.sensor = s->options.sensor,
		.session = scene->visit->id,
		.src_hi = scene->stream->client.hi,
		.src_lo = scene->stream->client.lo,
		.dport = scene->stream->server_port,
		.passive = s->options.passive,
		.asn = scene->visit->place.asn,
	};

	memcpy(row.country, scene->visit->place.country, 2);
	row.protocol = literal(fact->module->name);
	row.user = clean(scene, fact->user, user);
	row.password = clean(scene, fact->password, password);
	row.secret = literal(secrets[fact->secret]);
	row.method = literal(fact->method);
	row.outcome = literal(outcomes[fact->outcome]);
	give_row(s, RECORD_TABLE_login, &row);
}

static void take_login(const struct scene *scene, const struct protocol_fact *fact)
{
	struct sessions *s = scene->sessions;
	uint16_t number = (uint16_t)number_of(scene, fact);

	scene->visit->logins++;
	if (number == scene->visit->session.number)
		repeat_login(&s->did, fact->user.data, fact->user.len, fact->password.data,
		    fact->password.len);
	else
		s->did.other = true;
	note_error(s, logins_add(s->logins, number, scene->stream->client, fact->user.data,
	    fact->user.len, fact->password.data, fact->password.len));
	if (s->options.sink)
		give_login(scene, fact);
}

struct url_list {
	char text[TEXT_OUT_MAX];
	size_t len;
};

static void add_url(void *arg, struct protocol_text url)
{
	struct url_list *list = arg;

	if (url.len + (list->len > 0) > sizeof(list->text) - list->len)
		return;
	if (list->len > 0)
		list->text[list->len++] = '\n';
	memcpy(list->text + list->len, url.data, url.len);
	list->len += url.len;
}

static void give_command(const struct scene *scene, const struct protocol_fact *fact)
{
	struct sessions *s = scene->sessions;
	struct url_list urls;
	char text[TEXT_OUT_MAX];
	char url_text[TEXT_OUT_MAX];
	struct record_command row = {
		.time = scene->stream->last_us,
		.sensor = s->options.sensor,
		.session = scene->visit->id,
		.src_hi = scene->stream->client.hi,
		.src_lo = scene->stream->client.lo,
		.dport = scene->stream->server_port,
		.asn = scene->visit->place.asn,
	};

	urls.len = 0;
	(void)urls_find(fact->text.data, fact->text.len, add_url, &urls);
	memcpy(row.country, scene->visit->place.country, 2);
	row.protocol = literal(fact->module->name);
	row.text = clean(scene, fact->text, text);
	row.urls = clean(scene, (struct protocol_text){urls.text, urls.len}, url_text);
	give_row(s, RECORD_TABLE_command, &row);
}

/* Without a sink it is counted only; the rows' texts are large. */
static void take_command(const struct scene *scene, const struct protocol_fact *fact)
{
	scene->visit->commands++;
	if (scene->sessions->options.sink)
		give_command(scene, fact);
}

static void finish_blob(const struct scene *scene, const struct protocol_module *module,
    struct blob *blob, bool complete)
{
	struct sessions *s = scene->sessions;
	size_t head = blob->size < BLOBS_HEAD ? (size_t)blob->size : BLOBS_HEAD;
	char sha256[ENCODING_SHA256_TEXT];
	char cpu[BLOB_CPU_TEXT];
	char name[TEXT_OUT_MAX];
	struct record_payload row = {
		.time = scene->stream->last_us,
		.sensor = s->options.sensor,
		.session = scene->visit->id,
		.src_hi = scene->stream->client.hi,
		.src_lo = scene->stream->client.lo,
		.dport = scene->stream->server_port,
		.size = blob->size,
		.complete = complete,
		.asn = scene->visit->place.asn,
	};

	if (blob->size > 0) {
		const uint8_t *bytes = blob->data && !blob->too_large ? blob->data : blob->head;
		size_t len = bytes == blob->head ? head : (size_t)blob->size;

		blobs_digest(blob, sha256);
		memcpy(row.country, scene->visit->place.country, 2);
		row.protocol = literal(module->name);
		row.sha256 = literal(sha256);
		row.kind = literal(blob_kind_name(blob_kind(bytes, len)));
		row.cpu = (struct record_text){cpu, (uint32_t)blob_cpu(bytes, len, cpu)};
		row.name = clean(scene, (struct protocol_text){blob->name, blob->name_len}, name);
		if (blob->data && !blob->too_large && s->options.sink->blob && !s->error)
			note_error(s, s->options.sink->blob(s->options.arg, sha256, blob->data,
			    (size_t)blob->size));
		scene->visit->payloads++;
		give_row(s, RECORD_TABLE_payload, &row);
	}
	blobs_close(s->blobs, &scene->visit->blobs, blob);
}

static void take_payload(const struct scene *scene, const struct protocol_fact *fact)
{
	struct sessions *s = scene->sessions;
	struct blob *blob;

	if (!s->options.sink)
		return;
	blob = blobs_open(s->blobs, &scene->visit->blobs, fact->number);
	if (!blob)
		return;
	blobs_name(blob, fact->text.data, fact->text.len);
	if (fact->piece == PROTOCOL_PIECE_DATA)
		blobs_add(s->blobs, blob, fact->data, fact->len);
	else
		finish_blob(scene, fact->module, blob, fact->piece == PROTOCOL_PIECE_END);
}

static void take_fact(void *arg, const struct protocol_fact *fact)
{
	const struct scene *scene = arg;

	switch (fact->kind) {
	case PROTOCOL_FACT_EVENT:
		take_event(scene, fact);
		break;
	case PROTOCOL_FACT_LOGIN:
		take_login(scene, fact);
		break;
	case PROTOCOL_FACT_COMMAND:
		take_command(scene, fact);
		break;
	case PROTOCOL_FACT_ATTRIBUTE:
		if (scene->sessions->options.sink)
			attributes_keep(scene->sessions->texts, &scene->visit->attributes, fact->attribute,
			    fact->text);
		break;
	case PROTOCOL_FACT_PAYLOAD:
		take_payload(scene, fact);
		break;
	}
}

/* ---- streams -------------------------------------------------------------------------------- */

static struct session_peer peer_of(const struct stream *stream, const struct scene *scene)
{
	struct session_peer peer = {
		.transport = stream->proto == DECODE_PROTO_TCP ? PROTOCOL_TCP : PROTOCOL_UDP,
		.port = stream->server_port,
		.client_port = stream->client_port,
		.client = stream->client,
		.server = stream->server,
		.now_us = stream->last_us,
		.fact_arg = (void *)(uintptr_t)scene,
	};

	return peer;
}

/* The same capture gives the same ids. */
static uint64_t make_id(const struct sessions *s, const struct stream *stream)
{
	uint64_t h = hash_pair(stream->client.hi ^ s->options.sensor, stream->client.lo);

	h = hash_pair(h ^ stream->server.hi, stream->server.lo);
	h = hash_pair(h, (uint64_t)stream->client_port << 32 | (uint64_t)stream->server_port << 8
	    | stream->proto);
	return hash_pair(h, (uint64_t)stream->first_us) >> 1;
}

static void open_visit(const struct sessions *s, const struct stream *stream, struct visit *v)
{
	v->protocol = IDENTIFY_UNKNOWN;
	v->outer = IDENTIFY_UNKNOWN;
	v->ignored = s->options.destinations
	    && !destinations_observed(s->options.destinations, stream->server);
	if (s->options.sink && !v->ignored)
		v->place = geo_memo_find(s->places, stream->client);
	session_begin(&v->session, v->id);
}

static void open_stream(void *arg, const struct stream *stream, void *context)
{
	struct sessions *s = arg;
	struct visit *v = context;

	if (s->brief_waits) {
		*v = s->brief;
		s->brief_waits = false;
		return;
	}
	v->id = make_id(s, stream);
	open_visit(s, stream, v);
}

/* Counts what a session turned out to be, once. */
static void note_protocol(struct sessions *s, struct visit *v)
{
	if (v->protocol != IDENTIFY_UNKNOWN || v->session.number == IDENTIFY_UNKNOWN)
		return;
	v->protocol = v->session.number;
	s->protocols[v->protocol]++;
}

static size_t take_data(struct sessions *s, const struct stream *stream, struct visit *v,
    enum protocol_side side, const uint8_t *data, size_t len, struct wr *reply)
{
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);
	size_t taken;

	if (v->ignored)
		return len;
	taken = session_data(&s->driver, &v->session, &peer, side, data, len, reply);
	if (s->options.sink && side == PROTOCOL_CLIENT && v->payload.len < FIRST_PAYLOAD_MAX) {
		size_t space = FIRST_PAYLOAD_MAX - v->payload.len;

		(void)bag_add(s->texts, &v->payload, data, taken < space ? taken : space, FIRST_PAYLOAD_MAX);
	}
	note_protocol(s, v);
	return taken;
}

static void stream_data(void *arg, const struct stream *stream, void *context,
    enum stream_side side, const uint8_t *data, size_t len)
{
	(void)take_data(arg, stream, context,
	    side == STREAM_CLIENT ? PROTOCOL_CLIENT : PROTOCOL_SERVER, data, len, NULL);
}

static void stream_gap(void *arg, const struct stream *stream, void *context,
    enum stream_side side, uint64_t bytes)
{
	struct sessions *s = arg;
	struct visit *v = context;
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);

	if (v->ignored)
		return;
	session_gap(&s->driver, &v->session, &peer,
	    side == STREAM_CLIENT ? PROTOCOL_CLIENT : PROTOCOL_SERVER, bytes);
	note_protocol(s, v);
}

static void give_session(struct sessions *s, const struct stream *stream, struct visit *v,
    enum stream_end end)
{
	struct scene scene = {s, stream, v};
	char sha256[ENCODING_SHA256_TEXT] = "";
	char texts[3][TEXT_OUT_MAX];
	struct protocol_text ja3 = attributes_find(&v->attributes, PROTOCOL_JA3);
	struct protocol_text ja4 = attributes_find(&v->attributes, PROTOCOL_JA4);
	struct protocol_text hassh = attributes_find(&v->attributes, PROTOCOL_HASSH);
	struct protocol_text headers = attributes_find(&v->attributes, PROTOCOL_HEADERS);
	uint16_t protocol = v->protocol != IDENTIFY_UNKNOWN ? v->protocol : v->outer;
	struct record_session row = {
		.time = stream->first_us,
		.sensor = s->options.sensor,
		.id = v->id,
		.duration_us = stream->last_us > stream->first_us
		    ? (uint64_t)(stream->last_us - stream->first_us) : 0,
		.src_hi = stream->client.hi,
		.src_lo = stream->client.lo,
		.sport = stream->client_port,
		.dst_index = s->options.destinations
		    ? destinations_index(s->options.destinations, stream->server) : 0,
		.dport = stream->server_port,
		.transport = stream->proto,
		.protocol = literal(identify_name(s->options.patterns, protocol)),
		.passive = s->options.passive,
		.handshake = stream->handshake,
		.bytes_in = stream->bytes[STREAM_CLIENT],
		.bytes_out = stream->bytes[STREAM_SERVER],
		.marks = stream->has_syn ? stream->syn_marks : 0,
		.syn_signature = stream->has_syn ? stream->syn_signature : 0,
		.software = clean(&scene, attributes_find(&v->attributes, PROTOCOL_SOFTWARE), texts[0]),
		.sni = clean(&scene, attributes_find(&v->attributes, PROTOCOL_SNI), texts[1]),
		.ja3 = {ja3.data, (uint32_t)ja3.len},
		.ja4 = {ja4.data, (uint32_t)ja4.len},
		.hassh = {hassh.data, (uint32_t)hassh.len},
		.headers = {headers.data, (uint32_t)headers.len},
		.request = clean(&scene, attributes_find(&v->attributes, PROTOCOL_REQUEST), texts[2]),
		.payload = {(const char *)v->payload.bytes, v->payload.len},
		.logins = v->logins,
		.commands = v->commands,
		.payloads = v->payloads,
		.close = literal(stream_end_name(end)),
		.asn = v->place.asn,
	};

	memcpy(row.country, v->place.country, 2);
	if (v->payload.len > 0) {
		encoding_sha256_hex(v->payload.bytes, v->payload.len, sha256);
		row.template = template_hash(v->payload.bytes, v->payload.len, stream->server);
	}
	row.payload_sha256 = literal(sha256);
	give_row(s, RECORD_TABLE_session, &row);
}

static void close_stream(void *arg, const struct stream *stream, void *context,
    enum stream_end end)
{
	struct sessions *s = arg;
	struct visit *v = context;
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);

	if (v->ignored)
		return;
	__builtin_prefetch(v->payload.bytes); /* of long ago */
	session_end(&s->driver, &v->session, &peer);
	note_protocol(s, v);
	while (v->blobs)
		blobs_close(s->blobs, &v->blobs, v->blobs);
	if (s->options.sink)
		give_session(s, stream, v, end);
	bag_free(s->texts, &v->payload);
	bag_free(s->texts, &v->attributes);
}

/* The same again. */
static void repeat_datagram(struct sessions *s, const struct repeat *did,
    const struct stream *stream, struct stream_memory *memory)
{
	for (unsigned i = 0; i < did->event_count; i++)
		s->events[did->events[i]]++;
	if (did->has_login)
		note_error(s, logins_add(s->logins, did->number, stream->client, did->login,
		    did->user_len, did->login + did->user_len, did->password_len));
	if (did->number != IDENTIFY_UNKNOWN) {
		s->protocols[did->number]++;
		s->driver.counters.identified++;
	}
	memory->state = did->state;
	memory->kind = (uint16_t)(did->number + 1); /* none: 0 */
}

/* Has the driver counted anything but that it knows the protocol? */
static bool counted_other(const struct session_counters *a, const struct session_counters *b)
{
	return a->unknown != b->unknown || a->no_room != b->no_room || a->stuck != b->stuck
	    || a->lost_sides != b->lost_sides || b->identified - a->identified > 1;
}

static bool parse_datagram(struct sessions *s, const struct stream *stream,
    struct stream_memory *memory, enum stream_side side, const uint8_t *data, size_t len)
{
	struct session_counters before = s->driver.counters;
	struct visit *v = &s->brief;

	*v = (struct visit){0};
	open_visit(s, stream, v);
	if (memory->kind) {
		session_unpack(&s->driver, &v->session, memory->kind - 1, memory->state);
		v->protocol = v->session.number;
	}
	s->did = (struct repeat){0};
	stream_data(s, stream, v, side, data, len);
	s->brief_waits = !session_pack(&s->driver, &v->session, &memory->state);
	memory->kind = (uint16_t)(v->session.number + 1);
	s->did.number = v->session.number;
	s->did.state = memory->state;
	s->did.other = s->did.other || s->brief_waits
	    || counted_other(&before, &s->driver.counters);
	return !s->brief_waits;
}

static bool stream_datagram(void *arg, const struct stream *stream, struct stream_memory *memory,
    enum stream_side side, const uint8_t *data, size_t len)
{
	struct sessions *s = arg;
	const struct destinations *d = s->options.destinations;
	const struct repeat *did;
	struct repeats_key key;
	bool done;

	if (memory->kind || side != STREAM_CLIENT || (d && !destinations_observed(d, stream->server)))
		return parse_datagram(s, stream, memory, side, data, len);
	key = repeats_key_of(stream->server_port, data, len);
	did = repeats_find(&s->repeats, &key);
	if (did) {
		repeat_datagram(s, did, stream, memory);
		return true;
	}
	done = parse_datagram(s, stream, memory, side, data, len);
	repeats_keep(&s->repeats, &key, &s->did);
	return done;
}

const struct stream_sink sessions_counting_sink = {
	.open = open_stream,
	.data = stream_data,
	.gap = stream_gap,
	.close = close_stream,
	.datagram = stream_datagram,
};

const struct stream_sink sessions_stream_sink = {
	.open = open_stream,
	.data = stream_data,
	.gap = stream_gap,
	.close = close_stream,
};

/* ---- answering ------------------------------------------------------------------------------ */

bool sessions_greet(struct sessions *s, const struct stream *stream, void *context,
    const struct protocol_module *module, struct wr *reply)
{
	struct visit *v = context;
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);
	bool opened = session_open(&s->driver, &v->session, &peer, module, reply);

	note_protocol(s, v);
	return opened;
}

size_t sessions_answer(struct sessions *s, const struct stream *stream, void *context,
    const uint8_t *data, size_t len, struct wr *reply)
{
	return take_data(s, stream, context, PROTOCOL_CLIENT, data, len, reply);
}

void sessions_handover(struct sessions *s, const struct stream *stream, void *context)
{
	struct visit *v = context;
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);

	session_handover(&s->driver, &v->session, &peer);
	v->session.number = IDENTIFY_UNKNOWN;
	v->outer = v->protocol;
	v->protocol = IDENTIFY_UNKNOWN;
}

void sessions_speak(struct sessions *s, const struct stream *stream, void *context,
    const struct protocol_module *module, void (*speak)(struct protocol_io *io, void *arg),
    void *arg)
{
	struct visit *v = context;
	struct scene scene = {s, stream, v};
	struct session_peer peer = peer_of(stream, &scene);
	struct protocol_io io = {
		.answering = s->driver.persona != NULL,
		.transport = peer.transport,
		.port = peer.port,
		.client_port = peer.client_port,
		.client = peer.client,
		.server = peer.server,
		.now_us = peer.now_us,
		.persona = s->driver.persona,
		.random = v->session.random,
		.fact = s->driver.fact,
		.fact_arg = peer.fact_arg,
		.module = module,
	};

	if (v->ignored)
		return;
	speak(&io, arg);
	v->session.random = io.random;
}

bool sessions_hung_up(const void *context)
{
	return ((const struct visit *)context)->session.closed;
}

uint64_t sessions_id(const void *context)
{
	const struct visit *v = context;

	return v->ignored ? 0 : v->id;
}

const struct session *sessions_session(const void *context)
{
	return &((const struct visit *)context)->session;
}

/* ---- the whole ------------------------------------------------------------------------------ */

void sessions_expect(struct sessions *s, const struct ip *clients, size_t count)
{
	if (s->options.sink)
		geo_memo_expect(s->places, clients, count);
}

size_t sessions_context_size(void)
{
	return sizeof(struct visit);
}

static int give_quarter(void *arg, int64_t quarter_us, const struct quarter_count *count)
{
	struct sessions *s = arg;
	const struct protocol_module *module = protocol_modules[count->module];
	struct record_event row = {
		.time = quarter_us,
		.sensor = s->options.sensor,
		.protocol = literal(module->name),
		.event = literal(module->events[count->event].name),
		.dport = count->port,
		.count = count->count,
	};

	memcpy(row.country, count->country, 2);
	give_row(s, RECORD_TABLE_event, &row);
	return s->error;
}

void sessions_flush(struct sessions *s, int64_t now_us)
{
	if (s->options.sink)
		note_error(s, quarter_flush(s->quarter, now_us));
}

static int count_events(struct sessions *s)
{
	unsigned total = 0;

	s->event_base = calloc(protocol_module_count + 1, sizeof(*s->event_base));
	if (!s->event_base)
		return -ENOMEM;
	for (unsigned i = 0; i < protocol_module_count; i++) {
		s->event_base[i] = total;
		total += protocol_modules[i]->event_count;
	}
	s->events = calloc(total ? total : 1, sizeof(*s->events));
	return s->events ? ST_OK : -ENOMEM;
}

int sessions_new(const struct sessions_options *options, struct sessions **ret_sessions)
{
	struct sessions *s = calloc(1, sizeof(*s));
	int rc = s ? ST_OK : -ENOMEM;

	if (rc)
		return rc;
	s->options = *options;
	s->driver.patterns = options->patterns;
	s->driver.persona = options->persona;
	s->driver.answers = options->answers;
	s->driver.owner = options->owner;
	s->driver.answers_arg = options->answers_arg;
	s->driver.fact = take_fact;
	s->driver.counting = !options->sink;
	rc = count_events(s);
	if (!rc)
		rc = room_pool_new(options->room_bytes ? options->room_bytes : ROOM_BYTES_DEFAULT,
		    &s->driver.pool);
	if (!rc)
		rc = room_pool_new(options->text_bytes ? options->text_bytes : TEXT_BYTES_DEFAULT,
		    &s->texts);
	if (!rc)
		rc = geo_memo_new(options->geo, &s->places);
	if (!rc)
		rc = blobs_new(&s->blobs);
	if (!rc)
		rc = quarter_new(give_quarter, s, &s->quarter);
	if (!rc)
		rc = logins_new(&s->logins);
	if (rc) {
		sessions_free(s);
		return rc;
	}
	*ret_sessions = s;
	return ST_OK;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	logins_free(s->logins);
	quarter_free(s->quarter);
	blobs_free(s->blobs);
	geo_memo_free(s->places);
	room_pool_free(s->texts);
	room_pool_free(s->driver.pool);
	free(s->events);
	free(s->event_base);
	free(s);
}

int sessions_error(const struct sessions *s)
{
	return s->error;
}

uint64_t sessions_protocol_count(const struct sessions *s, uint16_t number)
{
	return s->protocols[number];
}

uint64_t sessions_event_count(const struct sessions *s, unsigned module, unsigned event)
{
	return s->events[s->event_base[module] + event];
}

const struct logins *sessions_logins(const struct sessions *s)
{
	return s->logins;
}

const struct session_counters *sessions_counters(const struct sessions *s)
{
	return &s->driver.counters;
}
