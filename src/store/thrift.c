/* Writing Thrift's compact protocol (thrift-compact-protocol.md); the contract is in thrift.h. */
#include "store/thrift.h"

#include "store/encode.h"

#define ID_DELTA_MAX 15
#define SHORT_LIST_MAX 14

static void put_varint(struct buf *out, uint64_t value)
{
	uint8_t bytes[ENCODE_VARINT_MAX];

	buf_append(out, bytes, (size_t)(encode_varint(bytes, value) - bytes));
}

static void put_zigzag(struct buf *out, int64_t value)
{
	put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static void put_head(struct thrift *thrift, int id, enum thrift_type type)
{
	int *last = &thrift->last[thrift->depth];

	if (id > *last && id - *last <= ID_DELTA_MAX) {
		buf_putc(thrift->out, (char)((id - *last) << 4 | (int)type));
	} else {
		buf_putc(thrift->out, (char)type);
		put_zigzag(thrift->out, id);
	}
	*last = id;
}

struct thrift thrift_begin(struct buf *out)
{
	struct thrift thrift = {.out = out};

	return thrift;
}

void thrift_end(struct thrift *thrift)
{
	buf_putc(thrift->out, 0);
}

void thrift_struct(struct thrift *thrift, int id)
{
	if (id)
		put_head(thrift, id, THRIFT_STRUCT);
	thrift->last[++thrift->depth] = 0;
}

void thrift_struct_end(struct thrift *thrift)
{
	buf_putc(thrift->out, 0);
	thrift->depth--;
}

void thrift_bool(struct thrift *thrift, int id, bool value)
{
	put_head(thrift, id, value ? THRIFT_TRUE : THRIFT_FALSE);
}

void thrift_int(struct thrift *thrift, int id, enum thrift_type type, int64_t value)
{
	put_head(thrift, id, type);
	put_zigzag(thrift->out, value);
}

void thrift_binary(struct thrift *thrift, int id, const void *data, size_t len)
{
	put_head(thrift, id, THRIFT_BINARY);
	thrift_element_binary(thrift, data, len);
}

void thrift_list(struct thrift *thrift, int id, enum thrift_type element, size_t count)
{
	put_head(thrift, id, THRIFT_LIST);
	if (count <= SHORT_LIST_MAX) {
		buf_putc(thrift->out, (char)(count << 4 | element));
	} else {
		buf_putc(thrift->out, (char)(0xf0 | element));
		put_varint(thrift->out, count);
	}
}

void thrift_element_int(struct thrift *thrift, int64_t value)
{
	put_zigzag(thrift->out, value);
}

void thrift_element_binary(struct thrift *thrift, const void *data, size_t len)
{
	put_varint(thrift->out, len);
	buf_append(thrift->out, data, len);
}
