/*
 * Capture files one after another: opening, telling the format, counting, filtering.
 *
 * A file's error never ends the run, and nothing here depends on a file's size.
 */
#include "capture/capture.h"

#include "capture/filter.h"
#include "capture/format.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FORMAT_MAGIC_LEN 4

struct capture {
	struct capture_file *files;
	size_t file_count;
	size_t file_idx;    /* the file being read, or the next one */
	bool is_open;       /* files[file_idx] */
	const void *memory; /* instead of a file, for tests */
	size_t memory_len;
	struct filter *filter;
	struct source source;
	struct window window;
	struct pcap pcap;
	struct pcapng pcapng;
	uint64_t consumed; /* stored bytes of the files before this one */
	uint64_t total;    /* of all, 0 when not known */
};

/* Files that are met in the wild and are not for us: say what they are. */
static const struct {
	const char *magic;
	size_t len;
	const char *what;
} foreign[] = {
    {"BZh", 3, "bzip2 compression is not supported; decompress it first"},
    {"PK\x03\x04", 4, "a ZIP archive is not a capture file; unpack it first"},
    {"7z\xbc\xaf", 4, "a 7z archive is not a capture file; unpack it first"},
    {"\x1f\x9d", 2, "compress(1) files are not supported; decompress it first"},
    {"\x02\x21\x4c\x18", 4, "lz4 legacy frames are not supported; decompress it first"},
    {"snoop", 5, "snoop captures are not supported; convert it to pcap (editcap -F pcap)"},
    {"btsn", 4, "btsnoop captures are not supported; convert it to pcap (editcap -F pcap)"},
    {"GMBU", 4, "NetMon captures are not supported; convert it to pcap (editcap -F pcap)"},
    {"RTSS", 4, "NetMon captures are not supported; convert it to pcap (editcap -F pcap)"},
};

int capture_file_fail(struct capture_file *file, int code, uint64_t offset, const char *fmt, ...)
{
	va_list ap;

	file->error = code;
	file->error_offset = offset;
	va_start(ap, fmt);
	(void)vsnprintf(file->error_text, sizeof(file->error_text), fmt, ap);
	va_end(ap);
	return code;
}

int capture_file_fail_short(
    struct capture_file *file, const struct window *w, uint64_t offset, const char *what)
{
	if (w->error == ST_OK)
		return capture_file_fail(file, ST_TRUNC, offset, "the file ends inside %s", what);
	return capture_file_fail(file, w->error, offset, "%s",
	    w->source->error != ST_OK ? w->source->text : st_text(w->error));
}

uint16_t capture_fcs_left(uint16_t fcs_len, uint32_t len, uint32_t wire_len)
{
	uint32_t missing = wire_len > len ? wire_len - len : 0;
	uint32_t left = missing < fcs_len ? fcs_len - missing : 0;

	return (uint16_t)(left < len ? left : len);
}

const char *capture_format_name(enum capture_format format)
{
	switch (format) {
	case CAPTURE_UNKNOWN:
		break;
	case CAPTURE_PCAP:
		return "pcap";
	case CAPTURE_PCAP_NS:
		return "pcap-ns";
	case CAPTURE_PCAPNG:
		return "pcapng";
	}
	return "unknown";
}

/* The size of all files together, 0 when one of them has none (a pipe) or is not there. */
static uint64_t total_size(const struct capture_options *options)
{
	struct stat st;
	uint64_t total = 0;

	for (size_t i = 0; i < options->name_count; i++) {
		if (stat(options->names[i], &st) < 0 || !S_ISREG(st.st_mode))
			return 0;
		total += (uint64_t)st.st_size;
	}
	return total;
}

static int new_capture(
    size_t file_count, const char *filter, struct capture **ret_capture, struct err *err)
{
	struct capture *capture = calloc(1, sizeof(*capture));
	int rc;

	if (!capture) {
		(void)err_set(err, -ENOMEM, "out of memory");
		return -ENOMEM;
	}
	capture->source.fd = -1;
	capture->file_count = file_count;
	capture->files = calloc(file_count ? file_count : 1, sizeof(*capture->files));
	if (!capture->files) {
		rc = -ENOMEM;
		(void)err_set(err, rc, "out of memory");
		goto out;
	}
	for (size_t i = 0; i < file_count; i++)
		capture->files[i].compression = "";
	if (filter && filter[0]) {
		rc = filter_new(filter, &capture->filter, err);
		if (rc != ST_OK)
			goto out;
	}
	*ret_capture = capture;
	return ST_OK;
out:
	capture_close(capture);
	return rc;
}

int capture_open(
    const struct capture_options *options, struct capture **ret_capture, struct err *err)
{
	struct capture *capture = NULL;
	int rc = new_capture(options->name_count, options->filter, &capture, err);

	if (rc != ST_OK)
		return rc;
	for (size_t i = 0; i < options->name_count; i++)
		capture->files[i].name = options->names[i];
	capture->window.settle = options->settle;
	capture->window.settle_arg = options->settle_arg;
	capture->total = total_size(options);
	*ret_capture = capture;
	return ST_OK;
}

int capture_open_memory(
    const void *data, size_t len, const char *filter, struct capture **ret_capture, struct err *err)
{
	struct capture *capture = NULL;
	int rc = new_capture(1, filter, &capture, err);

	if (rc != ST_OK)
		return rc;
	capture->files[0].name = "memory";
	capture->memory = data;
	capture->memory_len = len;
	capture->total = len;
	*ret_capture = capture;
	return ST_OK;
}

static int start_format(struct capture *capture, struct capture_file *file)
{
	struct window *w = &capture->window;
	const uint8_t *head;
	struct rd r;

	if (!window_fill(w, FORMAT_MAGIC_LEN)) {
		if (w->error != ST_OK)
			return capture_file_fail_short(file, w, 0, "");
		if (!window_have(w))
			return capture_file_fail(file, ST_TRUNC, 0, "the file is empty");
		return capture_file_fail(file, ST_MALFORMED, 0, "too short for a capture file");
	}
	r = window_rd(w);
	head = r.pos;
	if (format_is_pcapng(head)) {
		format_pcapng_start(&capture->pcapng, file);
		return ST_OK;
	}
	if (format_is_pcap(head))
		return format_pcap_start(&capture->pcap, w, file);
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (rd_left(&r) >= foreign[i].len &&
		    memcmp(head, foreign[i].magic, foreign[i].len) == 0)
			return capture_file_fail(file, ST_UNSUPPORTED, 0, "%s", foreign[i].what);
	return capture_file_fail(
	    file, ST_MALFORMED, 0, "not a capture file (neither pcap nor pcapng)");
}

static int open_file(struct capture *capture, struct capture_file *file)
{
	struct source *source = &capture->source;
	int rc;

	rc = capture->memory ? source_open_memory(source, capture->memory, capture->memory_len)
	                     : source_open(source, file->name);
	if (rc != ST_OK)
		return capture_file_fail(file, rc, 0, "%s", source->text);
	capture->is_open = true;
	file->compression = source_compression(source);
	if (window_start(&capture->window, source) != ST_OK)
		return capture_file_fail(file, -ENOMEM, 0, "out of memory");
	return start_format(capture, file);
}

static void close_file(struct capture *capture)
{
	capture->consumed += capture->source.consumed;
	capture->source.consumed = 0;
	source_close(&capture->source);
	capture->is_open = false;
	capture->file_idx++;
}

static void count(struct capture_file *file, const struct capture_packet *packets, size_t n)
{
	int64_t first_us = file->packets ? file->first_us : packets[0].time_us;
	int64_t last_us = file->packets ? file->last_us : packets[0].time_us;
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += packets[i].len;
		first_us = packets[i].time_us < first_us ? packets[i].time_us : first_us;
		last_us = packets[i].time_us > last_us ? packets[i].time_us : last_us;
	}
	file->packets += n;
	file->bytes += bytes;
	file->first_us = first_us;
	file->last_us = last_us;
}

/*
 * How many of the packets the filter can be applied to.  The first link type that the expression
 * does not fit ends the file there: leaving those packets out silently would be a wrong answer.
 */
static size_t filterable(struct capture *capture, struct capture_file *file,
    const struct capture_packet *packets, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++) {
		rc = filter_select(capture->filter, packets[i].linktype);
		if (rc == ST_OK)
			continue;
		(void)capture_file_fail(file, rc,
		    window_offset_of(&capture->window, packets[i].data),
		    "the filter cannot be applied to link type %u: %s", packets[i].linktype,
		    filter_text(capture->filter));
		return i;
	}
	return n;
}

/* Moves the packets that pass to the front and returns their number. */
static size_t filter_batch(struct filter *filter, struct capture_packet *packets, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (filter_select(filter, packets[i].linktype) == ST_OK &&
		    filter_match(filter, packets[i].data, packets[i].len, packets[i].wire_len))
			packets[kept++] = packets[i];
	return kept;
}

static size_t read_batch(struct capture *capture, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max)
{
	struct window *w = &capture->window;

	if (file->format == CAPTURE_PCAPNG)
		return format_pcapng_next(&capture->pcapng, w, file, ret_packets, max);
	return format_pcap_next(&capture->pcap, w, file, ret_packets, max);
}

static size_t next_batch(struct capture *capture, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max)
{
	size_t kept;
	size_t n;

	while (file->error == ST_OK) {
		n = read_batch(capture, file, ret_packets, max);
		if (capture->filter)
			n = filterable(capture, file, ret_packets, n);
		if (!n)
			return 0;
		count(file, ret_packets, n);
		kept = capture->filter ? filter_batch(capture->filter, ret_packets, n) : n;
		file->filtered += n - kept;
		if (kept)
			return kept;
	}
	return 0;
}

size_t capture_next(struct capture *capture, struct capture_packet *ret_packets, size_t max,
    const struct capture_file **ret_file)
{
	struct capture_file *file;
	size_t n;

	if (max > CAPTURE_BATCH_MAX)
		max = CAPTURE_BATCH_MAX;
	if (!max)
		return 0;
	while (capture->file_idx < capture->file_count) {
		file = &capture->files[capture->file_idx];
		if (!capture->is_open && open_file(capture, file) != ST_OK) {
			close_file(capture);
			continue;
		}
		n = next_batch(capture, file, ret_packets, max);
		if (n) {
			*ret_file = file;
			capture->window.batches++;
			return n;
		}
		close_file(capture);
	}
	return 0;
}

const struct capture_file *capture_files(const struct capture *capture, size_t *ret_count)
{
	*ret_count = capture->file_count;
	return capture->files;
}

void capture_progress(const struct capture *capture, uint64_t *ret_done, uint64_t *ret_total)
{
	*ret_done = capture->consumed + capture->source.consumed;
	*ret_total = capture->total;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	source_fini(&capture->source);
	window_fini(&capture->window);
	format_pcapng_fini(&capture->pcapng);
	filter_free(capture->filter);
	free(capture->files);
	free(capture);
}
