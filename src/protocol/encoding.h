/*
 * The encodings that protocols wrap texts in: base64, percent, hex, UTF-16LE; and digests of short
 * inputs as hex (JA3, HASSH, keys' fingerprints).
 *
 * Every function writes into the caller's memory and says how much; nothing is NUL-terminated
 * unless it says so.  Sources: RFC 4648, RFC 3986 2.1, RFC 1321, FIPS 180-4.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Decodes base64 (padding optional, white space skipped, stops at the first other character).
 * Returns the number of bytes written, at most cap. */
size_t encoding_base64(const void *text, size_t len, uint8_t *out, size_t cap);

/* Writes base64 with padding and a NUL; returns the length, 0 when cap is too small. */
size_t encoding_base64_write(const void *data, size_t len, char *out, size_t cap);

/* %HH, and + as a space when `plus`; returns the number of bytes written, at most cap. */
size_t encoding_percent(const void *text, size_t len, int plus, uint8_t *out, size_t cap);

/* Lower-case hex and a NUL; returns the length, 0 when cap is too small. */
size_t encoding_hex(const void *data, size_t len, char *out, size_t cap);

/* Hex digits to bytes; stops at the first other character. */
size_t encoding_unhex(const void *text, size_t len, uint8_t *out, size_t cap);

/* UTF-16LE to UTF-8; broken surrogates become U+FFFD.  Returns the number of bytes written. */
size_t encoding_utf16le(const void *data, size_t len, char *out, size_t cap);

#define ENCODING_MD5_TEXT 33
#define ENCODING_SHA1_TEXT 41
#define ENCODING_SHA256_TEXT 65

/* Lower-case hex with a NUL. */
void encoding_md5_hex(const void *data, size_t len, char out[ENCODING_MD5_TEXT]);
void encoding_sha1_hex(const void *data, size_t len, char out[ENCODING_SHA1_TEXT]);
void encoding_sha256_hex(const void *data, size_t len, char out[ENCODING_SHA256_TEXT]);
void encoding_sha256(const void *data, size_t len, uint8_t out[32]);
