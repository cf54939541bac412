/*
 * The two sides of an HTTP session, byte by byte; the contract is in http.h.
 *
 * After RFC 9112, and where it is broken after libhtp 0.5: a state per side, lines that may end
 * in CR, LF or both, a chunk that is none turns the rest into the body.
 */
#include "detect/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CHUNK_PROBE 8u /* bytes after which something that is no chunk length is known */

/* Bytes that are being looked at; more may come unless eof. */
struct input {
	const uint8_t *p;
	size_t len;
	bool eof;
};

struct work {
	struct signatures *s;
	struct flow *flow;
	struct http *http;
	enum flow_side side;
	int64_t time_us;
};

/* ---- transactions --------------------------------------------------------------------------- */

static struct http_tx *new_tx(struct work *w)
{
	struct http *h = w->http;
	struct http_tx *tx;

	if (h->count == HTTP_PIPELINE_MAX || w->s->budget.used + sizeof(*tx) > w->s->budget.max)
		return NULL;
	tx = calloc(1, sizeof(*tx));
	if (!tx)
		return NULL;
	w->s->budget.used += sizeof(*tx);
	*(h->last ? &h->last->next : &h->first) = tx;
	h->last = tx;
	h->count++;
	return tx;
}

static void free_tx(struct signatures *s, struct http *h, struct http_tx *tx)
{
	struct http_tx **at = &h->first;
	struct http_tx *before = NULL;

	while (*at != tx) {
		before = *at;
		at = &(*at)->next;
	}
	*at = tx->next;
	if (h->last == tx)
		h->last = before;
	if (h->request == tx)
		h->request = NULL;
	if (h->response == tx)
		h->response = NULL;
	http_message_fini(&s->budget, &tx->side[0]);
	http_message_fini(&s->budget, &tx->side[1]);
	s->budget.used -= sizeof(*tx);
	h->count--;
	free(tx);
}

static void inspect(struct work *w, struct http_tx *tx)
{
	struct http_message *m = &tx->side[w->side];
	struct http_view *view;
	struct app_transaction app = {
		.app = APP_HTTP,
		.direction = w->side == SIDE_CLIENT ? DIRECTION_TO_SERVER : DIRECTION_TO_CLIENT,
		.buffer = http_buffer,
	};

	if (m->inspected || !m->begun)
		return;
	m->inspected = true;
	view = w->s->http_view;
	if (!view)
		view = w->s->http_view = calloc(1, sizeof(*view));
	if (!view)
		return;
	view->tx = tx;
	view->s = w->s;
	memset(view->state, 0, sizeof(view->state));
	app.tx = view;
	inspect_transaction(w->s, w->flow, w->side, &app, w->time_us);
}

static struct http_tx *current(struct work *w)
{
	return w->side == SIDE_CLIENT ? w->http->request : w->http->response;
}

static void complete(struct work *w)
{
	struct http_tx *tx = current(w);
	struct http_parser *p = &w->http->parser[w->side];

	p->state = HTTP_LINE;
	if (!tx)
		return;
	inspect(w, tx);
	tx->side[w->side].complete = true;
	if (w->side == SIDE_CLIENT)
		w->http->request = NULL;
	else
		w->http->response = NULL;
	if (tx->side[0].complete && tx->side[1].complete)
		free_tx(w->s, w->http, tx);
}

/* Neither side is understood any more. */
static void give_up(struct work *w)
{
	w->http->parser[0].state = HTTP_IGNORE;
	w->http->parser[1].state = HTTP_IGNORE;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* A line of the input: its length without and with its end.  False: more is needed. */
static bool take_line(struct work *w, const struct input *in, size_t *ret_len, size_t *ret_used)
{
	struct http_parser *ps = &w->http->parser[w->side];
	bool lone_cr = w->side == SIDE_SERVER;

	for (size_t i = 0; i < in->len; i++) {
		uint8_t c = in->p[i];
		uint8_t next = i + 1 < in->len ? in->p[i + 1] : 0;

		if (c == '\n') {
			*ret_len = i;
			*ret_used = i + 1;
			ps->lfcr = false;
			if (lone_cr && next == '\r') {
				*ret_used = i + 2;
				ps->lfcr = true;
			}
			return true;
		}
		if (c != '\r' || !lone_cr)
			continue;
		if (i + 1 == in->len && !in->eof)
			return false;
		if (next == '\r')
			continue;
		*ret_len = i;
		*ret_used = i + 1;
		if (next == '\n') {
			*ret_used = i + 2;
			if (ps->lfcr && i == 0 && i + 3 < in->len && in->p[i + 2] == '\r' && in->p[i + 3] == '\n')
				*ret_used = i + 4;
		}
		ps->lfcr = false;
		return true;
	}
	if (in->eof && in->len) {
		*ret_len = *ret_used = in->len;
		return true;
	}
	return false;
}

static size_t chomp(const uint8_t *p, size_t len)
{
	while (len && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	return len;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void body_bytes(struct work *w, const uint8_t *p, size_t len)
{
	struct http_tx *tx = current(w);
	struct http_message *m;

	if (!tx || len == 0)
		return;
	m = &tx->side[w->side];
	if (m->body_full || m->inspected)
		return;
	(void)bytes_append(&w->s->budget, &m->body, p, len, HTTP_BODY_MAX);
	if (m->body.len >= HTTP_BODY_MAX) {
		m->body_full = true;
		inspect(w, tx);
		bytes_fini(&w->s->budget, &m->body);
	}
}

static bool method_is(const struct http_message *m, const char *name)
{
	size_t n = strlen(name);

	return m->part[0].len == n && memcmp(m->line.data + m->part[0].at, name, n) == 0;
}

static void request_body(struct work *w, const struct http_message *m)
{
	struct http_parser *p = &w->http->parser[SIDE_CLIENT];
	const uint8_t *value;
	size_t len;

	if (http_find_header(m, "transfer-encoding", &value, &len)
	    && http_contains(value, len, "chunked")) {
		p->state = HTTP_CHUNK_LENGTH;
	} else if (http_find_header(m, "content-length", &value, &len)
	    && http_content_length(value, len, &p->left) && p->left > 0) {
		p->state = HTTP_BODY_LENGTH;
	} else {
		complete(w);
		return;
	}
}

static bool has_body(const struct http_tx *tx, const struct http_message *m)
{
	const uint8_t *value;
	size_t len;

	if (method_is(&tx->side[0], "HEAD"))
		return false;
	if (m->status == 204 || m->status == 304 || (m->status >= 100 && m->status < 200))
		return http_find_header(m, "transfer-encoding", &value, &len)
		    || http_find_header(m, "content-length", &value, &len);
	return true;
}

/* A 100 that only says "go on": the real answer follows. */
static bool is_interim(struct http_tx *tx, struct http_message *m)
{
	const uint8_t *value;
	uint64_t n;
	size_t len;

	if (m->status != 100 || tx->continued || http_find_header(m, "transfer-encoding", &value, &len))
		return false;
	return !http_find_header(m, "content-length", &value, &len)
	    || !http_content_length(value, len, &n) || n == 0;
}

static void response_body(struct work *w, struct http_tx *tx)
{
	struct http_parser *p = &w->http->parser[SIDE_SERVER];
	struct http_message *m = &tx->side[1];
	const uint8_t *value;
	size_t len;

	if (is_interim(tx, m)) {
		tx->continued = true;
		http_message_fini(&w->s->budget, m);
		memset(m, 0, sizeof(*m));
		p->state = HTTP_LINE;
		return;
	}
	if (m->status == 101 || (method_is(&tx->side[0], "CONNECT") && m->status / 100 == 2)) {
		complete(w);
		give_up(w);
		return;
	}
	if (!has_body(tx, m)) {
		complete(w);
		return;
	}
	if (http_find_header(m, "transfer-encoding", &value, &len)
	    && http_contains(value, len, "chunked")) {
		p->state = HTTP_CHUNK_LENGTH;
	} else if (http_find_header(m, "content-length", &value, &len)) {
		if (!http_content_length(value, len, &p->left)) {
			complete(w);
			give_up(w);
		} else if (p->left == 0) {
			complete(w);
		} else {
			p->state = HTTP_BODY_LENGTH;
		}
	} else {
		p->state = HTTP_BODY_CLOSE;
	}
}

/* ---- the first line ------------------------------------------------------------------------- */

static size_t request_line(struct work *w, const struct input *in)
{
	struct http *h = w->http;
	struct http_message *m;
	size_t len;
	size_t used;

	if (!take_line(w, in, &len, &used))
		return 0;
	len = chomp(in->p, len);
	if (len == 0)
		return used; /* empty lines in front are ignored */
	h->request = new_tx(w);
	if (!h->request) {
		give_up(w);
		return in->len;
	}
	m = &h->request->side[0];
	m->begun = true;
	(void)bytes_append(&w->s->budget, &m->line, in->p, len, HTTP_LINE_MAX);
	http_request_line(m);
	h->parser[0].state = HTTP_HEADERS;
	if (m->part[2].len == 0 && used == in->len)
		complete(w); /* HTTP/0.9 */
	return used;
}

static struct http_tx *answered(struct work *w)
{
	struct http_tx *tx = w->http->first;

	while (tx && tx->side[1].complete)
		tx = tx->next;
	if (!tx) { /* an answer to what was not seen */
		tx = new_tx(w);
		if (tx)
			tx->side[0].complete = tx->side[0].inspected = true;
	}
	return tx;
}

static size_t response_line(struct work *w, const struct input *in)
{
	struct http *h = w->http;
	struct http_message *m;
	size_t len;
	size_t used;

	if (!take_line(w, in, &len, &used))
		return 0;
	if (chomp(in->p, len) == 0 && !in->eof)
		return used;
	h->response = answered(w);
	if (!h->response) {
		give_up(w);
		return in->len;
	}
	m = &h->response->side[1];
	m->begun = true;
	if (!http_looks_like_response(in->p, len)) {
		/* Browsers take this for the body, unless an answer follows. */
		if (used < in->len && (in->p[used] == 'H' || len <= 2))
			return used;
		h->parser[1].state = HTTP_BODY_CLOSE;
		body_bytes(w, in->p, used);
		return used;
	}
	m->line.len = 0;
	(void)bytes_append(&w->s->budget, &m->line, in->p, chomp(in->p, len), HTTP_LINE_MAX);
	http_response_line(m);
	h->parser[1].state = HTTP_HEADERS;
	return used;
}

/* ---- headers -------------------------------------------------------------------------------- */

static void end_folded(struct work *w, struct http_message *m)
{
	struct http_parser *p = &w->http->parser[w->side];

	if (p->has_folded)
		http_add_header(&w->s->budget, m, p->folded.data, p->folded.len);
	p->has_folded = false;
	p->folded.len = 0;
}

static bool is_folding(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0;
}

static void header_line(struct work *w, struct http_message *m, const uint8_t *line, size_t len)
{
	struct http_parser *p = &w->http->parser[w->side];
	bool response = w->side == SIDE_SERVER;

	if (len == 0 || is_folding(*line)) {
		bool header = response && p->has_folded && memchr(line, ':', len)
		    && memchr(p->folded.data, ':', p->folded.len) && m->part[0].len == 8
		    && memcmp(m->line.data + m->part[0].at + 5, "1.1", 3) == 0;

		if (header) {
			end_folded(w, m);
			line++;
			len--;
		} else if (!p->has_folded) {
			while (len && is_folding(*line)) {
				line++;
				len--;
			}
		}
	} else {
		end_folded(w, m);
	}
	if (p->folded.cap == 0 && len == 0)
		return;
	(void)bytes_append(&w->s->budget, &p->folded, line, len, HTTP_LINE_MAX);
	p->has_folded = p->folded.len > 0;
}

static size_t header(struct work *w, const struct input *in)
{
	struct http_parser *p = &w->http->parser[w->side];
	struct http_tx *tx = current(w);
	struct http_message *m = &tx->side[w->side];
	size_t len;
	size_t used;
	size_t text;
	bool end;

	if (!take_line(w, in, &len, &used)) {
		if (in->eof) {
			end_folded(w, m);
			m->headers_done = true;
		}
		return 0;
	}
	text = chomp(in->p, len);
	end = text == 0;
	if (text == 1 && is_folding(in->p[0]) && used == 2 && in->p[1] == '\n' && used < in->len
	    && in->p[used] != '\n' && w->side == SIDE_SERVER)
		end = true;
	if (!m->headers_done)
		(void)bytes_append(&w->s->budget, &m->raw, in->p, used, HTTP_RAW_MAX);
	if (!end) {
		header_line(w, m, in->p, text);
		return used;
	}
	end_folded(w, m);
	if (m->headers_done) { /* these were trailers */
		complete(w);
		return used;
	}
	m->headers_done = true;
	p->lfcr = false;
	if (w->side == SIDE_CLIENT)
		request_body(w, m);
	else
		response_body(w, tx);
	return used;
}

/* ---- chunks --------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= 9 && c <= 13);
}

static bool is_hex(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* False: these bytes cannot become a chunk length. */
static bool may_be_chunk(const uint8_t *p, size_t len)
{
	if (len < CHUNK_PROBE)
		return true;
	for (size_t i = 0; i < len; i++) {
		if (is_blank(p[i]))
			continue;
		return is_hex(p[i]);
	}
	return true;
}

/* Not chunked after all: what follows is the body. */
static size_t not_chunked(struct work *w, const struct input *in)
{
	if (w->side == SIDE_CLIENT) {
		complete(w);
		give_up(w);
		return in->len;
	}
	w->http->parser[1].state = HTTP_BODY_CLOSE;
	body_bytes(w, in->p, in->len);
	return in->len;
}

static size_t chunk_length(struct work *w, const struct input *in)
{
	struct http_parser *p = &w->http->parser[w->side];

	for (size_t i = 0; i < in->len; i++) {
		bool probe = !is_blank(in->p[i]) && !may_be_chunk(in->p, i + 1);
		int64_t n;

		if (in->p[i] != '\n' && !probe)
			continue;
		n = http_chunk_length(in->p, i + 1);
		if (n == -2)
			continue; /* only blanks so far */
		if (n < 0)
			return not_chunked(w, in);
		if (n == 0) {
			p->state = HTTP_TRAILERS;
		} else {
			p->left = (uint64_t)n;
			p->state = HTTP_CHUNK_DATA;
		}
		return i + 1;
	}
	return 0;
}

static size_t chunk_end(struct work *w, const struct input *in)
{
	const uint8_t *lf = memchr(in->p, '\n', in->len);

	if (!lf)
		return in->len;
	w->http->parser[w->side].state = HTTP_CHUNK_LENGTH;
	return (size_t)(lf - in->p) + 1;
}

static size_t counted(struct work *w, const struct input *in)
{
	struct http_parser *p = &w->http->parser[w->side];
	size_t n = p->left < in->len ? (size_t)p->left : in->len;

	body_bytes(w, in->p, n);
	p->left -= n;
	if (p->left == 0) {
		if (p->state == HTTP_CHUNK_DATA)
			p->state = HTTP_CHUNK_END;
		else
			complete(w);
	}
	return n;
}

/* One step; returns the bytes used, 0 when more are needed. */
static size_t step(struct work *w, const struct input *in)
{
	switch (w->http->parser[w->side].state) {
	case HTTP_LINE:
		return w->side == SIDE_CLIENT ? request_line(w, in) : response_line(w, in);
	case HTTP_HEADERS:
	case HTTP_TRAILERS:
		return current(w) ? header(w, in) : in->len;
	case HTTP_BODY_LENGTH:
	case HTTP_CHUNK_DATA:
		return counted(w, in);
	case HTTP_BODY_CLOSE:
		body_bytes(w, in->p, in->len);
		return in->len;
	case HTTP_CHUNK_LENGTH:
		return chunk_length(w, in);
	case HTTP_CHUNK_END:
		return chunk_end(w, in);
	case HTTP_IGNORE:
		break;
	}
	return in->len;
}

static void run(struct work *w, const uint8_t *data, size_t len, bool eof)
{
	struct http_parser *p = &w->http->parser[w->side];
	bool buffered = p->pending.len > 0;
	struct input in = {.eof = eof};
	size_t used = 0;

	if (buffered && !bytes_append(&w->s->budget, &p->pending, data, len, HTTP_LINE_MAX + 65536)) {
		give_up(w);
		return;
	}
	in.p = buffered ? p->pending.data : data;
	in.len = buffered ? p->pending.len : len;
	while (in.len > 0) {
		size_t n = step(w, &in);

		if (n == 0)
			break;
		used += n;
		in.p += n;
		in.len -= n;
	}
	if (buffered)
		bytes_consume(&p->pending, used);
	else if (in.len > HTTP_LINE_MAX)
		give_up(w); /* a line without end */
	else if (in.len)
		(void)bytes_append(&w->s->budget, &p->pending, in.p, in.len, HTTP_LINE_MAX);
}

static struct work begin(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct work w = {.s = s, .flow = f, .side = side, .time_us = time_us};

	if (!f->session->http && s->budget.used + sizeof(struct http) <= s->budget.max) {
		f->session->http = calloc(1, sizeof(struct http));
		if (f->session->http)
			s->budget.used += sizeof(struct http);
	}
	w.http = f->session->http;
	return w;
}

void http_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct work w = begin(s, f, side, time_us);

	if (w.http)
		run(&w, data, len, false);
}

void http_gap(struct signatures *s, struct flow *f, enum flow_side side, uint64_t bytes,
    int64_t time_us)
{
	struct work w = begin(s, f, side, time_us);
	struct http_parser *p;

	if (!w.http)
		return;
	p = &w.http->parser[side];
	if (p->state == HTTP_BODY_CLOSE)
		return;
	if ((p->state == HTTP_BODY_LENGTH || p->state == HTTP_CHUNK_DATA) && bytes < p->left) {
		p->left -= bytes;
		return;
	}
	give_up(&w);
}

void http_end(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct work w = begin(s, f, side, time_us);
	struct http_tx *tx;

	if (!w.http)
		return;
	if (w.http->parser[side].pending.len && w.http->parser[side].state != HTTP_IGNORE)
		run(&w, (const uint8_t *)"", 0, true);
	tx = current(&w);
	if (!tx)
		return;
	if (!tx->side[side].headers_done)
		end_folded(&w, &tx->side[side]);
	inspect(&w, tx);
}

void http_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	struct http *h = f->session->http;

	if (!h)
		return;
	http_end(s, f, SIDE_CLIENT, time_us);
	http_end(s, f, SIDE_SERVER, time_us);
	while (h->first)
		free_tx(s, h, h->first);
	for (int side = 0; side < 2; side++) {
		bytes_fini(&s->budget, &h->parser[side].pending);
		bytes_fini(&s->budget, &h->parser[side].folded);
	}
	s->budget.used -= sizeof(*h);
	free(h);
	f->session->http = NULL;
}

void http_view_free(struct signatures *s)
{
	if (!s->http_view)
		return;
	for (unsigned i = 0; i < BUFFER_COUNT; i++)
		bytes_fini(&s->budget, &s->http_view->made[i]);
	free(s->http_view);
	s->http_view = NULL;
}
