/*
 * Which rules match a packet, a piece of a stream, a transaction.
 *
 * Candidates come from the prefilter; each is then tested in full, header first because that is
 * cheap.  What matched is collected and raised when the packet is done with, in the order of the
 * rules, so that a pass rule can hold the others back.
 */
#include "detect/addresses.h"
#include "detect/engine.h"
#include "detect/packet_tests.h"

#include <string.h>

/* ---- one rule ------------------------------------------------------------------------------- */

static bool ends_match(const struct rule *r, const struct subject *s, bool swapped)
{
	if (s->proto == DECODE_PROTO_TCP || s->proto == DECODE_PROTO_UDP || s->sport || s->dport) {
		if (!port_set_has(r->sport, swapped ? s->dport : s->sport)
		    || !port_set_has(r->dport, swapped ? s->sport : s->dport))
			return false;
	}
	return address_set_has(r->src, swapped ? s->dst : s->src)
	    && address_set_has(r->dst, swapped ? s->src : s->dst);
}

static bool flow_matches(const struct rule *r, const struct subject *s)
{
	if (!r->flow)
		return true;
	if (!s->flow)
		return (r->flow & ~FLOW_STATELESS) == 0;
	if ((r->flow & FLOW_ONLY_STREAM) && !s->stream && !s->app)
		return false;
	if ((r->flow & FLOW_TO_SERVER) && s->direction != DIRECTION_TO_SERVER)
		return false;
	if ((r->flow & FLOW_TO_CLIENT) && s->direction != DIRECTION_TO_CLIENT)
		return false;
	if ((r->flow & FLOW_ESTABLISHED) && !s->established)
		return false;
	return !(r->flow & FLOW_NOT_ESTABLISHED) || !s->established;
}

static bool header_matches(const struct rule *r, const struct subject *s)
{
	if (r->family && s->packet && r->family != s->packet->family)
		return false;
	if (r->app != APP_UNKNOWN
	    && (!s->flow || s->flow->app == APP_UNKNOWN
	        || (s->flow->app != r->app
	            && (r->only_app
	                || s->flow->app != detect_app_carrier((enum detect_app)r->app)))))
		return false;
	return flow_matches(r, s)
	    && (ends_match(r, s, false) || (r->both_ways && ends_match(r, s, true)));
}

static bool list_on(struct signatures *s, const struct rule_list *l, const uint8_t *data, size_t len)
{
	const struct rule_view *view = &s->set.views[l->view];

	if (view->transform_count)
		data = transform_apply(view, data, len, s->transform_a, s->transform_b, &len);
	return matcher_list(&s->matcher, l, data, len);
}

static bool payload_list(struct signatures *s, const struct rule_list *l, const struct subject *sub)
{
	if (sub->app && sub->flow && sub->flow->session) {
		const struct raw_window *w = &sub->flow->session->raw[sub->direction == DIRECTION_TO_CLIENT];

		if (w->kept.len && list_on(s, l, w->kept.data, w->kept.len))
			return true;
	}
	return sub->payload_len && list_on(s, l, sub->payload, sub->payload_len);
}

static bool header_list(struct signatures *s, const struct rule_list *l, const struct packet *p)
{
	const uint8_t *data = p ? p->transport : NULL;
	size_t len = p ? p->transport_len : 0;

	if (!p || p->bare)
		return false;
	switch (l->buffer) {
	case BUFFER_HEADER_IPV4:
	case BUFFER_HEADER_IPV6:
		if (p->family != (l->buffer == BUFFER_HEADER_IPV4 ? 4 : 6))
			return false;
		data = p->network;
		len = p->network_len;
		break;
	case BUFFER_HEADER_TCP:
		if (p->rule_proto != RULE_PROTO_TCP)
			return false;
		break;
	case BUFFER_HEADER_UDP:
		if (p->rule_proto != RULE_PROTO_UDP)
			return false;
		break;
	default:
		if (p->rule_proto != (l->buffer == BUFFER_HEADER_ICMPV4 ? RULE_PROTO_ICMP
		                                                        : RULE_PROTO_ICMPV6))
			return false;
		break;
	}
	return list_on(s, l, data, len);
}

static bool app_list(struct signatures *s, const struct rule_list *l, const struct subject *sub)
{
	const uint8_t *data;
	size_t len;

	for (unsigned i = 0; sub->app->buffer(sub->app->tx, (enum buffer_id)l->buffer, sub->direction,
	         i, &data, &len); i++)
		if (list_on(s, l, data, len))
			return true;
	return false;
}

bool inspect_rule(struct signatures *s, const struct rule *r, const struct subject *sub)
{
	/* Flags come first: cheapest, and false for most packets. */
	if (r->test_count && r->tests[0].kind == TEST_FLAGS
	    && !packet_test_holds(s, &r->tests[0], sub))
		return false;
	if (!header_matches(r, sub))
		return false;
	for (size_t i = 0; i < r->test_count; i++)
		if (!packet_test_holds(s, &r->tests[i], sub))
			return false;
	matcher_begin(&s->matcher, r);
	for (size_t i = 0; i < r->list_count; i++) {
		const struct rule_list *l = &r->lists[i];
		bool ok;

		if (l->buffer == BUFFER_BASE64)
			continue;
		if (l->buffer == BUFFER_PAYLOAD)
			ok = payload_list(s, l, sub);
		else if (l->buffer < BUFFER_APP_FIRST)
			ok = header_list(s, l, sub->packet);
		else
			ok = sub->app && app_list(s, l, sub);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- what was found ------------------------------------------------------------------------- */

static void take_hit(struct signatures *s, const struct rule *r, const struct subject *sub,
    bool on_flow)
{
	for (size_t i = 0; i < s->hit_count; i++)
		if (s->hits[i].rule == r->number && !sub->app && s->hits[i].on_flow == on_flow)
			return; /* once per packet, and once for the stream it belongs to */
	if (r->filter.type && !thresholds_allow(s->thresholds, r, &r->filter, sub->src, sub->dst,
	        sub->flow ? sub->flow->serial : 0, sub->time_us))
		return;
	for (size_t i = 0; i < r->after_count; i++)
		if (r->after[i].kind != TEST_XBIT)
			packet_test_change(s, &r->after[i], sub);
	if (s->hit_count == ENGINE_HITS_MAX)
		return;
	s->hits[s->hit_count++] = (struct hit){r->number, sub->src, sub->dst, sub->sport, sub->dport,
		sub->proto, on_flow};
}

static void raise(struct signatures *s, const struct rule *r, const struct hit *h, int64_t time_us,
    struct flow *flow)
{
	const struct rule_class *class = r->class_id ? &s->set.classes[r->class_id - 1] : NULL;
	struct signatures_alert alert = {
		.gid = r->gid, .sid = r->sid, .rev = r->rev, .msg = r->msg,
		.classtype = class ? class->name : "",
		.description = class ? class->description : "",
		.severity = r->severity, .proto = h->proto, .src = h->src, .dst = h->dst,
		.sport = h->sport, .dport = h->dport, .time_us = time_us,
	};

	s->counters.matches++;
	alert.suppressed = r->threshold.type && !thresholds_allow(s->thresholds, r, &r->threshold,
	    h->src, h->dst, flow ? flow->serial : 0, time_us);
	s->counters.alerts += !alert.suppressed;
	if (s->options.session) {
		alert.session = s->options.session(s->options.arg, &alert);
		if (flow && alert.session)
			flow->label = alert.session;
		else if (flow)
			alert.session = flow->label;
	}
	if (s->options.alert)
		s->options.alert(s->options.arg, &alert);
}

/* What was said between two acknowledgments counts as one packet: Suricata matches it then. */
static bool in_burst(struct flow *flow, const struct hit *h)
{
	uint8_t *burst;

	if (!flow || flow->proto != DECODE_PROTO_TCP || !h->on_flow)
		return true;
	burst = &flow->burst[!ip_equal(h->src, flow->ips[0]) || h->sport != flow->ports[0]];
	if (*burst == ENGINE_ALERTS_MAX)
		return false;
	++*burst;
	return true;
}

/* Bits of hosts are for the packets that follow. */
static void set_xbits(struct signatures *s, int64_t time_us)
{
	for (size_t i = 0; i < s->hit_count; i++) {
		const struct hit *h = &s->hits[i];
		const struct rule *r = s->set.rules[h->rule];
		struct subject sub = {.src = h->src, .dst = h->dst, .time_us = time_us};

		for (size_t k = 0; k < r->after_count; k++)
			if (r->after[k].kind == TEST_XBIT)
				packet_test_change(s, &r->after[k], &sub);
	}
}

void inspect_finish(struct signatures *s, int64_t time_us, struct flow *flow)
{
	/* Few at a time: an insertion sort keeps transactions of one rule in their order. */
	for (size_t i = 1; i < s->hit_count; i++) {
		struct hit h = s->hits[i];
		size_t k = i;

		for (; k > 0 && s->hits[k - 1].rule > h.rule; k--)
			s->hits[k] = s->hits[k - 1];
		s->hits[k] = h;
	}
	set_xbits(s, time_us);
	if (s->packet && s->packet->bare && flow)
		flow->burst[0] = flow->burst[1] = 0;
	if (s->hit_count > ENGINE_ALERTS_MAX)
		s->hit_count = ENGINE_ALERTS_MAX;
	for (size_t i = 0; i < s->hit_count; i++) {
		const struct rule *r = s->set.rules[s->hits[i].rule];

		if (r->action == SIGNATURES_PASS) {
			if (flow && s->hits[i].on_flow)
				flow->pass = true;
			break;
		}
		if (!r->silent && !(flow && flow->pass) && in_burst(flow, &s->hits[i]))
			raise(s, r, &s->hits[i], time_us, flow);
	}
	s->hit_count = 0;
}

static void try_candidates(struct signatures *s, const struct subject *sub, bool on_flow)
{
	uint32_t number;

	while (candidates_take(&s->candidates, &number)) {
		const struct rule *r = s->set.rules[number];

		if (inspect_rule(s, r, sub))
			take_hit(s, r, sub, on_flow);
	}
}

static void add_numbers(struct signatures *s, const struct rule_numbers *n)
{
	for (size_t i = 0; i < n->count; i++)
		candidates_add(&s->candidates, n->list[i]);
}

/* ---- packets -------------------------------------------------------------------------------- */

static struct subject packet_subject(const struct packet *p, const struct flow_view *v)
{
	return (struct subject){
		.packet = p, .flow = v->flow, .established = v->established,
		.direction = v->side == SIDE_CLIENT ? DIRECTION_TO_SERVER : DIRECTION_TO_CLIENT,
		.src = p->src, .dst = p->dst, .sport = p->sport, .dport = p->dport, .proto = p->proto,
		.time_us = p->time_us, .payload = p->payload, .payload_len = p->payload_len,
	};
}

/* Rules about addresses and protocols alone: once per direction of a flow. */
static void inspect_whole_flow(struct signatures *s, const struct subject *sub,
    const struct flow_view *v)
{
	struct flow *f = v->flow;

	if (!f || !f->ip_only_done[v->side]) {
		for (size_t i = 0; i < s->ip_only.count; i++) {
			const struct rule *r = s->set.rules[s->ip_only.list[i]];

			if ((r->protos & sub->packet->rule_proto) && inspect_rule(s, r, sub))
				take_hit(s, r, sub, true);
		}
		if (f)
			f->ip_only_done[v->side] = true;
	}
	if (f && f->app != APP_UNKNOWN && !f->app_only_done[v->side]) {
		f->app_only_done[v->side] = true;
		for (size_t i = 0; i < s->app_only[f->app].count; i++) {
			const struct rule *r = s->set.rules[s->app_only[f->app].list[i]];

			if ((r->protos & sub->packet->rule_proto) && inspect_rule(s, r, sub))
				take_hit(s, r, sub, true);
		}
	}
}

static enum raw_group packet_group(const struct packet *p)
{
	switch (p->rule_proto) {
	case RULE_PROTO_TCP:
		return RAW_TCP_PACKET;
	case RULE_PROTO_UDP:
		return RAW_UDP;
	case RULE_PROTO_ICMP:
	case RULE_PROTO_ICMPV6:
		return RAW_ICMP;
	default:
		return RAW_OTHER;
	}
}

static bool about_fragments(const struct rule *r)
{
	for (size_t i = 0; i < r->test_count; i++)
		if (r->tests[i].kind == TEST_FRAGBITS || r->tests[i].kind == TEST_FRAGOFFSET)
			return true;
	return false;
}

void inspect_oddities(struct signatures *s, const struct packet *p, bool fragment)
{
	const struct flow_view none = {0};
	const struct rule_numbers *bare = &s->raw[RAW_OTHER][0].bare;
	struct subject sub = packet_subject(p, &none);

	for (size_t i = 0; p->events && i < s->events.count; i++) {
		const struct rule *r = s->set.rules[s->events.list[i]];

		if (inspect_rule(s, r, &sub))
			take_hit(s, r, &sub, false);
	}
	for (size_t i = 0; fragment && i < bare->count; i++) {
		const struct rule *r = s->set.rules[bare->list[i]];

		if (about_fragments(r) && inspect_rule(s, r, &sub))
			take_hit(s, r, &sub, false);
	}
}

void inspect_packet(struct signatures *s, const struct packet *p, const struct flow_view *v)
{
	struct subject sub = packet_subject(p, v);
	unsigned d = sub.direction == DIRECTION_TO_CLIENT;
	const struct group *g = &s->raw[packet_group(p)][d];

	for (size_t i = 0; p->events && i < s->events.count; i++) {
		const struct rule *r = s->set.rules[s->events.list[i]];

		if (inspect_rule(s, r, &sub))
			take_hit(s, r, &sub, false);
	}
	if (v->flow && v->flow->pass)
		return;
	inspect_whole_flow(s, &sub, v);
	if (p->payload_len) {
		prefilter_scan(g->filter, s->scratch, p->payload, p->payload_len, &s->candidates);
		add_numbers(s, &g->always);
		if (p->rule_proto == RULE_PROTO_TCP && !v->in_stream) {
			g = &s->raw[RAW_TCP_STREAM][d];
			prefilter_scan(g->filter, s->scratch, p->payload, p->payload_len, &s->candidates);
			add_numbers(s, &g->always);
		}
	} else { /* most packets of a telescope: no more than this */
		for (size_t i = 0; i < g->bare.count; i++) {
			const struct rule *r = s->set.rules[g->bare.list[i]];

			if (inspect_rule(s, r, &sub))
				take_hit(s, r, &sub, false);
		}
		return;
	}
	try_candidates(s, &sub, false);
}

/* ---- streams -------------------------------------------------------------------------------- */

static struct subject flow_subject(const struct signatures *s, struct flow *f, enum flow_side side,
    int64_t time_us)
{
	return (struct subject){
		.packet = s->packet, .flow = f, .established = true,
		.direction = side == SIDE_CLIENT ? DIRECTION_TO_SERVER : DIRECTION_TO_CLIENT,
		.src = f->ips[side], .dst = f->ips[!side], .sport = f->ports[side],
		.dport = f->ports[!side], .proto = f->proto, .time_us = time_us,
	};
}

static bool already(const struct raw_window *w, uint32_t rule)
{
	for (unsigned i = 0; i < w->matched_count; i++)
		if (w->matched[i] == rule + 1)
			return true;
	return false;
}

void inspect_stream(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us,
    bool over)
{
	struct raw_window *w = &f->session->raw[side];
	const struct group *g = &s->raw[RAW_TCP_STREAM][side];
	struct subject sub = flow_subject(s, f, side, time_us);
	uint64_t end = w->dropped + w->kept.len;
	uint64_t start = w->chunk < w->dropped ? w->dropped : w->chunk;
	struct candidates *c = &s->candidates;
	uint32_t number;

	over = over || end - w->chunk >= ENGINE_CHUNK;
	w->fresh = w->waiting = false;
	if (f->pass || start >= end)
		return;
	sub.stream = true;
	sub.payload = w->kept.data + (start - w->dropped);
	sub.payload_len = (size_t)(end - start);
	prefilter_scan(g->filter, s->scratch, sub.payload, sub.payload_len, c);
	add_numbers(s, &g->always);
	while (candidates_take(c, &number)) {
		const struct rule *r = s->set.rules[number];
		struct subject before = sub;

		if (r->waits && !over) {
			w->waiting = true;
			continue;
		}
		if (already(w, r->number) || !inspect_rule(s, r, &sub))
			continue;
		if (w->matched_count < sizeof(w->matched) / sizeof(w->matched[0]))
			w->matched[w->matched_count++] = r->number + 1;
		/* What matched in the part that was seen before is not new. */
		before.payload_len = w->old > start ? (size_t)(w->old - start) : 0;
		if (r->waits || w->old <= start || !before.payload_len || !inspect_rule(s, r, &before))
			take_hit(s, r, &sub, true);
	}
	if (end - w->chunk >= ENGINE_CHUNK) {
		w->chunk = end > ENGINE_OVERLAP ? end - ENGINE_OVERLAP : 0;
		w->matched_count = 0;
	}
	w->old = w->chunk < end ? end : w->old;
}

/* ---- transactions --------------------------------------------------------------------------- */

void inspect_transaction(struct signatures *s, struct flow *f, enum flow_side side,
    const struct app_transaction *app, int64_t time_us)
{
	struct subject sub = flow_subject(s, f, side, time_us);
	unsigned d = sub.direction == DIRECTION_TO_CLIENT;
	struct candidates *c = &s->candidates;

	s->counters.transactions++;
	if (f->pass)
		return;
	sub.established = f->proto == DECODE_PROTO_TCP || (f->saw[0] && f->saw[1]);
	sub.app = app;
	if (s->packet && f->proto == DECODE_PROTO_UDP) {
		sub.payload = s->packet->payload;
		sub.payload_len = s->packet->payload_len;
	}
	for (size_t v = 0; v < s->set.view_count; v++) {
		const struct rule_view *view = &s->set.views[v];
		const struct buffer_kind *kind = &buffer_kinds[view->buffer];
		const uint8_t *data;
		size_t len;

		if (!s->views[d][v] || (kind->app != APP_UNKNOWN && kind->app != app->app))
			continue;
		for (unsigned i = 0; app->buffer(app->tx, (enum buffer_id)view->buffer, sub.direction, i,
		         &data, &len); i++) {
			if (view->transform_count)
				data = transform_apply(view, data, len, s->transform_a, s->transform_b, &len);
			prefilter_scan(s->views[d][v], s->scratch, data, len, c);
		}
	}
	add_numbers(s, &s->app_always[app->app][d]);
	if (f->app != app->app && f->app < APP_FAILED)
		add_numbers(s, &s->app_always[f->app][d]);
	try_candidates(s, &sub, true);
}
