/* Rules on stored rows; the contract is in stored.h. */
#include "fingerprint/stored.h"

#include "fingerprint/rules.h"

#include <stdlib.h>
#include <string.h>

#define OPTION_UNKNOWN 255 /* a kind that no rule can name */
#define RELATIONS (RULE_PAIR | RULE_SYNFUL)

/* The fields between colons, as offsets; false when there are not exactly `count`. */
static bool split(const char *text, const char **ret_fields, unsigned count)
{
	unsigned n = 1;

	ret_fields[0] = text;
	for (const char *p = text; *p; p++) {
		if (*p != ':')
			continue;
		if (n == count)
			return false;
		ret_fields[n++] = p + 1;
	}
	return n == count;
}

/* A number that ends at one of `ends`; false when there is none. */
static bool read_number(const char **p, unsigned max, const char *ends, unsigned *ret_value)
{
	unsigned value = 0;
	const char *at = *p;

	while (*at >= '0' && *at <= '9' && value <= max)
		value = value * 10 + (unsigned)(*at++ - '0');
	if (at == *p || value > max || !*at || !strchr(ends, *at))
		return false;
	*p = at;
	*ret_value = value;
	return true;
}

static bool read_window(const char *p, struct syn *syn)
{
	unsigned value;
	unsigned factor = 1;

	if (strncmp(p, "mss*", 4) == 0) {
		p += 4;
		factor = syn->mss;
	}
	if (!read_number(&p, UINT16_MAX, ",", &value) || value * factor > UINT16_MAX)
		return false;
	syn->window = (uint16_t)(value * factor);
	p++;
	if (*p == '*')
		return p[1] == ':';
	if (!read_number(&p, UINT8_MAX, ":", &value))
		return false;
	syn->scale = (uint8_t)value;
	syn->has |= SYN_HAS_SCALE;
	return true;
}

static bool read_options(const char *p, struct syn *syn)
{
	static const struct {
		const char *name;
		uint8_t kind;
	} names[] = {{"eol", 0}, {"nop", 1}, {"mss", 2}, {"ws", 3}, {"sok", 4}, {"sack", 5},
	    {"ts", 8}};

	while (*p != ':') {
		size_t len = strcspn(p, ",:");
		size_t word = strcspn(p, "+,:");
		uint8_t kind = OPTION_UNKNOWN;

		if (len == 0 || syn->option_count == SYN_OPTIONS_MAX)
			return false;
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (strlen(names[i].name) == word && memcmp(names[i].name, p, word) == 0)
				kind = names[i].kind;
		syn->options[syn->option_count++] = kind;
		p += len;
		if (*p == ',')
			p++;
	}
	return true;
}

static bool has_word(const char *p, const char *word)
{
	size_t len = strlen(word);

	while (*p && *p != ':') {
		size_t n = strcspn(p, ",:");

		if (n == len && memcmp(p, word, n) == 0)
			return true;
		p += n;
		if (*p == ',')
			p++;
	}
	return false;
}

bool stored_signature_read(const char *text, struct syn *ret_syn)
{
	enum { VERSION, TTL, IP_OPTIONS, MSS, WINDOW, OPTIONS, QUIRKS, PAYLOAD, FIELDS };
	const char *fields[FIELDS];
	struct syn syn = {0};
	unsigned value;

	if (!split(text, fields, FIELDS) || !read_number(&fields[VERSION], 6, ":", &value))
		return false;
	syn.version = (uint8_t)value;
	if (!read_number(&fields[TTL], UINT8_MAX, ":", &value))
		return false;
	syn.initial_ttl = (uint8_t)value;
	if (fields[IP_OPTIONS][0] == '1')
		syn.has |= SYN_HAS_IP_OPTIONS;
	if (fields[MSS][0] != '*') {
		if (!read_number(&fields[MSS], UINT16_MAX, ":", &value))
			return false;
		syn.mss = (uint16_t)value;
		syn.has |= SYN_HAS_MSS;
	}
	if (!read_window(fields[WINDOW], &syn) || !read_options(fields[OPTIONS], &syn))
		return false;
	if (has_word(fields[QUIRKS], "df"))
		syn.quirks |= SYN_QUIRK_DF;
	if (fields[PAYLOAD][0] == '+')
		syn.has |= SYN_HAS_PAYLOAD;
	*ret_syn = syn;
	return true;
}

uint32_t stored_rules_of(const struct tools *tools, const char *signature)
{
	const struct rules *rules = tools_rules(tools);
	struct syn syn;
	uint32_t possible;

	if (!stored_signature_read(signature, &syn))
		return 0;
	possible = rules_match_shape(rules, &syn);
	for (unsigned i = 0; i < rules->rule_count; i++) {
		const struct rule *r = &rules->rules[i];

		if (r->has & RELATIONS || (r->has & RULE_WINDOW && r->window != syn.window))
			possible &= ~(1u << i);
		/* Lengths are those of IPv4 SYNs that carry nothing. */
		if (r->has & RULE_IP_LEN && (syn.version != 4 || syn.has & SYN_HAS_PAYLOAD))
			possible &= ~(1u << i);
	}
	return possible;
}

uint32_t stored_rules_match(const struct tools *tools, uint32_t possible, uint16_t marks,
    uint8_t ttl_low, uint8_t ttl_high)
{
	const struct rules *rules = tools_rules(tools);

	for (unsigned i = 0; i < rules->rule_count; i++) {
		const struct rule *r = &rules->rules[i];

		if (r->has & RULE_MARK && (marks & r->mark) != r->mark)
			possible &= ~(1u << i);
		if (r->has & RULE_TTL && (ttl_low < r->ttl_low || ttl_high > r->ttl_high))
			possible &= ~(1u << i);
	}
	return possible;
}
