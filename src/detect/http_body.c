/*
 * Undoes Content-Encoding while the body comes: gzip (RFC 1952), deflate with and without zlib's
 * frame (RFC 1950, 1951), one after the other.
 *
 * Senders mislabel and evaders break headers, so what fails at its beginning is tried three times
 * in other ways, from the piece that failed; what still fails is handed on as it is.  Results are
 * handed on in blocks, at the end of the stream, or when the body is over: a second encoding whose
 * stream does not end says nothing.  All of this is what libhtp 0.5 does: rules see its results.
 */
#include "detect/http.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_AUTO (15 + 32) /* gzip or zlib, told by the header */
#define WINDOW_RAW (-15)
#define BLOCK 8192u
#define ZLIB_STATE (44u << 10) /* what one inflater allocates, about */
#define RESTARTS_MAX 3

enum encoding {
	ENCODING_NONE,
	ENCODING_GZIP,
	ENCODING_DEFLATE,
	ENCODING_OPAQUE, /* known by name, not undone */
};

struct http_decoder {
	struct http_decoder *next;
	z_stream z;
	bool open; /* z is valid */
	bool passes;
	bool raw; /* the window that z has now */
	unsigned restarts;
	uint8_t block[BLOCK];
};

static struct http_decoder *decoder_new(struct budget *budget, enum encoding encoding)
{
	struct http_decoder *d;

	if (budget->used + sizeof(*d) + ZLIB_STATE > budget->max)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->raw = encoding == ENCODING_DEFLATE;
	d->passes = encoding == ENCODING_OPAQUE;
	d->open = !d->passes && inflateInit2(&d->z, d->raw ? WINDOW_RAW : WINDOW_AUTO) == Z_OK;
	d->passes = d->passes || !d->open;
	d->z.next_out = d->block;
	d->z.avail_out = BLOCK;
	budget->used += sizeof(*d) + ZLIB_STATE;
	return d;
}

void http_decoder_free(struct budget *budget, struct http_decoder *d)
{
	while (d) {
		struct http_decoder *next = d->next;

		if (d->open)
			(void)inflateEnd(&d->z);
		budget->used -= sizeof(*d) + ZLIB_STATE;
		free(d);
		d = next;
	}
}

/* Bytes of a gzip header that zlib may have stumbled over; 0: there is none. */
static size_t gzip_header(const uint8_t *p, size_t len)
{
	size_t at = 10;

	if (len < 4 || p[0] != 0x1f || p[1] != 0x8b || p[3] == 0)
		return 0;
	if (p[3] & 0x18) { /* one name or comment is passed over, not both */
		while (at < len && p[at])
			at++;
		at++;
	} else if (p[3] & 2) {
		at = 12;
	}
	return at > len ? 0 : at;
}

/* Tries once more in another way, the first time in the same; false: that was the last. */
static bool restart(struct http_decoder *d, const uint8_t *data, size_t len, size_t *ret_skip)
{
	(void)inflateEnd(&d->z);
	d->open = false;
	if (d->restarts >= RESTARTS_MAX)
		return false;
	if (d->restarts > 0)
		d->raw = !d->raw;
	if (inflateInit2(&d->z, d->raw ? WINDOW_RAW : WINDOW_AUTO) != Z_OK)
		return false;
	d->open = true;
	d->restarts++;
	*ret_skip = gzip_header(data, len);
	return true;
}

struct sink {
	struct budget *budget;
	struct bytes *out;
};

static void keep(const struct sink *s, const uint8_t *data, size_t len)
{
	(void)bytes_append(s->budget, s->out, data, len, HTTP_BODY_MAX);
}

static void feed(const struct sink *s, struct http_decoder *d, const uint8_t *data, size_t len);

/* Hands the block on.  The depth is HTTP_DECODERS_MAX. */
static void flush(const struct sink *s, struct http_decoder *d)
{
	size_t n = BLOCK - d->z.avail_out;

	d->z.next_out = d->block;
	d->z.avail_out = BLOCK;
	if (d->next && d->open)
		feed(s, d->next, d->block, n);
	else
		keep(s, d->block, n);
}

/* What came out before an error counts, but not of a second try. */
static bool usable(const struct http_decoder *d, int rc)
{
	return rc == Z_DATA_ERROR && d->restarts == 0 && d->z.avail_out < BLOCK;
}

static void feed(const struct sink *s, struct http_decoder *d, const uint8_t *data, size_t len)
{
	size_t skip = 0;

again:
	if (d->passes) {
		keep(s, data, len);
		return;
	}
	d->z.next_in = data + skip;
	d->z.avail_in = (uInt)(len - skip);
	while (d->z.avail_in && s->out->len < HTTP_BODY_MAX) {
		int rc;

		if (d->z.avail_out == 0)
			flush(s, d);
		rc = inflate(&d->z, Z_NO_FLUSH);
		if (rc == Z_OK)
			continue;
		if (rc == Z_STREAM_END || usable(d, rc)) {
			flush(s, d);
			return;
		}
		d->passes = !restart(d, data, len, &skip);
		goto again;
	}
}

/* The next word of a list; what follows a word is looked for as if no blanks had been before it. */
static bool next_word(const uint8_t **p, size_t *len, const uint8_t **ret_word, size_t *ret_len)
{
	const uint8_t *at = *p;
	const uint8_t *end = *p + *len;
	size_t n = 0;

	while (at < end && (*at == ',' || *at == ' '))
		at++;
	while (at + n < end && at[n] != ',' && at[n] != ' ')
		n++;
	if (n == 0)
		return false;
	*ret_word = at;
	*ret_len = n;
	if (n + 1 > *len)
		n = *len - 1;
	*p += n + 1;
	*len -= n + 1;
	return true;
}

static bool contains(const uint8_t *word, size_t len, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= len; i++)
		if (strncasecmp((const char *)word + i, part, n) == 0)
			return true;
	return false;
}

/* The word of a list; zeros in it are forgiven only where it stands alone. */
static enum encoding encoding_of(const uint8_t *word, size_t len, bool alone)
{
	if (contains(word, len, "gzip") || (alone && http_contains(word, len, "gzip")))
		return ENCODING_GZIP;
	if (contains(word, len, "deflate") || (alone && http_contains(word, len, "deflate")))
		return ENCODING_DEFLATE;
	return len == 4 && memcmp(word, "lzma", 4) == 0 ? ENCODING_OPAQUE : ENCODING_NONE;
}

void http_decoder_begin(struct budget *budget, struct http_message *m, bool request)
{
	struct http_decoder **at = &m->decoder;
	unsigned words = request ? 1 : HTTP_DECODERS_MAX;
	const uint8_t *value;
	const uint8_t *word;
	size_t whole;
	size_t len;
	size_t n;

	if (m->decoder || !http_find_header(m, "content-encoding", &value, &len))
		return;
	whole = len;
	for (unsigned i = 0; i < words && len && next_word(&value, &len, &word, &n); i++) {
		enum encoding encoding = encoding_of(word, n, n == whole);

		if (request && n != whole)
			break; /* a list is not undone there */

		if (encoding == ENCODING_NONE)
			continue;
		*at = decoder_new(budget, encoding);
		if (!*at)
			break;
		m->encoded = true;
		at = &(*at)->next;
	}
}

void http_decoder_feed(struct budget *budget, struct http_message *m, const uint8_t *data,
    size_t len)
{
	struct sink s = {budget, &m->body};

	feed(&s, m->decoder, data, len);
}

void http_decoder_end(struct budget *budget, struct http_message *m)
{
	struct sink s = {budget, &m->body};
	struct http_decoder *d = m->decoder;

	/* An inner stream is only ended by an outer one that held nothing back. */
	while (d && !d->passes && d->z.avail_out == BLOCK && d->next && d->open)
		d = d->next;
	if (d && !d->passes)
		flush(&s, d);
	http_decoder_free(budget, m->decoder);
	m->decoder = NULL;
}
