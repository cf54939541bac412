/* Masking and hashing of first payloads; the contract is in template.h. */
#include "protocol/template.h"

#include "base/byteset.h"
#include "protocol/encoding.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define HEX_RUN_MIN 8
#define HEX_ADDRESS 8 /* digits of an IPv4 address */
#define FNV_OFFSET 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

enum { /* masks: symbols no byte has; they are part of the stored hashes */
	MASK_ADDRESS = 0x100,
	MASK_FIELD = 0x101,
	MASK_HOST = 0x102,
	MASK_DIGITS = 0x103,
	MASK_HEX = 0x104,
};

#define FIELDS_MAX 3

/* Headers with fields that are random by design: bytes at fixed places and the fields' places. */
struct header {
	size_t min_len;
	size_t exact_len; /* 0: any */
	struct {
		uint8_t at;
		uint8_t mask;
		uint8_t value;
	} bytes[9]; /* until mask 0 */
	struct {
		uint8_t at;
		uint8_t len;
	} fields[FIELDS_MAX]; /* until len 0 */
};

static const struct header headers[] = {
	/* TLS ClientHello: random and session id (its length is 32 or 0; RFC 8446 4.1.2). */
	{44, 0, {{0, 0xff, 0x16}, {1, 0xff, 3}, {5, 0xff, 1}, {9, 0xff, 3}, {43, 0xff, 32}},
	    {{11, 32}, {44, 32}}},
	{44, 0, {{0, 0xff, 0x16}, {1, 0xff, 3}, {5, 0xff, 1}, {9, 0xff, 3}}, {{11, 32}}},
	/* DTLS ClientHello: random (RFC 6347 4.2). */
	{59, 0, {{0, 0xff, 0x16}, {1, 0xff, 0xfe}, {13, 0xff, 1}}, {{27, 32}}},
	/* STUN with its magic cookie (RFC 8489 5). */
	{20, 0, {{0, 0xc0, 0}, {4, 0xff, 0x21}, {5, 0xff, 0x12}, {6, 0xff, 0xa4}, {7, 0xff, 0x42}},
	    {{8, 12}}},
	/* IKE: the initiator's cookie, while the responder's is zero (RFC 7296 3.1). */
	{28, 0, {{8, 0xff, 0}, {9, 0xff, 0}, {10, 0xff, 0}, {11, 0xff, 0}, {12, 0xff, 0},
	    {13, 0xff, 0}, {15, 0xff, 0}, {17, 0xcf, 0}, {20, 0xff, 0}}, {{0, 8}}},
	/* NTP client: transmit time (RFC 5905 7.3). */
	{48, 48, {{0, 0x07, 3}}, {{40, 8}}},
	/* ONC RPC call over UDP: xid (RFC 5531 9). */
	{24, 0, {{4, 0xff, 0}, {5, 0xff, 0}, {6, 0xff, 0}, {7, 0xff, 0}, {8, 0xff, 0}, {9, 0xff, 0},
	    {10, 0xff, 0}, {11, 0xff, 2}, {12, 0xff, 0}}, {{0, 4}}},
	/* memcached over UDP: request id. */
	{9, 0, {{2, 0xff, 0}, {3, 0xff, 0}, {4, 0xff, 0}, {5, 0xff, 1}, {6, 0xff, 0}, {7, 0xff, 0},
	    {8, 0xc0, 0x40}}, {{0, 2}}},
	/* DNS, mDNS, NetBIOS name query: one question, no answer (RFC 1035 4.1.1). */
	{17, 0, {{2, 0xf8, 0}, {3, 0x4f, 0}, {4, 0xff, 0}, {5, 0xff, 1}, {6, 0xff, 0}, {7, 0xff, 0},
	    {8, 0xff, 0}, {9, 0xff, 0}, {12, 0xc0, 0}}, {{0, 2}}},
};

struct masker {
	const uint8_t *data;
	size_t len;
	const struct header *header; /* NULL: none known */
	char text[IP_TEXT_MAX]; /* the address */
	size_t text_len;
	char hex[HEX_ADDRESS + 1];
	size_t hex_len;       /* 0: IPv6, which is not looked for in hex */
	uint8_t bytes[2][16]; /* the address in both orders; IPv4 uses 4 */
	size_t bytes_len;
	struct byteset begin; /* bytes that the address or a run may begin with */
	uint64_t fields; /* bits of the places where the header's fields begin; all are below 64 */
};

static const struct header *find_header(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		const struct header *h = &headers[i];
		bool fits = len >= h->min_len && (h->exact_len == 0 || len == h->exact_len);

		for (unsigned b = 0; fits && b < 9 && h->bytes[b].mask; b++)
			fits = (data[h->bytes[b].at] & h->bytes[b].mask) == h->bytes[b].value;
		if (fits)
			return h;
	}
	return NULL;
}

/* 0 … 9, A … F, a … f. */
static const struct byteset run_digits = {
    {0x3ffull << '0', 0x3full << ('A' - 64) | 0x3full << ('a' - 64)}};

static void prepare_address(struct masker *m, struct ip server)
{
	uint8_t raw[16];

	m->text_len = strlen(ip_format(server, m->text));
	for (unsigned i = 0; i < 8; i++) {
		raw[i] = (uint8_t)(server.hi >> (56 - 8 * i));
		raw[8 + i] = (uint8_t)(server.lo >> (56 - 8 * i));
	}
	m->bytes_len = ip_is_v4(server) ? 4 : 16;
	memcpy(m->bytes[0], raw + 16 - m->bytes_len, m->bytes_len);
	for (size_t i = 0; i < m->bytes_len; i++)
		m->bytes[1][i] = m->bytes[0][m->bytes_len - 1 - i];
	if (ip_is_v4(server))
		m->hex_len = encoding_hex(m->bytes[0], 4, m->hex, sizeof(m->hex));
	/* An IPv6 address may begin with a colon. */
	m->begin = run_digits;
	byteset_add(&m->begin, ':');
	byteset_add(&m->begin, m->bytes[0][0]);
	byteset_add(&m->begin, m->bytes[1][0]);
}

static bool begins(const struct masker *m, size_t at, const void *what, size_t len)
{
	return m->len - at >= len && len > 0 && memcmp(m->data + at, what, len) == 0;
}

/* The word in either case; it begins with a digit, a small letter or a colon. */
static bool begins_word(const struct masker *m, size_t at, const char *word, size_t len)
{
	return m->len - at >= len && len > 0
	    && (m->data[at] == (uint8_t)*word || (m->data[at] | 0x20) == (uint8_t)*word)
	    && strncasecmp((const char *)m->data + at, word, len) == 0;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* How many bytes of the server's address begin here. */
static size_t address_len(const struct masker *m, size_t at)
{
	size_t end = at + m->text_len;

	if (begins_word(m, at, m->text, m->text_len)
	    && (end == m->len || !is_digit(m->data[end]))
	    && (at == 0 || !is_digit(m->data[at - 1])))
		return m->text_len;
	if (begins_word(m, at, m->hex, m->hex_len))
		return m->hex_len;
	if (begins(m, at, m->bytes[0], m->bytes_len) || begins(m, at, m->bytes[1], m->bytes_len))
		return m->bytes_len;
	return 0;
}

/* How many bytes of a field that is random by design begin here. */
static size_t field_len(const struct masker *m, size_t at)
{
	static const char node_id[] = "2:id20:";

	for (unsigned i = 0; m->header && i < FIELDS_MAX; i++)
		if (m->header->fields[i].len && m->header->fields[i].at == at)
			return m->header->fields[i].len;
	if (at >= sizeof(node_id) - 1
	    && begins(m, at - (sizeof(node_id) - 1), node_id, sizeof(node_id) - 1))
		return 20;
	return 0;
}

/* How many bytes of a host begin here: behind "Host:" at a line's begin, or behind "://". */
static size_t host_len(const struct masker *m, size_t at)
{
	bool header = at >= 6 && m->data[at - 6] == '\n' && begins_word(m, at - 5, "host:", 5);
	bool uri = at >= 3 && begins(m, at - 3, "://", 3);
	size_t n = 0;

	if (!header && !uri)
		return 0;
	while (at + n < m->len && !strchr("\r\n", m->data[at + n])
	    && (header || !strchr("/ ?#\"'<>", m->data[at + n])))
		n++;
	return n;
}

/* Runs of digits, of hex digits; sets the mask. */
static size_t run_len(const struct masker *m, size_t at, unsigned *mask)
{
	size_t digits = 0;
	size_t n = 0;
	bool digit = false;
	bool letter = false;

	while (at + digits < m->len && is_digit(m->data[at + digits]))
		digits++;
	for (; at + n < m->len; n++) {
		uint8_t c = m->data[at + n];

		if (!is_digit(c) && !is_hex_letter(c))
			break;
		digit |= is_digit(c);
		letter |= is_hex_letter(c);
	}
	*mask = MASK_DIGITS;
	if (n >= HEX_RUN_MIN && digit && letter) {
		*mask = MASK_HEX;
		return n;
	}
	return digits;
}

/* Is it a byte that nothing masked begins with?  Hosts and node ids are behind ':' or '/'. */
static bool is_plain(const struct masker *m, size_t at)
{
	return !byteset_has(&m->begin, m->data[at])
	    && (at == 0 || (m->data[at - 1] != ':' && m->data[at - 1] != '/'))
	    && (at >= 64 || !(m->fields >> at & 1));
}

/* The next symbol; moves *at past what it stands for. */
static unsigned take_symbol(const struct masker *m, size_t *at)
{
	unsigned mask = MASK_ADDRESS;
	size_t n = address_len(m, *at);

	if (n == 0) {
		mask = MASK_FIELD;
		n = field_len(m, *at);
	}
	if (n == 0) {
		mask = MASK_HOST;
		n = host_len(m, *at);
	}
	if (n == 0)
		n = run_len(m, *at, &mask);
	if (n == 0)
		return m->data[(*at)++];
	*at = n < m->len - *at ? *at + n : m->len;
	return mask;
}

uint64_t template_hash(const uint8_t *data, size_t len, struct ip server)
{
	struct masker m = {
		.data = data,
		.len = len < TEMPLATE_LOOK_MAX ? len : TEMPLATE_LOOK_MAX,
		.header = find_header(data, len),
	};
	uint64_t hash = FNV_OFFSET;
	size_t at = 0;

	prepare_address(&m, server);
	for (unsigned i = 0; m.header && i < FIELDS_MAX; i++)
		if (m.header->fields[i].len)
			m.fields |= 1ull << m.header->fields[i].at;
	for (unsigned i = 0; i < TEMPLATE_SYMBOLS && at < m.len; i++) {
		unsigned symbol;

		if (is_plain(&m, at)) {
			/* Its upper octet is zero: two steps are one. */
			hash = (hash ^ data[at++]) * (FNV_PRIME * FNV_PRIME);
			continue;
		}
		symbol = take_symbol(&m, &at);
		hash = (hash ^ (symbol & 0xff)) * FNV_PRIME;
		hash = (hash ^ symbol >> 8) * FNV_PRIME;
	}
	return hash;
}
