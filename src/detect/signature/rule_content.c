/*
 * Options that look for bytes: content and its modifiers, pcre, buffers and transforms.
 */
#include "detect/signature/rule_draft.h"

#include "base/digit.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_MAX 4096
#define PCRE_FLAGS_TEXT "ismxAEGRBUIPQHDMCSYVWZO"

/* Takes `!` and the quotes off; false when the quotes do not match. */
static bool unquote(char **value, bool *ret_negated)
{
	char *v = *value;
	size_t len;

	*ret_negated = false;
	if (*v == '!') {
		*ret_negated = true;
		v = draft_trim(v + 1);
	}
	len = strlen(v);
	if (*v == '"') {
		if (len < 2 || v[len - 1] != '"')
			return false;
		v[len - 1] = '\0';
		v++;
	}
	*value = v;
	return true;
}

/* "ab|0d 0a|c\;" → bytes; returns the length or a negative code. */
static int content_bytes(const char *text, uint8_t *bytes)
{
	size_t n = 0;
	bool hex = false;
	int high = -1;

	for (; *text; text++) {
		if (n >= CONTENT_MAX)
			return ST_LIMIT;
		if (*text == '|') {
			if (high >= 0)
				return ST_MALFORMED;
			hex = !hex;
		} else if (hex) {
			int digit = digit_hex(*text);

			if (isspace((unsigned char)*text))
				continue;
			if (digit < 0)
				return ST_MALFORMED;
			if (high < 0) {
				high = digit;
			} else {
				bytes[n++] = (uint8_t)(high << 4 | digit);
				high = -1;
			}
		} else if (*text == '\\' && text[1] && strchr("\\\";:|", text[1])) {
			bytes[n++] = (uint8_t)*++text;
		} else {
			bytes[n++] = (uint8_t)*text;
		}
	}
	return hex ? ST_MALFORMED : (int)n;
}

static int take_content(struct rule_draft *d, char *value, int arg)
{
	uint8_t bytes[CONTENT_MAX];
	struct rule_match *m;
	bool negated;
	int list = arg ? draft_list_of(d, (enum buffer_id)arg) : draft_current_list(d, false);
	int len;

	if (!unquote(&value, &negated))
		return draft_bad(d, "the quotes do not match");
	len = content_bytes(value, bytes);
	if (len <= 0)
		return draft_bad(d, len ? "not a content: check the | pairs" : "an empty content");
	m = draft_match(d, MATCH_CONTENT, list);
	if (!m)
		return ST_LIMIT;
	m->negated = negated;
	m->content.len = (uint16_t)len;
	m->content.bytes = arena_copy(&d->set->arena, bytes, (size_t)len);
	m->content.offset.value = m->content.depth.value = RULE_NO_VALUE;
	m->content.distance.value = m->content.within.value = RULE_NO_VALUE;
	d->last_content = d->last;
	return m->content.bytes ? ST_OK : ST_LIMIT;
}

enum modifier {
	MODIFIER_NOCASE,
	MODIFIER_OFFSET,
	MODIFIER_DEPTH,
	MODIFIER_DISTANCE,
	MODIFIER_WITHIN,
	MODIFIER_STARTSWITH,
	MODIFIER_ENDSWITH,
	MODIFIER_RAWBYTES,
	MODIFIER_FAST_PATTERN,
	MODIFIER_REPLACE,
};

static int take_fast_pattern(struct rule_draft *d, struct rule_content *c, char *value)
{
	char *parts[2];
	int64_t offset;
	int64_t len;

	c->fast = true;
	if (!*value || strcmp(value, "only") == 0)
		return ST_OK;
	if (draft_split(value, ',', parts, 2) != 2 || draft_parse_long(parts[0], &offset)
	    || draft_parse_long(parts[1], &len) || offset < 0 || len <= 0
	    || offset + len > c->len)
		return draft_bad(d, "fast_pattern is OFFSET,LENGTH inside the content");
	c->fast_offset = (uint16_t)offset;
	c->fast_len = (uint16_t)len;
	return ST_OK;
}

static int take_position(struct rule_draft *d, struct rule_match *m, int arg, const char *value)
{
	struct rule_content *c = &m->content;
	struct rule_number *number = arg == MODIFIER_OFFSET ? &c->offset
	    : arg == MODIFIER_DEPTH ? &c->depth
	    : arg == MODIFIER_DISTANCE ? &c->distance : &c->within;
	int rc = draft_number(d, value, number);

	if (rc)
		return rc;
	if (arg == MODIFIER_OFFSET)
		c->has_offset = true;
	else if (arg == MODIFIER_DEPTH)
		c->has_depth = true;
	else if (arg == MODIFIER_DISTANCE)
		c->has_distance = m->relative = true;
	else
		c->has_within = m->relative = true;
	if ((arg == MODIFIER_DEPTH || arg == MODIFIER_WITHIN) && number->value == RULE_NO_VALUE
	    && number->literal < c->len)
		return draft_bad(d, "%d bytes cannot hold a content of %u", number->literal, c->len);
	return ST_OK;
}

static int take_modifier(struct rule_draft *d, char *value, int arg)
{
	struct rule_match *m = d->last_content >= 0 ? &d->matches[d->last_content] : NULL;
	uint8_t *bytes;

	if (!m)
		return draft_bad(d, "there is no content before it");
	switch ((enum modifier)arg) {
	case MODIFIER_NOCASE:
		bytes = arena_copy(&d->set->arena, m->content.bytes, m->content.len);
		if (!bytes)
			return ST_LIMIT;
		for (size_t i = 0; i < m->content.len; i++)
			bytes[i] = (uint8_t)tolower(bytes[i]);
		m->content.bytes = bytes;
		m->content.nocase = true;
		return ST_OK;
	case MODIFIER_STARTSWITH:
		m->content.starts = true;
		m->content.has_offset = m->content.has_depth = true;
		m->content.offset.literal = 0;
		m->content.depth.literal = m->content.len;
		return ST_OK;
	case MODIFIER_ENDSWITH:
		m->content.ends = true;
		return ST_OK;
	case MODIFIER_RAWBYTES:
		return ST_OK; /* nothing here changes bytes of the payload */
	case MODIFIER_FAST_PATTERN:
		return take_fast_pattern(d, &m->content, value);
	case MODIFIER_REPLACE:
		return draft_unsupported(d, "a sensor changes no packet");
	case MODIFIER_OFFSET:
	case MODIFIER_DEPTH:
	case MODIFIER_DISTANCE:
	case MODIFIER_WITHIN:
		break;
	}
	return take_position(d, m, arg, value);
}

/* ---- pcre ----------------------------------------------------------------------------------- */

static enum buffer_id buffer_of_flag(char flag)
{
	for (unsigned i = BUFFER_APP_FIRST; i < BUFFER_COUNT; i++)
		if (buffer_kinds[i].pcre_flag == flag)
			return (enum buffer_id)i;
	return BUFFER_PAYLOAD;
}

static int pcre_flags(struct rule_draft *d, const char *flags, uint32_t *ret_options,
    bool *ret_relative, int *ret_list)
{
	for (; *flags; flags++) {
		switch (*flags) {
		case 'i':
			*ret_options |= PCRE2_CASELESS;
			break;
		case 's':
			*ret_options |= PCRE2_DOTALL;
			break;
		case 'm':
			*ret_options |= PCRE2_MULTILINE;
			break;
		case 'x':
			*ret_options |= PCRE2_EXTENDED;
			break;
		case 'A':
			*ret_options |= PCRE2_ANCHORED;
			break;
		case 'E':
			*ret_options |= PCRE2_DOLLAR_ENDONLY;
			break;
		case 'G':
			*ret_options |= PCRE2_UNGREEDY;
			break;
		case 'R':
			*ret_relative = true;
			break;
		case 'B':
		case 'O':
			break;
		default:
			if (!strchr(PCRE_FLAGS_TEXT, *flags))
				return draft_bad(d, "unknown pcre flag %c", *flags);
			*ret_list = draft_list_of(d, buffer_of_flag(*flags));
			break;
		}
	}
	return ST_OK;
}

static int take_pcre(struct rule_draft *d, char *value, int arg)
{
	uint32_t options = 0;
	struct rule_match *m;
	bool relative = false;
	bool negated;
	int list = -1;
	char *end;
	PCRE2_SIZE at;
	int code;
	int rc;

	(void)arg;
	if (!unquote(&value, &negated) || *value != '/' || (end = strrchr(value + 1, '/')) == NULL)
		return draft_bad(d, "a pcre is \"/REGEX/FLAGS\"");
	*end = '\0';
	rc = pcre_flags(d, end + 1, &options, &relative, &list);
	if (rc)
		return rc;
	if (list < 0 || d->sticky >= 0)
		list = draft_current_list(d, false);
	m = draft_match(d, MATCH_PCRE, list);
	if (!m)
		return ST_LIMIT;
	m->negated = negated;
	m->relative = relative;
	m->pcre.code = pcre2_compile((PCRE2_SPTR)value + 1, PCRE2_ZERO_TERMINATED, options, &code, &at,
	    NULL);
	if (!m->pcre.code) {
		char text[120];

		pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof(text));
		return draft_bad(d, "%s at %zu", text, at);
	}
	m->pcre.text = arena_copy(&d->set->arena, value + 1, strlen(value + 1));
	return ST_OK;
}

/* ---- buffers -------------------------------------------------------------------------------- */

static int take_sticky_end(struct rule_draft *d, char *value, int arg)
{
	(void)value;
	(void)arg;
	d->sticky = -1;
	return ST_OK;
}

static int take_base64_data(struct rule_draft *d, char *value, int arg)
{
	(void)value;
	(void)arg;
	d->sticky = draft_list_of(d, BUFFER_BASE64);
	return d->sticky < 0 ? ST_LIMIT : ST_OK;
}

static int take_header_buffer(struct rule_draft *d, char *value, int arg)
{
	(void)value;
	d->sticky = draft_list_of(d, (enum buffer_id)arg);
	d->rule->wants_packet = true;
	return d->sticky < 0 ? ST_LIMIT : ST_OK;
}

static int take_transform(struct rule_draft *d, char *value, int arg)
{
	struct rule_view view;

	if (d->sticky < 0)
		return draft_bad(d, "a transform follows the buffer it changes");
	view = d->lists[d->sticky].view;
	if (view.transform_count == RULE_TRANSFORMS_MAX)
		return draft_unsupported(d, "more than %d transforms", RULE_TRANSFORMS_MAX);
	view.transforms[view.transform_count++] = (uint8_t)arg;
	if (arg == TRANSFORM_XOR) {
		size_t n = 0;

		for (value = draft_trim(value); value[0] && value[1]; value += 2) {
			int high = digit_hex(value[0]);
			int low = digit_hex(value[1]);

			if (high < 0 || low < 0 || n == sizeof(view.key))
				return draft_bad(d, "xor takes a key in hexadecimal digits");
			view.key[n++] = (uint8_t)(high << 4 | low);
		}
		if (n == 0 || *value)
			return draft_bad(d, "xor takes a key in hexadecimal digits");
		view.key_len = (uint8_t)n;
	}
	for (size_t i = 0; i < d->list_count; i++)
		if (memcmp(&d->lists[i].view, &view, sizeof(view)) == 0) {
			d->sticky = (int)i;
			return ST_OK;
		}
	if (d->lists[d->sticky].count == 0) {
		d->lists[d->sticky].view = view;
		return ST_OK;
	}
	if (d->list_count == RULE_LISTS_MAX)
		return draft_unsupported(d, "more than %d buffers in one rule", RULE_LISTS_MAX);
	d->lists[d->list_count].view = view;
	d->lists[d->list_count].buffer = view.buffer;
	d->lists[d->list_count].count = 0;
	d->sticky = (int)d->list_count++;
	return ST_OK;
}

static int take_size(struct rule_draft *d, char *value, int arg)
{
	struct rule_match *m;
	int list = d->sticky;
	int rc;

	if (arg) { /* urilen: of the raw URI unless "norm" */
		char *parts[2] = {value, NULL};
		size_t count = draft_split(value, ',', parts, 2);

		list = draft_list_of(d, count > 1 && strcmp(parts[1], "norm") == 0 ? BUFFER_HTTP_URI
		                                                                   : BUFFER_HTTP_URI_RAW);
		value = parts[0];
	}
	if (list < 0)
		return draft_bad(d, "the size of which buffer?");
	m = draft_match(d, MATCH_BSIZE, list);
	if (!m)
		return ST_LIMIT;
	rc = draft_compare(d, value, &m->size);
	d->last = d->last > 0 ? d->last - 1 : -1; /* nothing can be relative to a size */
	return rc;
}

static int take_absent(struct rule_draft *d, char *value, int arg)
{
	struct rule_match *m;

	(void)arg;
	if (d->sticky < 0)
		return draft_bad(d, "which buffer is absent?");
	if (*value && strcmp(value, "or_else") != 0)
		return draft_bad(d, "absent takes nothing or or_else");
	m = draft_match(d, MATCH_ABSENT, d->sticky);
	if (!m)
		return ST_LIMIT;
	m->negated = *value != '\0'; /* or_else: being there is fine too */
	return ST_OK;
}

const struct draft_keyword draft_contents[] = {
	{"content", take_content, 0},
	{"uricontent", take_content, BUFFER_HTTP_URI},
	{"nocase", take_modifier, MODIFIER_NOCASE},
	{"offset", take_modifier, MODIFIER_OFFSET},
	{"depth", take_modifier, MODIFIER_DEPTH},
	{"distance", take_modifier, MODIFIER_DISTANCE},
	{"within", take_modifier, MODIFIER_WITHIN},
	{"startswith", take_modifier, MODIFIER_STARTSWITH},
	{"endswith", take_modifier, MODIFIER_ENDSWITH},
	{"rawbytes", take_modifier, MODIFIER_RAWBYTES},
	{"fast_pattern", take_modifier, MODIFIER_FAST_PATTERN},
	{"replace", take_modifier, MODIFIER_REPLACE},
	{"pcre", take_pcre, 0},
	{"pkt_data", take_sticky_end, 0},
	{"base64_data", take_base64_data, 0},
	{"bsize", take_size, 0},
	{"urilen", take_size, 1},
	{"absent", take_absent, 0},
	{"ipv4.hdr", take_header_buffer, BUFFER_HEADER_IPV4},
	{"ipv6.hdr", take_header_buffer, BUFFER_HEADER_IPV6},
	{"tcp.hdr", take_header_buffer, BUFFER_HEADER_TCP},
	{"udp.hdr", take_header_buffer, BUFFER_HEADER_UDP},
	{"icmpv4.hdr", take_header_buffer, BUFFER_HEADER_ICMPV4},
	{"icmpv6.hdr", take_header_buffer, BUFFER_HEADER_ICMPV6},
	{"dotprefix", take_transform, TRANSFORM_DOTPREFIX},
	{"to_lowercase", take_transform, TRANSFORM_TO_LOWERCASE},
	{"to_uppercase", take_transform, TRANSFORM_TO_UPPERCASE},
	{"strip_whitespace", take_transform, TRANSFORM_STRIP_WHITESPACE},
	{"compress_whitespace", take_transform, TRANSFORM_COMPRESS_WHITESPACE},
	{"url_decode", take_transform, TRANSFORM_URL_DECODE},
	{"xor", take_transform, TRANSFORM_XOR},
	{"to_md5", take_transform, TRANSFORM_MD5},
	{"to_sha1", take_transform, TRANSFORM_SHA1},
	{"to_sha256", take_transform, TRANSFORM_SHA256},
	{"header_lowercase", take_transform, TRANSFORM_HEADER_LOWERCASE},
	{"strip_pseudo_headers", take_transform, TRANSFORM_STRIP_PSEUDO_HEADERS},
	{NULL, NULL, 0},
};
