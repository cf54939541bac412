/*
 * Capture files: packets out of pcap and pcapng files, compressed or not, in batches of views.
 *
 * Formats: pcap (draft-ietf-opsawg-pcap; microseconds and nanoseconds, both byte orders) and
 * pcapng (draft-ietf-opsawg-pcapng), plain or in gzip, zstd, xz or lz4 frames; "-" is standard
 * input.  Files are hostile: every length is checked against what is left, memory use does not
 * depend on the file's size, and damage ends that file with its byte offset while everything
 * before it has been delivered.
 */
#pragma once

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_BATCH_MAX 256

/* One packet, borrowed: valid until the next call of capture_next, or as capture_options says. */
struct capture_packet {
	const uint8_t *data;
	uint32_t len;      /* bytes captured at data */
	uint32_t wire_len; /* bytes on the wire as the file says, advisory */
	int64_t time_us;   /* microseconds since 1970 UTC, rounded down, inside years 1 to 9999 */
	uint16_t linktype; /* LINKTYPE_ number (tcpdump.org/linktypes.html) */
	uint16_t fcs_len;  /* bytes of frame check sequence at the end of data, when known */
};

enum capture_format {
	CAPTURE_UNKNOWN,
	CAPTURE_PCAP,
	CAPTURE_PCAP_NS,
	CAPTURE_PCAPNG,
};

/* What is known of one file so far; strings live as long as the capture. */
struct capture_file {
	const char *name;
	enum capture_format format;
	const char *compression; /* "" or gzip, zstd, xz, lz4 */
	uint64_t packets;        /* delivered, those the filter refused included */
	uint64_t filtered;       /* refused by the filter */
	uint64_t bytes;          /* captured bytes of those packets */
	int64_t first_us;        /* earliest and latest time, valid when packets > 0 */
	int64_t last_us;
	int error;             /* ST_OK, or why reading this file ended early */
	uint64_t error_offset; /* byte offset in the (uncompressed) file of the damage */
	char error_text[160];  /* a phrase without the file's name and the offset */
};

struct capture;

struct capture_options {
	const char *const *names; /* borrowed until capture_close */
	size_t name_count;
	const char *filter; /* libpcap filter expression, NULL or "" for none */
	/*
	 * For views that outlive the next call: capture_next calls it before it overwrites those of the
	 * batches 1 … batch (every non-empty one it returned, counted from 1, of all files), which goes
	 * on as soon as it returns.  All end with capture_close.  NULL: views end with the next call.
	 */
	void (*settle)(void *arg, uint64_t batch);
	void *settle_arg;
};

/*
 * Prepares to read the files one after another; opens each only when its turn comes.  A filter
 * that libpcap cannot compile is ST_USAGE.  The caller ends with capture_close.
 */
ST_MUST_CHECK int capture_open(
    const struct capture_options *options, struct capture **ret_capture, struct err *err);

/*
 * Delivers up to max (≤ CAPTURE_BATCH_MAX) packets of one file.  Returns their number, 0 when all
 * files are done.  A file that cannot be opened or is damaged gets its error in capture_file and
 * the next one follows; no error ends the run.  *ret_file is the file the batch is from.
 */
size_t capture_next(struct capture *capture, struct capture_packet *ret_packets, size_t max,
    const struct capture_file **ret_file);

/* The files in the order given; *ret_count of them. */
const struct capture_file *capture_files(const struct capture *capture, size_t *ret_count);

/* "pcap", "pcap-ns", "pcapng" or "unknown". */
const char *capture_format_name(enum capture_format format);

/*
 * For a progress bar: bytes of the input files read so far, as they are stored (compressed), and
 * the size of all of them; *ret_total is 0 when that is not known (standard input, pipes).
 */
void capture_progress(const struct capture *capture, uint64_t *ret_done, uint64_t *ret_total);

void capture_close(struct capture *capture);
