/* The sliding buffer; the contract is in window.h. */
#include "capture/window.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE 4096u

static bool grow(struct window *w, size_t cap)
{
	uint8_t *buf;

	cap = (cap + PAGE - 1) & ~(size_t)(PAGE - 1);
	buf = aligned_alloc(PAGE, cap);
	if (!buf) {
		w->error = -ENOMEM;
		w->ended = true;
		return false;
	}
	if (w->buf)
		memcpy(buf + w->pos, w->buf + w->pos, window_have(w));
	free(w->buf);
	w->buf = buf;
	w->cap = cap;
	return true;
}

int window_start(struct window *w, struct source *source)
{
	w->source = source;
	w->pos = WINDOW_ROOM;
	w->end = WINDOW_ROOM;
	w->taken = 0;
	w->ended = false;
	w->error = ST_OK;
	if (!w->buf && !grow(w, WINDOW_ROOM + WINDOW_READ_SIZE))
		return -ENOMEM;
	return ST_OK;
}

/* Moves what is left so that the next read lands on a page and there is room for need bytes. */
static bool make_room(struct window *w, size_t need)
{
	size_t have = window_have(w);
	size_t start = have <= WINDOW_ROOM ? WINDOW_ROOM - have : 0;

	if (start + need > w->cap && !grow(w, WINDOW_ROOM + need + WINDOW_READ_SIZE))
		return false;
	if (start != w->pos && have)
		memmove(w->buf + start, w->buf + w->pos, have);
	w->pos = start;
	w->end = start + have;
	return true;
}

bool window_fill(struct window *w, size_t need)
{
	size_t want;
	size_t got;

	if (window_have(w) >= need)
		return true;
	if (w->ended || need > WINDOW_NEED_MAX || !make_room(w, need))
		return false;
	while (window_have(w) < need) {
		want = need - window_have(w);
		if (want < WINDOW_READ_SIZE)
			want = WINDOW_READ_SIZE;
		if (want > w->cap - w->end)
			want = w->cap - w->end;
		got = 0;
		w->error = source_read(w->source, w->buf + w->end, want, &got);
		if (w->error != ST_OK || got == 0) {
			w->ended = true;
			return false;
		}
		w->end += got;
		w->taken += got;
	}
	return true;
}

bool window_skip(struct window *w, uint64_t len)
{
	size_t part;

	while (len) {
		if (!window_have(w) && !window_fill(w, 1))
			return false;
		part = len < window_have(w) ? (size_t)len : window_have(w);
		w->pos += part;
		len -= part;
	}
	return true;
}

void window_fini(struct window *w)
{
	free(w->buf);
	w->buf = NULL;
	w->cap = 0;
}
