/* BSON documents: looking into them, rendering them, writing small ones; see bson.h. */
#include "protocol/bson.h"

#include <stdio.h>
#include <string.h>

struct element {
	uint8_t type;
	struct protocol_text key;
	struct rd value;
};

/* Where the document's elements are; its length may promise more than there is. */
static struct rd elements_of(struct rd document)
{
	const uint32_t len = rd_u32le(&document);

	if (document.bad || len < 5)
		return rd_init(NULL, 0);
	if (rd_left(&document) > len - 4)
		document.end = document.pos + (len - 4);
	return document;
}

static size_t value_size(uint8_t type, struct rd r)
{
	uint32_t len;

	switch (type) {
	case BSON_DOUBLE:
	case BSON_DATE:
	case BSON_INT64:
	case 17: /* timestamp */
		return 8;
	case BSON_INT32:
		return 4;
	case BSON_BOOL:
		return 1;
	case 6:    /* undefined */
	case 10:   /* null */
	case 0xff: /* minimal key */
	case 0x7f: /* maximal key */
		return 0;
	case 7: /* object id */
		return 12;
	case 19: /* decimal128 */
		return 16;
	case BSON_TEXT:
	case 13: /* code */
	case 14: /* symbol */
		len = rd_u32le(&r);
		return 4 + (size_t)len;
	case BSON_BINARY:
		len = rd_u32le(&r);
		return 5 + (size_t)len;
	case BSON_DOCUMENT:
	case BSON_ARRAY:
		len = rd_u32le(&r);
		return len < 5 ? 5 : len;
	default:
		return SIZE_MAX;
	}
}

/* The next element; false at the end, or where the document makes no sense.  A value that is cut is
 * given as far as it goes. */
static bool next(struct rd *r, struct element *ret)
{
	const uint8_t *end;
	size_t size;

	ret->type = rd_u8(r);
	if (r->bad || ret->type == 0)
		return false;
	end = rd_left(r) ? memchr(r->pos, 0, rd_left(r)) : NULL;
	if (!end)
		return false;
	ret->key = (struct protocol_text){(const char *)r->pos, (size_t)(end - r->pos)};
	rd_skip(r, ret->key.len + 1);
	size = value_size(ret->type, *r);
	if (size == SIZE_MAX)
		return false;
	if (size > rd_left(r))
		size = rd_left(r);
	ret->value = rd_sub(r, size);
	return true;
}

static bool key_is(const struct element *element, const char *key)
{
	return element->key.len == strlen(key) &&
	       memcmp(element->key.data, key, element->key.len) == 0;
}

/* The bytes of a text or binary. */
static struct protocol_text text_of(const struct element *element)
{
	struct rd r = element->value;
	const uint32_t len = rd_u32le(&r);
	size_t n;

	if (element->type == BSON_BINARY)
		rd_skip(&r, 1);
	if (r.bad)
		return PROTOCOL_LITERAL("");
	n = rd_left(&r) < len ? rd_left(&r) : len;
	if (element->type != BSON_BINARY && n > 0 && n == len)
		n--; /* its NUL */
	return (struct protocol_text){(const char *)r.pos, n};
}

struct protocol_text bson_first_key(struct rd document)
{
	struct rd r = elements_of(document);
	struct element element;

	return next(&r, &element) ? element.key : PROTOCOL_LITERAL("");
}

struct protocol_text bson_find_text(struct rd document, const char *key)
{
	struct rd r = elements_of(document);
	struct element element;

	while (next(&r, &element))
		if (key_is(&element, key) &&
		    (element.type == BSON_TEXT || element.type == BSON_BINARY))
			return text_of(&element);
	return PROTOCOL_LITERAL("");
}

struct rd bson_find_document(struct rd document, const char *key)
{
	struct rd r = elements_of(document);
	struct element element;

	while (next(&r, &element))
		if (key_is(&element, key) &&
		    (element.type == BSON_DOCUMENT || element.type == BSON_ARRAY))
			return element.value;
	return rd_init(NULL, 0);
}

/* ---- rendering ------------------------------------------------------------------------------ */

static void put(struct wr *w, const char *text)
{
	wr_bytes(w, text, strlen(text));
}

static void put_quoted(struct wr *w, struct protocol_text text)
{
	size_t space = (size_t)(w->end - w->pos);

	wr_u8(w, '"');
	if (text.len + 2 > space) /* as much as there is room for */
		text.len = space > 2 ? space - 2 : 0;
	wr_bytes(w, text.data, text.len);
	wr_u8(w, '"');
}

static void put_value(struct wr *w, const struct element *element)
{
	struct rd r = element->value;
	uint64_t bits;
	double number;
	char text[40] = "null";

	switch (element->type) {
	case BSON_TEXT:
	case 13:
	case 14:
		put_quoted(w, text_of(element));
		return;
	case BSON_INT32:
		(void)snprintf(text, sizeof(text), "%d", (int)(int32_t)rd_u32le(&r));
		break;
	case BSON_INT64:
	case BSON_DATE:
		(void)snprintf(text, sizeof(text), "%lld", (long long)(int64_t)rd_u64le(&r));
		break;
	case BSON_DOUBLE:
		bits = rd_u64le(&r);
		memcpy(&number, &bits, sizeof(number));
		(void)snprintf(text, sizeof(text), "%.10g", number);
		break;
	case BSON_BOOL:
		(void)snprintf(text, sizeof(text), "%s", rd_u8(&r) ? "true" : "false");
		break;
	case BSON_BINARY:
		(void)snprintf(text, sizeof(text), "<%zu bytes>", text_of(element).len);
		break;
	case 7:
		(void)snprintf(text, sizeof(text), "ObjectId");
		break;
	default:
		break;
	}
	put(w, text);
}

void bson_render(struct rd document, struct wr *w)
{
	struct {
		struct rd r;
		bool array;
		bool begun;
	} level[BSON_DEPTH_MAX];
	unsigned depth = 1;
	struct element element;

	level[0].r = elements_of(document);
	level[0].array = false;
	level[0].begun = false;
	put(w, "{");
	while (depth > 0 && !w->bad) {
		const unsigned at = depth - 1;

		if (!next(&level[at].r, &element)) {
			put(w, level[at].array ? "]" : "}");
			depth--;
			continue;
		}
		put(w, level[at].begun ? ", " : "");
		level[at].begun = true;
		if (!level[at].array) {
			wr_bytes(w, element.key.data, element.key.len);
			put(w, ": ");
		}
		if (element.type != BSON_DOCUMENT && element.type != BSON_ARRAY) {
			put_value(w, &element);
		} else if (depth == BSON_DEPTH_MAX) {
			put(w, "{…}");
		} else {
			level[depth].r = elements_of(element.value);
			level[depth].array = element.type == BSON_ARRAY;
			level[depth].begun = false;
			put(w, level[depth].array ? "[" : "{");
			depth++;
		}
	}
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_key(struct bson_writer *b, uint8_t type, const char *key)
{
	wr_u8(&b->w, type);
	wr_bytes(&b->w, key, strlen(key) + 1);
}

static void put_number(struct bson_writer *b, uint8_t type, const char *key, uint64_t value,
    size_t size)
{
	put_key(b, type, key);
	if (size == 4)
		wr_u32le(&b->w, (uint32_t)value);
	else
		wr_u64le(&b->w, value);
}

void bson_begin(struct bson_writer *b, uint8_t *bytes, size_t cap)
{
	b->bytes = bytes;
	b->w = wr_init(bytes, cap);
	b->open[0] = 0;
	b->depth = 1;
	wr_u32le(&b->w, 0);
}

void bson_open(struct bson_writer *b, enum bson_type type, const char *key)
{
	put_key(b, (uint8_t)type, key);
	if (b->depth == BSON_DEPTH_MAX) {
		b->w.bad = true;
		return;
	}
	b->open[b->depth++] = wr_len(&b->w);
	wr_u32le(&b->w, 0);
}

void bson_shut(struct bson_writer *b)
{
	size_t at;
	struct wr patch;

	wr_u8(&b->w, 0);
	if (b->w.bad || b->depth == 0)
		return;
	at = b->open[--b->depth];
	patch = wr_init(b->bytes + at, 4);
	wr_u32le(&patch, (uint32_t)(wr_len(&b->w) - at));
}

void bson_text(struct bson_writer *b, const char *key, const char *value)
{
	put_number(b, BSON_TEXT, key, strlen(value) + 1, 4);
	wr_bytes(&b->w, value, strlen(value) + 1);
}

void bson_binary(struct bson_writer *b, const char *key, const void *value, size_t len)
{
	put_number(b, BSON_BINARY, key, len, 4);
	wr_u8(&b->w, 0);
	wr_bytes(&b->w, value, len);
}

void bson_int32(struct bson_writer *b, const char *key, int32_t value)
{
	put_number(b, BSON_INT32, key, (uint32_t)value, 4);
}

void bson_int64(struct bson_writer *b, const char *key, int64_t value)
{
	put_number(b, BSON_INT64, key, (uint64_t)value, 8);
}

void bson_date(struct bson_writer *b, const char *key, int64_t unix_ms)
{
	put_number(b, BSON_DATE, key, (uint64_t)unix_ms, 8);
}

void bson_double(struct bson_writer *b, const char *key, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_number(b, BSON_DOUBLE, key, bits, 8);
}

void bson_bool(struct bson_writer *b, const char *key, bool value)
{
	put_key(b, BSON_BOOL, key);
	wr_u8(&b->w, value);
}

size_t bson_end(struct bson_writer *b)
{
	bson_shut(b);
	return b->w.bad ? 0 : wr_len(&b->w);
}
