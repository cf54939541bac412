/*
 * Marks: exact facts about one packet, each a relation between header fields.
 *
 * mirai: the bot writes the destination into the sequence number (mirai/bot/scanner.c).  zmap: IP
 * ID 54321 (ZMap until 4.0).  masscan: IP ID = dst ^ dport ^ seq (templ-pkt.c).  These three are
 * defined on IPv4 SYNs only.  synful: a SYN that acknowledges something, with no ACK flag, as the
 * SYNful Knock probe does.  One unrelated packet matches zmap or masscan by chance 1 time in 65536:
 * a mark is a fact about a packet, the judgement about a source is tools.h.
 */
#pragma once

#include "decode/decode.h"
#include "record/record.h"

#define MARKS_ZMAP_IP_ID 54321u
#define MARKS_SYN_MASK 0x3fu

static inline bool marks_is_syn(const struct decode_packet *p)
{
	return p->proto == DECODE_PROTO_TCP && (p->tcp_flags & MARKS_SYN_MASK) == DECODE_TCP_SYN;
}

static inline bool marks_is_synful(const struct decode_packet *p)
{
	return (p->tcp_flags & (DECODE_TCP_SYN | DECODE_TCP_ACK)) == DECODE_TCP_SYN && p->ack != 0;
}

/* Bits of enum record_mark of an IPv4 SYN (marks_is_syn); without branches. */
static inline uint16_t marks_of_syn4(const struct decode_packet *p)
{
	uint32_t dst = ip_v4(p->dst);

	return (uint16_t)((unsigned)(p->ack != 0) * RECORD_MARK_SYNFUL
	    | (unsigned)(p->seq == dst) * RECORD_MARK_MIRAI
	    | (unsigned)(p->ip_id == MARKS_ZMAP_IP_ID) * RECORD_MARK_ZMAP
	    | (unsigned)(p->ip_id == ((dst ^ p->dport ^ p->seq) & 0xffff)) * RECORD_MARK_MASSCAN);
}

/* The same of any counted TCP packet. */
static inline uint16_t marks_of_tcp(const struct decode_packet *p)
{
	if (marks_is_syn(p) && p->flags & DECODE_V4)
		return marks_of_syn4(p);
	return marks_is_synful(p) ? RECORD_MARK_SYNFUL : 0;
}
