/*
 * What is kept of a session's bytes, and who gets them: the raw window for contents, and the
 * parser of what the session turned out to talk.
 */
#include "detect/engine.h"

#include <stdlib.h>
#include <string.h>

#define FIND_MAX 2048 /* bytes after which a side's protocol is not asked for any more */

/* Later its owner may have forgotten it. */
static void ask_label(const struct signatures *s, struct flow *f, int64_t time_us)
{
	struct signatures_alert alert = {
		.proto = f->proto, .src = f->ips[SIDE_CLIENT], .dst = f->ips[SIDE_SERVER],
		.sport = f->ports[SIDE_CLIENT], .dport = f->ports[SIDE_SERVER], .time_us = time_us,
	};

	if (s->options.session)
		f->label = s->options.session(s->options.arg, &alert);
}

static struct session *session_of(struct signatures *s, struct flow *f, int64_t time_us)
{
	if (!f->session && s->budget.used + sizeof(*f->session) <= s->budget.max) {
		f->session = calloc(1, sizeof(*f->session));
		if (f->session) {
			s->budget.used += sizeof(*f->session);
			ask_label(s, f, time_us);
		}
	}
	return f->session;
}

/* Adds to the window of a side; turns: what follows the other side's bytes is a new chunk. */
static void keep(struct signatures *s, struct session *session, enum flow_side side,
    const uint8_t *data, size_t len, bool turns)
{
	struct raw_window *w = &session->raw[side];
	uint64_t end = w->dropped + w->kept.len;

	if (w->gap || (session->last_side != side && turns)) {
		w->chunk = w->old = end;
		w->matched_count = 0;
		w->gap = false;
	}
	session->last_side = side;
	if (len > ENGINE_RAW_KEEP) {
		w->dropped += w->kept.len + (len - ENGINE_RAW_KEEP);
		w->kept.len = 0;
		data += len - ENGINE_RAW_KEEP;
		len = ENGINE_RAW_KEEP;
	} else if (w->kept.len + len > ENGINE_RAW_KEEP) {
		size_t drop = w->kept.len + len - ENGINE_RAW_KEEP / 2;

		if (drop > w->kept.len)
			drop = w->kept.len;
		bytes_consume(&w->kept, drop);
		w->dropped += drop;
	}
	if (!bytes_append(&s->budget, &w->kept, data, len, ENGINE_RAW_KEEP)) {
		/* No memory: the window starts again behind these bytes. */
		w->dropped += w->kept.len + len;
		w->kept.len = 0;
		w->chunk = w->old = w->dropped;
	}
	w->fresh = true;
}

static void feed(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	switch (f->app) {
	case APP_HTTP:
		http_data(s, f, side, data, len, time_us);
		break;
	case APP_HTTP2:
		http2_data(s, f, side, data, len, time_us);
		break;
	case APP_TLS:
		tls_data(s, f, side, data, len, time_us);
		break;
	case APP_SSH:
		ssh_data(s, f, side, data, len, time_us);
		break;
	case APP_DNS:
		dns_data(s, f, side, data, len, time_us);
		break;
	case APP_MQTT:
		mqtt_data(s, f, side, data, len, time_us);
		break;
	default:
		break;
	}
}

/* Asks what the flow talks, with all bytes of this side so far. */
static void find_app(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct raw_window *w = &f->session->raw[side];
	const struct raw_window *other = &f->session->raw[!side];
	enum detect_app app = w->dropped ? APP_FAILED
	    : app_find_stream(side, w->kept.data, w->kept.len, f->ports[SIDE_SERVER]);

	if (app == APP_UNKNOWN && w->kept.len >= FIND_MAX)
		app = APP_FAILED;
	if (app == APP_UNKNOWN)
		return;
	if (app == APP_FAILED) {
		f->failed[side] = true;
		if (f->failed[!side])
			f->app = APP_FAILED;
		return;
	}
	f->app = (uint8_t)app;
	/* What came before, in the order that sides usually speak. */
	if (other->kept.len && !other->dropped && side == SIDE_SERVER)
		feed(s, f, SIDE_CLIENT, other->kept.data, other->kept.len, time_us);
	feed(s, f, side, w->kept.data, w->kept.len, time_us);
	if (other->kept.len && !other->dropped && side == SIDE_CLIENT)
		feed(s, f, SIDE_SERVER, other->kept.data, other->kept.len, time_us);
}

static void take_data(void *arg, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct signatures *s = arg;
	struct session *session = session_of(s, f, time_us);

	if (!session || f->pass)
		return;
	if (session->raw[side].waiting
	    && (session->raw[side].gap || (session->last_side != side && f->app == APP_HTTP)))
		inspect_stream(s, f, side, time_us, true);
	keep(s, session, side, data, len, f->app == APP_HTTP);
	if (f->app == APP_UNKNOWN && !f->failed[side])
		find_app(s, f, side, time_us);
	else
		feed(s, f, side, data, len, time_us);
	if (session->raw[side].kept.len >= ENGINE_CHUNK && session->raw[side].fresh && !s->packet)
		inspect_stream(s, f, side, time_us, false);
}

static void take_gap(void *arg, struct flow *f, enum flow_side side, uint64_t bytes, int64_t time_us)
{
	struct signatures *s = arg;
	struct session *session = session_of(s, f, time_us);

	if (!session)
		return;
	session->raw[side].gap = true;
	if (f->app == APP_HTTP)
		http_gap(s, f, side, bytes, time_us);
	else if (f->app == APP_HTTP2)
		http2_gap(f, side);
	else if (f->app == APP_UNKNOWN)
		f->failed[side] = true;
}

static void take_close(void *arg, struct flow *f, int64_t time_us)
{
	struct signatures *s = arg;
	struct session *session = f->session;

	if (session) {
		const struct packet *packet = s->packet;

		s->packet = NULL;
		for (int side = 0; side < 2; side++)
			if (session->raw[side].fresh || session->raw[side].waiting)
				inspect_stream(s, f, (enum flow_side)side, time_us, true);
		if (f->app == APP_HTTP)
			http_close(s, f, time_us);
		else if (f->app == APP_HTTP2)
			http2_close(s, f, time_us);
		else if (f->app == APP_TLS)
			app_tls_close(s, f, time_us);
		else if (f->app == APP_SSH)
			ssh_close(s, f, time_us);
		else if (f->app == APP_DNS)
			dns_close(s, f, time_us);
		else if (f->app == APP_MQTT)
			mqtt_close(s, f, time_us);
		inspect_finish(s, time_us, f);
		s->packet = packet;
		for (int side = 0; side < 2; side++)
			bytes_fini(&s->budget, &session->raw[side].kept);
		s->budget.used -= sizeof(*session);
		free(session);
		f->session = NULL;
	}
}

const struct flow_sink session_sink = {
	.data = take_data,
	.gap = take_gap,
	.close = take_close,
};

void session_datagram(struct signatures *s, const struct packet *p, const struct flow_view *v)
{
	struct flow *f = v->flow;

	if (p->payload_len == 0)
		return;
	if (f->app == APP_UNKNOWN) {
		enum detect_app app = app_find_datagram(v->side, p->payload, p->payload_len,
		    f->ports[SIDE_CLIENT], f->ports[SIDE_SERVER]);

		if (app != APP_UNKNOWN)
			f->app = (uint8_t)app;
	}
	if (f->app == APP_DNS)
		dns_message(s, f, v->side, p->payload, p->payload_len, p->time_us);
	else if (f->app == APP_SIP)
		sip_message(s, f, v->side, p->payload, p->payload_len, p->time_us);
	else if (f->app == APP_SNMP)
		snmp_message(s, f, v->side, p->payload, p->payload_len, p->time_us);
}
