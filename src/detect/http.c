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

/* ---- transactions --------------------------------------------------------------------------- */

struct http_tx *http_new_tx(struct http_work *w)
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

void http_inspect(struct http_work *w, struct http_tx *tx)
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
	view->files_known = false;
	app.tx = view;
	inspect_transaction(w->s, w->flow, w->side, &app, w->time_us);
}

struct http_tx *http_current(struct http_work *w)
{
	return w->side == SIDE_CLIENT ? w->http->request : w->http->response;
}

void http_complete(struct http_work *w)
{
	struct http_tx *tx = http_current(w);
	struct http_parser *p = &w->http->parser[w->side];

	p->state = HTTP_LINE;
	if (!tx)
		return;
	http_body_end(w);
	http_inspect(w, tx);
	tx->side[w->side].complete = true;
	if (w->side == SIDE_CLIENT)
		w->http->request = NULL;
	else
		w->http->response = NULL;
	if (tx->side[0].complete && tx->side[1].complete)
		free_tx(w->s, w->http, tx);
}

/* Neither side is understood any more. */
void http_give_up(struct http_work *w)
{
	w->http->parser[0].state = HTTP_IGNORE;
	w->http->parser[1].state = HTTP_IGNORE;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* A line of the input: its length without and with its end.  False: more is needed. */
static bool take_line(const struct http_input *in, size_t *ret_len, size_t *ret_used)
{
	const uint8_t *lf = memchr(in->p, '\n', in->len);

	if (!lf && !in->eof)
		return false;
	*ret_len = lf ? (size_t)(lf - in->p) : in->len;
	*ret_used = lf ? *ret_len + 1 : in->len;
	return true;
}

size_t http_chomp(const uint8_t *p, size_t len)
{
	while (len && (p[len - 1] == '\r' || p[len - 1] == '\n'))
		len--;
	return len;
}

/* ---- bodies --------------------------------------------------------------------------------- */

void http_body_bytes(struct http_work *w, const uint8_t *p, size_t len)
{
	struct http_tx *tx = http_current(w);
	struct http_message *m;

	if (!tx || len == 0)
		return;
	m = &tx->side[w->side];
	if (m->body_full || m->inspected)
		return;
	if (w->side == SIDE_SERVER && http_method_is(&tx->side[0], "CONNECT"))
		return; /* of a tunnel, or about one: no file */
	if (m->decoder) {
		http_decoder_feed(&w->s->budget, m, p, len);
	} else if (m->encoded) {
		http_give_up(w); /* more than was declared of what was encoded */
		return;
	} else {
		(void)bytes_append(&w->s->budget, &m->body, p, len, HTTP_BODY_MAX);
	}
	if (m->body.len >= HTTP_BODY_MAX) {
		m->body_full = true;
		http_inspect(w, tx);
		bytes_fini(&w->s->budget, &m->body);
		http_decoder_free(&w->s->budget, m->decoder);
		m->decoder = NULL;
	}
}

void http_body_end(struct http_work *w)
{
	struct http_tx *tx = http_current(w);

	if (tx && tx->side[w->side].decoder)
		http_decoder_end(&w->s->budget, &tx->side[w->side]);
}

bool http_method_is(const struct http_message *m, const char *name)
{
	size_t n = strlen(name);

	return m->part[0].len == n && memcmp(m->line.data + m->part[0].at, name, n) == 0;
}

/* The list of codings has this word. */
static bool says_chunked(const uint8_t *value, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t start;
		size_t end;

		while (i < len && (value[i] == ',' || value[i] == ' ' || (value[i] >= 9 && value[i] <= 13)))
			i++;
		for (start = end = i; i < len && value[i] != ','; i++)
			if (value[i] != ' ' && value[i] != '\t')
				end = i + 1;
		if (end - start == 7 && strncasecmp((const char *)value + start, "chunked", 7) == 0)
			return true;
	}
	return false;
}

static size_t request_line(struct http_work *w, const struct http_input *in);

static void note_host(struct http_message *m)
{
	struct http_uri u = http_uri_split(m->line.data + m->part[1].at, m->part[1].len);
	const uint8_t *host;
	size_t len;

	if (!http_find_exact(m, "host", &host, &len)) {
		if (m->part[2].len == 8 && memcmp(m->line.data + m->part[2].at, "HTTP/1.1", 8) == 0)
			http_event(m, HTTP_EVENT_HOST_MISSING);
	} else if (u.host && (u.host_len > len
	    || strncasecmp((const char *)u.host, (const char *)host, u.host_len) != 0)) {
		http_event(m, HTTP_EVENT_HOST_AMBIGUOUS);
	}
}

static void request_body(struct http_work *w, struct http_message *m)
{
	struct http_parser *p = &w->http->parser[SIDE_CLIENT];
	const uint8_t *value;
	size_t len;

	bool known = true;
	bool old = m->part[2].len != 8 || memcmp(m->line.data + m->part[2].at, "HTTP/1.1", 8) != 0;

	if (http_method_is(m, "CONNECT")) { /* what follows is not for this server */
		p->state = HTTP_WAIT;
		m->headers_done = false;
		return;
	}
	note_host(m);
	http_decoder_begin(&w->s->budget, m, true);
	if (http_find_header(m, "transfer-encoding", &value, &len)) {
		known = says_chunked(value, len);
		if (!known || old)
			http_event(m, HTTP_EVENT_REQUEST_TRANSFER);
		p->state = HTTP_CHUNK_LENGTH;
	} else if (!http_find_header(m, "content-length", &value, &len)) {
		p->state = HTTP_FINISH;
	} else {
		known = http_content_length(value, len, &p->left);
		if (!known)
			http_event(m, HTTP_EVENT_REQUEST_LENGTH);
		p->state = p->left ? HTTP_BODY_LENGTH : HTTP_FINISH;
	}
	if (!known) { /* where the next request begins */
		m->headers_done = false;
		http_complete(w);
		http_give_up(w);
	}
}

/* Behind CONNECT that was granted: HTTP again, or anything. */
static size_t probe(struct http_work *w, const struct http_input *in)
{
	if (!http_begins_request(in->p, in->len)) {
		http_give_up(w);
		return in->len;
	}
	w->http->parser[SIDE_CLIENT].state = HTTP_LINE;
	return request_line(w, in);
}

/* Behind a request: the next one, or more of its body. */
static size_t request_finish(struct http_work *w, const struct http_input *in)
{
	size_t len;
	size_t used;

	if (!take_line(in, &len, &used))
		return 0;
	if (http_begins_request(in->p, used)) {
		http_complete(w);
		return request_line(w, in);
	}
	if (used == 1 || (used == 2 && *in->p == '\r')) { /* an empty line ends it */
		http_complete(w);
		return used;
	}
	http_body_bytes(w, in->p, used);
	return used;
}

/* ---- the first line ------------------------------------------------------------------------- */

static size_t request_line(struct http_work *w, const struct http_input *in)
{
	struct http *h = w->http;
	struct http_message *m;
	size_t len;
	size_t used;

	if (!take_line(in, &len, &used))
		return 0;
	len = http_chomp(in->p, len);
	if (len == 0)
		return used; /* empty lines in front are ignored */
	h->request = http_new_tx(w);
	if (!h->request) {
		http_give_up(w);
		return in->len;
	}
	m = &h->request->side[0];
	m->begun = true;
	(void)bytes_append(&w->s->budget, &m->line, in->p, len, HTTP_LINE_MAX);
	http_request_line(m);
	h->parser[0].state = HTTP_HEADERS;
	if (m->part[2].len == 0 && used == in->len)
		h->parser[0].state = HTTP_FINISH; /* HTTP/0.9 */
	return used;
}

/* ---- headers -------------------------------------------------------------------------------- */

void http_end_folded(struct http_work *w, struct http_message *m)
{
	struct http_parser *p = &w->http->parser[w->side];

	if (p->has_folded)
		http_add_header(&w->s->budget, m,
		    p->folded.len ? p->folded.data : (const uint8_t *)"", p->folded.len,
		    w->side == SIDE_CLIENT);
	p->has_folded = false;
	p->folded.len = 0;
}

static bool is_folding(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0;
}

static void header_line(struct http_work *w, struct http_message *m, const uint8_t *line,
    size_t len)
{
	struct http_parser *p = &w->http->parser[SIDE_CLIENT];

	if (len && !is_folding(*line)) {
		http_end_folded(w, m);
	} else if (!p->has_folded) {
		while (len && is_folding(*line)) {
			line++;
			len--;
		}
	}
	if (p->folded.cap == 0 && len == 0)
		return;
	(void)bytes_append(&w->s->budget, &p->folded, line, len, HTTP_LINE_MAX);
	p->has_folded = p->folded.len > 0;
}

static size_t request_header(struct http_work *w, const struct http_input *in)
{
	struct http_message *m = &http_current(w)->side[SIDE_CLIENT];
	size_t len;
	size_t used;

	if (!take_line(in, &len, &used))
		return 0;
	if (!m->headers_done)
		(void)bytes_append(&w->s->budget, &m->raw, in->p, used, HTTP_RAW_MAX);
	if (!http_is_blank_line(in->p, used)) {
		header_line(w, m, in->p, http_chomp(in->p, used));
		return used;
	}
	http_end_folded(w, m);
	if (m->headers_done) { /* these were trailers */
		w->http->parser[SIDE_CLIENT].state = HTTP_FINISH;
		return used;
	}
	m->headers_done = m->headers_whole = true;
	request_body(w, m);
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
static size_t not_chunked(struct http_work *w, const struct http_input *in)
{
	struct http_tx *tx = http_current(w);

	if (tx)
		http_event(&tx->side[w->side],
		    w->side == SIDE_CLIENT ? HTTP_EVENT_REQUEST_CHUNK : HTTP_EVENT_RESPONSE_CHUNK);
	if (w->side == SIDE_CLIENT) {
		if (tx)
			tx->side[SIDE_CLIENT].broken = true;
		http_complete(w);
		http_give_up(w);
		return in->len;
	}
	w->http->parser[1].state = HTTP_BODY_CLOSE;
	http_body_bytes(w, in->p, in->len);
	return in->len;
}

static size_t chunk_length(struct http_work *w, const struct http_input *in)
{
	struct http_parser *p = &w->http->parser[w->side];

	for (size_t i = 0; i < in->len; i++) {
		bool probe = !is_blank(in->p[i]) && !may_be_chunk(in->p, i + 1);
		int64_t n;

		if (in->p[i] != '\n' && !probe)
			continue;
		n = http_chunk_length(in->p, i + 1);
		if (n == -2 && w->side == SIDE_SERVER)
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

static size_t chunk_end(struct http_work *w, const struct http_input *in)
{
	const uint8_t *lf = memchr(in->p, '\n', in->len);

	if (!lf)
		return in->len;
	w->http->parser[w->side].state = HTTP_CHUNK_LENGTH;
	return (size_t)(lf - in->p) + 1;
}

static size_t counted(struct http_work *w, const struct http_input *in)
{
	struct http_parser *p = &w->http->parser[w->side];
	size_t n = p->left < in->len ? (size_t)p->left : in->len;

	http_body_bytes(w, in->p, n);
	p->left -= n;
	if (p->left == 0) {
		if (p->state == HTTP_CHUNK_DATA) {
			p->state = HTTP_CHUNK_END;
		} else {
			http_body_end(w);
			p->state = HTTP_FINISH;
		}
	}
	return n;
}

/* One step; returns the bytes used, 0 when more are needed. */
static size_t step(struct http_work *w, const struct http_input *in)
{
	switch (w->http->parser[w->side].state) {
	case HTTP_LINE:
		return w->side == SIDE_CLIENT ? request_line(w, in) : http_response_first(w, in);
	case HTTP_HEADERS:
	case HTTP_TRAILERS:
		if (!http_current(w))
			return in->len;
		return w->side == SIDE_CLIENT ? request_header(w, in) : http_response_header(w, in);
	case HTTP_BODY_LENGTH:
	case HTTP_CHUNK_DATA:
		return counted(w, in);
	case HTTP_BODY_CLOSE:
		http_body_bytes(w, in->p, in->len);
		return in->len;
	case HTTP_CHUNK_LENGTH:
		return chunk_length(w, in);
	case HTTP_CHUNK_END:
		return chunk_end(w, in);
	case HTTP_FINISH:
		return w->side == SIDE_CLIENT ? request_finish(w, in) : http_response_finish(w, in);
	case HTTP_PROBE:
		return probe(w, in);
	case HTTP_WAIT:
	case HTTP_IGNORE:
		break;
	}
	return in->len;
}

static void run(struct http_work *w, const uint8_t *data, size_t len, bool eof)
{
	struct http_parser *p = &w->http->parser[w->side];
	bool buffered = p->pending.len > 0;
	struct http_input in = {.eof = eof};
	size_t used = 0;

	if (buffered && !bytes_append(&w->s->budget, &p->pending, data, len, HTTP_LINE_MAX + 65536)) {
		http_give_up(w);
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
	if (in.len == 0 && p->state == HTTP_FINISH)
		http_complete(w);
	if (buffered)
		bytes_consume(&p->pending, used);
	else if (in.len > HTTP_LINE_MAX)
		http_give_up(w); /* a line without end */
	else if (in.len)
		(void)bytes_append(&w->s->budget, &p->pending, in.p, in.len, HTTP_LINE_MAX);
}

static struct http_work begin(struct signatures *s, struct flow *f, enum flow_side side,
    int64_t time_us)
{
	struct http_work w = {.s = s, .flow = f, .side = side, .time_us = time_us};

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
	struct http_work w = begin(s, f, side, time_us);

	if (w.http)
		run(&w, data, len, false);
}

void http_gap(struct signatures *s, struct flow *f, enum flow_side side, uint64_t bytes,
    int64_t time_us)
{
	struct http_work w = begin(s, f, side, time_us);
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
	http_give_up(&w);
}

/* What a side said last when it will say no more: a server's line of headers without an end is
 * nobody's, and its headers are then not known to be all. */
static void last_words(struct http_work *w)
{
	struct http_parser *p = &w->http->parser[w->side];
	struct http_tx *tx;

	if (p->state == HTTP_HEADERS) {
		if (w->side == SIDE_SERVER && p->pending.len)
			run(w, (const uint8_t *)"", 0, true);
		tx = http_current(w);
		if (w->side == SIDE_CLIENT && tx)
			http_end_folded(w, &tx->side[SIDE_CLIENT]);
		if (tx)
			tx->side[w->side].headers_done = w->side == SIDE_CLIENT || p->pending.len == 0;
		return;
	}
	if (p->state != HTTP_IGNORE && p->pending.len)
		run(w, (const uint8_t *)"", 0, true);
	if (p->state == HTTP_BODY_LENGTH || p->state == HTTP_BODY_CLOSE || p->state == HTTP_FINISH)
		http_body_end(w);
}

void http_end(struct signatures *s, struct flow *f, enum flow_side side, int64_t time_us)
{
	struct http_work w = begin(s, f, side, time_us);
	struct http_tx *tx;

	if (!w.http)
		return;
	last_words(&w);
	tx = http_current(&w);
	if (tx)
		http_inspect(&w, tx);
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

bool http_idle(const struct flow *f, enum flow_side side)
{
	const struct http *h = f->session->http;

	return h && h->parser[side].state == HTTP_LINE && h->parser[side].pending.len == 0;
}

void http_view_free(struct signatures *s)
{
	if (!s->http_view)
		return;
	for (unsigned i = 0; i < BUFFER_COUNT; i++)
		bytes_fini(&s->budget, &s->http_view->made[i]);
	bytes_fini(&s->budget, &s->http_view->path);
	free(s->http_view);
	s->http_view = NULL;
}
