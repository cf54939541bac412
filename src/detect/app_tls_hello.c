/*
 * Hellos of TLS (RFC 8446): server name, JA3 (Salesforce's description: version, ciphers,
 * extensions, groups and point formats in decimal, GREASE left out, MD5) and JA4 (FoxIO's
 * description, a part).
 */
#include "detect/app_tls.h"

#include "base/rd.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 300
#define JA3_MAX 8192

#define EXTENSION_SERVER_NAME 0
#define EXTENSION_GROUPS 10
#define EXTENSION_POINT_FORMATS 11
#define EXTENSION_SIGNATURES 13
#define EXTENSION_ALPN 16
#define EXTENSION_VERSIONS 43

struct numbers {
	uint16_t list[LIST_MAX];
	unsigned count;
};

struct hello {
	uint16_t version;
	uint16_t highest; /* of supported_versions */
	const uint8_t *random;
	struct numbers ciphers;
	struct numbers extensions;
	struct numbers groups;
	struct numbers formats;
	struct numbers signatures;
	const uint8_t *name;
	size_t name_len;
	uint8_t alpn[2]; /* first and last character */
};

static void add(struct numbers *n, uint16_t v)
{
	if (n->count < LIST_MAX)
		n->list[n->count++] = v;
}

/* RFC 8701. */
static bool is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static void read_server_name(struct hello *h, struct rd e)
{
	rd_skip(&e, 2);
	while (rd_left(&e) >= 3 && !h->name) {
		uint8_t type = rd_u8(&e);
		uint16_t len = rd_u16be(&e);
		const uint8_t *p = rd_take(&e, len);

		if (type == 0 && p) {
			h->name = p;
			h->name_len = len;
		}
	}
}

static void read_extension(struct hello *h, uint16_t type, struct rd e)
{
	uint16_t v;

	switch (type) {
	case EXTENSION_SERVER_NAME:
		read_server_name(h, e);
		break;
	case EXTENSION_GROUPS:
	case EXTENSION_SIGNATURES:
		rd_skip(&e, 2);
		while (rd_left(&e) >= 2)
			add(type == EXTENSION_GROUPS ? &h->groups : &h->signatures, rd_u16be(&e));
		break;
	case EXTENSION_POINT_FORMATS:
		rd_skip(&e, 1);
		while (rd_left(&e) >= 1)
			add(&h->formats, rd_u8(&e));
		break;
	case EXTENSION_ALPN: {
		uint8_t len;
		const uint8_t *p;

		rd_skip(&e, 2);
		len = rd_u8(&e);
		p = rd_take(&e, len);
		if (p && len) {
			h->alpn[0] = p[0];
			h->alpn[1] = p[len - 1];
		}
		break;
	}
	case EXTENSION_VERSIONS:
		if (rd_left(&e) == 2) { /* the server's choice */
			h->highest = rd_u16be(&e);
			break;
		}
		rd_skip(&e, 1);
		while (rd_left(&e) >= 2) {
			v = rd_u16be(&e);
			if (!is_grease(v) && v > h->highest)
				h->highest = v;
		}
		break;
	default:
		break;
	}
}

static void read_extensions(struct hello *h, struct rd *r)
{
	if (rd_left(r) < 2)
		return;
	rd_skip(r, 2);
	while (rd_left(r) >= 4) {
		uint16_t type = rd_u16be(r);
		uint16_t len = rd_u16be(r);
		struct rd e = rd_sub(r, len);

		if (e.bad)
			return;
		add(&h->extensions, type);
		read_extension(h, type, e);
	}
}

static bool read_hello(struct hello *h, bool client, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	struct rd ciphers;

	h->version = rd_u16be(&r);
	h->random = rd_take(&r, 32);
	rd_skip(&r, rd_u8(&r));
	if (client) {
		ciphers = rd_sub(&r, rd_u16be(&r));
		while (rd_left(&ciphers) >= 2)
			add(&h->ciphers, rd_u16be(&ciphers));
		rd_skip(&r, rd_u8(&r));
	} else {
		add(&h->ciphers, rd_u16be(&r));
		rd_skip(&r, 1);
	}
	if (r.bad)
		return false;
	read_extensions(h, &r);
	return true;
}

void tls_hex(const uint8_t *p, size_t len, bool upper, char separator, char *out)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		if (separator && i)
			*out++ = separator;
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

/* Hellos are many: printf would be most of their cost. */
static size_t put_decimal(char *out, size_t at, unsigned v)
{
	char digits[8];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		out[at++] = digits[--n];
	return at;
}

static size_t put_list(char *out, size_t at, const struct numbers *n)
{
	bool first = true;

	for (unsigned i = 0; i < n->count && at + 8 < JA3_MAX; i++) {
		if (is_grease(n->list[i]))
			continue;
		if (!first)
			out[at++] = '-';
		at = put_decimal(out, at, n->list[i]);
		first = false;
	}
	return at;
}

static size_t put_hex(char *out, size_t at, char separator, uint16_t v)
{
	uint8_t bytes[2] = {(uint8_t)(v >> 8), (uint8_t)v};

	if (separator)
		out[at++] = separator;
	tls_hex(bytes, 2, false, 0, out + at);
	return at + 4;
}

static void add_digest(struct budget *budget, struct app_values *v, enum buffer_id buffer,
    const char *text, size_t len)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	char hex[65];
	unsigned n;

	if (EVP_Digest(text, len, md, &n, EVP_md5(), NULL) != 1)
		return;
	tls_hex(md, 16, false, 0, hex);
	app_values_add(budget, v, buffer, hex, 32);
}

static int compare_numbers(const void *a, const void *b)
{
	return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

static unsigned without_grease(struct numbers *n)
{
	unsigned k = 0;

	for (unsigned i = 0; i < n->count; i++)
		if (!is_grease(n->list[i]))
			n->list[k++] = n->list[i];
	n->count = k;
	return k;
}

static void short_hash(const char *text, size_t len, char out[13])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n;

	(void)snprintf(out, 13, "000000000000");
	if (len && EVP_Digest(text, len, md, &n, EVP_sha256(), NULL) == 1)
		tls_hex(md, 6, false, 0, out);
}

static void add_ja4(struct budget *budget, struct app_values *v, struct hello *h)
{
	static const struct {
		uint16_t version;
		const char *text;
	} versions[] = {
		{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
	};
	char list[JA3_MAX];
	char ciphers[13];
	char extensions[13];
	char text[64];
	const char *version = "00";
	unsigned cipher_count = without_grease(&h->ciphers);
	unsigned extension_count = without_grease(&h->extensions);
	size_t at = 0;

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (versions[i].version == (h->highest ? h->highest : h->version))
			version = versions[i].text;
	qsort(h->ciphers.list, cipher_count, sizeof(uint16_t), compare_numbers);
	for (unsigned i = 0; i < cipher_count; i++)
		at = put_hex(list, at, i ? ',' : 0, h->ciphers.list[i]);
	short_hash(list, at, ciphers);
	qsort(h->extensions.list, extension_count, sizeof(uint16_t), compare_numbers);
	at = 0;
	for (unsigned i = 0; i < extension_count; i++)
		if (h->extensions.list[i] != EXTENSION_SERVER_NAME && h->extensions.list[i] != EXTENSION_ALPN)
			at = put_hex(list, at, at ? ',' : 0, h->extensions.list[i]);
	for (unsigned i = 0; at && i < without_grease(&h->signatures); i++)
		at = put_hex(list, at, i ? ',' : '_', h->signatures.list[i]);
	short_hash(list, at, extensions);
	at = (size_t)snprintf(text, sizeof(text), "t%s%c%02u%02u%c%c_%s_%s", version,
	    h->name ? 'd' : 'i', cipher_count > 99 ? 99 : cipher_count,
	    extension_count > 99 ? 99 : extension_count, h->alpn[0] ? h->alpn[0] : '0',
	    h->alpn[1] ? h->alpn[1] : '0', ciphers, extensions);
	app_values_add(budget, v, BUFFER_JA4_HASH, text, at);
}

static void add_version(struct budget *budget, struct app_values *v, const struct hello *h)
{
	uint16_t version = h->highest ? h->highest : h->version;
	const char *text = version == 0x0304 ? "tls1.3" : version == 0x0303 ? "tls1.2"
	    : version == 0x0302 ? "tls1.1" : version == 0x0301 ? "tls1.0"
	    : version == 0x0300 ? "sslv3" : "sslv2";

	app_values_add(budget, v, BUFFER_TLS_VERSION, text, strlen(text));
}

void tls_client_hello(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len,
    const bool *wanted)
{
	struct hello h;
	char text[JA3_MAX];
	size_t at;

	memset(&h, 0, sizeof(h));
	if (!read_hello(&h, true, body, len))
		return;
	add_version(budget, v, &h);
	if (h.name)
		app_values_add(budget, v, BUFFER_TLS_SNI, h.name, h.name_len);
	app_values_add(budget, v, BUFFER_TLS_RANDOM, h.random, 32);
	app_values_add(budget, v, BUFFER_TLS_RANDOM_TIME, h.random, 4);
	app_values_add(budget, v, BUFFER_TLS_RANDOM_BYTES, h.random + 4, 28);
	at = put_decimal(text, 0, h.version);
	text[at++] = ',';
	at = put_list(text, at, &h.ciphers);
	text[at++] = ',';
	at = put_list(text, at, &h.extensions);
	text[at++] = ',';
	at = put_list(text, at, &h.groups);
	text[at++] = ',';
	at = put_list(text, at, &h.formats);
	app_values_add(budget, v, BUFFER_JA3_STRING, text, at);
	add_digest(budget, v, BUFFER_JA3_HASH, text, at);
	if (wanted[BUFFER_JA4_HASH])
		add_ja4(budget, v, &h);
}

void tls_server_hello(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len)
{
	struct hello h = {0};
	char text[JA3_MAX];
	size_t at;

	if (!read_hello(&h, false, body, len))
		return;
	add_version(budget, v, &h);
	app_values_add(budget, v, BUFFER_TLS_RANDOM, h.random, 32);
	app_values_add(budget, v, BUFFER_TLS_RANDOM_TIME, h.random, 4);
	app_values_add(budget, v, BUFFER_TLS_RANDOM_BYTES, h.random + 4, 28);
	at = (size_t)snprintf(text, sizeof(text), "%u,%u,", h.version, h.ciphers.list[0]);
	at = put_list(text, at, &h.extensions);
	app_values_add(budget, v, BUFFER_JA3S_STRING, text, at);
	add_digest(budget, v, BUFFER_JA3S_HASH, text, at);
}
