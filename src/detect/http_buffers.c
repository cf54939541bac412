/* What rules look into of an HTTP message; the contract is in http.h. */
#include "detect/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void put(struct http_view *v, struct bytes *b, const void *data, size_t len)
{
	(void)bytes_append(&v->s->budget, b, data, len, HTTP_RAW_MAX * 2);
}

static bool is_cookie(const struct http_message *m, const struct http_header *h, bool response)
{
	const char *name = response ? "set-cookie" : "cookie";

	return h->name.len == strlen(name)
	    && strncasecmp((const char *)http_text(m, h->name), name, h->name.len) == 0;
}

static void make_headers(struct http_view *v, const struct http_message *m, bool response,
    struct bytes *b)
{
	for (uint32_t i = 0; i < m->header_count; i++) {
		const struct http_header *h = &m->headers[i];

		if (is_cookie(m, h, response))
			continue;
		put(v, b, http_text(m, h->name), h->name.len);
		put(v, b, ": ", 2);
		put(v, b, http_text(m, h->value), h->value.len);
		put(v, b, "\r\n", 2);
	}
}

static void make_names(struct http_view *v, const struct http_message *m, struct bytes *b)
{
	if (m->header_count == 0)
		return;
	put(v, b, "\r\n", 2);
	for (uint32_t i = 0; i < m->header_count; i++) {
		put(v, b, http_text(m, m->headers[i].name), m->headers[i].name.len);
		put(v, b, "\r\n", 2);
	}
	put(v, b, "\r\n", 2);
}

static void make_start(struct http_view *v, const struct http_message *m, struct bytes *b)
{
	put(v, b, m->line.data, m->line.len);
	put(v, b, "\r\n", 2);
	for (uint32_t i = 0; i < m->header_count; i++) {
		put(v, b, http_text(m, m->headers[i].name), m->headers[i].name.len);
		put(v, b, ": ", 2);
		put(v, b, http_text(m, m->headers[i].value), m->headers[i].value.len);
		put(v, b, "\r\n", 2);
	}
	put(v, b, "\r\n", 2);
}

static void make_uri(struct http_view *v, const struct http_message *m, struct bytes *b)
{
	struct http_uri u = http_uri_split(m->line.data + m->part[1].at, m->part[1].len);

	if (m->part[0].len == 7 && memcmp(m->line.data + m->part[0].at, "CONNECT", 7) == 0)
		return;
	if (v->tx->h2) { /* as it stands */
		put(v, b, m->line.data + m->part[1].at, m->part[1].len);
		return;
	}
	put(v, b, u.path, u.path_len);
	if (b->len)
		b->len = http_uri_normalise(u.path, b->len, b->data);
}

static void make_host(struct http_view *v, const struct http_message *m, bool raw, struct bytes *b)
{
	const uint8_t *uri = m->line.data + m->part[1].at;
	struct http_uri u = http_uri_split(uri, m->part[1].len);
	const uint8_t *p = u.host;
	size_t len = u.host_len;

	if (!raw && !m->headers_whole)
		return;
	if (http_method_is(m, "CONNECT")) {
		const uint8_t *colon = m->part[1].len ? memchr(uri, ':', m->part[1].len) : NULL;

		p = uri;
		len = colon ? (size_t)(colon - uri) : m->part[1].len;
	} else if (v->tx->h2) {
		if (!http_find_exact(m, ":authority", &p, &len))
			return;
	} else if (!p && !http_find_exact(m, "host", &p, &len)) {
		return;
	}
	put(v, b, p, len);
	if (raw && (v->tx->h2 || (p != uri && p != u.host)))
		return; /* as the header has it */
	for (size_t i = 0; i < b->len; i++)
		b->data[i] = (uint8_t)tolower(b->data[i]);
	if (b->len && b->data[0] == '[')
		return; /* an IPv6 address */
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] == ':')
			b->len = i;
	while (b->len && (b->data[b->len - 1] == '.' || b->data[b->len - 1] == ' '))
		b->len--;
}

static const char *header_of(enum buffer_id buffer, bool response)
{
	switch ((int)buffer) {
	case BUFFER_HTTP_USER_AGENT:
		return "user-agent";
	case BUFFER_HTTP_ACCEPT:
		return "accept";
	case BUFFER_HTTP_ACCEPT_ENC:
		return "accept-encoding";
	case BUFFER_HTTP_ACCEPT_LANG:
		return "accept-language";
	case BUFFER_HTTP_CONNECTION:
		return "connection";
	case BUFFER_HTTP_CONTENT_LEN:
		return "content-length";
	case BUFFER_HTTP_CONTENT_TYPE:
		return "content-type";
	case BUFFER_HTTP_REFERER:
		return "referer";
	case BUFFER_HTTP_SERVER:
		return "server";
	case BUFFER_HTTP_LOCATION:
		return "location";
	case BUFFER_HTTP_COOKIE:
		return response ? "set-cookie" : "cookie";
	default:
		return NULL;
	}
}

/* A part of the first line as it stands; false: the buffer is not one. */
static bool line_part(const struct http_message *m, enum buffer_id buffer, bool response,
    const uint8_t **ret_data, size_t *ret_len)
{
	int part;

	switch ((int)buffer) {
	case BUFFER_HTTP_METHOD:
		part = 0;
		break;
	case BUFFER_HTTP_URI_RAW:
	case BUFFER_HTTP_STAT_CODE:
		part = 1;
		break;
	case BUFFER_HTTP_PROTOCOL:
		part = response ? 0 : 2;
		break;
	case BUFFER_HTTP_STAT_MSG:
		part = 2;
		break;
	case BUFFER_HTTP_REQUEST_LINE:
	case BUFFER_HTTP_RESPONSE_LINE:
		*ret_data = m->line.data;
		*ret_len = m->line.len;
		return true;
	default:
		return false;
	}
	*ret_data = m->line.data + m->part[part].at;
	*ret_len = m->part[part].len;
	return true;
}

static void make(struct http_view *v, const struct http_message *m, enum buffer_id buffer,
    bool response, struct bytes *b)
{
	switch ((int)buffer) {
	case BUFFER_HTTP_URI:
		make_uri(v, m, b);
		break;
	case BUFFER_HTTP_HOST:
	case BUFFER_HTTP_HOST_RAW:
		make_host(v, m, buffer == BUFFER_HTTP_HOST_RAW, b);
		break;
	case BUFFER_HTTP_HEADER:
		make_headers(v, m, response, b);
		break;
	case BUFFER_HTTP_HEADER_NAMES:
		make_names(v, m, b);
		break;
	case BUFFER_HTTP_START:
		make_start(v, m, b);
		break;
	default:
		break;
	}
}

/* Name and value of one header, for the buffers that come once per header. */
static bool one_header(struct http_view *v, const struct http_message *m, unsigned index,
    struct bytes *b)
{
	if (index >= m->header_count)
		return false;
	b->len = 0;
	put(v, b, http_text(m, m->headers[index].name), m->headers[index].name.len);
	put(v, b, ": ", 2);
	put(v, b, http_text(m, m->headers[index].value), m->headers[index].value.len);
	return true;
}

const char *const http_event_names[HTTP_EVENT_COUNT] = {
#define HTTP_EVENT(id, name) name,
#include "detect/http_events.def"
#undef HTTP_EVENT
};

static bool one_event(const struct http_message *m, unsigned index, const uint8_t **ret_data,
    size_t *ret_len)
{
	for (unsigned i = 0; i < HTTP_EVENT_COUNT; i++) {
		if (!(m->events >> i & 1) || index-- > 0)
			continue;
		*ret_data = (const uint8_t *)http_event_names[i];
		*ret_len = strlen(http_event_names[i]);
		return true;
	}
	return false;
}

static bool needs_all_headers(enum buffer_id buffer)
{
	return buffer == BUFFER_HTTP_HEADER || buffer == BUFFER_HTTP_HEADER_RAW
	    || buffer == BUFFER_HTTP_HEADER_NAMES || buffer == BUFFER_HTTP_START;
}

bool http_buffer(const void *tx, enum buffer_id buffer, uint8_t direction, unsigned index,
    const uint8_t **ret_data, size_t *ret_len)
{
	struct http_view *v = (struct http_view *)(uintptr_t)tx;
	bool response = direction == DIRECTION_TO_CLIENT;
	const struct http_message *m = &v->tx->side[response];
	const char *name = header_of(buffer, response);

	if (buffer == BUFFER_HTTP_REQUEST_HEADER || buffer == BUFFER_HTTP_RESPONSE_HEADER) {
		if (!one_header(v, m, index, &v->made[buffer]))
			return false;
		*ret_data = v->made[buffer].data;
		*ret_len = v->made[buffer].len;
		return true;
	}
	if (!m->begun)
		return false;
	if (buffer == BUFFER_HTTP_EVENT)
		return one_event(m, index, ret_data, ret_len);
	if (buffer == BUFFER_FILE_DATA || buffer == BUFFER_FILE_NAME || buffer == BUFFER_FILE_SIZE)
		return http_files_buffer(v, m, response, buffer, index, ret_data, ret_len);
	if (index > 0 || (v->tx->h2 && buffer == BUFFER_HTTP_START))
		return false;
	if (!m->headers_done && needs_all_headers(buffer))
		return false;
	if (name)
		return http_find_exact(m, name, ret_data, ret_len);
	if (line_part(m, buffer, response, ret_data, ret_len))
		return *ret_len > 0;
	if (buffer == BUFFER_HTTP_HEADER_RAW || buffer == BUFFER_HTTP_REQUEST_BODY
	    || buffer == BUFFER_HTTP_RESPONSE_BODY) {
		const struct bytes *b = buffer == BUFFER_HTTP_HEADER_RAW ? &m->raw : &m->body;

		*ret_data = b->data;
		*ret_len = b->len;
		return b->len > 0;
	}
	if (v->state[buffer] == 0) {
		v->made[buffer].len = 0;
		make(v, m, buffer, response, &v->made[buffer]);
		v->state[buffer] = v->made[buffer].len ? 1 : 2;
	}
	*ret_data = v->made[buffer].data;
	*ret_len = v->made[buffer].len;
	return v->state[buffer] == 1;
}
