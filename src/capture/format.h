/*
 * What the capture formats share, and reading a capture from memory.  Private to capture/ and
 * its tests.
 *
 * A format's next function returns up to max packets from the window, 0 at the end.  Damage is
 * written into the file by capture_file_fail; the packets returned with it are the last ones.
 */
#pragma once

#include "capture/capture.h"
#include "capture/window.h"

/*
 * Times are kept inside what civil.h can print, a day less at both ends for any time zone: a
 * hostile 64-bit time stamp must not overflow anything later.
 */
#define CAPTURE_TIME_MIN (-719161 * 86400000000ll)     /* 0001-01-02T00:00:00Z */
#define CAPTURE_TIME_MAX (2932896 * 86400000000ll - 1) /* 9999-12-30T23:59:59.999999Z */

#define PCAPNG_INTERFACE_MAX 65536u

struct pcap {
	bool swapped; /* not this machine's byte order */
	bool nanoseconds;
	bool lengths_swapped; /* very old files have the two lengths the other way round */
	bool lengths_unsure;  /* version 2.3: those where the captured length is the larger one */
	uint16_t linktype;
	uint16_t fcs_len;
	size_t header_len; /* of a record */
};

struct pcapng_interface {
	uint16_t linktype;
	uint16_t fcs_len;
	uint32_t snap_len;
	uint32_t shift;    /* time stamps count 2^-shift seconds, when multiply and divide are 0 */
	uint64_t multiply; /* or so many microseconds … */
	uint64_t divide;   /* … or this part of one */
	int64_t offset_s;
};

struct pcapng {
	bool big_endian; /* the current section */
	bool has_section;
	struct pcapng_interface *interfaces; /* of the current section */
	size_t interface_count;
	size_t interface_cap;
	int64_t last_us; /* for packets without a time */
};

/* Writes the error of a file; the text goes without its name and offset. */
int capture_file_fail(struct capture_file *file, int code, uint64_t offset, const char *fmt, ...)
    ST_PRINTF(4, 5);

/* The same for a record or block that could not be filled: the end, or the source's error. */
int capture_file_fail_short(
    struct capture_file *file, const struct window *w, uint64_t offset, const char *what);

/* fcs_len of a packet: less, when the capture cut into the frame check sequence. */
uint16_t capture_fcs_left(uint16_t fcs_len, uint32_t len, uint32_t wire_len);

/* Whether a file that begins with these four bytes is of the format. */
bool format_is_pcap(const uint8_t head[4]);
bool format_is_pcapng(const uint8_t head[4]);

ST_MUST_CHECK int format_pcap_start(struct pcap *p, struct window *w, struct capture_file *file);
size_t format_pcap_next(struct pcap *p, struct window *w, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max);

void format_pcapng_start(struct pcapng *p, struct capture_file *file);
size_t format_pcapng_next(struct pcapng *p, struct window *w, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max);
void format_pcapng_fini(struct pcapng *p);

/* As capture_open, for one "file" in memory that stays the caller's until capture_close. */
ST_MUST_CHECK int capture_open_memory(const void *data, size_t len, const char *filter,
    struct capture **ret_capture, struct err *err);
