/*
 * gzip (RFC 1952), zstd (RFC 8878), xz (tukaani.org/xz/format.html) and lz4 frames (lz4 frame
 * format 1.6) through their libraries.
 *
 * A step must never be trusted to make progress (source.c checks that), and what a decoder may
 * allocate is bounded by UNPACK_WINDOW_LOG_MAX and UNPACK_MEMORY_MAX.
 */
#include "capture/unpack.h"

#include <errno.h>
#include <limits.h>
#include <lz4frame.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* zlib: 15 window bits, +16 = gzip wrapper only. */
#define GZIP_WINDOW_BITS (15 + 16)

static int fail(struct unpack_io *io, const char *name, const char *why)
{
	(void)snprintf(io->text, sizeof(io->text), "%s data: %s", name, why);
	return ST_MALFORMED;
}

static void advance(struct unpack_io *io, size_t consumed, size_t produced)
{
	io->in += consumed;
	io->in_len -= consumed;
	io->out += produced;
	io->out_len -= produced;
}

struct gzip {
	z_stream z;
	bool between;
};

static int gzip_open(void **ret_state)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (inflateInit2(&g->z, GZIP_WINDOW_BITS) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	*ret_state = g;
	return ST_OK;
}

static int gzip_step(void *state, struct unpack_io *io)
{
	struct gzip *g = state;
	size_t zeros = 0;
	uInt in_len;
	uInt out_len;
	int rc;

	if (g->between) {
		/* Tapes and block devices pad with zeros after the last member; gzip -d too. */
		while (zeros < io->in_len && io->in[zeros] == 0)
			zeros++;
		advance(io, zeros, 0);
		if (!io->in_len) {
			io->between = true;
			return ST_OK;
		}
		if (inflateReset(&g->z) != Z_OK)
			return fail(io, "gzip", "reset failed");
		g->between = false;
	}
	in_len = io->in_len > UINT_MAX ? UINT_MAX : (uInt)io->in_len;
	out_len = io->out_len > UINT_MAX ? UINT_MAX : (uInt)io->out_len;
	g->z.next_in = (z_const Bytef *)(uintptr_t)io->in;
	g->z.avail_in = in_len;
	g->z.next_out = io->out;
	g->z.avail_out = out_len;
	rc = inflate(&g->z, Z_NO_FLUSH);
	advance(io, in_len - g->z.avail_in, out_len - g->z.avail_out);
	g->between = rc == Z_STREAM_END;
	io->between = g->between;
	if (rc == Z_MEM_ERROR)
		return -ENOMEM;
	if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
		return fail(io, "gzip", g->z.msg ? g->z.msg : "damaged");
	return ST_OK;
}

static void gzip_close(void *state)
{
	struct gzip *g = state;

	(void)inflateEnd(&g->z);
	free(g);
}

static int zstd_open(void **ret_state)
{
	ZSTD_DCtx *z = ZSTD_createDCtx();

	if (!z)
		return -ENOMEM;
	if (ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, UNPACK_WINDOW_LOG_MAX))) {
		(void)ZSTD_freeDCtx(z);
		return -EINVAL;
	}
	*ret_state = z;
	return ST_OK;
}

static int zstd_step(void *state, struct unpack_io *io)
{
	ZSTD_inBuffer in = {.src = io->in, .size = io->in_len, .pos = 0};
	ZSTD_outBuffer out = {.dst = io->out, .size = io->out_len, .pos = 0};
	size_t rc = ZSTD_decompressStream(state, &out, &in);

	advance(io, in.pos, out.pos);
	if (ZSTD_isError(rc))
		return fail(io, "zstd", ZSTD_getErrorName(rc));
	/* Zero: a frame is complete and flushed; the next call begins another one. */
	io->between = rc == 0;
	return ST_OK;
}

static void zstd_close(void *state)
{
	(void)ZSTD_freeDCtx(state);
}

struct xz {
	lzma_stream z;
	bool done;
};

static int xz_open(void **ret_state)
{
	static const lzma_stream init = LZMA_STREAM_INIT;
	struct xz *x = calloc(1, sizeof(*x));

	if (!x)
		return -ENOMEM;
	x->z = init;
	if (lzma_stream_decoder(&x->z, UNPACK_MEMORY_MAX, LZMA_CONCATENATED) != LZMA_OK) {
		free(x);
		return -ENOMEM;
	}
	*ret_state = x;
	return ST_OK;
}

static int xz_step(void *state, struct unpack_io *io)
{
	struct xz *x = state;
	size_t in_len = io->in_len;
	size_t out_len = io->out_len;
	lzma_ret rc;

	if (x->done) {
		io->between = true;
		return ST_OK;
	}
	x->z.next_in = io->in;
	x->z.avail_in = in_len;
	x->z.next_out = io->out;
	x->z.avail_out = out_len;
	rc = lzma_code(&x->z, io->in_ended ? LZMA_FINISH : LZMA_RUN);
	advance(io, in_len - x->z.avail_in, out_len - x->z.avail_out);
	x->done = rc == LZMA_STREAM_END;
	io->between = x->done;
	if (rc == LZMA_MEM_ERROR)
		return -ENOMEM;
	if (rc == LZMA_MEMLIMIT_ERROR)
		return fail(io, "xz", "needs more memory than allowed");
	if (rc == LZMA_OPTIONS_ERROR)
		return fail(io, "xz", "uses options this liblzma does not know");
	if (rc != LZMA_OK && rc != LZMA_STREAM_END && rc != LZMA_BUF_ERROR)
		return fail(io, "xz", "corrupt");
	return ST_OK;
}

static void xz_close(void *state)
{
	struct xz *x = state;

	lzma_end(&x->z);
	free(x);
}

static int lz4_open(void **ret_state)
{
	LZ4F_dctx *z = NULL;

	if (LZ4F_isError(LZ4F_createDecompressionContext(&z, LZ4F_VERSION)))
		return -ENOMEM;
	*ret_state = z;
	return ST_OK;
}

static int lz4_step(void *state, struct unpack_io *io)
{
	size_t in_len = io->in_len;
	size_t out_len = io->out_len;
	size_t rc = LZ4F_decompress(state, io->out, &out_len, io->in, &in_len, NULL);

	if (LZ4F_isError(rc))
		return fail(io, "lz4", LZ4F_getErrorName(rc));
	advance(io, in_len, out_len);
	io->between = rc == 0;
	return ST_OK;
}

static void lz4_close(void *state)
{
	(void)LZ4F_freeDecompressionContext(state);
}

static const struct unpack unpacks[] = {
    {"gzip", {0x1f, 0x8b}, 2, gzip_open, gzip_step, gzip_close},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, zstd_open, zstd_step, zstd_close},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, xz_open, xz_step, xz_close},
    {"lz4", {0x04, 0x22, 0x4d, 0x18}, 4, lz4_open, lz4_step, lz4_close},
};

const struct unpack *unpack_find(const uint8_t *head, size_t len)
{
	static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18};
	uint8_t first[UNPACK_MAGIC_MAX] = {0};

	if (len > sizeof(first))
		len = sizeof(first);
	memcpy(first, head, len);
	/*
	 * Skippable frames (0x184D2A50 to 0x184D2A5F) open what pzstd and zstd's seekable format
	 * write; no lz4 tool begins with one.
	 */
	if (len >= sizeof(skippable) && (first[0] & 0xf0) == skippable[0] &&
	    memcmp(first + 1, skippable + 1, sizeof(skippable) - 1) == 0)
		memcpy(first, unpacks[1].magic, unpacks[1].magic_len);
	for (size_t i = 0; i < sizeof(unpacks) / sizeof(unpacks[0]); i++)
		if (len >= unpacks[i].magic_len &&
		    memcmp(first, unpacks[i].magic, unpacks[i].magic_len) == 0)
			return &unpacks[i];
	return NULL;
}
