/* Text encodings and digests; the contract is in encoding.h. */
#include "protocol/encoding.h"

#include "base/digit.h"

#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

/* Either alphabet (RFC 4648 §4, §5). */
static int base64_value(uint8_t c)
{
	return digit_base64(c == '-' ? '+' : c == '_' ? '/' : c);
}

size_t encoding_base64(const void *text, size_t len, uint8_t *out, size_t cap)
{
	const uint8_t *p = text;
	uint32_t bits = 0;
	unsigned have = 0;
	size_t n = 0;

	for (size_t i = 0; i < len && n < cap; i++) {
		int value = base64_value(p[i]);

		if (value < 0 && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
			continue;
		if (value < 0)
			break;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

size_t encoding_base64_write(const void *data, size_t len, char *out, size_t cap)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = data;
	size_t n = 0;

	if (cap < (len + 2) / 3 * 4 + 1)
		return 0;
	for (size_t i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < len)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < len)
			v |= p[i + 2];
		out[n++] = digits[v >> 18];
		out[n++] = digits[v >> 12 & 63];
		out[n++] = i + 1 < len ? digits[v >> 6 & 63] : '=';
		out[n++] = i + 2 < len ? digits[v & 63] : '=';
	}
	out[n] = '\0';
	return n;
}

size_t encoding_percent(const void *text, size_t len, int plus, uint8_t *out, size_t cap)
{
	const uint8_t *p = text;
	size_t n = 0;

	for (size_t i = 0; i < len && n < cap; i++) {
		if (p[i] == '%' && len - i > 2 && digit_hex(p[i + 1]) >= 0
		    && digit_hex(p[i + 2]) >= 0) {
			out[n++] = (uint8_t)(digit_hex(p[i + 1]) << 4 | digit_hex(p[i + 2]));
			i += 2;
		} else {
			out[n++] = plus && p[i] == '+' ? ' ' : p[i];
		}
	}
	return n;
}

size_t encoding_hex(const void *data, size_t len, char *out, size_t cap)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	if (cap / 2 < len || cap < 2 * len + 1)
		return 0;
	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return 2 * len;
}

size_t encoding_unhex(const void *text, size_t len, uint8_t *out, size_t cap)
{
	const uint8_t *p = text;
	size_t n = 0;

	for (size_t i = 0; i + 1 < len && n < cap; i += 2) {
		if (digit_hex(p[i]) < 0 || digit_hex(p[i + 1]) < 0)
			break;
		out[n++] = (uint8_t)(digit_hex(p[i]) << 4 | digit_hex(p[i + 1]));
	}
	return n;
}

/* Writes a code point as UTF-8; returns the bytes used, 0 when they do not fit. */
static size_t put_utf8(uint32_t cp, char *out, size_t cap)
{
	if (cp < 0x80 && cap >= 1) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp >= 0x80 && cp < 0x800 && cap >= 2) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 63));
		return 2;
	}
	if (cp >= 0x800 && cp < 0x10000 && cap >= 3) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 63));
		out[2] = (char)(0x80 | (cp & 63));
		return 3;
	}
	if (cp >= 0x10000 && cap >= 4) {
		out[0] = (char)(0xf0 | cp >> 18);
		out[1] = (char)(0x80 | (cp >> 12 & 63));
		out[2] = (char)(0x80 | (cp >> 6 & 63));
		out[3] = (char)(0x80 | (cp & 63));
		return 4;
	}
	return 0;
}

size_t encoding_utf16le(const void *data, size_t len, char *out, size_t cap)
{
	const uint8_t *p = data;
	size_t n = 0;

	for (size_t i = 0; i + 1 < len; i += 2) {
		uint32_t cp = (uint32_t)p[i] | (uint32_t)p[i + 1] << 8;
		size_t used;

		if (cp >= 0xd800 && cp < 0xdc00 && i + 3 < len && (p[i + 3] & 0xfc) == 0xdc) {
			cp = 0x10000 + ((cp & 0x3ff) << 10)
			    + (((uint32_t)p[i + 2] | (uint32_t)p[i + 3] << 8) & 0x3ff);
			i += 2;
		} else if (cp >= 0xd800 && cp < 0xe000) {
			cp = 0xfffd;
		}
		used = put_utf8(cp, out + n, cap - n);
		if (used == 0)
			break;
		n += used;
	}
	return n;
}

struct algorithm {
	const char *name;
	_Atomic(EVP_MD *) md; /* NULL: not looked up yet */
};

/* Looked up once: OpenSSL would search its providers for every digest, with locks. */
static const EVP_MD *look_up(struct algorithm *algorithm)
{
	EVP_MD *md = atomic_load(&algorithm->md);
	EVP_MD *none = NULL;

	if (md)
		return md;
	md = EVP_MD_fetch(NULL, algorithm->name, NULL);
	if (atomic_compare_exchange_strong(&algorithm->md, &none, md))
		return md;
	EVP_MD_free(md); /* another thread was quicker */
	return none;
}

/* A digest that cannot be had is all zeros: these are names, not proofs. */
static void digest(struct algorithm *algorithm, const void *data, size_t len, uint8_t *out,
    size_t out_len)
{
	const EVP_MD *md = look_up(algorithm);

	memset(out, 0, out_len);
	if (md)
		(void)EVP_Digest(data, len, out, NULL, md, NULL);
}

void encoding_md5_hex(const void *data, size_t len, char out[ENCODING_MD5_TEXT])
{
	static struct algorithm md5 = {.name = "MD5"};
	uint8_t bytes[16];

	digest(&md5, data, len, bytes, sizeof(bytes));
	(void)encoding_hex(bytes, sizeof(bytes), out, ENCODING_MD5_TEXT);
}

void encoding_sha1_hex(const void *data, size_t len, char out[ENCODING_SHA1_TEXT])
{
	static struct algorithm sha1 = {.name = "SHA1"};
	uint8_t bytes[20];

	digest(&sha1, data, len, bytes, sizeof(bytes));
	(void)encoding_hex(bytes, sizeof(bytes), out, ENCODING_SHA1_TEXT);
}

void encoding_sha256_hex(const void *data, size_t len, char out[ENCODING_SHA256_TEXT])
{
	uint8_t bytes[32];

	encoding_sha256(data, len, bytes);
	(void)encoding_hex(bytes, sizeof(bytes), out, ENCODING_SHA256_TEXT);
}

void encoding_sha256(const void *data, size_t len, uint8_t out[32])
{
	static struct algorithm sha256 = {.name = "SHA256"};

	digest(&sha256, data, len, out, 32);
}
