/*
 * The SYN signature: what a TCP stack's first packet looks like, as text that people can read.
 *
 *   VER:ITTL:OLEN:MSS:WINDOW,SCALE:OPTIONS:QUIRKS:PAYLOAD        4:64:0:1460:65535,8:mss,nop,ws:df:0
 *
 * in the manner of p0f 3 (README, "SYN signatures"), with raw values where p0f has wildcards: ITTL
 * is the next of 32, 64, 128, 255; OLEN is 1 when there are IPv4 options; MSS and SCALE are * when absent; a window that is a multiple of
 * the MSS is written mss*N.  Time stamps, ports and sequence numbers are not part of it.
 * The id is a hash of the same fields in a fixed byte order: the same on every sensor, for ever.
 */
#pragma once

#include "base/buf.h"
#include "decode/decode.h"

#define SYN_OPTIONS_MAX 20
#define SYN_TEXT_MAX 200

enum syn_quirk {
	SYN_QUIRK_DF = 1 << 0,
	SYN_QUIRK_ID_NONZERO = 1 << 1, /* id+ : DF set, IP ID not zero */
	SYN_QUIRK_ID_ZERO = 1 << 2,    /* id- : DF clear, IP ID zero */
	SYN_QUIRK_ECN = 1 << 3,
	SYN_QUIRK_SEQ_ZERO = 1 << 4, /* seq- */
	SYN_QUIRK_ACK = 1 << 5,      /* ack+ : no ACK flag, acknowledgment not zero */
	SYN_QUIRK_URG_PTR = 1 << 6,  /* uptr+ : no URG flag, pointer not zero */
	SYN_QUIRK_TS_ZERO = 1 << 7,  /* ts1- : own time stamp zero */
	SYN_QUIRK_TS_PEER = 1 << 8,  /* ts2+ : peer's time stamp not zero on a SYN */
	SYN_QUIRK_EOL_DATA = 1 << 9, /* opt+ : bytes that are not zero behind the end of options */
	SYN_QUIRK_BAD = 1 << 10,     /* bad : data offset or options contradict the lengths */
};

/* No padding: compared and hashed as bytes.  Order and widths are part of the id. */
struct syn {
	uint16_t window;
	uint16_t mss;  /* 0 when absent: has_mss */
	uint16_t quirks;
	uint8_t version;
	uint8_t initial_ttl;
	uint8_t has; /* enum syn_has */
	uint8_t scale;
	uint8_t eol_pad; /* bytes behind the end-of-options option */
	uint8_t option_count;
	uint8_t options[SYN_OPTIONS_MAX]; /* kinds in order */
};
_Static_assert(sizeof(struct syn) == 32, "four words");

enum syn_has {
	SYN_HAS_MSS = 1 << 0,
	SYN_HAS_SCALE = 1 << 1,
	SYN_HAS_PAYLOAD = 1 << 2,
	SYN_HAS_IP_OPTIONS = 1 << 3,
};

/* Describes a counted TCP SYN.  Pure; every byte of *ret_syn is set. */
void syn_parse(const struct decode_packet *packet, struct syn *ret_syn);

/* Where the values of the first whole time stamp option begin, or len when there is none; looks at
 * the options as syn_parse does. */
size_t syn_find_timestamp(const uint8_t *options, size_t len);

/*
 * The id; never 0.  FNV-1a over the fields in little-endian order, the window last: it differs
 * most, so the hash of all before it (syn_id_stem) is worth keeping.
 */
uint32_t syn_id(const struct syn *syn);
uint32_t syn_id_stem(const struct syn *syn);

static inline uint32_t syn_id_with_window(uint32_t stem, uint16_t window)
{
	uint32_t h = (stem ^ (window & 0xffu)) * 16777619u;

	h = (h ^ (uint32_t)(window >> 8)) * 16777619u;
	return h ? h : 1;
}

/* Writes the text, NUL-terminated, and returns its length. */
size_t syn_format(const struct syn *syn, char text[SYN_TEXT_MAX]);
