/* Tests of a packet's fields; the contract is in packet_tests.h. */
#include "detect/packet_tests.h"

#include "base/rd.h"

#include <string.h>

#define TCP_OPTION_MSS 2
#define FLAGS_ENDS 0x07u /* FIN, SYN, RST */
#define FLAGS_ODD 0xe0u  /* URG, ECE, CWR */

static bool flags_hold(const struct rule_test *t, unsigned have)
{
	unsigned want = t->compare.a;

	/* A rule that names a flag of beginning or end, or an odd one, wants a packet with one. */
	if (t->kind == TEST_FLAGS && (((want & FLAGS_ENDS) && !(have & FLAGS_ENDS))
	        || ((want & FLAGS_ODD) && !(have & FLAGS_ODD))))
		return false;
	have &= ~(unsigned)t->mask;
	switch (t->mode) {
	case '+':
		return (have & want) == want;
	case '*':
		return (have & want) != 0;
	case '!':
		return (have & want) != want;
	default:
		return have == want;
	}
}

static bool option_holds(const struct packet *p, uint32_t want)
{
	if (p->family != 4)
		return false;
	for (size_t i = 20; i < p->network_len;) {
		uint8_t kind = p->network[i];

		if (kind == want || (want == 255 && kind > 1))
			return true;
		if (kind == 0)
			return false;
		if (kind == 1) {
			i++;
		} else if (i + 1 < p->network_len && p->network[i + 1] >= 2) {
			i += p->network[i + 1];
		} else {
			return false;
		}
	}
	return false;
}

static bool mss_holds(const struct packet *p, const struct rule_compare *c)
{
	for (size_t i = 20; p->rule_proto == RULE_PROTO_TCP && i + 1 < p->transport_len;) {
		uint8_t kind = p->transport[i];

		if (kind == 0)
			return false;
		if (kind == 1) {
			i++;
			continue;
		}
		if (kind == TCP_OPTION_MSS && i + 4 <= p->transport_len)
			return rule_compare_holds(c, rd_at_u16be(p->transport + i + 2));
		if (p->transport[i + 1] < 2)
			return false;
		i += p->transport[i + 1];
	}
	return false;
}

static bool is_icmp(const struct packet *p)
{
	return p->rule_proto == RULE_PROTO_ICMP || p->rule_proto == RULE_PROTO_ICMPV6;
}

static uint32_t sum(uint32_t total, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		total += rd_at_u16be(p + i);
	if (len & 1)
		total += (uint32_t)p[len - 1] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* 1 right, 0 wrong, -1 there is none of this kind. */
static int checksum_of(const struct packet *p, enum checksum kind)
{
	static const struct {
		uint8_t family;
		uint8_t proto;
		uint8_t at; /* in the transport's header */
	} kinds[] = {
		[CHECKSUM_IPV4] = {4, 0, 0}, [CHECKSUM_TCPV4] = {4, DECODE_PROTO_TCP, 16},
		[CHECKSUM_UDPV4] = {4, DECODE_PROTO_UDP, 6}, [CHECKSUM_ICMPV4] = {4, DECODE_PROTO_ICMP, 2},
		[CHECKSUM_TCPV6] = {6, DECODE_PROTO_TCP, 16}, [CHECKSUM_UDPV6] = {6, DECODE_PROTO_UDP, 6},
		[CHECKSUM_ICMPV6] = {6, DECODE_PROTO_ICMPV6, 2}, [CHECKSUM_IGMP] = {4, 2, 2},
	};
	size_t len = (size_t)p->transport_len + p->payload_len;
	uint32_t total = 0;

	if (p->bare || p->family != kinds[kind].family)
		return -1;
	if (kind == CHECKSUM_IPV4)
		return sum(0, p->network, p->network_len) == 0xffff;
	if (p->proto != kinds[kind].proto || p->fragment)
		return -1;
	if (kind == CHECKSUM_IGMP) /* it has no transport header here */
		return p->payload_len >= 8 ? sum(0, p->payload, p->payload_len) == 0xffff : -1;
	if (p->transport_len < kinds[kind].at + 2u || p->payload != p->transport + p->transport_len)
		return -1;
	if (kind == CHECKSUM_UDPV4 && rd_at_u16be(p->transport + 6) == 0)
		return 1; /* it was not counted */
	if (kind != CHECKSUM_ICMPV4) {
		total = p->proto + (uint32_t)len;
		total = sum(total, p->network + (p->family == 4 ? 12 : 8), p->family == 4 ? 8 : 32);
	}
	return sum(total, p->transport, len) == 0xffff;
}

static bool field_holds(const struct rule_test *t, const struct packet *p)
{
	const struct rule_compare *c = &t->compare;
	bool tcp = p->rule_proto == RULE_PROTO_TCP;

	switch (t->kind) {
	case TEST_FLAGS:
		return tcp && flags_hold(t, p->tcp_flags);
	case TEST_DSIZE:
		return (p->payload_len || !c->negated) && rule_compare_holds(c, p->payload_len);
	case TEST_ITYPE:
		return is_icmp(p) && rule_compare_holds(c, p->icmp_type);
	case TEST_ICODE:
		return is_icmp(p) && rule_compare_holds(c, p->icmp_code);
	case TEST_ICMP_ID:
		return p->has_icmp_id && rule_compare_holds(c, p->icmp_id);
	case TEST_ICMP_SEQ:
		return p->has_icmp_id && rule_compare_holds(c, p->icmp_seq);
	case TEST_TTL:
		return !p->bare && rule_compare_holds(c, p->ttl);
	case TEST_TOS:
		return p->family == 4 && !p->bare && rule_compare_holds(c, p->tos);
	case TEST_ID:
		return p->family == 4 && !p->bare && rule_compare_holds(c, p->ip_id);
	case TEST_IP_PROTO:
		return rule_compare_holds(c, p->proto);
	case TEST_FRAGBITS:
		return p->family == 4 && !p->bare && flags_hold(t, p->fragment_bits);
	case TEST_FRAGOFFSET:
		return rule_compare_holds(c, p->fragment_offset);
	case TEST_IPOPTS:
		return option_holds(p, c->a);
	case TEST_SAMEIP:
		return ip_equal(p->src, p->dst);
	case TEST_SEQ:
		return tcp && !p->bare && rule_compare_holds(c, p->seq);
	case TEST_ACK:
		return tcp && !p->bare && rule_compare_holds(c, p->ack);
	case TEST_WINDOW:
		return tcp && !p->bare && rule_compare_holds(c, p->window);
	case TEST_MSS:
		return mss_holds(p, c);
	case TEST_CHECKSUM:
		return checksum_of(p, (enum checksum)c->a) == !t->negated;
	case TEST_DECODE_EVENT:
		return p->events >> c->a & 1;
	default:
		return false;
	}
}

static bool stream_size_holds(const struct rule_test *t, const struct flow *f)
{
	const struct flow_stream *c = &f->streams[SIDE_CLIENT];
	const struct flow_stream *s = &f->streams[SIDE_SERVER];
	/* Counted from the initial sequence number, as RFC 9293 counts: SYN and FIN are one each. */
	bool client = c->known && rule_compare_holds(&t->compare, c->bytes + 1 + c->fin);
	bool server = s->known && rule_compare_holds(&t->compare, s->bytes + 1 + s->fin);

	if (f->tcp == TCP_NONE)
		return false;
	return t->track == 1 ? client : t->track == 2 ? server
	    : t->track == 3 ? client && server : client || server;
}

static bool flowint_holds(struct flow *f, const struct rule_test *t)
{
	const struct flow_int *v = flow_int_find(f, t->names[0], false);
	struct rule_compare c = t->compare;

	if (t->mode == 's' || t->mode == 'n')
		return (v != NULL) == (t->mode == 's');
	if (!v)
		return false;
	if (t->other) {
		const struct flow_int *o = flow_int_find(f, (uint16_t)(t->other - 1), false);

		if (!o)
			return false;
		c.a = o->value;
	}
	return rule_compare_holds(&c, v->value);
}

bool packet_test_holds(struct signatures *s, const struct rule_test *t, const struct subject *sub)
{
	bool any = false;

	switch (t->kind) {
	case TEST_FLOWBIT:
		for (unsigned i = 0; sub->flow && i < t->count; i++)
			any = any || flow_bit_get(sub->flow, t->names[i]);
		return sub->flow && any == (t->mode == BIT_ISSET);
	case TEST_XBIT:
		return xbits_test(s->thresholds, t, sub->src, sub->dst, sub->time_us);
	case TEST_FLOWINT:
		return sub->flow && flowint_holds(sub->flow, t);
	case TEST_APP:
		return sub->flow && (sub->flow->app == t->compare.a) != t->negated
		    && sub->flow->app != APP_UNKNOWN;
	case TEST_STREAM_SIZE:
		return sub->flow && stream_size_holds(t, sub->flow);
	default:
		return sub->packet && field_holds(t, sub->packet);
	}
}

void packet_test_change(struct signatures *s, const struct rule_test *t, const struct subject *sub)
{
	struct flow_int *v;
	uint32_t operand = t->compare.a;

	if (t->kind == TEST_XBIT) {
		xbits_change(s->thresholds, t, sub->src, sub->dst, sub->time_us);
		return;
	}
	if (!sub->flow)
		return;
	if (t->kind == TEST_FLOWBIT) {
		bool on = t->mode == BIT_SET
		    || (t->mode == BIT_TOGGLE && !flow_bit_get(sub->flow, t->names[0]));

		for (unsigned i = 0; i < t->count; i++)
			flow_bit_set(sub->flow, t->names[i], on);
		return;
	}
	if (t->other) {
		const struct flow_int *o = flow_int_find(sub->flow, (uint16_t)(t->other - 1), false);

		operand = o ? o->value : 0;
	}
	v = flow_int_find(sub->flow, t->names[0], true);
	if (!v)
		return;
	if (t->mode == '=')
		v->value = operand;
	else
		v->value = t->mode == '+' ? v->value + operand : v->value - operand;
}
