/*
 * Undoes Content-Encoding: gzip (RFC 1952), deflate with and without zlib's frame (RFC 1950,
 * 1951), one after the other.  Senders mislabel, so what fails is tried the other way.
 */
#include "detect/http.h"

#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_AUTO (15 + 32) /* gzip or zlib, told by the header */
#define WINDOW_RAW (-15)
#define PIECE 16384

enum encoding {
	ENCODING_NONE,
	ENCODING_GZIP,
	ENCODING_DEFLATE,
};

/* Inflates; returns whether anything came out. */
static bool inflate_as(struct budget *budget, int window, const uint8_t *data, size_t len,
    struct bytes *out)
{
	z_stream z = {0};
	uint8_t piece[PIECE];
	int rc;

	out->len = 0;
	if (len == 0 || inflateInit2(&z, window) != Z_OK)
		return false;
	z.next_in = data;
	z.avail_in = (uInt)len;
	do {
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		rc = inflate(&z, Z_SYNC_FLUSH);
		(void)bytes_append(budget, out, piece, sizeof(piece) - z.avail_out, HTTP_BODY_MAX);
	} while (rc == Z_OK && (z.avail_in || z.avail_out == 0) && out->len < HTTP_BODY_MAX);
	(void)inflateEnd(&z);
	return out->len > 0;
}

/* Length of a gzip header whose flags zlib does not like; 0: none. */
static size_t gzip_header(const uint8_t *p, size_t len)
{
	size_t at = 10;

	if (len < 10 || p[0] != 0x1f || p[1] != 0x8b)
		return 0;
	if (p[3] & 4) {
		if (len < 12)
			return 0;
		at += 2u + p[10] + ((size_t)p[11] << 8);
	}
	for (int string = 0; string < 2; string++) {
		if (!(p[3] & (string ? 16 : 8)))
			continue;
		while (at < len && p[at])
			at++;
		at++;
	}
	if (p[3] & 2)
		at += 2;
	return at < len ? at : 0;
}

static bool undo(struct budget *budget, enum encoding encoding, const uint8_t *data, size_t len,
    struct bytes *out)
{
	size_t skip = gzip_header(data, len);

	if (encoding == ENCODING_GZIP)
		return inflate_as(budget, WINDOW_AUTO, data, len, out)
		    || (skip && inflate_as(budget, WINDOW_RAW, data + skip, len - skip, out))
		    || inflate_as(budget, WINDOW_RAW, data, len, out);
	return inflate_as(budget, WINDOW_RAW, data, len, out)
	    || inflate_as(budget, WINDOW_AUTO, data, len, out)
	    || (skip && inflate_as(budget, WINDOW_RAW, data + skip, len - skip, out));
}

static size_t find_encodings(const struct http_message *m, enum encoding *list)
{
	const uint8_t *value;
	size_t len;
	size_t n = 0;

	if (!http_find_header(m, "content-encoding", &value, &len))
		return 0;
	for (size_t i = 0; i < len && n < HTTP_DECODERS_MAX;) {
		size_t start = i;

		while (i < len && value[i] != ',' && value[i] != ' ')
			i++;
		if (http_contains(value + start, i - start, "gzip"))
			list[n++] = ENCODING_GZIP;
		else if (http_contains(value + start, i - start, "deflate"))
			list[n++] = ENCODING_DEFLATE;
		i++;
	}
	return n;
}

void http_body_decode(struct budget *budget, const struct http_message *m, struct bytes *out)
{
	enum encoding list[HTTP_DECODERS_MAX];
	size_t count = find_encodings(m, list);
	struct bytes between = {0};

	out->len = 0;
	if (count == 0 || !undo(budget, list[0], m->body.data, m->body.len, out)) {
		out->len = 0;
		(void)bytes_append(budget, out, m->body.data, m->body.len, HTTP_BODY_MAX);
		return;
	}
	if (count > 1 && undo(budget, list[1], out->data, out->len, &between)) {
		out->len = 0;
		(void)bytes_append(budget, out, between.data, between.len, HTTP_BODY_MAX);
	}
	bytes_fini(budget, &between);
}
