/*
 * The class of a packet: request, followup, backscatter or other, and the victim of backscatter.
 *
 * After CAIDA's corsaro (plugins/corsaro_dos.c) and RFC 792: SYN-ACK, RST, ICMP errors and replies
 * and UDP responses are backscatter when they answer nothing that was seen.
 */
#pragma once

#include "decode/decode.h"
#include "record/record.h"
#include "tally/conversation.h"

struct classify_result {
	enum record_class class;
	uint16_t port;       /* as flow.port */
	uint8_t attack_proto; /* backscatter only */
	struct ip victim;     /* backscatter only */
};

/*
 * Classifies a counted packet.  memory may be NULL: then nothing was seen before and nothing is
 * remembered.  remember: note this packet's direction too (captures of all directions).
 */
void classify_packet(struct conversation_memory *memory, bool remember,
    const struct decode_packet *packet, struct classify_result *ret_result);

/* Notes a packet that an observed address sent. */
void classify_outbound(struct conversation_memory *memory, const struct decode_packet *packet);

/* Asks the cache for what classify_packet will read. */
void classify_prefetch(const struct conversation_memory *memory,
    const struct decode_packet *packet);
