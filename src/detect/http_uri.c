/* URIs the way libhtp cleans them; the contract is in http.h. */
#include "detect/http.h"

#include <ctype.h>
#include <string.h>

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

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

/* One character, percent and %u escapes undone.  Returns the bytes used. */
static size_t decode_one(const uint8_t *p, size_t len, bool unicode, uint8_t *ret)
{
	*ret = *p;
	if (*p != '%')
		return 1;
	if (unicode && len >= 6 && (p[1] == 'u' || p[1] == 'U') && digit(p[2]) >= 0 && digit(p[3]) >= 0
	    && digit(p[4]) >= 0 && digit(p[5]) >= 0) {
		unsigned code = (unsigned)(digit(p[2]) << 12 | digit(p[3]) << 8 | digit(p[4]) << 4
		    | digit(p[5]));

		if (code >= 0xff01 && code <= 0xff5e) /* full width */
			code -= 0xfee0;
		*ret = code < 256 ? (uint8_t)code : (uint8_t)'?';
		return 6;
	}
	if (len >= 3 && digit(p[1]) >= 0 && digit(p[2]) >= 0) {
		*ret = (uint8_t)(digit(p[1]) << 4 | digit(p[2]));
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
	n = remove_dots(out, decode_path(path, path_len, out));
	for (size_t i = path_len; i < len;)
		i += decode_one(path + i, len - i, false, &out[n++]);
	return n;
}
