/*
 * BER, as LDAP and SNMP use it: one element after the other, definite lengths, tags of one octet.
 * X.690 8.1.
 */
#pragma once

#include "base/rd.h"

/* Octets of the element at data, head and value; 0: its head is not whole yet; SIZE_MAX: it is no
 * element with a definite length of at most four octets. */
static inline size_t ber_size(const uint8_t *data, size_t len)
{
	size_t value = 0;
	size_t octets;

	if (len > 1 && data[1] == 0x80)
		return SIZE_MAX;
	if (len < 2)
		return 0;
	if (data[1] < 0x80)
		return 2 + (size_t)data[1];
	octets = data[1] & 0x7f;
	if (octets > 4)
		return SIZE_MAX;
	if (len < 2 + octets)
		return 0;
	for (size_t i = 0; i < octets; i++)
		value = value << 8 | data[2 + i];
	return 2 + octets + value;
}

/* Takes the next element; the reader turns bad when there is none, or not the whole of it. */
static inline uint8_t ber_take(struct rd *r, struct rd *ret_value)
{
	const size_t size = ber_size(r->pos, rd_left(r));
	const uint8_t *data = r->pos;
	size_t head;

	*ret_value = rd_init(NULL, 0);
	if (r->bad || size == 0 || size > rd_left(r)) {
		r->bad = true;
		return 0;
	}
	head = data[1] < 0x80 ? 2 : 2 + (size_t)(data[1] & 0x7f);
	*ret_value = rd_init(data + head, size - head);
	rd_skip(r, size);
	return data[0];
}

/* The same when it has the tag, else the reader turns bad. */
static inline struct rd ber_expect(struct rd *r, uint8_t tag)
{
	struct rd value;

	if (ber_take(r, &value) != tag)
		r->bad = true;
	if (r->bad)
		return rd_init(NULL, 0);
	return value;
}

/* The next element as a number; what is longer than 32 bits is cut. */
static inline uint32_t ber_number(struct rd *r, uint8_t tag)
{
	struct rd value = ber_expect(r, tag);
	uint32_t number = 0;

	for (size_t i = 0; i < 5 && rd_left(&value) > 0; i++)
		number = number << 8 | rd_u8(&value);
	return number;
}
