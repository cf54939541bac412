/* The sliding buffer; the contract is in window.h. */
#include "capture/window.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE 4096u
#define WINDOW_CAP (WINDOW_ROOM + WINDOW_READ_SIZE) /* of a buffer that holds no large packet */

static bool fail_memory(struct window *w)
{
	w->error = -ENOMEM;
	w->ended = true;
	return false;
}

static bool grow(struct window *w, size_t cap)
{
	uint8_t *buf;

	cap = (cap + PAGE - 1) & ~(size_t)(PAGE - 1);
	buf = aligned_alloc(PAGE, cap);
	if (!buf)
		return fail_memory(w);
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
	if (!w->buf && !grow(w, WINDOW_CAP))
		return -ENOMEM;
	return ST_OK;
}

/* Goes on in the buffer that was left longest ago, with what is left of this one at start. */
static bool turn(struct window *w, size_t start)
{
	struct window_buffer *left = &w->left[w->left_first];
	struct window_buffer old = {w->buf, w->cap, w->batches};
	size_t have = window_have(w);

	if (left->bytes)
		w->settle(w->settle_arg, left->batch);
	if (left->cap != WINDOW_CAP) {
		free(left->bytes);
		left->bytes = aligned_alloc(PAGE, WINDOW_CAP);
		left->cap = WINDOW_CAP;
	}
	if (!left->bytes) {
		left->cap = 0;
		return fail_memory(w);
	}
	memcpy(left->bytes + start, w->buf + w->pos, have);
	w->buf = left->bytes;
	w->cap = left->cap;
	w->pos = start;
	w->end = start + have;
	*left = old;
	w->left_first = (w->left_first + 1) % (WINDOW_BUFFERS - 1);
	return true;
}

static void free_left(struct window *w)
{
	for (unsigned i = 0; i < WINDOW_BUFFERS - 1; i++)
		free(w->left[i].bytes);
	memset(w->left, 0, sizeof(w->left));
}

/* Moves what is left so that the next read lands on a page and there is room for need bytes. */
static bool make_room(struct window *w, size_t need)
{
	size_t have = window_have(w);
	size_t start = have <= WINDOW_ROOM ? WINDOW_ROOM - have : 0;

	if (w->settle && start + need <= WINDOW_CAP)
		return turn(w, start);
	if (w->settle) {
		w->settle(w->settle_arg, w->batches);
		free_left(w);
	}
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
	free_left(w);
}
