/* One list of matches against one buffer; the contract is in match.h. */
#include "detect/signature/match.h"

#include "base/digit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PCRE_MATCH_LIMIT 3500u
#define PCRE_DEPTH_LIMIT 1500u
#define NUMBER_TEXT_MAX 24

int matcher_init(struct matcher *m)
{
	memset(m, 0, sizeof(*m));
	m->pcre_data = pcre2_match_data_create(32, NULL);
	m->pcre_context = pcre2_match_context_create(NULL);
	m->base64 = malloc(MATCH_BASE64_MAX);
	if (!m->pcre_data || !m->pcre_context || !m->base64) {
		matcher_fini(m);
		return -ENOMEM;
	}
	pcre2_set_match_limit(m->pcre_context, PCRE_MATCH_LIMIT);
	pcre2_set_depth_limit(m->pcre_context, PCRE_DEPTH_LIMIT);
	return ST_OK;
}

void matcher_fini(struct matcher *m)
{
	pcre2_match_data_free(m->pcre_data);
	pcre2_match_context_free(m->pcre_context);
	free(m->base64);
	memset(m, 0, sizeof(*m));
}

void matcher_begin(struct matcher *m, const struct rule *rule)
{
	m->rule = rule;
	memset(m->values, 0, sizeof(m->values));
}

bool rule_compare_holds(const struct rule_compare *c, uint64_t n)
{
	bool holds = false;

	switch ((enum compare)c->op) {
	case COMPARE_LESS:
		holds = n < c->a;
		break;
	case COMPARE_LESS_EQUAL:
		holds = n <= c->a;
		break;
	case COMPARE_GREATER:
		holds = n > c->a;
		break;
	case COMPARE_GREATER_EQUAL:
		holds = n >= c->a;
		break;
	case COMPARE_EQUAL:
		holds = n == c->a;
		break;
	case COMPARE_NOT_EQUAL:
		holds = n != c->a;
		break;
	case COMPARE_AND:
		holds = (n & c->a) != 0;
		break;
	case COMPARE_OR:
		holds = (n ^ c->a) != 0;
		break;
	case COMPARE_BETWEEN:
		holds = n > c->a && n < c->b;
		break;
	}
	return holds != c->negated;
}

static int64_t number(const struct matcher *m, const struct rule_number *n)
{
	return n->value == RULE_NO_VALUE ? n->literal : (int64_t)m->values[n->value];
}

/* ---- contents ------------------------------------------------------------------------------- */

static bool same_nocase(const uint8_t *data, const uint8_t *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (tolower(data[i]) != lower[i])
			return false;
	return true;
}

static const uint8_t *find_nocase(const uint8_t *data, size_t len, const uint8_t *lower, size_t n)
{
	uint8_t a = lower[0];
	uint8_t b = (uint8_t)toupper(a);
	const uint8_t *end = data + (len - n) + 1;

	for (const uint8_t *p = data; p < end; p++) {
		if (a == b) {
			p = memchr(p, a, (size_t)(end - p));
			if (!p)
				return NULL;
		} else if (*p != a && *p != b) {
			continue;
		}
		if (same_nocase(p + 1, lower + 1, n - 1))
			return p;
	}
	return NULL;
}

static const uint8_t *find(const struct rule_content *c, const uint8_t *data, size_t len)
{
	if (len < c->len)
		return NULL;
	if (c->ends) {
		const uint8_t *tail = data + len - c->len;

		return (c->nocase ? same_nocase(tail, c->bytes, c->len)
		                  : memcmp(tail, c->bytes, c->len) == 0) ? tail : NULL;
	}
	if (c->nocase)
		return find_nocase(data, len, c->bytes, c->len);
	return memmem(data, len, c->bytes, c->len);
}

/* Where a content may lie: [*from, *to).  False: nowhere. */
static bool content_window(const struct matcher *m, const struct rule_content *c, bool relative,
    size_t start, size_t *from, size_t *to)
{
	int64_t low = 0;
	int64_t high = (int64_t)m->len;

	if (relative) {
		int64_t distance = c->has_distance ? number(m, &c->distance) : 0;

		low = (int64_t)start + distance;
		if (low < 0)
			low = 0;
		if (c->has_within) {
			int64_t end = (int64_t)start + number(m, &c->within) + distance;

			if (end < high)
				high = end;
		}
		if (c->has_offset && number(m, &c->offset) > low)
			low = number(m, &c->offset);
		if (c->has_depth) {
			int64_t end = (c->has_offset ? number(m, &c->offset) : 0) + number(m, &c->depth);

			if (end < high)
				high = end;
		}
	} else {
		if (c->has_offset)
			low = number(m, &c->offset);
		if (c->has_depth && low + number(m, &c->depth) < high)
			high = low + number(m, &c->depth);
	}
	if (low < 0 || high < low || low > (int64_t)m->len)
		return false;
	/* An end must be the buffer's end, not that of the window. */
	if (c->ends && high != (int64_t)m->len)
		return false;
	*from = (size_t)low;
	*to = (size_t)high;
	return true;
}

/* ---- numbers -------------------------------------------------------------------------------- */

static bool read_binary(const uint8_t *p, size_t n, bool little, uint64_t *ret)
{
	uint64_t v = 0;

	if (n > 8)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[little ? n - 1 - i : i];
	*ret = v;
	return true;
}

/* Digits as text, as strtoull reads them; returns how many bytes were used, 0: no number. */
static size_t read_text(const uint8_t *p, size_t n, enum byte_base base, uint64_t *ret)
{
	static const int bases[] = {[BYTE_HEX] = 16, [BYTE_DECIMAL] = 10, [BYTE_OCTAL] = 8};
	char text[NUMBER_TEXT_MAX];
	char *end;

	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, p, n);
	text[n] = '\0';
	errno = 0;
	*ret = strtoull(text, &end, bases[base]);
	return errno ? 0 : (size_t)(end - text);
}

/* The number a byte_… option is about; *ret_used: bytes behind its offset that it took. */
static bool read_number(struct matcher *m, const struct rule_match *match, uint64_t *ret,
    size_t *ret_start, size_t *ret_used)
{
	const struct rule_byte *b = &match->byte;
	int64_t at = (match->relative ? (int64_t)m->at : 0) + number(m, &b->offset);
	int64_t bytes = number(m, &b->bytes);
	uint64_t v;

	if (at < 0 || bytes < 0 || bytes > NUMBER_TEXT_MAX || at > (int64_t)m->len
	    || (int64_t)m->len - at < bytes)
		return false;
	if (bytes == 0 && b->base != BYTE_BINARY) /* as many digits as there are */
		bytes = (int64_t)m->len - at < NUMBER_TEXT_MAX ? (int64_t)m->len - at : NUMBER_TEXT_MAX;
	*ret_start = (size_t)at;
	*ret_used = (size_t)bytes;
	if (bytes == 0) {
		v = 0;
	} else if (b->base == BYTE_BINARY) {
		if (!read_binary(m->data + at, (size_t)bytes, b->little, &v))
			return false;
	} else {
		*ret_used = read_text(m->data + at, (size_t)bytes, (enum byte_base)b->base, &v);
		if (*ret_used == 0)
			return false;
	}
	if (b->mask) {
		v &= b->mask;
		v >>= __builtin_ctz(b->mask);
	}
	*ret = v;
	return true;
}

static bool byte_test(struct matcher *m, const struct rule_match *match)
{
	uint64_t operand = match->byte.operand.value == RULE_NO_VALUE
	    ? match->byte.wide : m->values[match->byte.operand.value];
	bool holds = false;
	uint64_t v;
	size_t start;
	size_t used;

	if (!read_number(m, match, &v, &start, &used))
		return false;
	switch ((enum compare)match->byte.op) {
	case COMPARE_LESS:
		holds = v < operand;
		break;
	case COMPARE_LESS_EQUAL:
		holds = v <= operand;
		break;
	case COMPARE_GREATER:
		holds = v > operand;
		break;
	case COMPARE_GREATER_EQUAL:
		holds = v >= operand;
		break;
	case COMPARE_EQUAL:
		holds = v == operand;
		break;
	case COMPARE_NOT_EQUAL:
		holds = v != operand;
		break;
	case COMPARE_AND:
		holds = (v & operand) != 0;
		break;
	case COMPARE_OR:
		holds = (v ^ operand) != 0;
		break;
	case COMPARE_BETWEEN:
		break;
	}
	return holds != match->negated;
}

static bool byte_jump(struct matcher *m, const struct rule_match *match)
{
	const struct rule_byte *b = &match->byte;
	int64_t at;
	uint64_t v;
	size_t start;
	size_t used;

	if (!read_number(m, match, &v, &start, &used))
		return false;
	v *= b->multiplier;
	if (b->align && v % 4)
		v += 4 - v % 4;
	if (v > UINT32_MAX)
		return false;
	if (b->from_beginning)
		at = (int64_t)v;
	else if (b->from_end)
		at = (int64_t)m->len + (int64_t)v;
	else
		at = (int64_t)start + (int64_t)used + (int64_t)v;
	at += b->post_offset;
	if (at < 0 || at > (int64_t)m->len)
		return false;
	m->at = (size_t)at;
	return true;
}

static bool byte_extract(struct matcher *m, const struct rule_match *match)
{
	uint64_t v;
	size_t start;
	size_t used;

	if (!read_number(m, match, &v, &start, &used))
		return false;
	v *= match->byte.multiplier;
	if (match->byte.align && v % 4)
		v += 4 - v % 4;
	m->values[match->byte.result] = v;
	m->at = start + used;
	return true;
}

static bool byte_math(struct matcher *m, const struct rule_match *match)
{
	uint64_t operand = (uint64_t)number(m, &match->byte.operand);
	uint64_t v;
	size_t start;
	size_t used;

	if (!read_number(m, match, &v, &start, &used))
		return false;
	switch (match->byte.op) {
	case '+':
		v += operand;
		break;
	case '-':
		v -= operand;
		break;
	case '*':
		v *= operand;
		break;
	case '/':
		if (operand == 0)
			return false;
		v /= operand;
		break;
	case '<':
		v = operand < 64 ? v << operand : 0;
		break;
	default:
		v = operand < 64 ? v >> operand : 0;
		break;
	}
	m->values[match->byte.result] = v;
	m->at = start + used;
	return true;
}

static bool isdataat(const struct matcher *m, const struct rule_match *match)
{
	int64_t n = number(m, &match->at);
	bool there;

	if (match->relative)
		there = n >= 0 && (int64_t)m->at + n <= (int64_t)m->len;
	else
		there = n < (int64_t)m->len;
	return there != match->negated;
}

/* ---- base64 --------------------------------------------------------------------------------- */

/* RFC 4648, stopping at the first byte that is none of its alphabet; blanks are passed over. */
static size_t base64_decode(const uint8_t *p, size_t len, uint8_t *out, size_t room)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t n = 0;

	for (size_t i = 0; i < len && n + 3 < room; i++) {
		int v = digit_base64(p[i]);

		if (v < 0) {
			if (p[i] == ' ' || p[i] == '\r' || p[i] == '\n')
				continue;
			break;
		}
		bits = bits << 6 | (uint32_t)v;
		if (++count == 4) {
			out[n++] = (uint8_t)(bits >> 16);
			out[n++] = (uint8_t)(bits >> 8);
			out[n++] = (uint8_t)bits;
			bits = count = 0;
		}
	}
	if (count >= 2)
		out[n++] = (uint8_t)(bits >> (count == 2 ? 4 : 10));
	if (count == 3)
		out[n++] = (uint8_t)(bits >> 2);
	return n;
}

static bool base64(struct matcher *m, const struct rule_match *match)
{
	size_t at = (match->relative ? m->at : 0) + match->base64.offset;
	const uint8_t *data = m->data;
	size_t len = m->len;
	size_t keep = m->at;
	size_t n;
	bool ok = true;

	if (at >= m->len)
		return false;
	n = m->len - at;
	if (match->base64.bytes && n > match->base64.bytes)
		n = match->base64.bytes;
	n = base64_decode(m->data + at, n, m->base64, MATCH_BASE64_MAX);
	if (n == 0)
		return false;
	for (size_t i = 0; ok && i < m->rule->list_count; i++)
		if (m->rule->lists[i].buffer == BUFFER_BASE64)
			ok = matcher_list(m, &m->rule->lists[i], m->base64, n);
	m->data = data;
	m->len = len;
	m->at = keep;
	return ok;
}

/* ---- the list ------------------------------------------------------------------------------- */

static bool number_holds(const struct matcher *m, const struct rule_match *match)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->len && m->data[i] >= '0' && m->data[i] <= '9'; i++)
		n = n * 10 + (m->data[i] - '0');
	return rule_compare_holds(&match->size, n);
}

static bool match_from(struct matcher *m, const struct rule_list *list, unsigned i);

static bool match_content(struct matcher *m, const struct rule_list *list, unsigned i)
{
	const struct rule_match *match = &list->matches[i];
	const struct rule_content *c = &match->content;
	size_t start = m->at;
	size_t from;
	size_t to;

	if (!content_window(m, c, match->relative, start, &from, &to))
		return match->negated && match_from(m, list, i + 1);
	for (;;) {
		const uint8_t *hit = from <= to ? find(c, m->data + from, to - from) : NULL;

		if (++m->steps > MATCH_STEPS_MAX) {
			m->hopeless = true;
			return false;
		}
		if (match->negated) {
			if (!hit)
				return match_from(m, list, i + 1);
			m->hopeless = m->hopeless || !match->relative;
			return false;
		}
		if (!hit) {
			m->hopeless = m->hopeless || !match->relative;
			return false;
		}
		m->at = (size_t)(hit - m->data) + c->len;
		if (match_from(m, list, i + 1))
			return true;
		if (!match->next_relative || m->hopeless)
			return false;
		from = (size_t)(hit - m->data) + 1;
		if (c->starts || c->ends)
			return false;
	}
}

static bool match_pcre(struct matcher *m, const struct rule_list *list, unsigned i)
{
	const struct rule_match *match = &list->matches[i];
	size_t base = match->relative ? m->at : 0;
	size_t offset = 0;
	static const uint8_t empty[1];

	for (;;) {
		const uint8_t *subject = m->data ? m->data + base : empty;
		PCRE2_SIZE *where;
		int rc;

		if (++m->steps > MATCH_STEPS_MAX) {
			m->hopeless = true;
			return false;
		}
		rc = base + offset <= m->len ? pcre2_match(match->pcre.code, subject, m->len - base, offset, 0,
		    m->pcre_data, m->pcre_context) : PCRE2_ERROR_NOMATCH;
		if (rc == PCRE2_ERROR_NOMATCH) {
			if (match->negated)
				return match_from(m, list, i + 1);
			m->hopeless = m->hopeless || !match->relative;
			return false;
		}
		if (rc < 0 || match->negated) {
			m->hopeless = m->hopeless || !match->relative;
			return false;
		}
		where = pcre2_get_ovector_pointer(m->pcre_data);
		offset = where[0] + 1;
		m->at = base + where[1];
		if (match_from(m, list, i + 1))
			return true;
		if (!match->next_relative || m->hopeless)
			return false;
	}
}

/* The depth is the length of the rule (RULE_MATCHES_MAX), whatever the input is. */
static bool match_from(struct matcher *m, const struct rule_list *list, unsigned i)
{
	const struct rule_match *match = &list->matches[i];
	bool ok = false;

	if (i == list->count)
		return true;
	if (++m->steps > MATCH_STEPS_MAX) {
		m->hopeless = true;
		return false;
	}
	switch ((enum match_kind)match->kind) {
	case MATCH_CONTENT:
		return match_content(m, list, i);
	case MATCH_PCRE:
		return match_pcre(m, list, i);
	case MATCH_ISDATAAT:
		ok = isdataat(m, match);
		break;
	case MATCH_BYTE_TEST:
		ok = byte_test(m, match);
		break;
	case MATCH_BYTE_JUMP:
		ok = byte_jump(m, match);
		break;
	case MATCH_BYTE_EXTRACT:
		ok = byte_extract(m, match);
		break;
	case MATCH_BYTE_MATH:
		ok = byte_math(m, match);
		break;
	case MATCH_BASE64_DECODE:
		ok = base64(m, match);
		break;
	case MATCH_BSIZE:
		ok = rule_compare_holds(&match->size, m->len);
		m->hopeless = m->hopeless || !ok;
		break;
	case MATCH_NUMBER:
		ok = number_holds(m, match);
		m->hopeless = m->hopeless || !ok;
		break;
	case MATCH_ABSENT:
		ok = match->negated;
		break;
	}
	return ok && match_from(m, list, i + 1);
}

bool matcher_list(struct matcher *m, const struct rule_list *list, const uint8_t *data, size_t len)
{
	unsigned steps = m->steps;
	bool ok;

	m->data = data;
	m->len = len;
	m->at = 0;
	m->steps = 0;
	m->hopeless = false;
	ok = match_from(m, list, 0);
	m->steps = steps;
	m->hopeless = false;
	return ok;
}
