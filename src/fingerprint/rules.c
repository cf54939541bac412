/* Rule files: parsing and matching; the contract is in rules.h, the format in data/tools.rules. */
#include "fingerprint/rules.h"

#include "base/embed.h"
#include "record/record.h"

#include <stdlib.h>
#include <string.h>

#define WORD_MAX 80
#define NUMBER_MAX 65535u
#define SYNFUL_KNOCK_DIFFERENCE 0xc123du

extern const struct embed_file fingerprint_files[];

const char *rules_builtin(void)
{
	const struct embed_file *f = embed_find(fingerprint_files, "tools.rules");

	return f ? f->data : "";
}

/* One word of a line, or false at its end (a # ends a line too). */
static bool next_word(const char **pos, char word[WORD_MAX])
{
	const char *p = *pos;
	size_t len = 0;

	while (*p == ' ' || *p == '\t')
		p++;
	while (*p && *p != ' ' && *p != '\t' && *p != '\n' && *p != '#' && len + 1 < WORD_MAX)
		word[len++] = *p++;
	word[len] = '\0';
	*pos = p;
	return len > 0;
}

static bool parse_number(const char *text, size_t len, uint16_t *ret)
{
	unsigned v = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		v = v * 10 + (unsigned)(text[i] - '0');
	}
	if (v > NUMBER_MAX)
		return false;
	*ret = (uint16_t)v;
	return true;
}

static bool parse_range(const char *text, uint16_t *ret_low, uint16_t *ret_high)
{
	const char *dash = strchr(text, '-');

	return dash && parse_number(text, (size_t)(dash - text), ret_low)
	    && parse_number(dash + 1, strlen(dash + 1), ret_high) && *ret_low <= *ret_high;
}

static bool parse_mark(const char *text, uint16_t *ret_mark)
{
	for (unsigned i = 0; i < RECORD_MARK_COUNT; i++) {
		if (strcmp(text, record_mark_name(i)) == 0) {
			*ret_mark = (uint16_t)(1u << i);
			return true;
		}
	}
	return false;
}

static bool parse_option_list(const char *text, struct rule *rule)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} kinds[] = {{"eol", 0}, {"nop", 1}, {"mss", 2}, {"ws", 3}, {"sok", 4}, {"sack", 5}, {"ts", 8}};

	rule->option_count = 0;
	if (strcmp(text, "none") == 0)
		return true;
	while (*text) {
		size_t len = strcspn(text, ",");
		size_t i;

		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (strlen(kinds[i].name) == len && memcmp(kinds[i].name, text, len) == 0)
				break;
		if (i == sizeof(kinds) / sizeof(kinds[0]) || rule->option_count == SYN_OPTIONS_MAX)
			return false;
		rule->options[rule->option_count++] = kinds[i].kind;
		text += len;
		if (*text == ',' && !*++text)
			return false;
	}
	return rule->option_count > 0;
}

/* Fills the condition that NAME=VALUE states; false when either is unknown. */
static bool parse_condition(const char *word, struct rule *rule)
{
	const struct {
		const char *name;
		unsigned has;
		uint16_t *value;
		uint16_t max;
	} numbers[] = {
		{"window", RULE_WINDOW, &rule->window, NUMBER_MAX},
		{"mss", RULE_MSS, &rule->mss, NUMBER_MAX},
		{"scale", RULE_SCALE, &rule->scale, UINT8_MAX},
		{"iplen", RULE_IP_LEN, &rule->ip_len, NUMBER_MAX},
		{"df", RULE_DF, &rule->df, 1},
		{"tos", RULE_TOS, &rule->tos, UINT8_MAX},
	};
	const char *value = strchr(word, '=');
	size_t name_len;

	if (!value)
		return false;
	name_len = (size_t)(value - word);
	value++;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strlen(numbers[i].name) == name_len
		    && memcmp(numbers[i].name, word, name_len) == 0) {
			rule->has |= numbers[i].has;
			return parse_number(value, strlen(value), numbers[i].value)
			    && *numbers[i].value <= numbers[i].max;
		}
	}
	if (strncmp(word, "sport=", 6) == 0) {
		rule->has |= RULE_SPORT;
		return parse_range(value, &rule->sport_low, &rule->sport_high);
	}
	if (strncmp(word, "ttl=", 4) == 0) {
		rule->has |= RULE_TTL;
		return parse_range(value, &rule->ttl_low, &rule->ttl_high)
		    && rule->ttl_high <= UINT8_MAX;
	}
	if (strncmp(word, "mark=", 5) == 0) {
		rule->has |= RULE_MARK;
		return parse_mark(value, &rule->mark);
	}
	if (strncmp(word, "options=", 8) == 0) {
		rule->has |= RULE_OPTIONS;
		return parse_option_list(value, rule);
	}
	if (strcmp(word, "relation=unicornscan") == 0) {
		rule->has |= RULE_PAIR;
		return true;
	}
	if (strcmp(word, "relation=synfulknock") == 0) {
		rule->has |= RULE_SYNFUL;
		return true;
	}
	return false;
}

static int find_tool(struct rules *rules, const char *name)
{
	unsigned i;

	for (i = 0; i < rules->tool_count; i++)
		if (strcmp(rules->tools[i], name) == 0)
			return (int)i;
	if (strlen(name) >= TOOLS_NAME_MAX)
		return -1;
	memcpy(rules->tools[i], name, strlen(name) + 1);
	rules->tool_count++;
	return (int)i;
}

static void set_range(struct rule *rule, enum rule_number number, unsigned has, uint16_t low,
    uint16_t high)
{
	bool asked = rule->has & has;

	rule->ranges.low[number] = asked ? low : 0;
	rule->ranges.span[number] = asked ? (uint16_t)(high - low) : UINT16_MAX;
}

static void fill_ranges(struct rule *r)
{
	set_range(r, RULE_NUMBER_WINDOW, RULE_WINDOW, r->window, r->window);
	set_range(r, RULE_NUMBER_IP_LEN, RULE_IP_LEN, r->ip_len, r->ip_len);
	set_range(r, RULE_NUMBER_TOS, RULE_TOS, r->tos, r->tos);
	set_range(r, RULE_NUMBER_SPORT, RULE_SPORT, r->sport_low, r->sport_high);
	set_range(r, RULE_NUMBER_TTL, RULE_TTL, r->ttl_low, r->ttl_high);
}

static int parse_line(const char *line, unsigned number, struct rules *rules, struct err *err)
{
	char word[WORD_MAX];
	struct rule rule = {0};
	uint16_t needs;
	char *end;
	int tool;

	/* Words go into messages and, as tool names, into documents. */
	for (const char *p = line; *p && *p != '\n' && *p != '#'; p++)
		if ((*p < ' ' || *p > '~') && *p != '\t')
			return err_set(err, ST_MALFORMED, "line %u: byte 0x%02x is not allowed here",
			    number, (unsigned char)*p);
	if (!next_word(&line, word))
		return ST_OK;
	if (rules->rule_count == TOOLS_RULES_MAX)
		return err_set(err, ST_LIMIT, "line %u: more than %d rules", number, TOOLS_RULES_MAX);
	tool = find_tool(rules, word);
	if (tool < 0)
		return err_set(err, ST_MALFORMED, "line %u: tool name too long: %s", number, word);
	rule.tool = (unsigned)tool;
	if (!next_word(&line, word) || !parse_number(word, strlen(word), &needs) || needs == 0)
		return err_set(err, ST_MALFORMED, "line %u: NEEDS must be 1 to 65535", number);
	rule.needs = needs;
	if (!next_word(&line, word))
		return err_set(err, ST_MALFORMED, "line %u: SHARE is missing", number);
	rule.share = strtod(word, &end);
	if (*end || !(rule.share >= 0 && rule.share <= 1))
		return err_set(err, ST_MALFORMED, "line %u: SHARE must be 0 to 1: %s", number, word);
	while (next_word(&line, word)) {
		unsigned had = rule.has;

		if (!parse_condition(word, &rule))
			return err_set(err, ST_MALFORMED, "line %u: no such condition: %s", number, word);
		if (rule.has == had)
			return err_set(err, ST_MALFORMED, "line %u: condition repeated: %s", number, word);
	}
	if (!rule.has)
		return err_set(err, ST_MALFORMED, "line %u: no condition", number);
	fill_ranges(&rule);
	if (rule.has & RULE_PAIR && rule.has != RULE_PAIR)
		return err_set(err, ST_MALFORMED, "line %u: relation=unicornscan compares SYNs and "
		    "cannot be combined", number);
	if (rule.has & RULE_PAIR)
		rules->pair_rules |= 1u << rules->rule_count;
	if (rule.has & RULE_SYNFUL)
		rules->synful_rules |= 1u << rules->rule_count;
	if (rule.has & (RULE_SYNFUL | RULE_WINDOW | RULE_IP_LEN | RULE_TOS | RULE_SPORT | RULE_TTL))
		rules->packet_rules |= 1u << rules->rule_count;
	for (unsigned marks = 0; marks < 1u << RECORD_MARK_COUNT; marks++)
		if (!(rule.has & RULE_MARK) || marks & rule.mark)
			rules->by_marks[marks] |= 1u << rules->rule_count;
	rules->rules[rules->rule_count++] = rule;
	return ST_OK;
}

int rules_parse(const char *text, struct rules *ret_rules, struct err *err)
{
	struct rules rules = {0};
	unsigned number = 1;

	for (const char *line = text; *line; number++) {
		const char *end = strchr(line, '\n');
		int rc = parse_line(line, number, &rules, err);

		if (rc)
			return rc;
		if (!end)
			break;
		line = end + 1;
	}
	*ret_rules = rules;
	return ST_OK;
}

uint32_t rules_match_shape(const struct rules *rules, const struct syn *syn)
{
	uint32_t possible = 0;

	for (unsigned i = 0; i < rules->rule_count; i++) {
		const struct rule *r = &rules->rules[i];

		if (r->has & RULE_PAIR)
			continue;
		if (r->has & RULE_MSS && (!(syn->has & SYN_HAS_MSS) || syn->mss != r->mss))
			continue;
		if (r->has & RULE_SCALE && (!(syn->has & SYN_HAS_SCALE)
		    || syn->scale != r->scale))
			continue;
		if (r->has & RULE_DF && !!(syn->quirks & SYN_QUIRK_DF) != r->df)
			continue;
		if (r->has & RULE_OPTIONS && (syn->option_count != r->option_count
		    || memcmp(syn->options, r->options, r->option_count) != 0))
			continue;
		possible |= 1u << i;
	}
	return possible;
}

/* Mandiant's SYNfulKnock_scanner.py: sequence and acknowledgment differ by a fixed number. */
static bool is_synful_knock(const struct decode_packet *p)
{
	return p->ack != 0 && (p->seq - p->ack == SYNFUL_KNOCK_DIFFERENCE
	    || p->ack - p->seq == SYNFUL_KNOCK_DIFFERENCE);
}

uint32_t rules_match_packet(const struct rules *rules, uint32_t possible,
    const struct decode_packet *packet)
{
	uint32_t matched = possible & ~rules->packet_rules;

	possible &= rules->packet_rules;

	while (possible) {
		unsigned i = (unsigned)__builtin_ctz(possible);
		const struct rule *r = &rules->rules[i];

		possible &= possible - 1;
		if (r->has & RULE_SYNFUL && !is_synful_knock(packet))
			continue;
		matched |= (uint32_t)rule_ranges_hold(&r->ranges, packet) << i;
	}
	return matched;
}
