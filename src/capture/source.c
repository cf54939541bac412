/*
 * Bytes of one input: open, tell compression by its magic number, read.
 *
 * A plain file costs one read(2) per call straight into the caller's memory; only its first bytes
 * pass through a buffer here, because standard input cannot be looked at twice.
 */
#include "capture/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(struct source *s, int code, const char *what)
{
	s->error = code;
	(void)snprintf(s->text, sizeof(s->text), "%s", what);
	return code;
}

static int fail_errno(struct source *s, const char *what)
{
	int code = -errno;

	s->error = code;
	(void)snprintf(s->text, sizeof(s->text), "%s: %s", what, st_text(code));
	return code;
}

static int read_some(struct source *s, uint8_t *buf, size_t len, size_t *ret_len)
{
	ssize_t n;

	do {
		n = read(s->fd, buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(s, "cannot read");
	s->consumed += (uint64_t)n;
	*ret_len = (size_t)n;
	return ST_OK;
}

/* Reads into the buffer until at least len bytes are in it or the input has ended. */
static int refill(struct source *s, size_t len)
{
	size_t n = 0;
	int rc;

	if (s->in_len)
		memmove(s->in_buf, s->in, s->in_len);
	s->in = s->in_buf;
	while (!s->in_ended && s->in_len < len) {
		rc = read_some(s, s->in_buf + s->in_len, SOURCE_IN_SIZE - s->in_len, &n);
		if (rc != ST_OK)
			return rc;
		s->in_len += n;
		s->in_ended = n == 0;
	}
	return ST_OK;
}

static int start(struct source *s)
{
	const struct unpack *unpack;
	int rc;

	if (!s->in_ended) {
		rc = refill(s, UNPACK_MAGIC_MAX);
		if (rc != ST_OK)
			return rc;
	}
	if (!s->in_len)
		return fail(s, ST_TRUNC, "the file is empty");
	unpack = unpack_find(s->in, s->in_len);
	if (!unpack)
		return ST_OK;
	rc = unpack->open(&s->unpack_state);
	if (rc != ST_OK)
		return fail(s, rc, "cannot start the decompressor");
	s->unpack = unpack;
	return ST_OK;
}

static void reset(struct source *s)
{
	uint8_t *in_buf = s->in_buf;

	memset(s, 0, sizeof(*s));
	s->in_buf = in_buf;
	s->fd = -1;
}

int source_open(struct source *s, const char *path)
{
	struct stat st;
	int rc;

	reset(s);
	if (!s->in_buf)
		s->in_buf = aligned_alloc(4096, SOURCE_IN_SIZE);
	if (!s->in_buf)
		return fail(s, -ENOMEM, "out of memory");
	s->fd_is_stdin = strcmp(path, "-") == 0;
	s->fd = s->fd_is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (s->fd < 0)
		return fail_errno(s, "cannot open");
	if (fstat(s->fd, &st) < 0)
		rc = fail_errno(s, "cannot look at it");
	else if (S_ISDIR(st.st_mode))
		rc = fail(s, -EISDIR, "is a directory, not a capture file");
	else
		rc = ST_OK;
	if (rc == ST_OK) {
		/* Advice only: a pipe refuses it and nothing is lost. */
		(void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		rc = start(s);
	}
	if (rc != ST_OK)
		source_close(s);
	return rc;
}

int source_open_memory(struct source *s, const void *data, size_t len)
{
	int rc;

	reset(s);
	s->in = data;
	s->in_len = len;
	s->in_ended = true;
	s->consumed = len;
	rc = start(s);
	if (rc != ST_OK)
		source_close(s);
	return rc;
}

const char *source_compression(const struct source *s)
{
	return s->unpack ? s->unpack->name : "";
}

static int read_plain(struct source *s, uint8_t *buf, size_t len, size_t *ret_len)
{
	if (s->in_len) {
		if (len > s->in_len)
			len = s->in_len;
		memcpy(buf, s->in, len);
		s->in += len;
		s->in_len -= len;
		*ret_len = len;
		return ST_OK;
	}
	if (s->in_ended) {
		*ret_len = 0;
		return ST_OK;
	}
	return read_some(s, buf, len, ret_len);
}

static int read_packed(struct source *s, uint8_t *buf, size_t len, size_t *ret_len)
{
	struct unpack_io io = {.out = buf, .out_len = len};
	size_t in_before;
	int rc;

	while (io.out_len == len) {
		if (!s->in_len && !s->in_ended) {
			rc = refill(s, 1);
			if (rc != ST_OK)
				return rc;
		}
		in_before = s->in_len;
		io.in = s->in;
		io.in_len = s->in_len;
		io.in_ended = s->in_ended;
		io.between = false;
		rc = s->unpack->step(s->unpack_state, &io);
		s->in = io.in;
		s->in_len = io.in_len;
		if (rc != ST_OK) {
			(void)fail(s, rc, io.text[0] ? io.text : "decompression failed");
			break;
		}
		if (io.in_len != in_before || io.out_len != len) {
			s->between = io.between;
			continue;
		}
		/* No progress: the end, an end too early, or a decoder that is stuck. */
		if (!s->in_len && s->in_ended) {
			if (s->between || io.between)
				break;
			(void)fail(s, ST_TRUNC, "the compressed data ends too early");
			break;
		}
		if (s->in_len) {
			(void)fail(s, ST_MALFORMED, "the compressed data makes no sense");
			break;
		}
	}
	/* What came out before the damage goes first; the error waits in s->error. */
	*ret_len = len - io.out_len;
	return io.out_len == len ? s->error : ST_OK;
}

int source_read(struct source *s, uint8_t *buf, size_t len, size_t *ret_len)
{
	if (s->error != ST_OK)
		return s->error;
	return s->unpack ? read_packed(s, buf, len, ret_len) : read_plain(s, buf, len, ret_len);
}

void source_close(struct source *s)
{
	if (s->unpack)
		s->unpack->close(s->unpack_state);
	s->unpack = NULL;
	s->unpack_state = NULL;
	if (s->fd >= 0 && !s->fd_is_stdin)
		(void)close(s->fd);
	s->fd = -1;
	s->in_len = 0;
	s->in_ended = true;
}

void source_fini(struct source *s)
{
	source_close(s);
	free(s->in_buf);
	s->in_buf = NULL;
}
