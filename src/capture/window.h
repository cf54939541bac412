/*
 * The window: one big buffer that slides over a capture's bytes.  Private to capture/.
 *
 * Packets are views into it, so it may move only between batches.  It holds at least one whole
 * record and grows for a large one up to WINDOW_NEED_MAX; otherwise its size is constant.
 */
#pragma once

#include "base/rd.h"
#include "capture/source.h"

/*
 * Bytes asked of the source at once: what read(2) has copied is parsed while it is still in the
 * second-level cache.  Measured on a 1 GB pcap of 75-byte records in the page cache, one core
 * with 1 MiB of it: 128 KiB 155, 256 KiB 168, 512 KiB 176, 1 MiB 160, 4 MiB 162 M packets/s.
 */
#define WINDOW_READ_SIZE (512u << 10)

/* The rest of a batch is moved in front of the next read, which so stays page-aligned. */
#define WINDOW_ROOM (64u << 10)

/* A packet's captured bytes and its headers. */
#define WINDOW_PACKET_MAX (64u << 20)
#define WINDOW_NEED_MAX (WINDOW_PACKET_MAX + (64u << 10))

/* Where views outlive a call: buffers that are filled in turn, of which others may still read all
 * but one.  A packet that is larger than they are waits until nobody reads, so one is large at a
 * time. */
#define WINDOW_BUFFERS 3u

struct window_buffer {
	uint8_t *bytes; /* NULL: none yet */
	size_t cap;
	uint64_t batch; /* the last that may have views into it */
};

struct window {
	struct source *source;
	uint8_t *buf;
	size_t cap;
	size_t pos;
	size_t end;
	uint64_t taken; /* bytes of the (uncompressed) stream read so far */
	bool ended;     /* the source has nothing more */
	int error;      /* why, when it did not end well */
	uint64_t batches; /* delivered so far, counted by the owner */
	void (*settle)(void *arg, uint64_t batch); /* of the owner; as capture_options has it */
	void *settle_arg;
	struct window_buffer left[WINDOW_BUFFERS - 1]; /* a ring, only with settle */
	unsigned left_first; /* was left longest ago */
};

/* Starts at the beginning of an open source; keeps the memory of an earlier one. */
ST_MUST_CHECK int window_start(struct window *w, struct source *source);

/*
 * Tries to have need ≤ WINDOW_NEED_MAX bytes from pos on.  Returns whether it has; if not, the
 * stream has ended or failed (w->error).  Invalidates every view; with settle, after calling it,
 * and only those of the batches it was called with.
 */
bool window_fill(struct window *w, size_t need);

/* Moves pos by len bytes, which need not be in the buffer.  False when the stream ends before. */
bool window_skip(struct window *w, uint64_t len);

static inline size_t window_have(const struct window *w)
{
	return w->end - w->pos;
}

/* Offset of pos in the uncompressed stream. */
static inline uint64_t window_offset(const struct window *w)
{
	return w->taken - window_have(w);
}

/* Offset in the stream of a view into the window. */
static inline uint64_t window_offset_of(const struct window *w, const uint8_t *view)
{
	return w->taken - (uint64_t)(w->buf + w->end - view);
}

/* A reader over everything from pos on. */
static inline struct rd window_rd(const struct window *w)
{
	return rd_init(w->buf + w->pos, window_have(w));
}

/* Moves pos to where a reader of this window stands. */
static inline void window_consume(struct window *w, const uint8_t *pos)
{
	w->pos = (size_t)(pos - w->buf);
}

void window_fini(struct window *w);
