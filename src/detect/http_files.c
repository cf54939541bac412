/*
 * The files in an HTTP message: a body, or the parts of a form that carry a file's name (RFC 7578).
 *
 * What libhtp and Suricata 7 take for a file: of a POST whose type names a boundary, each part
 * with a filename in its Content-Disposition; else the body of POST and PUT; of an answer, the
 * body.  Lines of a form end with CR LF, nothing else.  It never copies the data.
 */
#include "detect/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX 255u

/* The value of a parameter behind the first `;`, quoted or not; false: there is none. */
static bool parameter(const uint8_t *p, size_t len, const char *name, const uint8_t **ret_value,
    size_t *ret_len)
{
	const uint8_t *end = p + len;
	size_t n = strlen(name);

	p = len ? memchr(p, ';', len) : NULL;
	while (p && ++p < end) {
		const uint8_t *equal;
		const uint8_t *value;
		const uint8_t *stop;

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
			p++;
		equal = p < end ? memchr(p, '=', (size_t)(end - p)) : NULL;
		if (!equal)
			return false;
		value = equal + 1;
		stop = value < end && *value == '"' && value + 1 < end
		    ? memchr(value + 1, '"', (size_t)(end - value) - 1) : NULL;
		if (stop) {
			value++;
		} else {
			stop = value < end ? memchr(value, ';', (size_t)(end - value)) : NULL;
			if (!stop)
				stop = end;
		}
		if ((size_t)(equal - p) == n && strncasecmp((const char *)p, name, n) == 0) {
			*ret_value = value;
			*ret_len = (size_t)(stop - value);
			return true;
		}
		p = stop < end ? memchr(stop, ';', (size_t)(end - stop)) : NULL;
	}
	return false;
}

static const uint8_t *find(const uint8_t *p, const uint8_t *end, const char *what, size_t len)
{
	for (; p + len <= end; p++) {
		p = memchr(p, what[0], (size_t)(end - p) - len + 1);
		if (!p)
			return NULL;
		if (memcmp(p, what, len) == 0)
			return p;
	}
	return NULL;
}

static void add_file(struct http_view *v, const uint8_t *name, size_t name_len, const uint8_t *data,
    size_t len)
{
	if (v->file_count < HTTP_FILES_MAX)
		v->files[v->file_count++] = (struct http_file){name, name_len, data, len};
}

/* The headers of one part; returns where its content begins, NULL when they do not end. */
static const uint8_t *part_headers(const uint8_t *p, const uint8_t *end, bool *ret_file,
    const uint8_t **ret_name, size_t *ret_len)
{
	static const char disposition[] = "content-disposition";

	*ret_file = false;
	for (;;) {
		const uint8_t *eol = find(p, end, "\r\n", 2);
		const uint8_t *colon;

		if (!eol)
			return NULL;
		if (eol == p)
			return p + 2;
		colon = memchr(p, ':', (size_t)(eol - p));
		if (colon && (size_t)(colon - p) == sizeof(disposition) - 1
		    && strncasecmp((const char *)p, disposition, sizeof(disposition) - 1) == 0)
			*ret_file = parameter(colon + 1, (size_t)(eol - colon) - 1, "filename", ret_name, ret_len);
		p = eol + 2;
	}
}

static void find_parts(struct http_view *v, const struct bytes *body, const uint8_t *boundary,
    size_t len)
{
	const uint8_t *p = body->data;
	const uint8_t *end = p + body->len;
	char mark[BOUNDARY_MAX + 5];
	size_t n;

	if (len == 0 || len > BOUNDARY_MAX || body->len == 0)
		return;
	n = (size_t)snprintf(mark, sizeof(mark), "\r\n--%.*s", (int)len, (const char *)boundary);
	if (n != len + 4)
		return; /* a zero in it */
	p = find(p, end, mark + 2, n - 2);
	while (p) {
		const uint8_t *name = NULL;
		const uint8_t *stop;
		size_t name_len = 0;
		bool file;

		p += n - 2;
		if (end - p < 2 || p[0] != '\r' || p[1] != '\n')
			return; /* the last one, or none */
		p = part_headers(p + 2, end, &file, &name, &name_len);
		if (!p)
			return;
		stop = find(p, end, mark, n);
		if (file)
			add_file(v, name, name_len, p, (size_t)((stop ? stop : end) - p));
		p = stop ? stop + 2 : NULL;
	}
}

/* What the request asks for, without its query; false: nothing. */
static bool path_name(struct http_view *v, const struct http_message *request)
{
	struct http_uri u;
	size_t n = 0;

	if (request->part[1].len == 0)
		return false;
	u = http_uri_split(request->line.data + request->part[1].at, request->part[1].len);
	while (n < u.path_len && u.path[n] != '?' && u.path[n] != '#')
		n++;
	v->path.len = 0;
	if (n == 0 || !bytes_append(&v->s->budget, &v->path, u.path, n, HTTP_LINE_MAX))
		return false;
	v->path.len = http_uri_normalise(u.path, n, v->path.data);
	return true;
}

static void find_files(struct http_view *v, const struct http_message *m, bool response)
{
	const struct http_message *request = &v->tx->side[0];
	const uint8_t *value;
	const uint8_t *name;
	const uint8_t *uri;
	size_t name_len;
	size_t len;

	if (m->body.len == 0)
		return;
	if (v->tx->h2) { /* what is sent has no name */
		add_file(v, NULL, 0, m->body.data, m->body.len);
		return;
	}
	if (!response && http_method_is(m, "POST")) {
		if (http_find_exact(m, "content-type", &value, &len)
		    && parameter(value, len, "boundary", &name, &name_len)) {
			find_parts(v, &m->body, name, name_len);
			return;
		}
	} else if (!response && !http_method_is(m, "PUT")) {
		return;
	}
	uri = request->part[1].len ? request->line.data + request->part[1].at : NULL;
	if (!response && (!uri || *uri == '?' || *uri == '#'))
		return; /* nothing has this name */
	name = NULL;
	name_len = 0;
	if (response && http_find_exact(m, "content-disposition", &value, &len))
		(void)parameter(value, len, "filename", &name, &name_len);
	add_file(v, name, name_len, m->body.data, m->body.len);
}

bool http_files_buffer(struct http_view *v, const struct http_message *m, bool response,
    enum buffer_id buffer, unsigned index, const uint8_t **ret_data, size_t *ret_len)
{
	const struct http_file *f;

	if (!v->files_known) {
		v->file_count = 0;
		find_files(v, m, response);
		v->files_known = true;
	}
	if (index >= v->file_count)
		return false;
	f = &v->files[index];
	if (buffer == BUFFER_FILE_DATA) {
		if (m->broken || (v->tx->h2 && !response))
			return false; /* it never became a whole one */
		*ret_data = f->data;
		*ret_len = f->len;
	} else if (buffer == BUFFER_FILE_NAME) {
		if (!f->name && (v->tx->h2 || !path_name(v, &v->tx->side[0])))
			return false;
		*ret_data = f->name ? f->name : v->path.data;
		*ret_len = f->name ? f->name_len : v->path.len;
	} else {
		*ret_len = (size_t)snprintf(v->size, sizeof(v->size), "%zu", f->len);
		*ret_data = (const uint8_t *)v->size;
	}
	return true;
}
