/*
 * Header compression of HTTP/2; the contract is in hpack.h.
 *
 * The table of RFC 7541 is a queue: names and values in one buffer, their lengths in another.
 * Strings in Huffman's code are read bit by bit: the code is canonical, so the number of codes of
 * each length (appendix B) and the symbols in that order are all there is to it.
 */
#include "detect/hpack.h"

#include "base/rd.h"

#include <string.h>

#define ENTRY_COST 32u /* RFC 7541, 4.1 */
#define CODE_MAX 30
#define STATIC_COUNT 61u

static const struct {
	const char *name;
	const char *value;
} fixed[STATIC_COUNT] = {
	{":authority", ""}, {":method", "GET"}, {":method", "POST"}, {":path", "/"},
	{":path", "/index.html"}, {":scheme", "http"}, {":scheme", "https"}, {":status", "200"},
	{":status", "204"}, {":status", "206"}, {":status", "304"}, {":status", "400"},
	{":status", "404"}, {":status", "500"}, {"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"}, {"accept-language", ""}, {"accept-ranges", ""},
	{"accept", ""}, {"access-control-allow-origin", ""}, {"age", ""}, {"allow", ""},
	{"authorization", ""}, {"cache-control", ""}, {"content-disposition", ""},
	{"content-encoding", ""}, {"content-language", ""}, {"content-length", ""},
	{"content-location", ""}, {"content-range", ""}, {"content-type", ""}, {"cookie", ""},
	{"date", ""}, {"etag", ""}, {"expect", ""}, {"expires", ""}, {"from", ""}, {"host", ""},
	{"if-match", ""}, {"if-modified-since", ""}, {"if-none-match", ""}, {"if-range", ""},
	{"if-unmodified-since", ""}, {"last-modified", ""}, {"link", ""}, {"location", ""},
	{"max-forwards", ""}, {"proxy-authenticate", ""}, {"proxy-authorization", ""}, {"range", ""},
	{"referer", ""}, {"refresh", ""}, {"retry-after", ""}, {"server", ""}, {"set-cookie", ""},
	{"strict-transport-security", ""}, {"transfer-encoding", ""}, {"user-agent", ""},
	{"vary", ""}, {"via", ""}, {"www-authenticate", ""},
};

static const uint8_t code_counts[CODE_MAX + 1] = {0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3,
	0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 4};

/* By length of the code, then by value; the last code of all is the end and no symbol. */
static const uint8_t symbols[256] = {
	48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51,
	52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109,
	110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76,
	77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118,
	119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39,
	43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92,
	195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177,
	179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160,
	163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232,
	233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157,
	158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142,
	144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193,
	200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211,
	212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254,
	2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20,
	21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
};

static bool unpack(struct budget *budget, struct bytes *out, const uint8_t *p, size_t len)
{
	uint32_t code = 0;
	uint32_t first = 0; /* code of this length */
	unsigned index = 0; /* of its symbol */
	unsigned bits = 0;

	for (size_t i = 0; i < len * 8; i++) {
		uint8_t symbol;

		code = code << 1 | (p[i / 8] >> (7 - i % 8) & 1u);
		first <<= 1;
		if (++bits > CODE_MAX)
			return false;
		if (code - first >= code_counts[bits]) {
			index += code_counts[bits];
			first += code_counts[bits];
			continue;
		}
		index += code - first;
		if (index >= sizeof(symbols))
			return false;
		symbol = symbols[index];
		if (!bytes_append(budget, out, &symbol, 1, HPACK_STRING_MAX))
			return false;
		code = first = index = bits = 0;
	}
	return bits < 8; /* what is left are the first bits of the end */
}

/* An integer with a prefix (5.1) whose first byte was read. */
static bool take_integer(struct rd *r, uint8_t first, unsigned prefix, uint32_t *ret)
{
	uint32_t mask = (1u << prefix) - 1;
	uint64_t n = first & mask;
	unsigned shift = 0;
	uint8_t c;

	if (n == mask) {
		do {
			if (!rd_left(r) || shift > 28)
				return false;
			c = rd_u8(r);
			n += (uint64_t)(c & 0x7f) << shift;
			shift += 7;
		} while (c & 0x80);
	}
	*ret = (uint32_t)n;
	return n <= UINT32_MAX;
}

static bool take_string(struct budget *budget, struct rd *r, struct bytes *out)
{
	uint8_t first;
	uint32_t len;
	const uint8_t *p;

	out->len = 0;
	if (!rd_left(r))
		return false;
	first = rd_u8(r);
	if (!take_integer(r, first, 7, &len) || len > rd_left(r))
		return false;
	p = rd_take(r, len);
	if (first & 0x80)
		return unpack(budget, out, p, len);
	return len == 0 || bytes_append(budget, out, p, len, HPACK_STRING_MAX);
}

struct entry {
	uint32_t name;
	uint32_t value;
};

static size_t entry_count(const struct hpack *t)
{
	return t->lengths.len / sizeof(struct entry);
}

static struct entry entry_at(const struct hpack *t, size_t i)
{
	struct entry e;

	memcpy(&e, t->lengths.data + i * sizeof(e), sizeof(e));
	return e;
}

static void shrink(struct hpack *t, size_t limit)
{
	while (entry_count(t) && t->text.len + entry_count(t) * ENTRY_COST > limit) {
		struct entry e = entry_at(t, 0);

		bytes_consume(&t->text, (size_t)e.name + e.value);
		bytes_consume(&t->lengths, sizeof(e));
	}
}

/* The present header becomes the newest entry; one that is too large empties the table. */
static bool remember(struct budget *budget, struct hpack *t)
{
	struct entry e = {(uint32_t)t->name.len, (uint32_t)t->value.len};
	size_t cost = t->name.len + t->value.len + ENTRY_COST;

	shrink(t, cost > t->limit ? 0 : t->limit - cost);
	if (cost > t->limit)
		return true;
	return (e.name == 0 || bytes_append(budget, &t->text, t->name.data, e.name, HPACK_SIZE_MAX))
	    && (e.value == 0 || bytes_append(budget, &t->text, t->value.data, e.value, HPACK_SIZE_MAX))
	    && bytes_append(budget, &t->lengths, &e, sizeof(e), HPACK_SIZE_MAX);
}

/* Copies the name, or all, of an entry into the present header. */
static bool recall(struct budget *budget, struct hpack *t, uint32_t index, bool value)
{
	const void *name;
	const void *text;
	struct entry e;

	if (index == 0)
		return false;
	if (index <= STATIC_COUNT) {
		name = fixed[index - 1].name;
		text = fixed[index - 1].value;
		e = (struct entry){(uint32_t)strlen(name), (uint32_t)strlen(text)};
	} else {
		size_t back = index - STATIC_COUNT;
		size_t at = t->text.len;

		if (back > entry_count(t))
			return false;
		for (size_t i = 1; i <= back; i++) {
			e = entry_at(t, entry_count(t) - i);
			at -= (size_t)e.name + e.value;
		}
		e = entry_at(t, entry_count(t) - back);
		name = t->text.data ? t->text.data + at : (const uint8_t *)"";
		text = (const uint8_t *)name + e.name;
	}
	t->name.len = 0;
	if (e.name && !bytes_append(budget, &t->name, name, e.name, HPACK_STRING_MAX))
		return false;
	if (value)
		t->value.len = 0;
	return !value || e.value == 0
	    || bytes_append(budget, &t->value, text, e.value, HPACK_STRING_MAX);
}

bool hpack_read(struct budget *budget, struct hpack *t, const uint8_t *data, size_t len,
    void (*header)(void *arg, const uint8_t *name, size_t name_len, const uint8_t *value,
        size_t value_len),
    void *arg)
{
	static const uint8_t nothing[1];
	struct rd r = rd_init(data, len);

	while (rd_left(&r)) {
		uint8_t first = rd_u8(&r);
		uint32_t n;

		if (first & 0x80) { /* a header of the table */
			if (!take_integer(&r, first, 7, &n) || !recall(budget, t, n, true))
				return false;
		} else if ((first & 0xe0) == 0x20) { /* a new size */
			if (!take_integer(&r, first, 5, &n) || n > HPACK_SIZE_MAX)
				return false;
			t->limit = n;
			shrink(t, n);
			continue;
		} else {
			if (!take_integer(&r, first, first & 0x40 ? 6 : 4, &n)
			    || (n ? !recall(budget, t, n, false) : !take_string(budget, &r, &t->name))
			    || !take_string(budget, &r, &t->value))
				return false;
			if (first & 0x40 && !remember(budget, t))
				return false;
		}
		header(arg, t->name.data ? t->name.data : nothing, t->name.len,
		    t->value.data ? t->value.data : nothing, t->value.len);
	}
	return true;
}

void hpack_fini(struct budget *budget, struct hpack *t)
{
	bytes_fini(budget, &t->lengths);
	bytes_fini(budget, &t->text);
	bytes_fini(budget, &t->name);
	bytes_fini(budget, &t->value);
}
