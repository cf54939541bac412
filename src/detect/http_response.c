/*
 * The server's side of an HTTP session: first line, headers, where the body ends.
 *
 * Servers and evaders write what browsers forgive: lines that end in CR, LF, CR LF or LF CR,
 * something in front of the status, bytes behind the declared body.  This reads them as libhtp 0.5
 * does, which is what the rules in use were tried with.  It never matches anything by itself.
 */
#include "detect/http.h"

#include <string.h>

static bool is_folding(uint8_t c)
{
	return c == ' ' || c == '\t' || c == 0;
}

/* ---- where the body is ---------------------------------------------------------------------- */

static bool has_body(const struct http_tx *tx, const struct http_message *m)
{
	const uint8_t *value;
	size_t len;

	if (http_method_is(&tx->side[0], "HEAD"))
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

/* The request waited for this. */
static void answer_connect(struct http_work *w, const struct http_message *m)
{
	struct http_work client = *w;

	client.side = SIDE_CLIENT;
	if (http_current(&client))
		http_current(&client)->side[SIDE_CLIENT].headers_done = true;
	http_complete(&client);
	w->http->parser[SIDE_CLIENT].state = m->status / 100 == 2 ? HTTP_PROBE : HTTP_LINE;
}

static void find_body(struct http_work *w, struct http_tx *tx)
{
	struct http_parser *p = &w->http->parser[SIDE_SERVER];
	struct http_message *m = &tx->side[1];
	const uint8_t *value;
	size_t len;

	m->headers_done = true;
	if (is_interim(tx, m)) {
		tx->continued = true;
		http_message_fini(&w->s->budget, m);
		memset(m, 0, sizeof(*m));
		p->state = HTTP_LINE;
		return;
	}
	if (m->status == 101 && !http_find_header(m, "transfer-encoding", &value, &len)
	    && !http_find_header(m, "content-length", &value, &len)) {
		http_complete(w);
		http_give_up(w);
		return;
	}
	if (w->http->parser[SIDE_CLIENT].state == HTTP_WAIT) {
		answer_connect(w, m);
		if (m->status / 100 == 2) {
			p->state = HTTP_FINISH;
			return;
		}
	}
	http_decoder_begin(&w->s->budget, m, false);
	if (!has_body(tx, m)) {
		p->state = HTTP_FINISH;
	} else if (http_find_header(m, "transfer-encoding", &value, &len)
	    && http_contains(value, len, "chunked")) {
		p->state = HTTP_CHUNK_LENGTH;
	} else if (!http_find_header(m, "content-length", &value, &len)) {
		p->state = HTTP_BODY_CLOSE;
	} else if (!http_content_length(value, len, &p->left)) {
		http_event(m, HTTP_EVENT_RESPONSE_LENGTH);
		m->headers_done = false; /* nobody knows what follows */
		http_complete(w);
		http_give_up(w);
	} else {
		p->state = p->left ? HTTP_BODY_LENGTH : HTTP_FINISH;
	}
}

/* ---- the first line ------------------------------------------------------------------------- */

static struct http_tx *answered(struct http_work *w)
{
	struct http_tx *tx = w->http->first;

	while (tx && tx->side[1].complete)
		tx = tx->next;
	if (!tx) { /* an answer to what was not seen */
		tx = http_new_tx(w);
		if (tx) {
			tx->side[0].complete = tx->side[0].inspected = true;
			http_event(&tx->side[1], HTTP_EVENT_UNASKED);
		}
	}
	return tx;
}

/* Ends with LF, CR LF, or a CR that is followed by something else.  0: more is needed. */
static size_t first_line(const struct http_input *in)
{
	for (size_t i = 0; i < in->len; i++) {
		if (in->p[i] == '\n')
			return i + 1;
		if (in->p[i] == '\r' && i + 1 < in->len && in->p[i + 1] != '\n')
			return i + 1;
	}
	return in->eof ? in->len : 0;
}

size_t http_response_first(struct http_work *w, const struct http_input *in)
{
	struct http *h = w->http;
	struct http_parser *p = &h->parser[SIDE_SERVER];
	struct http_message *m;
	size_t used = first_line(in);
	size_t len;

	if (!used)
		return 0;
	if (!h->response)
		h->response = answered(w);
	if (!h->response) {
		http_give_up(w);
		return in->len;
	}
	if (http_is_blank_line(in->p, used))
		return used;
	m = &h->response->side[1];
	m->begun = true;
	len = http_chomp(in->p, used);
	if (!http_looks_like_response(in->p, len)) {
		/* Browsers take this for the body, unless an answer follows. */
		if (used + 1 < in->len && (in->p[used] == 'H' || len <= 2))
			return used;
		http_body_bytes(w, in->p, used);
		if (used == in->len)
			p->state = HTTP_FINISH;
		return used;
	}
	m->line.len = 0;
	(void)bytes_append(&w->s->budget, &m->line, in->p, len, HTTP_LINE_MAX);
	http_response_line(m);
	p->state = HTTP_HEADERS;
	p->lfcr = false;
	return used;
}

/* ---- headers -------------------------------------------------------------------------------- */

/* A line of headers: what it is and how much of the input it took. */
struct line {
	size_t start; /* bytes in front are left out */
	size_t end;
	bool lfcr; /* it ended with LF CR */
};

/*
 * LF CR ends a line as CR LF does; CR CR does not; behind LF CR, CR LF CR LF is one end.  A CR
 * alone is no empty line: it stays in front of the next.  False: more is needed.
 */
static bool header_end(const struct http_parser *ps, const struct http_input *in, struct line *line)
{
	const uint8_t *p = in->p;
	size_t start = 0;
	bool lfcr = ps->lfcr;

	for (size_t i = 0; i < in->len; i++) {
		bool cr = p[i] == '\r';

		if (!cr && p[i] != '\n') {
			lfcr = false;
			continue;
		}
		if (cr && i + 1 == in->len)
			return false;
		if (cr && p[i + 1] == '\r')
			continue;
		if (cr) {
			i += p[i + 1] == '\n';
			if (lfcr && p[i] == '\n' && i + 1 < in->len && p[i + 1] == '\r') {
				start++;
				i++;
				if (i + 1 < in->len && p[i + 1] == '\n') {
					start++;
					i++;
				}
			}
			lfcr = false;
			if (i + 1 - start < 2)
				continue;
		} else {
			lfcr = i + 1 < in->len && p[i + 1] == '\r';
			i += lfcr;
		}
		*line = (struct line){start, i + 1, lfcr};
		return true;
	}
	return false;
}

static bool ends_headers(const struct http_input *in, const struct line *line)
{
	const uint8_t *p = in->p + line->start;
	size_t len = line->end - line->start;

	if (http_is_blank_line(p, len))
		return true;
	return len == 2 && (p[0] == ' ' || p[0] == '\t') && p[1] == '\n' && line->end < in->len
	    && in->p[line->end] != '\n';
}

static void folded_line(struct http_work *w, struct http_message *m, const uint8_t *p, size_t len)
{
	struct http_parser *ps = &w->http->parser[SIDE_SERVER];

	if (!ps->has_folded) {
		while (len && is_folding(*p)) {
			p++;
			len--;
		}
	} else if (len && memchr(p, ':', len) && ps->folded.len
	    && memchr(ps->folded.data, ':', ps->folded.len) && m->part[0].len == 8
	    && memcmp(m->line.data + m->part[0].at + 5, "1.1", 3) == 0) {
		http_end_folded(w, m); /* it is a header of its own */
		p++;
		len--;
	}
	(void)bytes_append(&w->s->budget, &ps->folded, p, len, HTTP_LINE_MAX);
	ps->has_folded = true;
}

size_t http_response_header(struct http_work *w, const struct http_input *in)
{
	struct http_parser *ps = &w->http->parser[SIDE_SERVER];
	struct http_tx *tx = http_current(w);
	struct http_message *m = &tx->side[1];
	struct line line;
	const uint8_t *p;
	size_t len;
	bool end;

	if (!header_end(ps, in, &line))
		return 0;
	end = ends_headers(in, &line);
	if (!end && line.end == in->len && !in->eof)
		return 0; /* the next byte says whether it is folded */
	ps->lfcr = line.lfcr;
	if (!m->headers_done)
		(void)bytes_append(&w->s->budget, &m->raw, in->p, line.end, HTTP_RAW_MAX);
	if (end) {
		bool trailers = m->headers_done;

		http_end_folded(w, m);
		ps->lfcr = false;
		if (trailers)
			ps->state = HTTP_FINISH;
		else
			find_body(w, tx);
		return line.end;
	}
	p = in->p + line.start;
	len = http_chomp(p, line.end - line.start);
	if (len == 0 || is_folding(*p)) {
		folded_line(w, m, p, len);
		return line.end;
	}
	http_end_folded(w, m);
	if (line.end < in->len && is_folding(in->p[line.end])) {
		(void)bytes_append(&w->s->budget, &ps->folded, p, len, HTTP_LINE_MAX);
		ps->has_folded = true;
	} else {
		http_add_header(&w->s->budget, m, p, len, false);
	}
	return line.end;
}

/* ---- behind the end ------------------------------------------------------------------------- */

size_t http_response_finish(struct http_work *w, const struct http_input *in)
{
	const uint8_t *lf = memchr(in->p, '\n', in->len);
	size_t n = lf ? (size_t)(lf - in->p) + 1 : in->len;

	if (!lf && !in->eof)
		return 0;
	if (!http_looks_like_response(in->p, n)) {
		http_body_bytes(w, in->p, n);
		return n;
	}
	http_complete(w);
	return http_response_first(w, in);
}
