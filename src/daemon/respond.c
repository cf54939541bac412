/*
 * teiten-respond: answers visitors and tells the store what they said.
 *
 * Started by teiten-sensor with its sockets open; confines itself before the first byte from
 * outside.  It never connects anywhere and opens no file.
 */
#include "config/config.h"
#include "daemon/lastinput.h"
#include "daemon/minute.h"
#include "daemon/outbox.h"
#include "daemon/start.h"
#include "daemon/wire.h"
#include "geo/geo.h"
#include "os/channel.h"
#include "os/clock.h"
#include "os/confine.h"
#include "os/memory.h"
#include "os/signals.h"
#include "os/listen.h"
#include "protocol/patterns.h"
#include "protocol/persona.h"
#include "respond/engine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURN_MS 100
#define FINISH_MS 5000
#define STATUS_US 1000000
#define RESERVED_DESCRIPTORS 64
#define STRANGER "telnet" /* is what those who wait for a prompt at odd ports mostly look for */

struct responder {
	struct start start;
	struct config *config;
	struct persona *persona;
	struct patterns *patterns;
	struct geo *geo;
	struct destinations destinations;
	struct tls_server *tls;
	struct sessions *sessions;
	struct engine *engine;
	struct outbox *outbox;
	struct minute minute; /* coverage, when there is no capture that tells it */
	bool draining;
	int64_t status_us;
};

static volatile sig_atomic_t stop_asked;

static void ask_stop(int signal)
{
	(void)signal;
	stop_asked = 1;
}

/* The configuration's ports of a protocol, else the module's own. */
static bool serves(const struct responder *r, const struct protocol_module *module,
    enum protocol_transport transport, uint16_t port)
{
	const struct config_ports *ports = &r->config->respond.protocols;

	for (size_t i = 0; i < ports->count; i++) {
		if (strcmp(ports->items[i].protocol, module->name) != 0)
			continue;
		for (size_t j = 0; j < ports->items[i].count; j++)
			if (ports->items[i].ports[j] == port)
				return true;
	}
	return ports->count == 0 && identify_is_port(module, transport, port);
}

static const struct protocol_module *module_of(void *arg, enum protocol_transport transport,
    uint16_t port)
{
	const struct responder *r = arg;

	for (unsigned i = 0; i < protocol_module_count; i++)
		if (protocol_modules[i]->transports & transport
		    && serves(r, protocol_modules[i], transport, port))
			return protocol_modules[i];
	return NULL;
}

/* On a port that belongs to protocols, only those answer; on others, whatever was recognised. */
static bool answers(void *arg, const struct protocol_module *module,
    const struct session_peer *peer)
{
	const struct responder *r = arg;

	return serves(r, module, peer->transport, peer->port)
	    || !module_of(arg, peer->transport, peer->port);
}

static void signature(void *arg, uint32_t id, const char *text)
{
	outbox_signature(((struct responder *)arg)->outbox, id, text);
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

static void tell_status(struct responder *r)
{
	const struct engine_counters *c = engine_counters(r->engine);
	const struct outbox_counters *o = outbox_counters(r->outbox);
	const struct session_counters *s = sessions_counters(r->sessions);
	struct buf b = {0};

	buf_printf(&b, "{\"accepted\":%llu,\"open\":%u,\"open_max\":%u,\"datagrams\":%llu,"
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
	put_counts(&b, r);
	buf_putc(&b, '}');
	/* A supervisor that does not listen misses a status, nothing more. */
	if (!b.failed && b.len <= OS_CHANNEL_MAX
	    && os_channel_send(START_CONTROL, WIRE_STATUS, b.data, b.len) == ST_NOT_FOUND)
		stop_asked = 1;
	buf_fini(&b);
}

static void control_ready(void *arg)
{
	static uint8_t body[OS_CHANNEL_MAX];
	struct responder *r = arg;
	uint16_t type;
	size_t len;
	int rc = os_channel_receive(START_CONTROL, &type, body, &len);

	if (rc == ST_NOT_FOUND)
		stop_asked = 1;
	if (rc == ST_OK && type == WIRE_DRAIN && !r->draining) {
		r->draining = true;
		engine_drain(r->engine);
		/* The successor has them; a port that nobody has any more is closed. */
		for (size_t i = 0; i < r->start.socket_count; i++)
			(void)close(START_FIRST + (int)i);
	}
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* Sensors with few addresses give each its index before anything else does, in the order of the
 * configuration, so that all programs agree. */
static int index_addresses(struct responder *r, struct err *err)
{
	const struct config_nets *nets = &r->config->sensor.addresses;
	int rc = destinations_init(&r->destinations, nets->items, nets->count, r->start.known,
	    r->start.known_count);

	if (!rc)
		rc = destinations_exclude(&r->destinations, r->config->sensor.exclude.items,
		    r->config->sensor.exclude.count);
	if (rc)
		return err_set(err, rc, "sensor.addresses: %s", st_text(rc));
	return ST_OK;
}

static int prepare(struct responder *r, struct err *err)
{
	int rc = start_read(START_FILE, &r->start, err);

	if (!rc)
		rc = config_parse(r->start.config_name, r->start.config, r->start.config_len, NULL,
		    NULL, &r->config, err);
	if (!rc)
		rc = persona_read(r->start.persona, r->start.persona_len, &r->persona, err);
	if (!rc && r->start.tls_len > 0)
		rc = tls_server_new(r->start.tls, r->start.tls_len, &r->tls, err);
	if (!rc && r->start.geo_path[0])
		rc = geo_open(r->start.geo_path, &r->geo, err);
	if (!rc)
		rc = index_addresses(r, err);
	if (!rc && (patterns_new(&r->patterns) || outbox_new(START_STORE, &r->outbox)))
		rc = err_set(err, -ENOMEM, "out of memory");
	return rc;
}

static int open_engine(struct responder *r, struct err *err)
{
	static const struct sessions_sink sink = {outbox_row, outbox_blob};
	struct sessions_options sessions = {
		.sensor = r->start.sensor,
		.persona = r->persona,
		.answers = answers,
		.answers_arg = r,
		.patterns = r->patterns,
		.destinations = &r->destinations,
		.geo = r->geo,
		.sink = &sink,
		.arg = r->outbox,
	};
	uint64_t descriptors = os_descriptors_raise();
	struct engine_options options = {
		.limits = {
			.connections_per_source = (uint32_t)r->config->respond.per_source,
			.replies = (uint32_t)r->config->respond.udp_replies,
			.reply_interval_us =
			    60000000ll / (r->config->respond.udp_replies > 0 ? r->config->respond.udp_replies : 1),
			.replies_per_second = (uint32_t)r->config->respond.udp_replies_per_second,
		},
		.greeting_wait_us = (int64_t)r->config->respond.greeting_wait_ms * 1000,
		.stranger = r->config->respond.any_port ? protocol_module_find(STRANGER) : NULL,
		.destinations = &r->destinations,
		.tls = r->tls,
		.module_of = module_of,
		.signature = signature,
		.port_offset = (uint16_t)r->config->respond.port_offset,
		.arg = r,
	};
	uint64_t room = descriptors > r->start.socket_count + RESERVED_DESCRIPTORS
	    ? descriptors - r->start.socket_count - RESERVED_DESCRIPTORS : 1;
	int rc;

	options.slots = room < (uint64_t)r->config->respond.sessions
	    ? (uint32_t)room : (uint32_t)r->config->respond.sessions;
	if (sessions_new(&sessions, &r->sessions))
		return err_set(err, -ENOMEM, "out of memory");
	options.sessions = r->sessions;
	/* The last descriptor, behind the sockets. */
	rc = lastinput_map(START_FIRST + (int)r->start.socket_count, &options.input, err);
	if (!rc)
		rc = engine_new(&options, &r->engine, err);
	for (size_t i = 0; !rc && i < r->start.socket_count; i++)
		rc = engine_listen(r->engine, START_FIRST + (int)i,
		    r->start.sockets[i].transport == OS_TCP ? PROTOCOL_TCP : PROTOCOL_UDP, err);
	if (!rc)
		rc = engine_watch(r->engine, START_CONTROL, control_ready, r, err);
	return rc;
}

/* Without a capture the responder says when the sensor observed. */
static void tell_coverage(struct responder *r, bool last)
{
	const struct engine_counters *c = engine_counters(r->engine);
	const struct config_nets *nets = &r->config->sensor.addresses;
	struct minute_counts counts = {c->accepted + c->datagrams, c->accepted + c->datagrams, 0};
	struct record_coverage row;

	if (r->config->capture.interface[0])
		return;
	while (minute_turn(&r->minute, os_clock_now_us(), os_clock_monotonic_us(), last, &counts,
	    r->start.sensor, (uint32_t)destinations_nets_size(nets->items, nets->count,
		r->config->sensor.exclude.items, r->config->sensor.exclude.count), &row)) {
		(void)outbox_row(r->outbox, RECORD_TABLE_coverage, &row);
		if (last)
			break;
	}
}

/* The store is behind: nothing new is read until it has caught up. */
static int wait_for_store(struct responder *r)
{
	struct pollfd p = {START_STORE, POLLOUT, 0};

	(void)poll(&p, 1, TURN_MS);
	return outbox_flush(r->outbox);
}

static int run(struct responder *r, struct err *err)
{
	int rc = ST_OK;

	minute_begin(&r->minute, os_clock_now_us(), os_clock_monotonic_us());
	while (!rc && !stop_asked) {
		int64_t now = os_clock_monotonic_us();

		rc = outbox_behind(r->outbox) ? wait_for_store(r)
		    : engine_turn(r->engine, outbox_empty(r->outbox) ? TURN_MS : 10);
		if (!rc)
			rc = outbox_flush(r->outbox);
		sessions_flush(r->sessions, os_clock_now_us());
		if (now - r->status_us >= STATUS_US) {
			r->status_us = now;
			tell_status(r);
			tell_coverage(r, false);
		}
		if (r->draining && engine_counters(r->engine)->open == 0)
			break;
	}
	return rc ? err_set(err, rc, "the channel to the store: %s", st_text(rc)) : ST_OK;
}

int main(int argc, char **argv)
{
	static struct responder r;
	struct err err = {0};
	int rc = prepare(&r, &err);

	os_signal_catch(SIGTERM, ask_stop);
	os_signal_catch(SIGINT, ask_stop);
	os_signal_ignore(SIGPIPE);
	os_signal_ignore(SIGHUP);
	if (!rc)
		rc = open_engine(&r, &err);
	if (!rc)
		rc = os_confine(OS_PROGRAM_RESPOND, argc > 1 && argv[1][0] ? argv[1] : NULL,
		    &err) ? START_UNCONFINED : ST_OK;
	os_memory_release();
	if (!rc)
		rc = run(&r, &err);
	if (r.engine)
		tell_coverage(&r, true);
	/* A clean end: every session's records, then the counts, then goodbye. */
	engine_free(r.engine);
	if (r.sessions)
		sessions_flush(r.sessions, INT64_MAX);
	if (!rc && outbox_finish(r.outbox, FINISH_MS))
		rc = err_set(&err, ST_LIMIT, "the store did not take all records in time");
	if (rc)
		(void)fprintf(stderr, "teiten-respond: %s\n", err.text);
	_exit(rc == START_UNCONFINED ? rc : rc ? 1 : 0);
}
