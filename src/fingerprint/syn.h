/*
 * The SYN signature: what a TCP stack's first packet looks like, as text that people can read.
 *
 *   VER:ITTL:OLEN:MSS:WINDOW,SCALE:OPTIONS:QUIRKS:PAYLOAD        4:64:0:1460:65535,8:mss,nop,ws:df:0
 *
 * in the manner of p0f 3 (README, "SYN signatures"), with raw values where p0f has wildcards: ITTL
 * is the next of 32, 64, 128, 255; MSS and SCALE are * when absent; a window that is a multiple of
 * the MSS is written mss*N.  Time stamps, ports and sequence numbers are not part of it.
 * The id is FNV-1a of the text: the same on every sensor, for ever.
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
	SYN_QUIRK_BAD = 1 << 10,     /* bad : options contradict their lengths or were cut off */
};

struct syn {
	uint8_t version;
	uint8_t initial_ttl;
	uint8_t ip_options_len;
	uint8_t option_count;
	uint16_t window;
	uint16_t mss;  /* valid when has_mss */
	uint8_t scale; /* valid when has_scale */
	bool has_mss;
	bool has_scale;
	bool has_payload;
	uint16_t quirks;
	uint8_t eol_pad; /* bytes behind the end-of-options option */
	uint8_t options[SYN_OPTIONS_MAX]; /* kinds in order */
};

/* Describes a counted TCP SYN.  Pure; every byte of *ret_syn is set. */
void syn_parse(const struct decode_packet *packet, struct syn *ret_syn);

/* Writes the text, NUL-terminated, and returns its length. */
size_t syn_format(const struct syn *syn, char text[SYN_TEXT_MAX]);
