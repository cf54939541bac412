/*
 * pcap files (draft-ietf-opsawg-pcap): a 24-byte header, then records of a 16-byte header and
 * the captured bytes.
 *
 * Also read: nanosecond files, the other byte order, Kuznetzov's records (magic a1b2cd34, 24-byte
 * headers) and the exchanged lengths of versions before 2.4.  The header's snap length is never
 * used: files whose records are longer are common and nothing is gained by refusing them.
 */
#include "capture/format.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_KUZNETZOV 0xa1b2cd34u

#define FILE_HEADER_LEN 24
#define RECORD_HEADER_LEN 16
#define RECORD_HEADER_KUZNETZOV_LEN 24

/* Digital UNIX's tcpdump wrote this version, with the lengths exchanged. */
#define VERSION_MAJOR_DIGITAL 543

/* The network field: link type below, frame check sequence above (draft 4.1). */
#define NETWORK_FCS_PRESENT 0x04000000u
#define NETWORK_FCS_SHIFT 28

static uint32_t load_u32(const uint8_t *p, bool swapped)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return swapped ? __builtin_bswap32(v) : v;
}

static bool known_magic(uint32_t magic)
{
	return magic == MAGIC_US || magic == MAGIC_NS || magic == MAGIC_KUZNETZOV;
}

bool format_is_pcap(const uint8_t head[4])
{
	return known_magic(load_u32(head, false)) || known_magic(load_u32(head, true));
}

int format_pcap_start(struct pcap *p, struct window *w, struct capture_file *file)
{
	struct rd r;
	bool big;
	uint32_t magic;
	uint32_t network;
	uint16_t major;
	uint16_t minor;

	if (!window_fill(w, FILE_HEADER_LEN))
		return capture_file_fail_short(file, w, window_offset(w), "the pcap header");
	r = window_rd(w);
	memset(p, 0, sizeof(*p));
	p->swapped = !known_magic(load_u32(r.pos, false));
	big = p->swapped == RD_HOST_LITTLE;
	magic = big ? rd_u32be(&r) : rd_u32le(&r);
	major = big ? rd_u16be(&r) : rd_u16le(&r);
	minor = big ? rd_u16be(&r) : rd_u16le(&r);
	rd_skip(&r, 12); /* two unused fields and the snap length */
	network = big ? rd_u32be(&r) : rd_u32le(&r);
	p->nanoseconds = magic == MAGIC_NS;
	p->header_len = magic == MAGIC_KUZNETZOV ? RECORD_HEADER_KUZNETZOV_LEN : RECORD_HEADER_LEN;
	/* Nanosecond files came long after 2.4; in one of them an older version is a mistake. */
	if (magic == MAGIC_US) {
		p->lengths_swapped = major == VERSION_MAJOR_DIGITAL || (major == 2 && minor < 3);
		p->lengths_unsure = major == 2 && minor == 3;
	}
	p->linktype = (uint16_t)network;
	if (network & NETWORK_FCS_PRESENT)
		p->fcs_len = (uint16_t)(2 * (network >> NETWORK_FCS_SHIFT));
	file->format = p->nanoseconds ? CAPTURE_PCAP_NS : CAPTURE_PCAP;
	window_consume(w, r.pos);
	return ST_OK;
}

/*
 * The loop that every packet of a plain file passes; inlined once per byte order and resolution
 * so that nothing is decided per packet.  Stops before a record that is not complete or absurd.
 */
__attribute__((always_inline)) static inline size_t scan(struct window *w, uint16_t linktype,
    struct capture_packet *ret_packets, size_t max, bool swapped, bool nanoseconds)
{
	struct rd r = window_rd(w);
	const uint8_t *next = r.pos;
	size_t n = 0;

	while (n < max) {
		const uint8_t *head = rd_take(&r, RECORD_HEADER_LEN);
		struct capture_packet *packet = &ret_packets[n];
		const uint8_t *data;
		uint32_t fraction;
		uint32_t len;

		if (!head)
			break;
		len = load_u32(head + 8, swapped);
		data = rd_take(&r, len);
		if (!data || len > WINDOW_PACKET_MAX)
			break;
		fraction = load_u32(head + 4, swapped);
		packet->data = data;
		packet->len = len;
		packet->wire_len = load_u32(head + 12, swapped);
		packet->time_us = (int64_t)load_u32(head, swapped) * 1000000 +
		                  (nanoseconds ? fraction / 1000 : fraction);
		packet->linktype = linktype;
		packet->fcs_len = 0;
		next = r.pos;
		n++;
	}
	window_consume(w, next);
	return n;
}

/* Lengths of one record, exchanged where the file's version asks for it. */
static uint32_t lengths(const struct pcap *p, const uint8_t *head, uint32_t *ret_wire_len)
{
	uint32_t len = load_u32(head + 8, p->swapped);
	uint32_t wire_len = load_u32(head + 12, p->swapped);

	if (p->lengths_swapped || (p->lengths_unsure && len > wire_len)) {
		*ret_wire_len = len;
		return wire_len;
	}
	*ret_wire_len = wire_len;
	return len;
}

/* The same for files of rare kinds. */
static size_t scan_rare(
    const struct pcap *p, struct window *w, struct capture_packet *ret_packets, size_t max)
{
	struct rd r = window_rd(w);
	const uint8_t *next = r.pos;
	size_t n = 0;

	while (n < max) {
		const uint8_t *head = rd_take(&r, p->header_len);
		struct capture_packet *packet = &ret_packets[n];
		uint32_t fraction;

		if (!head)
			break;
		packet->len = lengths(p, head, &packet->wire_len);
		packet->data = rd_take(&r, packet->len);
		if (!packet->data || packet->len > WINDOW_PACKET_MAX)
			break;
		fraction = load_u32(head + 4, p->swapped);
		packet->time_us = (int64_t)load_u32(head, p->swapped) * 1000000 +
		                  (p->nanoseconds ? fraction / 1000 : fraction);
		packet->linktype = p->linktype;
		packet->fcs_len = capture_fcs_left(p->fcs_len, packet->len, packet->wire_len);
		next = r.pos;
		n++;
	}
	window_consume(w, next);
	return n;
}

static size_t scan_any(
    const struct pcap *p, struct window *w, struct capture_packet *ret_packets, size_t max)
{
	if (p->header_len != RECORD_HEADER_LEN || p->lengths_swapped || p->lengths_unsure ||
	    p->fcs_len)
		return scan_rare(p, w, ret_packets, max);
	if (p->swapped)
		return p->nanoseconds ? scan(w, p->linktype, ret_packets, max, true, true)
		                      : scan(w, p->linktype, ret_packets, max, true, false);
	return p->nanoseconds ? scan(w, p->linktype, ret_packets, max, false, true)
	                      : scan(w, p->linktype, ret_packets, max, false, false);
}

size_t format_pcap_next(struct pcap *p, struct window *w, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max)
{
	size_t n = scan_any(p, w, ret_packets, max);
	uint32_t len;
	uint32_t wire_len;

	if (n)
		return n;
	/* The window ends inside a record, or the file ends, or the record is damaged. */
	if (!window_fill(w, p->header_len)) {
		if (window_have(w) || w->error != ST_OK)
			(void)capture_file_fail_short(file, w, window_offset(w), "a record header");
		return 0;
	}
	len = lengths(p, w->buf + w->pos, &wire_len);
	if (len > WINDOW_PACKET_MAX) {
		(void)capture_file_fail(file, ST_MALFORMED, window_offset(w),
		    "absurd captured length %u (limit %u)", len, WINDOW_PACKET_MAX);
		return 0;
	}
	if (!window_fill(w, p->header_len + len)) {
		(void)capture_file_fail_short(file, w, window_offset(w), "a packet");
		return 0;
	}
	return scan_any(p, w, ret_packets, max);
}
