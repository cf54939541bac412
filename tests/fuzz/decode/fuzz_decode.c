/*
 * One packet of any link type: decoded in a block of its own size, so that the sanitizer sees a
 * look beyond the end.  The first two bytes are the link type, big endian; the rest is the packet.
 */
#include "decode/decode.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct capture_packet view = {.time_us = 1};
	struct decode_packet p;
	uint8_t *copy;

	if (len < 2)
		return 0;
	view.linktype = (uint16_t)(data[0] << 8 | data[1]);
	view.len = (uint32_t)(len - 2);
	view.wire_len = view.len;
	copy = malloc(len - 2 ? len - 2 : 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 2, len - 2);
	view.data = copy;
	memset(&p, 0xa5, sizeof(p));
	decode_batch(&view, 1, &p);
	if (p.drop >= DECODE_DROP_NOT_OBSERVED || p.data_len > view.len)
		abort();
	if (p.drop == DECODE_DROP_NONE
	    && (p.transport_offset > p.payload_offset
	    || p.payload_offset + p.payload_len > p.data_len))
		abort();
	if (p.drop != DECODE_DROP_NONE && p.flags & DECODE_TRANSPORT)
		abort();
	free(copy);
	return 0;
}
