/*
 * The bounded writer: the counterpart of rd.h for bytes that leave.
 *
 * A writer that would pass its end writes nothing more and turns bad; the caller checks once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct wr {
	uint8_t *start;
	uint8_t *pos;
	uint8_t *end;
	bool bad;
};

static inline struct wr wr_init(void *data, size_t len)
{
	struct wr w = {.start = data, .pos = data, .end = (uint8_t *)data + len, .bad = false};
	return w;
}

static inline size_t wr_len(const struct wr *w)
{
	return (size_t)(w->pos - w->start);
}

static inline void wr_bytes(struct wr *w, const void *data, size_t len)
{
	if (w->bad || (size_t)(w->end - w->pos) < len) {
		w->bad = true;
		return;
	}
	if (len)
		memcpy(w->pos, data, len);
	w->pos += len;
}

static inline void wr_u8(struct wr *w, uint8_t v)
{
	wr_bytes(w, &v, 1);
}

#define WR_DEFINE(bits, suffix, swap)                                              \
	static inline void wr_u##bits##suffix(struct wr *w, uint##bits##_t v)      \
	{                                                                          \
		v = swap ? __builtin_bswap##bits(v) : v;                           \
		wr_bytes(w, &v, bits / 8);                                         \
	}

#define WR_HOST_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
WR_DEFINE(16, be, WR_HOST_LITTLE)
WR_DEFINE(32, be, WR_HOST_LITTLE)
WR_DEFINE(64, be, WR_HOST_LITTLE)
WR_DEFINE(16, le, !WR_HOST_LITTLE)
WR_DEFINE(32, le, !WR_HOST_LITTLE)
WR_DEFINE(64, le, !WR_HOST_LITTLE)
#undef WR_DEFINE
