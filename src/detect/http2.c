/*
 * HTTP/2 in the clear (RFC 9113): each stream becomes a message of http.h, so that rules for HTTP
 * see one protocol.
 *
 * Frames are taken whole, header blocks are put together and undone (hpack.h), data goes through
 * the message's encoding.  A side is matched when it ended its stream, at the latest when the
 * session is over.  Bytes that are missing end it: the header table cannot be followed any more.
 */
#include "detect/hpack.h"
#include "detect/http.h"

#include "base/rd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define FRAME_HEADER 9u
#define FRAME_MAX (256u << 10)

enum frame_type {
	FRAME_DATA = 0,
	FRAME_HEADERS = 1,
	FRAME_RESET = 3,
	FRAME_PROMISE = 5,
	FRAME_CONTINUATION = 9,
};

#define FLAG_END_STREAM 0x01
#define FLAG_END_HEADERS 0x04
#define FLAG_PADDED 0x08
#define FLAG_PRIORITY 0x20

struct http2_side {
	struct bytes pending;
	struct bytes block; /* header block that is not whole yet */
	struct hpack table;
	uint32_t stream; /* of the block; 0: nobody's */
	bool ends;       /* the stream, with the block */
	bool greeted;
	bool lost;
};

struct http2 {
	struct http2_side side[2];
	struct http_tx *first;
	unsigned count;
};

static void free_tx(struct signatures *s, struct http2 *h, struct http_tx *tx)
{
	struct http_tx **at = &h->first;

	while (*at != tx)
		at = &(*at)->next;
	*at = tx->next;
	http_message_fini(&s->budget, &tx->side[0]);
	http_message_fini(&s->budget, &tx->side[1]);
	s->budget.used -= sizeof(*tx);
	h->count--;
	free(tx);
}

/* A side of a stream is over. */
static void finish(struct http_work *w, struct http2 *h, struct http_tx *tx, enum flow_side side)
{
	struct http_message *m = &tx->side[side];

	w->side = side;
	if (m->decoder)
		http_decoder_end(&w->s->budget, m);
	http_inspect(w, tx);
	m->complete = true;
	if (tx->side[!side].complete)
		free_tx(w->s, h, tx);
}

/* The oldest stream is matched as far as it came. */
static void end_oldest(struct http_work *w, struct http2 *h)
{
	struct http_tx *tx = h->first;
	enum flow_side side = w->side;

	w->side = SIDE_CLIENT;
	if (tx->side[SIDE_CLIENT].decoder)
		http_decoder_end(&w->s->budget, &tx->side[SIDE_CLIENT]);
	http_inspect(w, tx);
	tx->side[SIDE_CLIENT].complete = true;
	finish(w, h, tx, SIDE_SERVER);
	w->side = side;
}

static struct http_tx *stream_of(struct http_work *w, struct http2 *h, uint32_t stream, bool make)
{
	struct http_tx **at = &h->first;
	struct http_tx *tx;

	for (tx = h->first; tx; tx = tx->next)
		if (tx->stream == stream)
			return tx;
	if (!make || stream == 0)
		return NULL;
	if (h->count == HTTP_PIPELINE_MAX)
		end_oldest(w, h);
	while (*at)
		at = &(*at)->next;
	if (w->s->budget.used + sizeof(*tx) > w->s->budget.max || !(tx = calloc(1, sizeof(*tx))))
		return NULL;
	w->s->budget.used += sizeof(*tx);
	tx->stream = stream;
	tx->h2 = true;
	*at = tx;
	h->count++;
	return tx;
}

struct taker {
	struct http_work *w;
	struct http_message *m; /* NULL: nobody wants them */
};

static void take_header(void *arg, const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len)
{
	const struct taker *t = arg;

	if (t->m)
		http_keep_header(&t->w->s->budget, t->m, name, name_len, value, value_len);
}

static void put(struct http_work *w, struct http_message *m, const void *data, size_t len)
{
	(void)bytes_append(&w->s->budget, &m->line, data, len, HTTP_LINE_MAX);
}

static void put_part(struct http_work *w, struct http_message *m, unsigned part, const char *header)
{
	const uint8_t *value;
	size_t len;
	size_t at = m->line.len;

	if (http_find_exact(m, header, &value, &len))
		put(w, m, value, len);
	m->part[part] = (struct http_span){(uint32_t)at, (uint32_t)(m->line.len - at)};
	put(w, m, " ", 1);
}

/* The first line that HTTP/1 would have had. */
static void make_line(struct http_work *w, struct http_message *m)
{
	const char version[] = "HTTP/2";
	uint32_t len = sizeof(version) - 1;

	if (w->side == SIDE_CLIENT) {
		put_part(w, m, 0, ":method");
		put_part(w, m, 1, ":path");
		m->part[2] = (struct http_span){(uint32_t)m->line.len, len};
		put(w, m, version, len);
		return;
	}
	put(w, m, "HTTP/2 ", len + 1);
	m->part[0] = (struct http_span){0, len};
	put_part(w, m, 1, ":status");
	m->part[2] = (struct http_span){(uint32_t)m->line.len, 0};
}

/* False: the table is lost. */
static bool take_block(struct http_work *w, struct http2 *h)
{
	struct http2_side *own = &h->side[w->side];
	struct http_tx *tx = stream_of(w, h, own->stream, true);
	struct taker t = {w, tx ? &tx->side[w->side] : NULL};
	bool ok = hpack_read(&w->s->budget, &own->table, own->block.data, own->block.len, take_header, &t);

	own->block.len = 0;
	if (!tx)
		return ok;
	if (!t.m->begun) {
		t.m->begun = t.m->headers_done = t.m->headers_whole = true;
		make_line(w, t.m);
		http_decoder_begin(&w->s->budget, t.m, false);
	}
	if (own->ends)
		finish(w, h, tx, w->side);
	return ok;
}

static void take_data(struct http_work *w, struct http2 *h, uint32_t stream, uint8_t flags,
    const uint8_t *data, size_t len)
{
	struct http_tx *tx = stream_of(w, h, stream, false);
	struct http_message *m;

	if (!tx)
		return;
	m = &tx->side[w->side];
	if (m->decoder)
		http_decoder_feed(&w->s->budget, m, data, len);
	else if (!m->body_full && !m->inspected)
		(void)bytes_append(&w->s->budget, &m->body, data, len, HTTP_BODY_MAX);
	if (m->body.len >= HTTP_BODY_MAX && !m->body_full) {
		m->body_full = true;
		http_inspect(w, tx);
	}
	if (flags & FLAG_END_STREAM)
		finish(w, h, tx, w->side);
}

/* Padding and priority taken off; false: the frame is too short for them. */
static bool strip(struct rd *r, uint8_t flags, enum frame_type type)
{
	size_t padding = type != FRAME_CONTINUATION && flags & FLAG_PADDED ? rd_u8(r) : 0;

	if (type == FRAME_HEADERS && flags & FLAG_PRIORITY)
		rd_skip(r, 5);
	if (type == FRAME_PROMISE)
		rd_skip(r, 4);
	if (r->bad || padding > rd_left(r))
		return false;
	*r = rd_sub(r, rd_left(r) - padding);
	return true;
}

static bool take_frame(struct http_work *w, struct http2 *h, uint8_t type, uint8_t flags,
    uint32_t stream, struct rd r)
{
	struct http2_side *own = &h->side[w->side];
	struct http_tx *tx;

	switch (type) {
	case FRAME_DATA:
		if (strip(&r, flags, FRAME_DATA))
			take_data(w, h, stream, flags, r.pos, rd_left(&r));
		return true;
	case FRAME_HEADERS:
	case FRAME_PROMISE:
		own->block.len = 0;
		own->stream = type == FRAME_HEADERS ? stream : 0;
		own->ends = type == FRAME_HEADERS && flags & FLAG_END_STREAM;
		break;
	case FRAME_CONTINUATION:
		break;
	case FRAME_RESET:
		tx = stream_of(w, h, stream, false);
		if (tx)
			finish(w, h, tx, w->side);
		return true;
	default:
		return true;
	}
	if (!strip(&r, flags, (enum frame_type)type)
	    || !bytes_append(&w->s->budget, &own->block, r.pos, rd_left(&r), HTTP_RAW_MAX))
		return false;
	return !(flags & FLAG_END_HEADERS) || take_block(w, h);
}

static struct http2 *state_of(struct signatures *s, struct flow *f)
{
	struct http2 *h = f->session->http2;

	if (h || s->budget.used + sizeof(*h) > s->budget.max)
		return h;
	h = f->session->http2 = calloc(1, sizeof(*h));
	if (h) {
		s->budget.used += sizeof(*h);
		h->side[0].table.limit = h->side[1].table.limit = HPACK_SIZE_DEFAULT;
		h->side[SIDE_SERVER].greeted = true; /* only the client says the magic words */
	}
	return h;
}

void http2_data(struct signatures *s, struct flow *f, enum flow_side side, const uint8_t *data,
    size_t len, int64_t time_us)
{
	struct http_work w = {.s = s, .flow = f, .side = side, .time_us = time_us};
	struct http2 *h = state_of(s, f);
	struct http2_side *own;
	struct bytes *b;
	size_t used = 0;

	if (!h)
		return;
	own = &h->side[side];
	b = &own->pending;
	if (own->lost || !bytes_append(&s->budget, b, data, len, FRAME_MAX * 2)) {
		own->lost = true;
		return;
	}
	if (!own->greeted) {
		if (b->len < MAGIC_LEN)
			return;
		own->greeted = true;
		used = MAGIC_LEN;
	}
	while (!own->lost && b->len - used >= FRAME_HEADER) {
		const uint8_t *p = b->data + used;
		size_t n = (size_t)p[0] << 16 | rd_at_u16be(p + 1);

		own->lost = n > FRAME_MAX;
		if (own->lost || b->len - used - FRAME_HEADER < n)
			break;
		own->lost = !take_frame(&w, h, p[3], p[4], rd_at_u32be(p + 5) & 0x7fffffffu,
		    rd_init(p + FRAME_HEADER, n));
		w.side = side;
		used += FRAME_HEADER + n;
	}
	bytes_consume(b, used);
}

void http2_gap(struct flow *f, enum flow_side side)
{
	if (f->session->http2)
		f->session->http2->side[side].lost = true;
}

void http2_close(struct signatures *s, struct flow *f, int64_t time_us)
{
	struct http2 *h = f->session->http2;
	struct http_work w = {.s = s, .flow = f, .time_us = time_us};

	if (!h)
		return;
	while (h->first)
		end_oldest(&w, h);
	for (int side = 0; side < 2; side++) {
		bytes_fini(&s->budget, &h->side[side].pending);
		bytes_fini(&s->budget, &h->side[side].block);
		hpack_fini(&s->budget, &h->side[side].table);
	}
	s->budget.used -= sizeof(*h);
	free(h);
	f->session->http2 = NULL;
}
