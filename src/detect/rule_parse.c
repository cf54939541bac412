/*
 * One line to one rule: header, options, and what follows from them together.
 */
#include "detect/addresses.h"
#include "detect/rule_draft.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELD_MAX 8192
#define OPTION_MAX 16384
#define FAST_MAX 24 /* bytes of a content that the prefilter looks for */

/* ---- help for the handlers ------------------------------------------------------------------ */

int draft_bad(struct rule_draft *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(d->reason, sizeof(d->reason), fmt, args);
	va_end(args);
	return ST_MALFORMED;
}

int draft_unsupported(struct rule_draft *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(d->reason, sizeof(d->reason), fmt, args);
	va_end(args);
	return ST_UNSUPPORTED;
}

char *draft_trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

size_t draft_split(char *text, char separator, char **parts, size_t max)
{
	size_t n = 0;

	while (text && n < max) {
		char *next = n + 1 < max ? strchr(text, separator) : NULL;

		if (next)
			*next++ = '\0';
		parts[n] = draft_trim(text);
		n++;
		text = next;
	}
	return n;
}

int draft_parse_long(const char *text, int64_t *ret)
{
	char *end;
	long long n;

	if (!*text)
		return ST_MALFORMED;
	errno = 0;
	n = strtoll(text, &end, 0);
	if (*end || errno) {
		errno = 0;
		n = strtoll(text, &end, 10); /* a leading zero need not mean octal */
		if (*end || errno)
			return ST_MALFORMED;
	}
	*ret = n;
	return ST_OK;
}

int draft_number(struct rule_draft *d, const char *text, struct rule_number *ret)
{
	int64_t n;

	ret->value = RULE_NO_VALUE;
	if (draft_parse_long(text, &n) == ST_OK) {
		if (n < -65535 || n > INT32_MAX)
			return draft_bad(d, "%s is out of range", text);
		ret->literal = (int32_t)n;
		return ST_OK;
	}
	for (int i = 0; i < d->value_count; i++)
		if (strcmp(d->values[i], text) == 0) {
			ret->value = (int8_t)i;
			return ST_OK;
		}
	return draft_bad(d, "neither a number nor a value made before: %s", text);
}

int draft_compare(struct rule_draft *d, const char *text, struct rule_compare *ret)
{
	char copy[64];
	char *t = copy;
	char *between;
	int64_t a;
	int64_t b = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	t = draft_trim(t);
	ret->op = COMPARE_EQUAL;
	between = strstr(t, "<>");
	if (!between && *t != '-')
		between = strchr(t, '-');
	if (between && between != t) {
		char *right = between + (*between == '<' ? 2 : 1);

		*between = '\0';
		if (draft_parse_long(draft_trim(t), &a) || draft_parse_long(draft_trim(right), &b)
		    || a < 0 || b < a)
			return draft_bad(d, "not a range: %s", text);
		ret->op = COMPARE_BETWEEN;
	} else {
		if (*t == '!') {
			ret->negated = true;
			t = draft_trim(t + 1);
			t += *t == '=';
		}
		if (*t == '<' || *t == '>') {
			ret->op = *t == '<' ? COMPARE_LESS : COMPARE_GREATER;
			t++;
			if (*t == '=') {
				ret->op = ret->op == COMPARE_LESS ? COMPARE_LESS_EQUAL : COMPARE_GREATER_EQUAL;
				t++;
			}
		} else if (*t == '=') {
			t++;
		}
		if (draft_parse_long(draft_trim(t), &a) || a < 0 || a > UINT32_MAX)
			return draft_bad(d, "not a number: %s", text);
	}
	ret->a = (uint32_t)a;
	ret->b = (uint32_t)b;
	return ST_OK;
}

int draft_list_of(struct rule_draft *d, enum buffer_id buffer)
{
	for (size_t i = 0; i < d->list_count; i++)
		if (d->lists[i].buffer == buffer && d->lists[i].view.transform_count == 0)
			return (int)i;
	if (d->list_count == RULE_LISTS_MAX) {
		(void)draft_unsupported(d, "more than %d buffers in one rule", RULE_LISTS_MAX);
		return -1;
	}
	memset(&d->lists[d->list_count], 0, sizeof(d->lists[0]));
	d->lists[d->list_count].buffer = (uint8_t)buffer;
	d->lists[d->list_count].view.buffer = (uint8_t)buffer;
	return (int)d->list_count++;
}

int draft_current_list(struct rule_draft *d, bool relative)
{
	if (d->sticky >= 0)
		return d->sticky;
	if (relative && d->last >= 0)
		return d->list_of[d->last];
	return 0;
}

struct rule_match *draft_match(struct rule_draft *d, enum match_kind kind, int list)
{
	struct rule_match *m;

	if (list < 0)
		return NULL;
	if (d->match_count == RULE_MATCHES_MAX) {
		(void)draft_unsupported(d, "more than %d matches in one rule", RULE_MATCHES_MAX);
		return NULL;
	}
	m = &d->matches[d->match_count];
	memset(m, 0, sizeof(*m));
	m->kind = (uint8_t)kind;
	d->list_of[d->match_count] = (uint8_t)list;
	d->lists[list].count++;
	d->last = (int)d->match_count++;
	return m;
}

struct rule_test *draft_test(struct rule_draft *d, enum packet_test_kind kind)
{
	struct rule_test *t = &d->tests[d->test_count];

	if (d->test_count == DRAFT_TESTS_MAX)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->kind = (uint8_t)kind;
	d->test_count++;
	return t;
}

struct rule_test *draft_after(struct rule_draft *d, enum packet_test_kind kind)
{
	struct rule_test *t = &d->after[d->after_count];

	if (d->after_count == DRAFT_TESTS_MAX)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->kind = (uint8_t)kind;
	d->after_count++;
	return t;
}

/* ---- the header ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint8_t protos;
	uint8_t family;
} ip_protocols[] = {
	{"ip", RULE_PROTO_ALL, 0}, {"any", RULE_PROTO_ALL, 0}, {"pkthdr", RULE_PROTO_ALL, 0},
	{"tcp", RULE_PROTO_TCP, 0}, {"tcp-pkt", RULE_PROTO_TCP, 0}, {"tcp-stream", RULE_PROTO_TCP, 0},
	{"udp", RULE_PROTO_UDP, 0}, {"icmp", RULE_PROTO_ICMP | RULE_PROTO_ICMPV6, 0},
	{"icmpv4", RULE_PROTO_ICMP, 4}, {"icmpv6", RULE_PROTO_ICMPV6, 6},
	{"ipv4", RULE_PROTO_ALL, 4}, {"ip4", RULE_PROTO_ALL, 4}, {"ipv6", RULE_PROTO_ALL, 6},
	{"ip6", RULE_PROTO_ALL, 6}, {"sctp", RULE_PROTO_OTHER, 0}, {"igmp", RULE_PROTO_OTHER, 0},
};

static uint8_t app_protos(unsigned app)
{
	switch (app) {
	case APP_DNS:
	case APP_SIP:
	case APP_KRB5:
	case APP_NFS:
	case APP_DCERPC:
		return RULE_PROTO_TCP | RULE_PROTO_UDP;
	case APP_SNMP:
	case APP_NTP:
	case APP_TFTP:
	case APP_IKE:
	case APP_DHCP:
	case APP_QUIC:
	case APP_BITTORRENT:
		return RULE_PROTO_UDP;
	default:
		return RULE_PROTO_TCP;
	}
}

static int take_protocol(struct rule_draft *d, const char *name)
{
	for (size_t i = 0; i < sizeof(ip_protocols) / sizeof(ip_protocols[0]); i++)
		if (strcasecmp(name, ip_protocols[i].name) == 0) {
			d->rule->protos = ip_protocols[i].protos;
			d->rule->family = ip_protocols[i].family;
			d->rule->wants_packet = strcasecmp(name, "tcp-pkt") == 0;
			d->rule->wants_stream = d->only_stream = strcasecmp(name, "tcp-stream") == 0;
			if (strcasecmp(name, "sctp") == 0 || strcasecmp(name, "igmp") == 0) {
				struct rule_test *t = draft_test(d, TEST_IP_PROTO);

				t->compare.op = COMPARE_EQUAL;
				t->compare.a = strcasecmp(name, "sctp") == 0 ? 132 : 2;
			}
			return ST_OK;
		}
	d->rule->only_app = strcasecmp(name, "http1") == 0;
	if (d->rule->only_app)
		name = "http";
	for (unsigned i = 1; i < APP_FAILED; i++)
		if (strcasecmp(name, detect_app_name((enum detect_app)i)) == 0) {
			d->rule->app = (uint8_t)i;
			d->rule->protos = app_protos(i);
			return ST_OK;
		}
	return draft_unsupported(d, "the protocol %s is not recognised", name);
}

static int take_action(struct rule_draft *d, const char *word)
{
	static const struct {
		const char *word;
		enum signatures_action action;
	} actions[] = {
		{"alert", SIGNATURES_ALERT}, {"drop", SIGNATURES_DROP}, {"pass", SIGNATURES_PASS},
		{"reject", SIGNATURES_REJECT}, {"rejectsrc", SIGNATURES_REJECT},
		{"rejectdst", SIGNATURES_REJECT}, {"rejectboth", SIGNATURES_REJECT},
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcasecmp(word, actions[i].word) == 0) {
			d->rule->action = (uint8_t)actions[i].action;
			return ST_OK;
		}
	return draft_bad(d, "a rule begins with alert, drop, pass or reject, not with %.40s", word);
}

/* The next word; brackets hold spaces together. */
static const char *next_word(const char *p, const char *end, char *word)
{
	size_t n = 0;
	int level = 0;

	while (p < end && isspace((unsigned char)*p))
		p++;
	while (p < end && (level > 0 || !isspace((unsigned char)*p)) && n + 1 < FIELD_MAX) {
		level += (*p == '[') - (*p == ']');
		word[n++] = *p++;
	}
	word[n] = '\0';
	return p;
}

static int parse_header(struct rule_draft *d, const char *p, const char *end)
{
	static _Thread_local char words[7][FIELD_MAX];
	struct rule *r = d->rule;
	char reason[160] = "out of memory";
	int rc;

	for (int i = 0; i < 7; i++)
		p = next_word(p, end, words[i]);
	if (!words[6][0])
		return draft_bad(d, "a header is ACTION PROTOCOL SOURCE PORT -> DESTINATION PORT");
	rc = take_action(d, words[0]);
	if (!rc)
		rc = take_protocol(d, words[1]);
	if (rc)
		return rc;
	if (strcmp(words[4], "<>") == 0)
		r->both_ways = true;
	else if (strcmp(words[4], "->") != 0)
		return draft_bad(d, "the direction is -> or <>");
	r->src = address_book_addresses(d->set->addresses, words[2], strlen(words[2]), reason,
	    sizeof(reason));
	if (r->src)
		r->dst = address_book_addresses(d->set->addresses, words[5], strlen(words[5]), reason,
		    sizeof(reason));
	if (r->dst)
		r->sport = address_book_ports(d->set->addresses, words[3], strlen(words[3]), reason,
		    sizeof(reason));
	if (r->sport)
		r->dport = address_book_ports(d->set->addresses, words[6], strlen(words[6]), reason,
		    sizeof(reason));
	return r->dport ? ST_OK : draft_bad(d, "%s", reason);
}

/* ---- options -------------------------------------------------------------------------------- */

static const struct draft_keyword *find_keyword(const char *name)
{
	static const struct draft_keyword *const lists[] = {
		draft_contents, draft_tests, draft_states, draft_bytes, draft_values,
	};

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (const struct draft_keyword *k = lists[l]; k->name; k++)
			if (strcmp(k->name, name) == 0)
				return k;
	return NULL;
}

/* A buffer's name before, or its modifier after, the contents.  ST_NOT_FOUND: neither. */
static int take_buffer(struct rule_draft *d, const char *name)
{
	for (unsigned i = BUFFER_APP_FIRST; i < BUFFER_COUNT; i++) {
		const struct buffer_kind *b = &buffer_kinds[i];

		if (strcmp(name, b->name) == 0 || (*b->other && strcmp(name, b->other) == 0)) {
			d->sticky = draft_list_of(d, (enum buffer_id)i);
			return d->sticky < 0 ? ST_LIMIT : ST_OK;
		}
		if (*b->modifier && strcmp(name, b->modifier) == 0) {
			int list = draft_list_of(d, (enum buffer_id)i);

			if (d->last_content < 0)
				return draft_bad(d, "there is no content before it");
			if (list < 0)
				return ST_LIMIT;
			d->lists[d->list_of[d->last_content]].count--;
			d->list_of[d->last_content] = (uint8_t)list;
			d->lists[list].count++;
			return ST_OK;
		}
	}
	return ST_NOT_FOUND;
}

static int take_option(struct rule_draft *d, char *text, const char **ret_keyword)
{
	char *colon = strchr(text, ':');
	char *value = colon ? draft_trim(colon + 1) : text + strlen(text);
	const struct draft_keyword *k;
	char *name;
	char *copy;
	int rc;

	if (colon)
		*colon = '\0';
	name = draft_trim(text);
	copy = arena_copy(&d->set->arena, name, strlen(name));
	if (!copy)
		return ST_LIMIT;
	*ret_keyword = copy;
	rc = take_buffer(d, name);
	if (rc != ST_NOT_FOUND)
		return rc;
	k = find_keyword(name);
	if (!k)
		return draft_unsupported(d, "not a keyword of this engine");
	return k->handle(d, value, k->arg);
}

static int parse_options(struct rule_draft *d, const char *p, const char *end,
    const char **ret_keyword)
{
	static _Thread_local char option[OPTION_MAX];

	while (p < end) {
		size_t n = 0;
		bool escaped = false;
		char *text;
		int rc;

		for (; p < end && (escaped || *p != ';'); p++) {
			escaped = !escaped && *p == '\\';
			if (n + 1 == OPTION_MAX)
				return draft_bad(d, "an option of more than %d characters", OPTION_MAX);
			option[n++] = *p;
		}
		option[n] = '\0';
		text = draft_trim(option);
		if (*text) {
			if (p == end)
				return draft_bad(d, "the last option does not end with ;");
			rc = take_option(d, text, ret_keyword);
			if (rc)
				return rc;
		}
		p++;
	}
	*ret_keyword = "";
	return ST_OK;
}

/* ---- what follows from all of it ------------------------------------------------------------ */

static bool is_app_list(const struct draft_list *l)
{
	return l->buffer >= BUFFER_APP_FIRST;
}

/* Copies the draft's matches into lists of their own, in the order they were written. */
static int make_lists(struct rule_draft *d)
{
	struct rule *r = d->rule;

	r->lists = arena_alloc(&d->set->arena, d->list_count * sizeof(*r->lists));
	if (!r->lists)
		return ST_LIMIT;
	for (size_t i = 0; i < d->list_count; i++) {
		struct rule_list *l = &r->lists[r->list_count];
		int view;

		if (d->lists[i].count == 0 && !is_app_list(&d->lists[i]))
			continue;
		view = ruleset_view(d->set, &d->lists[i].view);
		if (view < 0)
			return draft_unsupported(d, "too many combinations of transforms");
		l->view = (uint8_t)view;
		l->buffer = d->lists[i].buffer;
		l->matches = arena_alloc(&d->set->arena, d->lists[i].count * sizeof(*l->matches));
		if (!l->matches)
			return ST_LIMIT;
		for (size_t m = 0; m < d->match_count; m++) {
			if (d->list_of[m] != i)
				continue;
			l->matches[l->count] = d->matches[m];
			for (size_t k = l->count; d->matches[m].relative && k-- > 0;)
				if (l->matches[k].kind == MATCH_CONTENT || l->matches[k].kind == MATCH_PCRE) {
					l->matches[k].next_relative = true;
					break;
				}
			l->count++;
		}
		r->list_count++;
	}
	return ST_OK;
}

static int find_app(struct rule_draft *d)
{
	struct rule *r = d->rule;
	uint8_t allowed = DIRECTION_B;

	if (r->flow & FLOW_TO_SERVER)
		allowed = DIRECTION_TO_SERVER;
	else if (r->flow & FLOW_TO_CLIENT)
		allowed = DIRECTION_TO_CLIENT;
	for (size_t i = 0; i < r->list_count; i++) {
		const struct buffer_kind *b = &buffer_kinds[r->lists[i].buffer];

		if (r->lists[i].buffer < BUFFER_APP_FIRST)
			continue;
		allowed &= b->directions;
		if (b->app == APP_UNKNOWN || b->app == r->app
		    || detect_app_carrier((enum detect_app)b->app) == r->app)
			continue;
		if (r->app != APP_UNKNOWN)
			return draft_bad(d, "%s is nothing of %s", b->name, detect_app_name(r->app));
		r->app = b->app;
		r->protos &= app_protos(b->app);
	}
	r->directions = allowed;
	if (!allowed)
		return draft_bad(d, "it looks at both sides of one exchange");
	return ST_OK;
}

static bool ip_only_test(const struct rule_test *t)
{
	return t->kind == TEST_IP_PROTO || t->kind == TEST_FLOWBIT || t->kind == TEST_XBIT;
}

static enum rule_kind kind_of(const struct rule_draft *d)
{
	const struct rule *r = d->rule;
	bool plain = true;

	if (d->event)
		return RULE_EVENT;
	for (size_t i = 0; i < r->list_count; i++)
		if (r->lists[i].buffer >= BUFFER_APP_FIRST)
			return RULE_APP;
	if (d->app_test)
		return RULE_APP;
	for (size_t i = 0; i < d->test_count; i++)
		plain = plain && ip_only_test(&d->tests[i]);
	if (r->list_count == 0 && r->app != APP_UNKNOWN && d->test_count == 0)
		return RULE_APP_ONLY;
	if (plain && r->list_count == 0 && r->app == APP_UNKNOWN && !r->flow && r->sport->any
	    && r->dport->any && !r->wants_packet && !r->wants_stream)
		return RULE_IP_ONLY;
	return RULE_PACKET;
}

/* What a rule without a wish looks into: the stream, and with positions the packets as well. */
static void choose_payload(struct rule_draft *d)
{
	struct rule *r = d->rule;

	if (r->wants_packet || r->wants_stream || r->list_count == 0)
		return;
	for (size_t i = 0; i < r->list_count; i++) {
		if (r->lists[i].buffer != BUFFER_PAYLOAD)
			continue;
		r->wants_stream = true;
		for (size_t m = 0; m < r->lists[i].count; m++)
			if (r->lists[i].matches[m].kind == MATCH_CONTENT
			    && (r->lists[i].matches[m].content.has_depth
			        || r->lists[i].matches[m].content.has_offset))
				r->wants_packet = true;
	}
}

/* Something must not be there, or the end is where the stream has got to. */
static bool may_be_undone(const struct rule_match *m)
{
	if (m->negated)
		return true;
	return (m->kind == MATCH_CONTENT && m->content.ends)
	    || (m->kind == MATCH_PCRE && strchr(m->pcre.text, '$'));
}

static void choose_waiting(struct rule *r)
{
	for (size_t i = 0; i < r->list_count; i++)
		for (size_t m = 0; r->lists[i].buffer == BUFFER_PAYLOAD && m < r->lists[i].count; m++)
			r->waits = r->waits || may_be_undone(&r->lists[i].matches[m]);
}

/* How well a content tells this rule's traffic from the rest. */
static int fast_score(const struct rule_match *m, const struct rule_list *l)
{
	const struct rule_content *c = &m->content;
	unsigned len = c->fast_len ? c->fast_len : c->len;
	int score;
	unsigned distinct = 0;
	uint64_t seen[4] = {0};

	for (unsigned i = 0; i < len; i++) {
		uint8_t b = c->bytes[c->fast_offset + i];

		distinct += !(seen[b >> 6] >> (b & 63) & 1);
		seen[b >> 6] |= 1ull << (b & 63);
	}
	score = (int)(distinct * 4 + (len > 32 ? 32 : len));
	if (c->fast)
		score += 10000;
	if (l->buffer == BUFFER_HTTP_METHOD || l->buffer == BUFFER_HTTP_STAT_CODE
	    || l->buffer == BUFFER_HTTP_PROTOCOL || l->buffer == BUFFER_HTTP_STAT_MSG)
		score -= 60;
	return score;
}

static bool prefilter_list(const struct rule *r, const struct rule_list *l)
{
	if (l->buffer == BUFFER_BASE64)
		return false;
	if (r->kind == RULE_APP)
		return l->buffer >= BUFFER_APP_FIRST;
	return l->buffer == BUFFER_PAYLOAD;
}

static void choose_fast(struct rule *r)
{
	int best = -1000;

	for (size_t i = 0; i < r->list_count; i++) {
		const struct rule_list *l = &r->lists[i];

		if (!prefilter_list(r, l))
			continue;
		for (size_t m = 0; m < l->count; m++) {
			struct rule_match *match = &l->matches[m];
			int score;

			if (match->kind != MATCH_CONTENT || match->negated)
				continue;
			score = fast_score(match, l);
			if (score <= best)
				continue;
			best = score;
			r->fast = &match->content;
			r->fast_view = l->view;
		}
	}
	if (r->fast) {
		struct rule_content *c = (struct rule_content *)(uintptr_t)r->fast;

		if (!c->fast_len)
			c->fast_len = c->len;
		if (c->fast_len > FAST_MAX)
			c->fast_len = FAST_MAX;
	}
}

static int finish(struct rule_draft *d)
{
	struct rule *r = d->rule;
	int rc;

	if (!r->sid)
		return draft_bad(d, "a rule needs a sid");
	rc = make_lists(d);
	if (!rc)
		rc = find_app(d);
	if (rc)
		return rc;
	for (size_t i = 1; i < d->test_count; i++) {
		struct rule_test first = d->tests[0];

		if (d->tests[i].kind != TEST_FLAGS)
			continue;
		d->tests[0] = d->tests[i];
		d->tests[i] = first;
		break;
	}
	r->tests = arena_copy(&d->set->arena, d->tests, d->test_count * sizeof(*d->tests));
	r->after = arena_copy(&d->set->arena, d->after, d->after_count * sizeof(*d->after));
	if (!r->tests || !r->after)
		return ST_LIMIT;
	r->test_count = (uint16_t)d->test_count;
	r->after_count = (uint16_t)d->after_count;
	for (size_t i = 0; i < d->after_count; i++)
		r->sets_bits = true;
	r->kind = (uint8_t)kind_of(d);
	choose_payload(d);
	choose_waiting(r);
	if (r->kind == RULE_PACKET || r->kind == RULE_APP)
		choose_fast(r);
	return ST_OK;
}

int rule_parse(struct ruleset *set, const char *line, size_t len, struct rule_draft *d,
    struct rule **ret_rule, const char **ret_keyword)
{
	const char *open = memchr(line, '(', len);
	const char *end = line + len;
	int rc;

	*ret_keyword = "";
	memset(d->reason, 0, sizeof(d->reason));
	d->set = set;
	d->match_count = d->list_count = d->test_count = d->after_count = 0;
	d->value_count = 0;
	d->sticky = d->last = d->last_content = -1;
	d->app_test = d->event = d->only_stream = false;
	(void)draft_list_of(d, BUFFER_PAYLOAD);
	d->rule = arena_alloc(&set->arena, sizeof(*d->rule));
	if (!d->rule)
		return ST_LIMIT;
	d->rule->gid = 1;
	d->rule->msg = "";
	while (end > line && isspace((unsigned char)end[-1]))
		end--;
	if (!open || end[-1] != ')')
		return draft_bad(d, "the options stand in parentheses");
	rc = parse_header(d, line, open);
	if (!rc)
		rc = parse_options(d, open + 1, end - 1, ret_keyword);
	if (!rc)
		rc = finish(d);
	if (!rc)
		*ret_rule = d->rule;
	return rc;
}
