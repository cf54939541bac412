/* Lines, headers and numbers of HTTP; the contract is in http.h. */
#include "detect/signature/http.h"

#include "base/digit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_DIGITS_MAX 15

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= 9 && c <= 13);
}

static bool is_lws(uint8_t c)
{
	return c == ' ' || c == '\t';
}

void http_message_fini(struct budget *budget, struct http_message *m)
{
	bytes_fini(budget, &m->line);
	bytes_fini(budget, &m->raw);
	bytes_fini(budget, &m->text);
	bytes_fini(budget, &m->body);
	http_decoder_free(budget, m->decoder);
	m->decoder = NULL;
	free(m->headers);
	m->headers = NULL;
}

void http_request_line(struct http_message *m)
{
	const uint8_t *p = m->line.data;
	size_t len = m->line.len;
	size_t i = 0;
	size_t start;
	bool odd = false;

	while (i < len && is_space(p[i]))
		i++;
	start = i;
	while (i < len && !is_space(p[i]))
		i++;
	m->part[0] = (struct http_span){(uint32_t)start, (uint32_t)(i - start)};
	while (i < len && is_space(p[i]))
		i++;
	start = i;
	while (i < len && p[i] != ' ') {
		odd = odd || is_space(p[i]);
		i++;
	}
	if (odd && i == len) { /* blanks of another kind may separate too */
		for (i = start; i < len && !is_space(p[i]); i++)
			;
	}
	m->part[1] = (struct http_span){(uint32_t)start, (uint32_t)(i - start)};
	while (i < len && is_space(p[i]))
		i++;
	while (len > i && is_space(p[len - 1]))
		len--;
	m->part[2] = (struct http_span){(uint32_t)i, (uint32_t)(len - i)};
}

void http_response_line(struct http_message *m)
{
	const uint8_t *p = m->line.data;
	size_t len = m->line.len;
	size_t i = 0;

	for (unsigned part = 0; part < 2; part++) {
		size_t start;

		while (i < len && is_space(p[i]))
			i++;
		start = i;
		while (i < len && !is_space(p[i]))
			i++;
		m->part[part] = (struct http_span){(uint32_t)start, (uint32_t)(i - start)};
	}
	while (i < len && is_space(p[i]))
		i++;
	m->part[2] = (struct http_span){(uint32_t)i, (uint32_t)(len - i)};
	m->status = 0;
	for (uint32_t k = 0; k < m->part[1].len && k < 3 && isdigit(p[m->part[1].at + k]); k++)
		m->status = m->status * 10 + (unsigned)(p[m->part[1].at + k] - '0');
}

bool http_is_blank_line(const uint8_t *p, size_t len)
{
	return (len == 1 && (*p == '\r' || *p == '\n')) || (len == 2 && p[0] == '\r' && p[1] == '\n');
}

bool http_begins_request(const uint8_t *p, size_t len)
{
	static const char *const methods[] = {
		"GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND",
		"PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "VERSION-CONTROL", "CHECKOUT",
		"UNCHECKOUT", "CHECKIN", "UPDATE", "LABEL", "REPORT", "MKWORKSPACE", "MKACTIVITY",
		"BASELINE-CONTROL", "MERGE", "INVALID",
	};
	size_t n = 0;

	while (len && is_space(*p)) {
		p++;
		len--;
	}
	while (n < len && !is_space(p[n]))
		n++;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strlen(methods[i]) == n && memcmp(methods[i], p, n) == 0)
			return true;
	return false;
}

bool http_looks_like_response(const uint8_t *data, size_t len)
{
	size_t i = 0;

	while (i < len && (is_space(data[i]) || data[i] == 0))
		i++;
	return len >= i + 4 && strncasecmp((const char *)data + i, "HTTP", 4) == 0;
}

static struct http_header *same_header(struct http_message *m, const uint8_t *name, size_t len)
{
	for (uint32_t i = 0; i < m->header_count; i++)
		if (m->headers[i].name.len == len && len
		    && strncasecmp((const char *)http_text(m, m->headers[i].name), (const char *)name, len)
		        == 0)
			return &m->headers[i];
	return NULL;
}

static struct http_span keep(struct budget *budget, struct http_message *m, const uint8_t *p,
    size_t len)
{
	struct http_span s = {(uint32_t)m->text.len, 0};

	(void)bytes_append(budget, &m->text, p, len, HTTP_RAW_MAX);
	s.len = (uint32_t)(m->text.len - s.at);
	return s;
}

static void store_header(struct budget *budget, struct http_message *m, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len)
{
	struct http_header *h;

	h = same_header(m, name, name_len);
	if (h) {
		struct http_span old = h->value;
		struct http_span joined = {(uint32_t)m->text.len, 0};
		bool length = name_len == 14 && strncasecmp((const char *)name, "content-length", 14) == 0;

		if (length)
			http_event(m, m->status ? HTTP_EVENT_RESPONSE_LENGTHS : HTTP_EVENT_REQUEST_LENGTHS);
		if (length || m->text.len + old.len + value_len + 2 > HTTP_RAW_MAX)
			return; /* the first length stands */
		/* The old value moves behind the text; the buffer may move while it grows. */
		for (uint32_t i = 0; i < old.len; i++) {
			uint8_t c = m->text.data[old.at + i];

			(void)bytes_append(budget, &m->text, &c, 1, HTTP_RAW_MAX);
		}
		(void)bytes_append(budget, &m->text, ", ", 2, HTTP_RAW_MAX);
		(void)bytes_append(budget, &m->text, value, value_len, HTTP_RAW_MAX);
		joined.len = (uint32_t)(m->text.len - joined.at);
		h->value = joined;
		return;
	}
	if (m->header_count == HTTP_HEADERS_MAX)
		return;
	if (m->header_count == m->header_room) {
		uint32_t room = m->header_room ? m->header_room * 2 : 8;
		struct http_header *grown = realloc(m->headers, room * sizeof(*grown));

		if (!grown)
			return;
		m->headers = grown;
		m->header_room = room;
	}
	h = &m->headers[m->header_count++];
	h->name = keep(budget, m, name, name_len);
	h->value = keep(budget, m, value, value_len);
}

void http_add_header(struct budget *budget, struct http_message *m, const uint8_t *line, size_t len,
    bool request)
{
	size_t whole = request && memchr(line, 0, len) ? (size_t)((const uint8_t *)memchr(line, 0, len) - line)
	                                              : len;
	const uint8_t *colon = memchr(line, ':', whole);
	size_t name_len = colon ? (size_t)(colon - line) : 0;
	const uint8_t *value = colon ? colon + 1 : line;
	size_t value_len = colon ? len - name_len - 1 : len;

	if (!colon && len)
		http_event(m, request ? HTTP_EVENT_REQUEST_COLON : HTTP_EVENT_RESPONSE_COLON);
	while (name_len && is_space(line[name_len - 1]))
		name_len--;
	while (value_len && (is_lws(*value) || *value == 0)) {
		value++;
		value_len--;
	}
	while (value_len && (is_space(value[value_len - 1])))
		value_len--;
	store_header(budget, m, line, name_len, value, value_len);
}

void http_keep_header(struct budget *budget, struct http_message *m, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len)
{
	(void)bytes_append(budget, &m->raw, name, name_len, HTTP_RAW_MAX);
	(void)bytes_append(budget, &m->raw, ": ", 2, HTTP_RAW_MAX);
	(void)bytes_append(budget, &m->raw, value, value_len, HTTP_RAW_MAX);
	(void)bytes_append(budget, &m->raw, "\r\n", 2, HTTP_RAW_MAX);
	store_header(budget, m, name, name_len, value, value_len);
}

/* Names are compared as if zeros were not there: browsers do so. */
static bool same_name(const uint8_t *p, size_t len, const char *name, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == 0)
			continue;
		if (k == n || tolower(p[i]) != name[k])
			return false;
		k++;
	}
	return k == n;
}

bool http_find_header(const struct http_message *m, const char *name, const uint8_t **ret_value,
    size_t *ret_len)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < m->header_count; i++) {
		const struct http_header *h = &m->headers[i];

		if (h->name.len >= len && same_name(http_text(m, h->name), h->name.len, name, len)) {
			*ret_value = http_text(m, h->value);
			*ret_len = h->value.len;
			return true;
		}
	}
	return false;
}

bool http_find_exact(const struct http_message *m, const char *name, const uint8_t **ret_value,
    size_t *ret_len)
{
	size_t len = strlen(name);

	for (uint32_t i = 0; i < m->header_count; i++) {
		const struct http_header *h = &m->headers[i];

		if (h->name.len == len
		    && strncasecmp((const char *)http_text(m, h->name), name, len) == 0) {
			*ret_value = http_text(m, h->value);
			*ret_len = h->value.len;
			return true;
		}
	}
	return false;
}

bool http_contains(const uint8_t *value, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < len; i++) {
		size_t k = 0;

		for (size_t j = i; j < len && k < n; j++) {
			if (value[j] == 0)
				continue;
			if (tolower(value[j]) != word[k])
				break;
			k++;
		}
		if (k == n)
			return true;
	}
	return false;
}

bool http_content_length(const uint8_t *value, size_t len, uint64_t *ret)
{
	uint64_t n = 0;
	size_t i = 0;

	while (i < len && !isdigit(value[i]))
		i++;
	if (i == len)
		return false;
	for (; i < len && isdigit(value[i]); i++) {
		if (n > UINT64_MAX / 20)
			return false;
		n = n * 10 + (uint64_t)(value[i] - '0');
	}
	*ret = n;
	return true;
}

static bool is_chunk_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0x0b || c == 0x0c;
}

int64_t http_chunk_length(const uint8_t *data, size_t len)
{
	int64_t n = 0;
	size_t i;

	while (len && is_chunk_blank(*data)) {
		data++;
		len--;
	}
	if (len == 0)
		return -2;
	for (i = 0; i < len && digit_hex(data[i]) >= 0; i++) {
		if (n > INT32_MAX)
			return -1;
		n = n * 16 + digit_hex(data[i]);
	}
	return i == 0 || n > INT32_MAX ? -1 : n;
}
