/* What rules do to a buffer before they look into it; the contract is in transform.h. */
#include "detect/signature/transform.h"

#include "base/digit.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <string.h>

static size_t url_decode(const uint8_t *in, size_t len, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (in[i] == '%' && i + 2 < len && digit_hex(in[i + 1]) >= 0
		    && digit_hex(in[i + 2]) >= 0) {
			out[n++] = (uint8_t)(digit_hex(in[i + 1]) << 4 | digit_hex(in[i + 2]));
			i += 2;
		} else {
			out[n++] = in[i] == '+' ? ' ' : in[i];
		}
	}
	return n;
}

static size_t whitespace(const uint8_t *in, size_t len, uint8_t *out, bool keep_one)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (!isspace(in[i]))
			out[n++] = in[i];
		else if (keep_one && (i == 0 || !isspace(in[i - 1])))
			out[n++] = in[i];
	}
	return n;
}

static size_t digest(const EVP_MD *md, const uint8_t *in, size_t len, uint8_t *out)
{
	unsigned n = 0;

	return EVP_Digest(in, len, out, &n, md, NULL) == 1 ? n : 0;
}

/* Names of headers in lower case, their values as they are. */
static size_t header_lowercase(const uint8_t *in, size_t len, uint8_t *out)
{
	bool name = true;

	for (size_t i = 0; i < len; i++) {
		if (in[i] == ':')
			name = false;
		else if (in[i] == '\n')
			name = true;
		out[i] = name ? (uint8_t)tolower(in[i]) : in[i];
	}
	return len;
}

/* Lines that begin with a colon (HTTP/2's own) are left out. */
static size_t strip_pseudo(const uint8_t *in, size_t len, uint8_t *out)
{
	bool drop = false;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (i == 0 || in[i - 1] == '\n')
			drop = in[i] == ':';
		if (!drop)
			out[n++] = in[i];
	}
	return n;
}

static size_t one(const struct rule_view *view, enum transform kind, const uint8_t *in, size_t len,
    uint8_t *out)
{
	switch (kind) {
	case TRANSFORM_DOTPREFIX:
		out[0] = '.';
		memcpy(out + 1, in, len);
		return len + 1;
	case TRANSFORM_TO_LOWERCASE:
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)tolower(in[i]);
		return len;
	case TRANSFORM_TO_UPPERCASE:
		for (size_t i = 0; i < len; i++)
			out[i] = (uint8_t)toupper(in[i]);
		return len;
	case TRANSFORM_STRIP_WHITESPACE:
		return whitespace(in, len, out, false);
	case TRANSFORM_COMPRESS_WHITESPACE:
		return whitespace(in, len, out, true);
	case TRANSFORM_URL_DECODE:
		return url_decode(in, len, out);
	case TRANSFORM_XOR:
		for (size_t i = 0; i < len; i++)
			out[i] = in[i] ^ view->key[i % view->key_len];
		return len;
	case TRANSFORM_MD5:
		return digest(EVP_md5(), in, len, out);
	case TRANSFORM_SHA1:
		return digest(EVP_sha1(), in, len, out);
	case TRANSFORM_SHA256:
		return digest(EVP_sha256(), in, len, out);
	case TRANSFORM_HEADER_LOWERCASE:
		return header_lowercase(in, len, out);
	case TRANSFORM_STRIP_PSEUDO_HEADERS:
		return strip_pseudo(in, len, out);
	case TRANSFORM_NONE:
		break;
	}
	memcpy(out, in, len);
	return len;
}

const uint8_t *transform_apply(const struct rule_view *view, const uint8_t *data, size_t len,
    uint8_t *a, uint8_t *b, size_t *ret_len)
{
	for (unsigned i = 0; i < view->transform_count; i++) {
		uint8_t *out = i % 2 ? b : a;

		if (len > TRANSFORM_OUT_MAX - 1)
			len = TRANSFORM_OUT_MAX - 1;
		if (len == 0 && view->transforms[i] != TRANSFORM_DOTPREFIX)
			break;
		len = one(view, (enum transform)view->transforms[i], data, len, out);
		data = out;
	}
	*ret_len = len;
	return data;
}
