/*
 * Options that test the packet: flow, flags, dsize, fields of IP, TCP and ICMP.
 */
#include "detect/rule_draft.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORDS_MAX 16

static int take_flow(struct rule_draft *d, char *value, int arg)
{
	static const struct {
		const char *word;
		uint8_t flow;
	} words[] = {
		{"to_server", FLOW_TO_SERVER}, {"from_client", FLOW_TO_SERVER},
		{"to_client", FLOW_TO_CLIENT}, {"from_server", FLOW_TO_CLIENT},
		{"established", FLOW_ESTABLISHED}, {"not_established", FLOW_NOT_ESTABLISHED},
		{"stateless", FLOW_STATELESS},
	};
	char *parts[WORDS_MAX];
	size_t count = draft_split(value, ',', parts, WORDS_MAX);

	(void)arg;
	for (size_t i = 0; i < count; i++) {
		bool known = false;

		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
			if (strcasecmp(parts[i], words[w].word) == 0) {
				d->rule->flow |= words[w].flow;
				known = true;
			}
		if (strcasecmp(parts[i], "only_stream") == 0) {
			d->rule->wants_stream = known = d->only_stream = true;
			d->rule->flow |= FLOW_ONLY_STREAM;
		}
		if (strcasecmp(parts[i], "no_stream") == 0)
			d->rule->wants_packet = known = true;
		else if (strcasecmp(parts[i], "no_frag") == 0)
			known = true; /* datagrams are put together before rules see them */
		else if (strcasecmp(parts[i], "only_frag") == 0)
			return draft_unsupported(d, "fragments are put together before rules see them");
		if (!known)
			return draft_bad(d, "flow does not know %s", parts[i]);
	}
	if ((d->rule->flow & FLOW_TO_SERVER) && (d->rule->flow & FLOW_TO_CLIENT))
		return draft_bad(d, "both directions at once");
	return ST_OK;
}

/* Letters of TCP flags; 1 and 2 are the congestion bits. */
static int flag_bit(char c)
{
	static const char letters[] = "FSRPAUEC";
	const char *at;

	if (c == '1')
		return 0x80;
	if (c == '2')
		return 0x40;
	at = c ? strchr(letters, toupper((unsigned char)c)) : NULL;
	return at ? 1 << (at - letters) : -1;
}

static int take_flags(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, TEST_FLAGS);
	char *parts[2] = {value, NULL};
	size_t count = draft_split(value, ',', parts, 2);

	(void)arg;
	if (!t)
		return ST_LIMIT;
	d->rule->wants_packet = true;
	for (const char *p = parts[0]; *p; p++) {
		int bit = flag_bit(*p);

		if (*p == '+' || *p == '*' || *p == '!')
			t->mode = (uint8_t)*p;
		else if (*p == '0' || isspace((unsigned char)*p))
			continue;
		else if (bit < 0)
			return draft_bad(d, "unknown TCP flag %c", *p);
		else
			t->compare.a |= (uint32_t)bit;
	}
	for (const char *p = count > 1 ? parts[1] : ""; *p; p++) {
		int bit = flag_bit(*p);

		if (bit < 0)
			return draft_bad(d, "unknown TCP flag %c", *p);
		t->mask |= (uint8_t)bit;
	}
	return ST_OK;
}

/* A number of the packet against a number or a range; arg: enum packet_test_kind. */
static int take_number(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, (enum packet_test_kind)arg);

	if (!t)
		return ST_LIMIT;
	d->rule->wants_packet = true;
	return draft_compare(d, value, &t->compare);
}

static int take_tos(struct rule_draft *d, char *value, int arg)
{
	char *end;
	unsigned long n;
	struct rule_test *t = draft_test(d, (enum packet_test_kind)arg);

	if (!t)
		return ST_LIMIT;
	if (*value == '!') {
		t->compare.negated = true;
		value = draft_trim(value + 1);
	}
	n = strtoul(*value == 'x' ? value + 1 : value, &end, *value == 'x' ? 16 : 10);
	if (*end || n > 255)
		return draft_bad(d, "tos is a number up to 255");
	t->compare.op = COMPARE_EQUAL;
	t->compare.a = (uint32_t)n;
	d->rule->wants_packet = true;
	return ST_OK;
}

static int protocol_number(const char *text)
{
	static const struct {
		const char *name;
		int number;
	} names[] = {
		{"icmp", 1}, {"igmp", 2}, {"ipip", 4}, {"tcp", 6}, {"egp", 8}, {"udp", 17},
		{"ipv6", 41}, {"rsvp", 46}, {"gre", 47}, {"esp", 50}, {"ah", 51},
		{"ipv6-icmp", 58}, {"icmpv6", 58}, {"eigrp", 88}, {"ospf", 89}, {"pim", 103},
		{"vrrp", 112}, {"sctp", 132},
	};
	int64_t n;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(text, names[i].name) == 0)
			return names[i].number;
	return draft_parse_long(text, &n) == ST_OK && n >= 0 && n < 256 ? (int)n : -1;
}

static int take_ip_proto(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, TEST_IP_PROTO);
	int n;

	(void)arg;
	if (!t)
		return ST_LIMIT;
	t->compare.op = COMPARE_EQUAL;
	if (*value == '!')
		t->compare.negated = true;
	else if (*value == '<')
		t->compare.op = COMPARE_LESS;
	else if (*value == '>')
		t->compare.op = COMPARE_GREATER;
	if (t->compare.negated || t->compare.op != COMPARE_EQUAL)
		value = draft_trim(value + 1);
	n = protocol_number(value);
	if (n < 0)
		return draft_bad(d, "not an IP protocol: %s", value);
	t->compare.a = (uint32_t)n;
	return ST_OK;
}

static int take_fragbits(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, TEST_FRAGBITS);

	(void)arg;
	if (!t)
		return ST_LIMIT;
	for (; *value; value++) {
		char c = (char)toupper((unsigned char)*value);

		if (c == '+' || c == '*' || c == '!')
			t->mode = (uint8_t)c;
		else if (c == 'M')
			t->compare.a |= 1;
		else if (c == 'D')
			t->compare.a |= 2;
		else if (c == 'R')
			t->compare.a |= 4;
		else
			return draft_bad(d, "unknown fragment bit %c", *value);
	}
	d->rule->wants_packet = true;
	return ST_OK;
}

static int take_ipopts(struct rule_draft *d, char *value, int arg)
{
	static const struct {
		const char *name;
		uint8_t option;
	} options[] = {
		{"rr", 7}, {"lsrr", 131}, {"eol", 0}, {"nop", 1}, {"ts", 68}, {"sec", 130},
		{"esec", 133}, {"ssrr", 137}, {"satid", 136}, {"any", 255},
	};
	struct rule_test *t = draft_test(d, TEST_IPOPTS);

	(void)arg;
	if (!t)
		return ST_LIMIT;
	d->rule->wants_packet = true;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcasecmp(value, options[i].name) == 0) {
			t->compare.a = options[i].option;
			return ST_OK;
		}
	return draft_bad(d, "unknown IP option %s", value);
}

static int take_sameip(struct rule_draft *d, char *value, int arg)
{
	(void)value;
	(void)arg;
	d->rule->wants_packet = true;
	return draft_test(d, TEST_SAMEIP) ? ST_OK : ST_LIMIT;
}

static int take_stream_size(struct rule_draft *d, char *value, int arg)
{
	static const char *const sides[] = {"", "client", "server", "both", "either"};
	char *parts[3];
	size_t count = draft_split(value, ',', parts, 3);
	struct rule_test *t = draft_test(d, TEST_STREAM_SIZE);
	char text[64];

	(void)arg;
	if (!t)
		return ST_LIMIT;
	if (count != 3)
		return draft_bad(d, "stream_size is SIDE, OPERATOR, NUMBER");
	for (uint8_t i = 1; i < 5; i++)
		if (strcasecmp(parts[0], sides[i]) == 0)
			t->track = i;
	if (!t->track)
		return draft_bad(d, "stream_size does not know the side %s", parts[0]);
	(void)snprintf(text, sizeof(text), "%s%s", strcmp(parts[1], "=") == 0 ? "" : parts[1], parts[2]);
	return draft_compare(d, text, &t->compare);
}

static int take_app_protocol(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, TEST_APP);

	(void)arg;
	if (!t)
		return ST_LIMIT;
	if (*value == '!') {
		t->negated = true;
		value = draft_trim(value + 1);
	}
	if (strcmp(value, "failed") == 0) {
		t->compare.a = APP_FAILED;
		return ST_OK;
	}
	for (unsigned i = 1; i < APP_FAILED; i++)
		if (strcmp(value, detect_app_name((enum detect_app)i)) == 0) {
			t->compare.a = i;
			return ST_OK;
		}
	return draft_unsupported(d, "the protocol %s is not recognised", value);
}

/* ---- thresholds ----------------------------------------------------------------------------- */

static int threshold_word(struct rule_draft *d, struct rule_threshold *t, char *word)
{
	static const struct {
		const char *name;
		enum threshold_track track;
	} tracks[] = {
		{"by_src", THRESHOLD_BY_SOURCE}, {"by_dst", THRESHOLD_BY_DESTINATION},
		{"by_both", THRESHOLD_BY_PAIR}, {"by_rule", THRESHOLD_BY_RULE},
		{"by_flow", THRESHOLD_BY_FLOW},
	};
	static const char *const types[] = {"", "limit", "threshold", "both", "", "backoff"};
	char *value = word + strcspn(word, " \t");
	int64_t n;

	if (*value)
		*value++ = '\0';
	value = draft_trim(value);
	if (strcmp(word, "type") == 0) {
		for (uint8_t i = 1; i < sizeof(types) / sizeof(types[0]); i++)
			if (*types[i] && strcasecmp(value, types[i]) == 0)
				t->type = i;
		return t->type ? ST_OK : draft_bad(d, "unknown type %s", value);
	}
	if (strcmp(word, "track") == 0) {
		for (size_t i = 0; i < sizeof(tracks) / sizeof(tracks[0]); i++)
			if (strcasecmp(value, tracks[i].name) == 0) {
				t->track = (uint8_t)tracks[i].track;
				return ST_OK;
			}
		return draft_bad(d, "unknown track %s", value);
	}
	if (draft_parse_long(value, &n) || n <= 0 || n > UINT32_MAX)
		return draft_bad(d, "not a number above zero: %s", value);
	if (strcmp(word, "count") == 0)
		t->count = (uint32_t)n;
	else if (strcmp(word, "seconds") == 0)
		t->seconds = (uint32_t)n;
	else if (strcmp(word, "multiplier") == 0)
		t->multiplier = (uint32_t)n;
	else
		return draft_bad(d, "it does not know %s", word);
	return ST_OK;
}

static int take_threshold(struct rule_draft *d, char *value, int arg)
{
	struct rule_threshold *t = arg ? &d->rule->filter : &d->rule->threshold;
	char *parts[6];
	size_t count = draft_split(value, ',', parts, 6);

	if (arg)
		t->type = THRESHOLD_DETECTION;
	for (size_t i = 0; i < count; i++) {
		int rc = threshold_word(d, t, parts[i]);

		if (rc)
			return rc;
	}
	if (!t->type || !t->count || (!t->seconds && t->type != THRESHOLD_BACKOFF))
		return draft_bad(d, "type, track, count and seconds are needed");
	return ST_OK;
}

/* "valid" or "invalid"; arg: enum checksum. */
static int take_checksum(struct rule_draft *d, char *value, int arg)
{
	struct rule_test *t = draft_test(d, TEST_CHECKSUM);
	size_t len = strlen(value);

	if (!t)
		return ST_LIMIT;
	if (len >= 2 && *value == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	t->compare.a = (uint32_t)arg;
	t->negated = strcasecmp(value, "invalid") == 0;
	if (!t->negated && strcasecmp(value, "valid") != 0)
		return draft_bad(d, "a checksum is valid or invalid");
	d->rule->wants_packet = true;
	return ST_OK;
}

const struct draft_keyword draft_tests[] = {
	{"ipv4-csum", take_checksum, CHECKSUM_IPV4},
	{"tcpv4-csum", take_checksum, CHECKSUM_TCPV4},
	{"udpv4-csum", take_checksum, CHECKSUM_UDPV4},
	{"icmpv4-csum", take_checksum, CHECKSUM_ICMPV4},
	{"tcpv6-csum", take_checksum, CHECKSUM_TCPV6},
	{"udpv6-csum", take_checksum, CHECKSUM_UDPV6},
	{"icmpv6-csum", take_checksum, CHECKSUM_ICMPV6},
	{"igmp-csum", take_checksum, CHECKSUM_IGMP},
	{"flow", take_flow, 0},
	{"flags", take_flags, 0},
	{"tcp.flags", take_flags, 0},
	{"dsize", take_number, TEST_DSIZE},
	{"itype", take_number, TEST_ITYPE},
	{"icode", take_number, TEST_ICODE},
	{"icmp_id", take_number, TEST_ICMP_ID},
	{"icmp_seq", take_number, TEST_ICMP_SEQ},
	{"ttl", take_number, TEST_TTL},
	{"tos", take_tos, TEST_TOS},
	{"id", take_number, TEST_ID},
	{"seq", take_number, TEST_SEQ},
	{"tcp.seq", take_number, TEST_SEQ},
	{"ack", take_number, TEST_ACK},
	{"tcp.ack", take_number, TEST_ACK},
	{"window", take_number, TEST_WINDOW},
	{"tcp.window", take_number, TEST_WINDOW},
	{"tcp.mss", take_number, TEST_MSS},
	{"ip_proto", take_ip_proto, 0},
	{"fragbits", take_fragbits, 0},
	{"fragoffset", take_number, TEST_FRAGOFFSET},
	{"ipopts", take_ipopts, 0},
	{"sameip", take_sameip, 0},
	{"stream_size", take_stream_size, 0},
	{"app-layer-protocol", take_app_protocol, 0},
	{"threshold", take_threshold, 0},
	{"detection_filter", take_threshold, 1},
	{NULL, NULL, 0},
};
