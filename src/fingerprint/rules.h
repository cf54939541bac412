/*
 * Private to fingerprint/: the parsed form of a rule file and the matching of one line.
 */
#pragma once

#include "fingerprint/tools.h"
#include "record/record.h"

enum rule_has {
	RULE_WINDOW = 1 << 0,
	RULE_MSS = 1 << 1,
	RULE_SCALE = 1 << 2,
	RULE_IP_LEN = 1 << 3,
	RULE_SPORT = 1 << 4,
	RULE_TTL = 1 << 5,
	RULE_DF = 1 << 6,
	RULE_TOS = 1 << 7,
	RULE_OPTIONS = 1 << 8,
	RULE_MARK = 1 << 9,
	RULE_PAIR = 1 << 10,
	RULE_SYNFUL = 1 << 11,
};

/* What a rule asks of the packet's numbers, one range for each; no condition is the whole range. */
enum rule_number {
	RULE_NUMBER_WINDOW,
	RULE_NUMBER_IP_LEN,
	RULE_NUMBER_TOS,
	RULE_NUMBER_SPORT,
	RULE_NUMBER_TTL,
	RULE_NUMBERS,
};

struct rule_ranges {
	uint16_t low[RULE_NUMBERS];
	uint16_t span[RULE_NUMBERS]; /* the highest less the lowest */
};

/* Without branches: which packet is in which range cannot be foretold. */
static inline bool rule_ranges_hold(const struct rule_ranges *r, const struct decode_packet *p)
{
	return ((uint16_t)(p->window - r->low[RULE_NUMBER_WINDOW]) <= r->span[RULE_NUMBER_WINDOW])
	    & ((uint16_t)(p->ip_len - r->low[RULE_NUMBER_IP_LEN]) <= r->span[RULE_NUMBER_IP_LEN])
	    & ((uint16_t)(p->tos - r->low[RULE_NUMBER_TOS]) <= r->span[RULE_NUMBER_TOS])
	    & ((uint16_t)(p->sport - r->low[RULE_NUMBER_SPORT]) <= r->span[RULE_NUMBER_SPORT])
	    & ((uint16_t)(p->ttl - r->low[RULE_NUMBER_TTL]) <= r->span[RULE_NUMBER_TTL]);
}

struct rule {
	uint32_t needs;
	double share;
	unsigned tool;
	unsigned has; /* enum rule_has: conditions present */
	struct rule_ranges ranges;
	uint16_t window;
	uint16_t mss;
	uint16_t scale;
	uint16_t ip_len;
	uint16_t sport_low;
	uint16_t sport_high;
	uint16_t ttl_low;
	uint16_t ttl_high;
	uint16_t df;
	uint16_t tos;
	uint16_t mark;
	uint8_t option_count;
	uint8_t options[SYN_OPTIONS_MAX];
};

struct rules {
	unsigned rule_count;
	unsigned tool_count;
	uint32_t pair_rules;   /* rules that need the Unicornscan relation */
	uint32_t synful_rules; /* rules that ask for the SYNful Knock relation */
	uint32_t packet_rules; /* rules with conditions that differ between packets of one shape */
	uint32_t by_marks[1 << RECORD_MARK_COUNT]; /* rules that those marks leave possible */
	struct rule rules[TOOLS_RULES_MAX];
	char tools[TOOLS_RULES_MAX][TOOLS_NAME_MAX];
};

/* The built-in text of data/tools.rules. */
const char *rules_builtin(void);

/* Parses a rule file; on error *ret_rules is untouched and the sentence names the line. */
ST_MUST_CHECK int rules_parse(const char *text, struct rules *ret_rules, struct err *err);

/* Bit set of the rules whose conditions on the shape, the window apart, hold. */
uint32_t rules_match_shape(const struct rules *rules, const struct syn *syn);

/* Of `possible`, the rules whose conditions on this packet (not its marks) hold too. */
uint32_t rules_match_packet(const struct rules *rules, uint32_t possible,
    const struct decode_packet *packet);
