/* The signature engine's face; the contract is in signatures.h. */
#include "detect/signatures.h"

#include "detect/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKAHEAD 8u

int signatures_new(const struct signatures_options *options, struct signatures **ret,
    struct err *err)
{
	struct signatures *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->options = *options;
	s->budget.max = options->memory_max ? options->memory_max : SIGNATURES_MEMORY_MAX;
	rc = ruleset_load(&s->set, options, err);
	if (!rc)
		rc = engine_build(s, err);
	if (rc)
		goto out;
	s->transform_a = malloc(TRANSFORM_OUT_MAX);
	s->transform_b = malloc(TRANSFORM_OUT_MAX);
	if (!s->transform_a || !s->transform_b || matcher_init(&s->matcher)
	    || fragments_new(&s->fragments) || thresholds_new(&s->thresholds)
	    || flow_table_new(options->flows_max ? options->flows_max : SIGNATURES_FLOWS_MAX,
	        &session_sink, s, &s->flows))
		rc = err_set(err, -ENOMEM, "out of memory");
out:
	if (rc) {
		signatures_free(s);
		return rc;
	}
	*ret = s;
	return ST_OK;
}

void signatures_free(struct signatures *s)
{
	if (!s)
		return;
	s->options.alert = NULL;
	s->options.session = NULL;
	flow_table_free(s->flows);
	http_view_free(s);
	fragments_free(s->fragments);
	thresholds_free(s->thresholds);
	matcher_fini(&s->matcher);
	engine_free_groups(s);
	ruleset_fini(&s->set);
	free(s->transform_a);
	free(s->transform_b);
	free(s);
}

/* A body that ends with its stream is whole when the stream has ended. */
static void end_http(struct signatures *s, struct flow *f, int64_t time_us)
{
	for (int side = 0; side < 2; side++) {
		const struct flow_stream *t = &f->streams[side];

		if (f->tcp == TCP_CLOSED || (t->fin && !t->held && t->next == t->fin_seq))
			http_end(s, f, (enum flow_side)side, time_us);
	}
}

/* Whether what was said is known to be whole: a message, a session, what its protocol makes. */
static bool is_over(const struct flow *f, enum flow_side side)
{
	if (f->tcp == TCP_CLOSED)
		return true;
	return f->app == APP_HTTP ? http_idle(f, side) : f->app != APP_UNKNOWN && f->app != APP_FAILED;
}

static void take_streams(struct signatures *s, struct flow *f, int64_t time_us)
{
	bool settles = f->app == APP_FAILED && !f->session->settled;

	f->session->settled = f->app == APP_FAILED;
	for (int side = 0; side < 2; side++) {
		const struct raw_window *w = &f->session->raw[side];
		bool over = settles || is_over(f, (enum flow_side)side);

		if (w->fresh || (w->waiting && over))
			inspect_stream(s, f, (enum flow_side)side, time_us, over);
	}
}

static void take_whole(struct signatures *s, struct packet *p)
{
	struct flow_view view;

	s->packet = p;
	view = flow_table_add(s->flows, p);
	if (view.flow && view.flow->app == APP_HTTP && view.flow->session)
		end_http(s, view.flow, p->time_us);
	if (view.flow && p->rule_proto == RULE_PROTO_UDP)
		session_datagram(s, p, &view);
	inspect_packet(s, p, &view);
	if (view.flow && view.flow->session)
		take_streams(s, view.flow, p->time_us);
	inspect_finish(s, p->time_us, view.flow);
	s->packet = NULL;
}

/* What cannot be matched, or is not whole: only its oddities can be told. */
static void take_oddities(struct signatures *s, struct packet *p, bool fragment)
{
	p->payload_len = 0;
	if (!p->events && !fragment)
		return;
	inspect_oddities(s, p, fragment);
	inspect_finish(s, p->time_us, NULL);
}

/* A packet and whatever is packed inside, one after the other. */
static void take_parsed(struct signatures *s, struct packet *first, bool ok)
{
	struct packet inner;
	struct packet *p = first;

	for (;;) {
		struct packet whole;
		const uint8_t *data;
		size_t len;
		uint8_t depth = p->depth;
		bool fragment = ok && p->fragment;

		s->counters.packets++;
		if (fragment) {
			ok = fragments_add(s->fragments, p, &whole);
			if (ok) {
				p = &whole;
				p->depth = depth;
			}
		}
		if (!ok) {
			take_oddities(s, p, fragment);
			return;
		}
		take_whole(s, p);
		data = packet_inner(p, &len);
		if (!data || !len)
			return;
		s->counters.tunnelled++;
		ok = packet_parse(data, len, first->time_us, &inner);
		inner.depth = (uint8_t)(depth + 1);
		p = &inner;
	}
}

static void take(struct signatures *s, const uint8_t *data, size_t len, uint8_t depth,
    int64_t time_us)
{
	struct packet p;
	bool ok;

	if (len == 0)
		return;
	ok = packet_parse(data, len, time_us, &p);
	p.depth = depth;
	take_parsed(s, &p, ok);
}

/* Packets are read a little ahead, so that the memory of their flows is there in time. */
void signatures_add(struct signatures *s, const struct decode_packet *packets, size_t count)
{
	struct packet ahead[LOOKAHEAD];
	bool ok[LOOKAHEAD];

	for (size_t i = 0; i < count + LOOKAHEAD - 1; i++) {
		if (i < count) {
			const struct decode_packet *d = &packets[i];
			struct packet *p = &ahead[i % LOOKAHEAD];

			if (d->network_offset < d->data_len) {
				ok[i % LOOKAHEAD] = packet_parse(d->data + d->network_offset,
				    d->data_len - d->network_offset, d->time_us, p);
				flow_table_prefetch(s->flows, p);
			} else {
				p->network = NULL;
			}
		}
		if (i + 1 >= LOOKAHEAD && ahead[(i + 1) % LOOKAHEAD].network)
			take_parsed(s, &ahead[(i + 1) % LOOKAHEAD], ok[(i + 1) % LOOKAHEAD]);
	}
}

static struct packet bare_packet(const struct signatures_ends *ends, bool by_client)
{
	bool tcp = ends->proto == DECODE_PROTO_TCP;

	return (struct packet){
		.src = by_client ? ends->client : ends->server,
		.dst = by_client ? ends->server : ends->client,
		.sport = by_client ? ends->client_port : ends->server_port,
		.dport = by_client ? ends->server_port : ends->client_port,
		.family = ip_is_v4(ends->client) ? 4 : 6,
		.proto = ends->proto,
		.rule_proto = tcp ? RULE_PROTO_TCP : RULE_PROTO_UDP,
		.tcp_flags = tcp ? DECODE_TCP_PSH | DECODE_TCP_ACK : 0,
		.depth = ends->depth,
		.has_ports = true,
		.bare = true,
	};
}

void signatures_said(struct signatures *s, const struct signatures_ends *ends, bool by_client,
    const uint8_t *data, size_t len, int64_t time_us)
{
	struct packet p = bare_packet(ends, by_client);
	size_t inner_len = 0;

	p.time_us = time_us;
	p.payload = data;
	p.payload_len = (uint32_t)len;
	s->counters.packets++;
	flow_table_stand(s->flows, by_client ? SIDE_CLIENT : SIDE_SERVER, &p);
	take_whole(s, &p);
	data = packet_inner(&p, &inner_len);
	if (data) {
		s->counters.tunnelled++;
		take(s, data, inner_len, (uint8_t)(p.depth + 1), time_us);
	}
}

void signatures_over(struct signatures *s, const struct signatures_ends *ends, int64_t time_us)
{
	struct packet p = bare_packet(ends, true);

	p.time_us = time_us;
	flow_table_end(s->flows, &p);
}

void signatures_flush(struct signatures *s)
{
	flow_table_flush(s->flows);
}

const struct signatures_stats *signatures_stats(const struct signatures *s)
{
	return &s->set.stats;
}

const struct signatures_counters *signatures_counters(const struct signatures *s)
{
	struct signatures_counters *c = (struct signatures_counters *)(uintptr_t)&s->counters;

	c->flows = flow_table_opened(s->flows);
	c->flows_dropped = flow_table_evicted(s->flows);
	c->no_memory = s->budget.refused;
	return c;
}

size_t signatures_rule_count(const struct signatures *s)
{
	return s->set.count;
}

struct signatures_rule signatures_rule_at(const struct signatures *s, size_t index)
{
	const struct rule *r = s->set.rules[index];

	return (struct signatures_rule){
		.gid = r->gid, .sid = r->sid, .rev = r->rev,
		.action = (enum signatures_action)r->action, .msg = r->msg,
		.classtype = r->class_id ? s->set.classes[r->class_id - 1].name : "",
		.severity = r->severity, .file = r->file, .line = r->line, .text = r->text,
	};
}
