/* URIs the way libhtp cleans them; the contract is in http.h. */
#include "detect/signature/http.h"

#include "base/digit.h"

#include <string.h>

struct http_uri http_uri_split(const uint8_t *uri, size_t len)
{
	struct http_uri u = {.path = uri, .path_len = len};
	const uint8_t *colon = len ? memchr(uri, ':', len) : NULL;
	const uint8_t *end = len ? uri + len : uri;
	const uint8_t *p;

	if (len == 0 || *uri == '/' || !colon || end - colon < 3 || colon[1] != '/' || colon[2] != '/')
		return u;
	u.host = colon + 3;
	for (p = u.host; p < end && *p != '/' && *p != '?' && *p != '#'; p++)
		;
	u.host_len = (size_t)(p - u.host);
	u.path = p;
	u.path_len = (size_t)(end - p);
	for (size_t i = 0; i < u.host_len; i++)
		if (u.host[i] == '@') {
			u.host += i + 1;
			u.host_len -= i + 1;
			break;
		}
	for (size_t i = 0; i < u.host_len; i++)
		if (u.host[i] == ':')
			u.host_len = i;
	return u;
}

/* What Windows 1252 has that looks most like it, of what stands in paths. */
static uint8_t best_fit(unsigned code)
{
	static const struct {
		uint16_t code;
		uint8_t byte;
	} fits[] = {
		{0x2010, '-'}, {0x2011, '-'}, {0x2017, '='}, {0x2024, '.'}, {0x2032, '\''}, {0x2035, '`'},
		{0x2039, '<'}, {0x203a, '>'}, {0x2044, '/'}, {0x2212, '-'}, {0x2215, '/'}, {0x2216, '\\'},
		{0x2217, '*'}, {0x2223, '|'}, {0x2236, ':'}, {0x223c, '~'}, {0x2264, '='}, {0x2265, '='},
		{0x2329, '<'}, {0x232a, '>'}, {0x3008, '<'}, {0x3009, '>'},
	};

	if (code < 256)
		return (uint8_t)code;
	if (code >= 0xff01 && code <= 0xff5e) /* full width */
		return (uint8_t)(code - 0xfee0);
	for (size_t i = 0; i < sizeof(fits) / sizeof(fits[0]); i++)
		if (fits[i].code == code)
			return fits[i].byte;
	return '?';
}

/* One character, percent and %u escapes undone.  Returns the bytes used. */
static size_t decode_one(const uint8_t *p, size_t len, bool unicode, uint8_t *ret)
{
	*ret = *p;
	if (*p != '%')
		return 1;
	if (unicode && len >= 6 && (p[1] == 'u' || p[1] == 'U') && digit_hex(p[2]) >= 0
	    && digit_hex(p[3]) >= 0 && digit_hex(p[4]) >= 0 && digit_hex(p[5]) >= 0) {
		unsigned code = (unsigned)(digit_hex(p[2]) << 12 | digit_hex(p[3]) << 8
		    | digit_hex(p[4]) << 4 | digit_hex(p[5]));

		*ret = best_fit(code);
		return 6;
	}
	if (len >= 3 && digit_hex(p[1]) >= 0 && digit_hex(p[2]) >= 0) {
		*ret = (uint8_t)(digit_hex(p[1]) << 4 | digit_hex(p[2]));
		return 3;
	}
	return 1;
}

/* Escapes undone, backslashes turned, runs of slashes made one. */
static size_t decode_path(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		uint8_t c;

		i += decode_one(in + i, len - i, true, &c);
		if (c == '\\')
			c = '/';
		if (c == '/' && n && out[n - 1] == '/')
			continue;
		out[n++] = c;
	}
	return n;
}

/*
 * UTF-8 (RFC 3629, overlong forms allowed: that is how slashes are hidden) into single bytes, in
 * place.  What is none becomes a question mark.
 */
static size_t decode_utf8(uint8_t *p, size_t len)
{
	size_t w = 0;

	for (size_t r = 0; r < len;) {
		uint8_t c = p[r];
		unsigned more = c < 0x80 ? 0 : c >= 0xc0 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2
		    : c >= 0xf0 && c < 0xf5 ? 3 : 4;
		unsigned code = more == 0 ? c : c & (0x3fu >> more);
		unsigned i = 1;

		if (more == 4) {
			p[w++] = '?';
			r++;
			continue;
		}
		while (i <= more && r + i < len && (p[r + i] & 0xc0) == 0x80)
			code = code << 6 | (p[r + i++] & 0x3fu);
		if (i <= more && r + i == len)
			return w; /* not finished */
		p[w++] = i <= more ? '?' : best_fit(code);
		r += i;
	}
	return w;
}

/* RFC 3986 5.2.4, in place. */
static size_t remove_dots(uint8_t *p, size_t len)
{
	size_t r = 0;
	size_t w = 0;

	while (r < len) {
		size_t left = len - r;

		if (left >= 3 && memcmp(p + r, "../", 3) == 0) {
			r += 3;
		} else if (left >= 2 && memcmp(p + r, "./", 2) == 0) {
			r += 2;
		} else if (left >= 3 && memcmp(p + r, "/./", 3) == 0) {
			r += 2;
		} else if (left == 2 && memcmp(p + r, "/.", 2) == 0) {
			p[++r] = '/';
		} else if ((left >= 4 && memcmp(p + r, "/../", 4) == 0)
		    || (left == 3 && memcmp(p + r, "/..", 3) == 0)) {
			r += left == 3 ? 2 : 3;
			p[r] = '/';
			while (w > 0 && p[--w] != '/')
				;
		} else if ((left == 1 && p[r] == '.') || (left == 2 && p[r] == '.' && p[r + 1] == '.')) {
			r = len;
		} else {
			p[w++] = p[r++];
			while (r < len && p[r] != '/')
				p[w++] = p[r++];
		}
	}
	return w;
}

size_t http_uri_normalise(const uint8_t *path, size_t len, uint8_t *out)
{
	const uint8_t *query = memchr(path, '?', len);
	const uint8_t *fragment = memchr(path, '#', len);
	size_t path_len = len;
	size_t n;

	if (query && fragment && query > fragment)
		query = NULL;
	if (query)
		path_len = (size_t)(query - path);
	else if (fragment)
		path_len = (size_t)(fragment - path);
	n = decode_path(path, path_len, out);
	n = remove_dots(out, decode_utf8(out, n));
	for (size_t i = path_len; i < len;)
		i += decode_one(path + i, len - i, false, &out[n++]);
	return n;
}
