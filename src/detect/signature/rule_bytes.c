/*
 * Options that read numbers out of the bytes: byte_test, byte_jump, byte_extract, byte_math,
 * isdataat, base64_decode.
 */
#include "detect/signature/rule_draft.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 16
#define BYTES_MAX 23 /* digits of a number written as text */

static int take_isdataat(struct rule_draft *d, char *value, int arg)
{
	char *parts[4] = {value, NULL, NULL, NULL};
	size_t count = draft_split(value, ',', parts, 4);
	bool relative = false;
	bool negated = false;
	struct rule_match *m;

	(void)arg;
	if (*parts[0] == '!') {
		negated = true;
		parts[0] = draft_trim(parts[0] + 1);
	}
	for (size_t i = 1; i < count; i++) {
		if (strcmp(parts[i], "relative") == 0)
			relative = true;
		else if (strcmp(parts[i], "rawbytes") != 0)
			return draft_bad(d, "isdataat does not know %s", parts[i]);
	}
	m = draft_match(d, MATCH_ISDATAAT, draft_current_list(d, relative));
	if (!m)
		return ST_LIMIT;
	m->relative = relative;
	m->negated = negated;
	return draft_number(d, parts[0], &m->at);
}

static int byte_operator(struct rule_draft *d, const char *text, struct rule_match *m)
{
	static const struct {
		const char *text;
		enum compare op;
	} operators[] = {
		{"<=", COMPARE_LESS_EQUAL}, {">=", COMPARE_GREATER_EQUAL}, {"!=", COMPARE_NOT_EQUAL},
		{"<", COMPARE_LESS}, {">", COMPARE_GREATER}, {"=", COMPARE_EQUAL}, {"==", COMPARE_EQUAL},
		{"&", COMPARE_AND}, {"^", COMPARE_OR},
	};

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
			if (strcmp(text, operators[i].text) == 0) {
				m->byte.op = (uint8_t)operators[i].op;
				return ST_OK;
			}
		if (*text != '!')
			break;
		m->negated = true;
		for (text++; isspace((unsigned char)*text); text++)
			;
		if (!*text) {
			m->byte.op = COMPARE_EQUAL;
			return ST_OK;
		}
	}
	return draft_bad(d, "byte_test does not know the operator %s", text);
}

/* The words all of them share; false: not one of them. */
static bool common_word(struct rule_draft *d, struct rule_match *m, char *word, int *ret_rc)
{
	int64_t n;

	*ret_rc = ST_OK;
	if (strcmp(word, "relative") == 0)
		m->relative = true;
	else if (strcmp(word, "little") == 0 || strcmp(word, "endian little") == 0)
		m->byte.little = true;
	else if (strcmp(word, "big") == 0 || strcmp(word, "endian big") == 0)
		m->byte.little = false;
	else if (strcmp(word, "dce") == 0)
		m->byte.dce = true;
	else if (strcmp(word, "string") == 0)
		m->byte.base = m->byte.base == BYTE_BINARY ? BYTE_DECIMAL : m->byte.base;
	else if (strcmp(word, "hex") == 0 || strcmp(word, "string hex") == 0)
		m->byte.base = BYTE_HEX;
	else if (strcmp(word, "dec") == 0 || strcmp(word, "string dec") == 0)
		m->byte.base = BYTE_DECIMAL;
	else if (strcmp(word, "oct") == 0 || strcmp(word, "string oct") == 0)
		m->byte.base = BYTE_OCTAL;
	else if (strncmp(word, "bitmask", 7) == 0) {
		if (draft_parse_long(draft_trim(word + 7), &n) || n <= 0 || n > UINT32_MAX)
			*ret_rc = draft_bad(d, "bitmask takes a number");
		else
			m->byte.mask = (uint32_t)n;
	} else {
		return false;
	}
	return true;
}

static int jump_word(struct rule_draft *d, struct rule_match *m, char *word)
{
	int64_t n;
	int rc;

	if (common_word(d, m, word, &rc))
		return rc;
	if (strcmp(word, "align") == 0) {
		m->byte.align = true;
	} else if (strcmp(word, "from_beginning") == 0) {
		m->byte.from_beginning = true;
	} else if (strcmp(word, "from_end") == 0) {
		m->byte.from_end = true;
	} else if (strncmp(word, "multiplier", 10) == 0) {
		if (draft_parse_long(draft_trim(word + 10), &n) || n <= 0 || n > 65535)
			return draft_bad(d, "multiplier takes a number from 1 to 65535");
		m->byte.multiplier = (uint32_t)n;
	} else if (strncmp(word, "post_offset", 11) == 0) {
		if (draft_parse_long(draft_trim(word + 11), &n) || n < -65535 || n > 65535)
			return draft_bad(d, "post_offset takes a number of at most 65535");
		m->byte.post_offset = (int32_t)n;
	} else if (strncmp(word, "align ", 6) == 0) {
		m->byte.align = true;
	} else {
		return draft_bad(d, "it does not know %s", word);
	}
	return ST_OK;
}

static bool says_relative(char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(parts[i], "relative") == 0)
			return true;
	return false;
}

static struct rule_match *byte_match(struct rule_draft *d, enum match_kind kind, char *const *parts,
    size_t count)
{
	struct rule_match *m = draft_match(d, kind, draft_current_list(d, says_relative(parts, count)));

	if (m) {
		m->byte.bytes.value = m->byte.offset.value = m->byte.operand.value = RULE_NO_VALUE;
		m->byte.result = RULE_NO_VALUE;
		m->byte.multiplier = 1;
	}
	return m;
}

static int check_bytes(struct rule_draft *d, const struct rule_match *m, int min)
{
	const struct rule_number *n = &m->byte.bytes;
	int max = m->byte.base == BYTE_BINARY ? 8 : BYTES_MAX;

	if (n->value == RULE_NO_VALUE && (n->literal < min || n->literal > max))
		return draft_bad(d, "%d bytes make no number here", n->literal);
	return ST_OK;
}

static int take_byte_test(struct rule_draft *d, char *value, int arg)
{
	char *parts[PARTS_MAX];
	size_t count = draft_split(value, ',', parts, PARTS_MAX);
	struct rule_match *m;
	int64_t wide;
	int rc;

	(void)arg;
	if (count < 4)
		return draft_bad(d, "byte_test is BYTES, OPERATOR, VALUE, OFFSET");
	m = byte_match(d, MATCH_BYTE_TEST, parts, count);
	if (!m)
		return ST_LIMIT;
	rc = draft_number(d, parts[0], &m->byte.bytes);
	if (!rc)
		rc = byte_operator(d, parts[1], m);
	if (!rc && draft_parse_long(parts[2], &wide) == ST_OK)
		m->byte.wide = (uint64_t)wide;
	else if (!rc)
		rc = draft_number(d, parts[2], &m->byte.operand);
	if (!rc)
		rc = draft_number(d, parts[3], &m->byte.offset);
	for (size_t i = 4; !rc && i < count; i++)
		if (!common_word(d, m, parts[i], &rc))
			rc = draft_bad(d, "byte_test does not know %s", parts[i]);
	/* No bytes with "string": as many digits as there are. */
	return rc ? rc : check_bytes(d, m, m->byte.base == BYTE_BINARY ? 1 : 0);
}

static int take_byte_jump(struct rule_draft *d, char *value, int arg)
{
	char *parts[PARTS_MAX];
	size_t count = draft_split(value, ',', parts, PARTS_MAX);
	struct rule_match *m;
	int rc;

	(void)arg;
	if (count < 2)
		return draft_bad(d, "byte_jump is BYTES, OFFSET");
	m = byte_match(d, MATCH_BYTE_JUMP, parts, count);
	if (!m)
		return ST_LIMIT;
	rc = draft_number(d, parts[0], &m->byte.bytes);
	if (!rc)
		rc = draft_number(d, parts[1], &m->byte.offset);
	for (size_t i = 2; !rc && i < count; i++)
		rc = jump_word(d, m, parts[i]);
	return rc ? rc : check_bytes(d, m, 0);
}

static int new_value(struct rule_draft *d, const char *name)
{
	for (int i = 0; i < d->value_count; i++)
		if (strcmp(d->values[i], name) == 0)
			return i;
	if (d->value_count == RULE_VALUES_MAX || strlen(name) >= DRAFT_NAME_MAX)
		return draft_unsupported(d, "more than %d values, or a long name", RULE_VALUES_MAX);
	(void)snprintf(d->values[d->value_count], DRAFT_NAME_MAX, "%s", name);
	return d->value_count++;
}

static int take_byte_extract(struct rule_draft *d, char *value, int arg)
{
	char *parts[PARTS_MAX];
	size_t count = draft_split(value, ',', parts, PARTS_MAX);
	struct rule_match *m;
	int index;
	int rc;

	(void)arg;
	if (count < 3)
		return draft_bad(d, "byte_extract is BYTES, OFFSET, NAME");
	m = byte_match(d, MATCH_BYTE_EXTRACT, parts, count);
	if (!m)
		return ST_LIMIT;
	rc = draft_number(d, parts[0], &m->byte.bytes);
	if (!rc)
		rc = draft_number(d, parts[1], &m->byte.offset);
	for (size_t i = 3; !rc && i < count; i++)
		rc = jump_word(d, m, parts[i]);
	if (rc)
		return rc;
	index = new_value(d, parts[2]);
	if (index < 0)
		return index;
	m->byte.result = (int8_t)index;
	return check_bytes(d, m, 1);
}

static int math_word(struct rule_draft *d, struct rule_match *m, char *word, char **ret_result)
{
	int rc;

	if (strncmp(word, "bytes ", 6) == 0)
		return draft_number(d, draft_trim(word + 6), &m->byte.bytes);
	if (strncmp(word, "offset ", 7) == 0)
		return draft_number(d, draft_trim(word + 7), &m->byte.offset);
	if (strncmp(word, "rvalue ", 7) == 0)
		return draft_number(d, draft_trim(word + 7), &m->byte.operand);
	if (strncmp(word, "oper ", 5) == 0) {
		word = draft_trim(word + 5);
		m->byte.op = (uint8_t)*word;
		return strchr("+-*/<>", *word) ? ST_OK : draft_bad(d, "unknown operator %s", word);
	}
	if (strncmp(word, "result ", 7) == 0) {
		*ret_result = draft_trim(word + 7);
		return ST_OK;
	}
	if (common_word(d, m, word, &rc))
		return rc;
	return draft_bad(d, "byte_math does not know %s", word);
}

static int take_byte_math(struct rule_draft *d, char *value, int arg)
{
	char *parts[PARTS_MAX];
	size_t count = draft_split(value, ',', parts, PARTS_MAX);
	char *result = NULL;
	struct rule_match *m;
	int index;

	(void)arg;
	m = byte_match(d, MATCH_BYTE_MATH, parts, count);
	if (!m)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++) {
		int rc = math_word(d, m, parts[i], &result);

		if (rc)
			return rc;
	}
	if (!result || !m->byte.op)
		return draft_bad(d, "byte_math needs bytes, offset, oper, rvalue and result");
	index = new_value(d, result);
	if (index < 0)
		return index;
	m->byte.result = (int8_t)index;
	return check_bytes(d, m, 1);
}

static int take_base64_decode(struct rule_draft *d, char *value, int arg)
{
	char *parts[3];
	size_t count = *value ? draft_split(value, ',', parts, 3) : 0;
	struct rule_match *m = draft_match(d, MATCH_BASE64_DECODE,
	    draft_current_list(d, says_relative(parts, count)));
	int64_t n;

	(void)arg;
	if (!m)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(parts[i], "relative") == 0)
			m->relative = true;
		else if (strncmp(parts[i], "bytes ", 6) == 0
		    && draft_parse_long(draft_trim(parts[i] + 6), &n) == ST_OK && n > 0)
			m->base64.bytes = (uint32_t)n;
		else if (strncmp(parts[i], "offset ", 7) == 0
		    && draft_parse_long(draft_trim(parts[i] + 7), &n) == ST_OK && n >= 0)
			m->base64.offset = (uint32_t)n;
		else
			return draft_bad(d, "base64_decode does not know %s", parts[i]);
	}
	return ST_OK;
}

const struct draft_keyword draft_bytes[] = {
	{"isdataat", take_isdataat, 0},
	{"byte_test", take_byte_test, 0},
	{"byte_jump", take_byte_jump, 0},
	{"byte_extract", take_byte_extract, 0},
	{"byte_math", take_byte_math, 0},
	{"base64_decode", take_base64_decode, 0},
	{NULL, NULL, 0},
};
