/*
 * The bounded reader: the only way bytes from outside are looked at.
 *
 * A reader that is asked for more than there is turns bad, stays bad and gives zeros; a parser
 * reads a whole structure and checks `bad` once, before it uses anything.  Views point into the
 * reader's memory and live as long as that does.  Big endian is network order (RFC 1700).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rd {
	const uint8_t *pos;
	const uint8_t *end;
	bool bad;
};

static inline struct rd rd_init(const void *data, size_t len)
{
	/* An empty view may be NULL, and C gives NULL + 0 no meaning. */
	struct rd r = {.pos = data, .end = len ? (const uint8_t *)data + len : data, .bad = false};
	return r;
}

/* Nothing is left once it is bad: a loop as long as something is left ends. */
static inline size_t rd_left(const struct rd *r)
{
	return r->bad ? 0 : (size_t)(r->end - r->pos);
}

/* Returns len bytes and moves past them, or NULL (and turns bad). */
static inline const uint8_t *rd_take(struct rd *r, size_t len)
{
	const uint8_t *p = r->pos;

	if (r->bad || (size_t)(r->end - r->pos) < len) {
		r->bad = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

static inline void rd_skip(struct rd *r, size_t len)
{
	(void)rd_take(r, len);
}

/* A sub-reader over the next len bytes; bad itself when there are not that many. */
static inline struct rd rd_sub(struct rd *r, size_t len)
{
	const uint8_t *p = rd_take(r, len);
	struct rd sub = rd_init(p ? p : r->pos, p ? len : 0);

	sub.bad = !p;
	return sub;
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_take(r, 1);
	return p ? p[0] : 0;
}

#define RD_DEFINE(bits, suffix, swap)                                      \
	static inline uint##bits##_t rd_u##bits##suffix(struct rd *r)      \
	{                                                                  \
		const uint8_t *p = rd_take(r, bits / 8);                   \
		uint##bits##_t v = 0;                                      \
		if (p)                                                     \
			memcpy(&v, p, bits / 8);                           \
		return swap ? __builtin_bswap##bits(v) : v;                \
	}

#define RD_HOST_LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
RD_DEFINE(16, be, RD_HOST_LITTLE)
RD_DEFINE(32, be, RD_HOST_LITTLE)
RD_DEFINE(64, be, RD_HOST_LITTLE)
RD_DEFINE(16, le, !RD_HOST_LITTLE)
RD_DEFINE(32, le, !RD_HOST_LITTLE)
RD_DEFINE(64, le, !RD_HOST_LITTLE)
#undef RD_DEFINE

/* Big-endian loads from inside a window that rd_take has already checked. */
static inline uint16_t rd_at_u16be(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t rd_at_u32be(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return RD_HOST_LITTLE ? __builtin_bswap32(v) : v;
}

static inline uint64_t rd_at_u64be(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return RD_HOST_LITTLE ? __builtin_bswap64(v) : v;
}
