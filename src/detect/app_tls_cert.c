/*
 * Certificates of TLS up to 1.2 (RFC 5246, RFC 5280): names as "C=US, O=Example, CN=host", the
 * serial number and the SHA-1 fingerprint as hexadecimal digits with colons.
 */
#include "detect/app_tls.h"

#include "base/rd.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define DN_MAX 2048
#define ATTRIBUTES_MAX 64
#define SERIAL_MAX 64

#define TAG_INTEGER 0x02
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_SET 0x31
#define TAG_VERSION 0xa0

/* Takes one element; its content is in *ret.  False: the bytes are no DER. */
static bool element(struct rd *r, uint8_t *ret_tag, struct rd *ret)
{
	uint8_t tag = rd_u8(r);
	size_t len = rd_u8(r);

	if (len & 0x80) {
		unsigned n = len & 0x7f;

		if (n == 0 || n > 4)
			return false;
		for (len = 0; n > 0; n--)
			len = len << 8 | rd_u8(r);
	}
	*ret = rd_sub(r, len);
	*ret_tag = tag;
	return !r->bad && !ret->bad;
}

static const char *attribute_name(const uint8_t *oid, size_t len)
{
	static const struct {
		const char *oid;
		size_t len;
		const char *name;
	} names[] = {
		{"\x55\x04\x03", 3, "CN"}, {"\x55\x04\x04", 3, "SN"}, {"\x55\x04\x05", 3, "serialNumber"},
		{"\x55\x04\x06", 3, "C"}, {"\x55\x04\x07", 3, "L"}, {"\x55\x04\x08", 3, "ST"},
		{"\x55\x04\x09", 3, "street"}, {"\x55\x04\x0a", 3, "O"}, {"\x55\x04\x0b", 3, "OU"},
		{"\x55\x04\x0c", 3, "title"}, {"\x55\x04\x0d", 3, "description"},
		{"\x55\x04\x2a", 3, "GN"},
		{"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01", 9, "emailAddress"},
		{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19", 10, "DC"},
		{"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01", 10, "UID"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].len == len && memcmp(names[i].oid, oid, len) == 0)
			return names[i].name;
	return NULL;
}

static void put(char *out, size_t *at, const void *data, size_t len)
{
	if (len > DN_MAX - *at)
		len = DN_MAX - *at;
	memcpy(out + *at, data, len);
	*at += len;
}

static size_t name_text(struct rd name, char *out)
{
	size_t at = 0;

	for (int i = 0; i < ATTRIBUTES_MAX && rd_left(&name); i++) {
		struct rd set;
		struct rd pair;
		struct rd oid;
		struct rd value;
		uint8_t tag;
		const char *known;

		if (!element(&name, &tag, &set) || tag != TAG_SET || !element(&set, &tag, &pair)
		    || !element(&pair, &tag, &oid) || tag != TAG_OID || !element(&pair, &tag, &value))
			break;
		if (at)
			put(out, &at, ", ", 2);
		known = attribute_name(oid.pos, rd_left(&oid));
		if (known)
			put(out, &at, known, strlen(known));
		else
			put(out, &at, "unknown", 7);
		put(out, &at, "=", 1);
		put(out, &at, value.pos, rd_left(&value));
	}
	return at;
}

static void read_certificate(struct budget *budget, struct app_values *v, const uint8_t *p, size_t len)
{
	struct rd r = rd_init(p, len);
	struct rd certificate;
	struct rd tbs;
	struct rd part;
	char text[DN_MAX + 4];
	uint8_t tag;

	if (!element(&r, &tag, &certificate) || tag != TAG_SEQUENCE
	    || !element(&certificate, &tag, &tbs) || !element(&tbs, &tag, &part))
		return;
	if (tag == TAG_VERSION && !element(&tbs, &tag, &part))
		return;
	if (tag == TAG_INTEGER && rd_left(&part) <= SERIAL_MAX && rd_left(&part)) {
		tls_hex(part.pos, rd_left(&part), true, ':', text);
		app_values_add(budget, v, BUFFER_TLS_CERT_SERIAL, text, strlen(text));
	}
	if (!element(&tbs, &tag, &part) || !element(&tbs, &tag, &part) || tag != TAG_SEQUENCE)
		return;
	app_values_add(budget, v, BUFFER_TLS_CERT_ISSUER, text, name_text(part, text));
	if (!element(&tbs, &tag, &part) || !element(&tbs, &tag, &part) || tag != TAG_SEQUENCE)
		return;
	app_values_add(budget, v, BUFFER_TLS_CERT_SUBJECT, text, name_text(part, text));
}

void tls_certificates(struct budget *budget, struct app_values *v, const uint8_t *body, size_t len)
{
	struct rd r = rd_init(body, len);
	bool first = true;
	unsigned count = 0;
	char number[12];
	int number_len;

	rd_skip(&r, 3);
	while (rd_left(&r) >= 3) {
		size_t n = (size_t)rd_u8(&r) << 16;
		const uint8_t *p;

		n |= rd_u16be(&r);
		p = rd_take(&r, n);
		if (!p)
			return;
		count++;
		app_values_add(budget, v, BUFFER_TLS_CERTS, p, n);
		if (first) {
			uint8_t md[EVP_MAX_MD_SIZE];
			char hex[EVP_MAX_MD_SIZE * 3];
			unsigned md_len;

			read_certificate(budget, v, p, n);
			if (EVP_Digest(p, n, md, &md_len, EVP_sha1(), NULL) == 1) {
				tls_hex(md, md_len, false, ':', hex);
				app_values_add(budget, v, BUFFER_TLS_CERT_FINGERPRINT, hex, strlen(hex));
			}
		}
		first = false;
	}
	number_len = snprintf(number, sizeof(number), "%u", count);
	app_values_add(budget, v, BUFFER_TLS_CHAIN, number, (size_t)number_len);
}
