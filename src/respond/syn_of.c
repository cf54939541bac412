/* The SYN of an accepted connection; the contract is in syn_of.h. */
#include "respond/syn_of.h"

#include "fingerprint/marks.h"
#include "os/listen.h"

#define LINKTYPE_RAW 101

bool syn_of_socket(int fd, int64_t wall_us, struct stream *stream, struct syn *ret_syn)
{
	uint8_t bytes[OS_SAVED_SYN_MAX];
	struct capture_packet packet = {.data = bytes, .linktype = LINKTYPE_RAW, .time_us = wall_us};
	struct decode_packet decoded;

	packet.len = (uint32_t)os_saved_syn(fd, bytes);
	packet.wire_len = packet.len;
	if (packet.len == 0)
		return false;
	decode_batch(&packet, 1, &decoded);
	if (decoded.drop || !marks_is_syn(&decoded))
		return false;
	syn_parse(&decoded, ret_syn);
	stream->has_syn = true;
	stream->syn_marks = (uint8_t)marks_of_tcp(&decoded);
	stream->syn_signature = syn_id(ret_syn);
	return true;
}
