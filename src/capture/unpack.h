/*
 * Decompressors: gzip, zstd, xz and lz4 frames behind one incremental step.  Private to capture/.
 *
 * A step is given input and room and moves both forward; it never blocks, reads files or keeps
 * pointers into them.  Frames and members that follow one another count as one stream.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNPACK_MAGIC_MAX 6
#define UNPACK_TEXT_MAX 120

/* What a decoder may keep: a hostile header can ask for gigabytes. */
#define UNPACK_WINDOW_LOG_MAX 27
#define UNPACK_MEMORY_MAX (256u << 20)

struct unpack_io {
	const uint8_t *in;
	size_t in_len;
	bool in_ended; /* nothing follows in */
	uint8_t *out;
	size_t out_len;
	bool between;               /* set by a step: the stream may end here */
	char text[UNPACK_TEXT_MAX]; /* set by a step that fails: why */
};

struct unpack {
	const char *name;
	uint8_t magic[UNPACK_MAGIC_MAX];
	size_t magic_len;
	int (*open)(void **ret_state);
	int (*step)(void *state, struct unpack_io *io);
	void (*close)(void *state);
};

/* The decompressor for a stream that begins with these bytes, NULL when it is not compressed. */
const struct unpack *unpack_find(const uint8_t *head, size_t len);
