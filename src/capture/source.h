/*
 * Where a capture's bytes come from: a file, standard input or memory, unpacked when compressed.
 * Private to capture/.
 */
#pragma once

#include "capture/unpack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A multiple of the page size, so that later reads of a plain file stay aligned. */
#define SOURCE_IN_SIZE (128u << 10)

/* Zero-initialise; reusable after source_close, released by source_fini. */
struct source {
	int fd; /* −1 when there is none */
	bool fd_is_stdin;
	uint8_t *in_buf; /* SOURCE_IN_SIZE bytes, ours */
	const uint8_t *in;
	size_t in_len;
	bool in_ended;
	uint64_t consumed; /* bytes of the file read so far, as stored */
	const struct unpack *unpack;
	void *unpack_state;
	bool between; /* the compressed stream may end here */
	int error;
	char text[UNPACK_TEXT_MAX]; /* why, when error is not ST_OK */
};

/* Opens a path, or standard input for "-".  On failure text says why. */
ST_MUST_CHECK int source_open(struct source *s, const char *path);

/* Reads memory that stays the caller's until source_close. */
ST_MUST_CHECK int source_open_memory(struct source *s, const void *data, size_t len);

/* "" or the name of the compression. */
const char *source_compression(const struct source *s);

/*
 * Reads up to len > 0 bytes; *ret_len is 0 at the end.  Everything before an error has been
 * returned when the error comes.
 */
ST_MUST_CHECK int source_read(struct source *s, uint8_t *buf, size_t len, size_t *ret_len);

void source_close(struct source *s);
void source_fini(struct source *s);
