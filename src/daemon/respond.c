/*
 * teiten-respond: answers visitors and tells the store what they said.
 *
 * Started by teiten-sensor with its sockets open; confines itself before the first byte from
 * outside.  It never connects anywhere and opens no file.
 */
#include "daemon/lastinput.h"
#include "daemon/minute.h"
#include "daemon/worker.h"
#include "os/clock.h"
#include "os/listen.h"
#include "daemon/wire.h"
#include "os/channel.h"
#include "protocol/patterns.h"
#include "protocol/persona.h"
#include "respond/engine.h"
#include "respond/letter.h"
#include "respond/tokens.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESERVED_DESCRIPTORS 64
#define STRANGER "telnet" /* is what those who wait for a prompt at odd ports mostly look for */
#define TRANSPORTS 2
#define LETTERS_PER_TURN 256
#define COMPLAINT_US 1000000ll

struct responder {
	struct worker worker; /* first: worker.h */
	struct persona *persona;
	struct patterns *patterns;
	struct tls_server *tls;
	struct sessions *sessions;
	struct engine *engine;
	struct minute minute; /* coverage, when there is no capture that tells it */
	int64_t complaint_us; /* when the courier was last complained of */
	/* Whose port it is: 1 + number of the module; 0: nobody's. */
	uint8_t modules[TRANSPORTS][UINT16_MAX + 1];
};

/* ---- whose port it is ----------------------------------------------------------------------- */

/* The configuration's ports of a protocol, else the module's own. */
static bool serves(const struct responder *r, const struct protocol_module *module,
    enum protocol_transport transport, uint16_t port)
{
	const struct config_ports *ports = &r->worker.config->respond.protocols;

	for (size_t i = 0; i < ports->count; i++) {
		if (strcmp(ports->items[i].protocol, module->name) != 0)
			continue;
		for (size_t j = 0; j < ports->items[i].count; j++)
			if (ports->items[i].ports[j] == port)
				return true;
	}
	return ports->count == 0 && identify_is_port(module, transport, port);
}

static uint8_t *place_of(struct responder *r, enum protocol_transport transport, uint16_t port)
{
	return &r->modules[transport == PROTOCOL_UDP][port];
}

static void list_module(struct responder *r, unsigned number)
{
	const struct protocol_module *m = protocol_modules[number];
	const struct config_ports *ports = &r->worker.config->respond.protocols;
	uint8_t mark = (uint8_t)(number + 1);

	for (size_t i = 0; i < ports->count; i++) {
		if (strcmp(ports->items[i].protocol, m->name) != 0)
			continue;
		for (size_t j = 0; j < ports->items[i].count; j++) {
			if (m->transports & PROTOCOL_TCP)
				*place_of(r, PROTOCOL_TCP, ports->items[i].ports[j]) = mark;
			if (m->transports & PROTOCOL_UDP)
				*place_of(r, PROTOCOL_UDP, ports->items[i].ports[j]) = mark;
		}
	}
	for (size_t i = 0; ports->count == 0 && i < PROTOCOL_PORTS_MAX && m->tcp_ports[i]; i++)
		*place_of(r, PROTOCOL_TCP, m->tcp_ports[i]) = mark;
	for (size_t i = 0; ports->count == 0 && i < PROTOCOL_PORTS_MAX && m->udp_ports[i]; i++)
		*place_of(r, PROTOCOL_UDP, m->udp_ports[i]) = mark;
}

static const struct protocol_module *module_of(void *arg, enum protocol_transport transport,
    uint16_t port)
{
	uint8_t module = *place_of(arg, transport, port);

	return module ? protocol_modules[module - 1] : NULL;
}

/* What is inside TLS on ports where TLS comes first. */
static const struct protocol_module *inside_tls(uint16_t port)
{
	static const struct {
		uint16_t port;
		const char *name;
	} inner[] = {{465, "smtp"}, {990, "ftp"}, {993, "imap"}, {995, "pop3"}, {5061, "sip"},
		{8883, "mqtt"}};

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
		if (inner[i].port == port)
			return protocol_module_find(inner[i].name);
	return protocol_module_find("http");
}

static const struct protocol_module *module_inside(void *arg, uint16_t port)
{
	const struct protocol_module *module = module_of(arg, PROTOCOL_TCP, port);

	return module && strcmp(module->name, "tls") == 0 ? inside_tls(port) : module;
}

/* On a port that belongs to protocols, only those answer; on others, whatever was recognised. */
static bool answers(void *arg, const struct protocol_module *module,
    const struct session_peer *peer)
{
	const struct responder *r = arg;

	if (peer->inside && module == module_inside(arg, peer->port))
		return true;
	return serves(r, module, peer->transport, peer->port)
	    || !module_of(arg, peer->transport, peer->port);
}

static const struct protocol_module *owner(void *arg, const struct session_peer *peer)
{
	return peer->inside ? module_inside(arg, peer->port)
	                    : module_of(arg, peer->transport, peer->port);
}

static void signature(void *arg, uint32_t id, const char *text)
{
	outbox_signature(((struct responder *)arg)->worker.outbox, id, text);
}

/* ---- status --------------------------------------------------------------------------------- */

static void put_counts(struct buf *b, const struct responder *r)
{
	const char *comma = "";

	buf_puts(b, "\"events\":{");
	for (unsigned m = 0; m < protocol_module_count; m++)
		for (unsigned e = 0; e < protocol_modules[m]->event_count; e++) {
			uint64_t count = sessions_event_count(r->sessions, m, e);

			if (count == 0)
				continue;
			buf_printf(b, "%s\"%s.%s\":%llu", comma, protocol_modules[m]->name,
			    protocol_modules[m]->events[e].name, (unsigned long long)count);
			comma = ",";
		}
	buf_puts(b, "},\"protocols\":{");
	comma = "";
	for (uint16_t i = 0; *identify_name(r->patterns, i); i++) {
		uint64_t count = sessions_protocol_count(r->sessions, i);

		if (count == 0)
			continue;
		buf_printf(b, "%s\"%s\":%llu", comma, identify_name(r->patterns, i),
		    (unsigned long long)count);
		comma = ",";
	}
	buf_puts(b, "}");
}

static void tell_status(void *self, struct buf *b)
{
	const struct responder *r = self;
	const struct engine_counters *c = engine_counters(r->engine);
	const struct outbox_counters *o = outbox_counters(r->worker.outbox);
	const struct session_counters *s = sessions_counters(r->sessions);

	buf_printf(b, "\"accepted\":%llu,\"open\":%u,\"open_max\":%u,\"datagrams\":%llu,"
	    "\"replies\":%llu,\"replies_withheld\":%llu,\"no_slot\":%llu,\"over_limit\":%llu,"
	    "\"not_observed\":%llu,\"bytes_in\":%llu,\"bytes_out\":%llu,\"rows\":%llu,"
	    "\"lost_rows\":%llu,\"store_waits\":%llu,\"unknown\":%llu,\"no_room\":%llu,"
	    "\"logins\":%llu,",
	    (unsigned long long)c->accepted, c->open, c->open_max, (unsigned long long)c->datagrams,
	    (unsigned long long)c->replies, (unsigned long long)c->replies_withheld,
	    (unsigned long long)c->no_slot, (unsigned long long)c->over_limit,
	    (unsigned long long)c->not_observed, (unsigned long long)c->bytes_in,
	    (unsigned long long)c->bytes_out, (unsigned long long)o->rows,
	    (unsigned long long)o->lost_rows, (unsigned long long)o->waited,
	    (unsigned long long)s->unknown, (unsigned long long)s->no_room,
	    (unsigned long long)logins_total(sessions_logins(r->sessions)));
	put_counts(b, r);
}

static void control_ready(void *arg)
{
	(void)worker_hear(arg);
}

/* ---- datagrams that the courier brings ------------------------------------------------------ */

static int courier_of(const struct responder *r)
{
	return START_FIRST + (int)r->worker.start.socket_count + 1; /* behind the last input */
}

struct errand {
	int courier;
	uint64_t token;
};

static int send_by_courier(void *arg, const void *data, size_t len, const struct os_datagram *to)
{
	static uint8_t body[LETTER_ANSWER_HEAD + LETTER_DATA_MAX];
	const struct errand *errand = arg;
	struct wr w = wr_init(body, sizeof(body));

	(void)to; /* it knows better */
	if (errand->token == TOKENS_NONE)
		return ST_NOT_FOUND;
	letter_answer_head_write(errand->token, &w);
	wr_bytes(&w, data, len);
	return w.bad ? ST_LIMIT : os_channel_send(errand->courier, WIRE_ANSWER, body, wr_len(&w));
}

/* The supervisor has the one that sent it killed; what it left behind is not held against the next. */
static void complain(struct responder *r)
{
	int64_t now_us = os_clock_monotonic_us();

	if (r->complaint_us > 0 && now_us - r->complaint_us < COMPLAINT_US)
		return;
	r->complaint_us = now_us;
	(void)os_channel_send(START_CONTROL, WIRE_COMPLAINT, "", 0);
}

static void hear_courier(void *arg)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct responder *r = arg;
	struct errand errand = {.courier = courier_of(r)};

	for (unsigned n = 0; n < LETTERS_PER_TURN && !r->worker.draining; n++) {
		struct letter letter;
		uint16_t type;
		size_t len;
		int rc = os_channel_receive(errand.courier, &type, body, &len);

		if (rc && rc != ST_MALFORMED)
			return;
		if (!rc)
			rc = type == WIRE_DATAGRAM ? letter_read(body, len, &letter) : ST_MALFORMED;
		if (rc) {
			complain(r);
			continue;
		}
		errand.token = letter.token;
		engine_datagram(r->engine, &letter.datagram, letter.data, letter.len, send_by_courier,
		    &errand);
	}
}

static void drain(void *self)
{
	struct responder *r = self;

	engine_drain(r->engine);
	engine_unwatch(r->engine, courier_of(r));
	(void)close(courier_of(r));
	/* The successor has them; a port that nobody has any more is closed. */
	for (size_t i = 0; i < r->worker.start.socket_count; i++)
		(void)close(START_FIRST + (int)i);
}

static bool is_done(void *self)
{
	return engine_counters(((struct responder *)self)->engine)->open == 0;
}

/* ---- beginning and end ---------------------------------------------------------------------- */

static int open_engine(struct responder *r, struct err *err)
{
	static const struct sessions_sink sink = {outbox_row, outbox_blob};
	struct sessions_options sessions = {
		.sensor = r->worker.start.sensor,
		.persona = r->persona,
		.answers = answers,
		.owner = owner,
		.answers_arg = r,
		.patterns = r->patterns,
		.destinations = &r->worker.destinations,
		.geo = r->worker.geo,
		.sink = &sink,
		.arg = r->worker.outbox,
	};
	uint64_t descriptors = os_descriptors_raise();
	struct engine_options options = {
		.limits = {
			.connections_per_source = (uint32_t)r->worker.config->respond.per_source,
			.replies = (uint32_t)r->worker.config->respond.udp_replies,
			.reply_interval_us =
			    60000000ll / (r->worker.config->respond.udp_replies > 0 ? r->worker.config->respond.udp_replies : 1),
			.replies_per_second = (uint32_t)r->worker.config->respond.udp_replies_per_second,
		},
		.greeting_wait_us = (int64_t)r->worker.config->respond.greeting_wait_ms * 1000,
		.stranger = r->worker.config->respond.any_port ? protocol_module_find(STRANGER) : NULL,
		.destinations = &r->worker.destinations,
		.tls = r->tls,
		.module_of = module_of,
		.module_inside = module_inside,
		.signature = signature,
		.said = r->worker.inspector ? inspector_said : NULL,
		.said_arg = r->worker.inspector,
		.port_offset = (uint16_t)r->worker.config->respond.port_offset,
		.arg = r,
	};
	uint64_t room = descriptors > r->worker.start.socket_count + RESERVED_DESCRIPTORS
	    ? descriptors - r->worker.start.socket_count - RESERVED_DESCRIPTORS : 1;
	int rc;

	options.slots = room < (uint64_t)r->worker.config->respond.sessions
	    ? (uint32_t)room : (uint32_t)r->worker.config->respond.sessions;
	if (sessions_new(&sessions, &r->sessions))
		return err_set(err, -ENOMEM, "out of memory");
	options.sessions = r->sessions;
	/* Behind the sockets. */
	rc = lastinput_map(START_FIRST + (int)r->worker.start.socket_count, &options.input, err);
	if (!rc)
		rc = engine_new(&options, &r->engine, err);
	for (size_t i = 0; !rc && i < r->worker.start.socket_count; i++)
		rc = engine_listen(r->engine, START_FIRST + (int)i,
		    r->worker.start.sockets[i].transport == OS_TCP ? PROTOCOL_TCP : PROTOCOL_UDP, err);
	if (!rc)
		rc = engine_watch(r->engine, START_CONTROL, control_ready, r, err);
	if (!rc)
		rc = engine_watch(r->engine, courier_of(r), hear_courier, r, err);
	return rc;
}

/* Without a capture the responder says when the sensor observed. */
static void tell_coverage(struct responder *r, bool last)
{
	const struct engine_counters *c = engine_counters(r->engine);
	const struct config_nets *nets = &r->worker.config->sensor.addresses;
	struct minute_counts counts = {c->accepted + c->datagrams, c->accepted + c->datagrams, 0};
	struct record_coverage row;

	if (r->worker.config->capture.interface[0])
		return;
	while (minute_turn(&r->minute, os_clock_now_us(), os_clock_monotonic_us(), last, &counts,
	    r->worker.start.sensor, (uint32_t)destinations_nets_size(nets->items, nets->count,
		r->worker.config->sensor.exclude.items, r->worker.config->sensor.exclude.count), &row)) {
		(void)outbox_row(r->worker.outbox, RECORD_TABLE_coverage, &row);
		if (last)
			break;
	}
}

static int prepare(void *self, struct err *err)
{
	struct responder *r = self;
	const struct start *start = &r->worker.start;
	int rc = persona_read(start->persona, start->persona_len, &r->persona, err);

	if (!rc && start->tls_len > 0)
		rc = tls_server_new(start->tls, start->tls_len, &r->tls, err);
	if (!rc && patterns_new(&r->patterns))
		rc = err_set(err, -ENOMEM, "out of memory");
	/* Once, so that a connection does not ask everybody; the first module of several has it. */
	for (unsigned m = protocol_module_count; m-- > 0;)
		list_module(r, m);
	return rc ? rc : open_engine(r, err);
}

static void begin(void *self)
{
	minute_begin(&((struct responder *)self)->minute, os_clock_now_us(), os_clock_monotonic_us());
}

static int turn(void *self, int timeout_ms)
{
	struct responder *r = self;
	int rc = engine_turn(r->engine, timeout_ms);

	sessions_flush(r->sessions, os_clock_now_us());
	return rc;
}

static void each_second(void *self, struct buf *b)
{
	tell_status(self, b);
	tell_coverage(self, false);
}

static void end(void *self)
{
	struct responder *r = self;

	tell_coverage(r, true);
	engine_free(r->engine);
	sessions_flush(r->sessions, INT64_MAX);
}

int main(int argc, char **argv)
{
	static struct responder r;
	static const struct worker_kind kind = {
		.name = "teiten-respond",
		.program = OS_PROGRAM_RESPOND,
		.prepare = prepare,
		.begin = begin,
		.turn = turn,
		.status = each_second,
		.drain = drain,
		.is_done = is_done,
		.end = end,
		.waits = true,
	};

	worker_main(&kind, &r.worker, argc > 1 && argv[1][0] ? argv[1] : NULL);
}
