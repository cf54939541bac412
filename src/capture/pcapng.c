/*
 * pcapng files (draft-ietf-opsawg-pcapng): sections of blocks, each section with its own byte
 * order and interfaces, each interface with its own link type and clock.
 *
 * Packets come from enhanced, simple and (obsolete) packet blocks; every other block is skipped,
 * whatever its length.  Section lengths and snap lengths are advisory and not used, except that a
 * simple packet block says nowhere else how much of its last word is padding.  A block is damaged
 * when its two lengths differ, when it is too short for its type or names an unknown interface.
 */
#include "capture/format.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 2u
#define BLOCK_SIMPLE 3u
#define BLOCK_ENHANCED 6u

#define BLOCK_FRAME_LEN 12u /* type, length, length */
#define BLOCK_HEAD_LEN 8u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define VERSION_MAJOR 1

/* A block that is read as a whole must fit the window. */
#define BLOCK_MAX WINDOW_NEED_MAX

#define OPTION_END 0
#define OPTION_TSRESOL 9
#define OPTION_FCSLEN 13
#define OPTION_TSOFFSET 14

#define TSRESOL_BINARY 0x80
#define TSRESOL_MICROSECONDS 6
#define POWER_OF_TEN_MAX 19  /* fits 64 bits */
#define TSRESOL_TOO_FINE 127 /* a shift that leaves nothing */
#define US_PER_SECOND 1000000

struct block {
	uint32_t type;
	uint32_t len;
	bool big_endian;
	uint64_t offset;
};

static uint16_t take_u16(struct rd *r, bool big_endian)
{
	return big_endian ? rd_u16be(r) : rd_u16le(r);
}

static uint32_t take_u32(struct rd *r, bool big_endian)
{
	return big_endian ? rd_u32be(r) : rd_u32le(r);
}

bool format_is_pcapng(const uint8_t head[4])
{
	struct rd r = rd_init(head, 4);

	return rd_u32be(&r) == BLOCK_SECTION;
}

void format_pcapng_start(struct pcapng *p, struct capture_file *file)
{
	p->has_section = false;
	p->interface_count = 0;
	p->last_us = 0;
	file->format = CAPTURE_PCAPNG;
}

void format_pcapng_fini(struct pcapng *p)
{
	free(p->interfaces);
	memset(p, 0, sizeof(*p));
}

static uint64_t power_of_ten(unsigned n)
{
	uint64_t v = 1;

	while (n--)
		v *= 10;
	return v;
}

static void set_resolution(struct pcapng_interface *interface, uint8_t tsresol)
{
	unsigned n = tsresol & ~TSRESOL_BINARY;

	interface->multiply = 0;
	interface->divide = 0;
	interface->shift = 0;
	if (tsresol & TSRESOL_BINARY)
		interface->shift = n;
	else if (n <= TSRESOL_MICROSECONDS)
		interface->multiply = power_of_ten(TSRESOL_MICROSECONDS - n);
	else if (n - TSRESOL_MICROSECONDS <= POWER_OF_TEN_MAX)
		interface->divide = power_of_ten(n - TSRESOL_MICROSECONDS);
	else
		interface->shift = TSRESOL_TOO_FINE; /* 2^64 ticks are less than a microsecond */
}

/* The time in microseconds, rounded down and kept inside what can be printed. */
static int64_t time_of(const struct pcapng_interface *interface, uint64_t ticks)
{
	__int128 us;

	if (interface->multiply)
		us = (__int128)((unsigned __int128)ticks * interface->multiply);
	else if (interface->divide == 1000)
		us = (__int128)(ticks / 1000); /* nanoseconds, worth a constant */
	else if (interface->divide)
		us = (__int128)(ticks / interface->divide);
	else
		us = (__int128)(((unsigned __int128)ticks * US_PER_SECOND) >> interface->shift);
	us += (__int128)interface->offset_s * US_PER_SECOND;
	if (us < CAPTURE_TIME_MIN)
		return CAPTURE_TIME_MIN;
	if (us > CAPTURE_TIME_MAX)
		return CAPTURE_TIME_MAX;
	return (int64_t)us;
}

/*
 * The draft counts if_fcslen in bits; its example (4) and the programs that write it count
 * bytes.  No frame check sequence has fewer than 16 bits or more than 15 bytes.
 */
static uint16_t fcs_bytes(uint8_t value)
{
	return value < 16 ? value : value / 8;
}

static bool read_interface_options(struct pcapng_interface *interface, struct rd *r, bool big)
{
	while (rd_left(r)) {
		uint16_t code = take_u16(r, big);
		uint16_t len = take_u16(r, big);
		struct rd value = rd_sub(r, len);

		rd_skip(r, (4 - len % 4) % 4);
		if (r->bad)
			return false;
		if (code == OPTION_END)
			break;
		if (code == OPTION_TSRESOL && len >= 1)
			set_resolution(interface, rd_u8(&value));
		else if (code == OPTION_FCSLEN && len >= 1)
			interface->fcs_len = fcs_bytes(rd_u8(&value));
		else if (code == OPTION_TSOFFSET && len >= 8)
			interface->offset_s = (int64_t)(big ? rd_u64be(&value) : rd_u64le(&value));
	}
	return true;
}

static int add_interface(struct pcapng *p, const struct pcapng_interface *interface)
{
	struct pcapng_interface *larger;
	size_t cap;

	if (p->interface_count >= PCAPNG_INTERFACE_MAX)
		return ST_LIMIT;
	if (p->interface_count == p->interface_cap) {
		cap = p->interface_cap ? 2 * p->interface_cap : 8;
		larger = realloc(p->interfaces, cap * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		p->interfaces = larger;
		p->interface_cap = cap;
	}
	p->interfaces[p->interface_count++] = *interface;
	return ST_OK;
}

static int read_interface(
    struct pcapng *p, struct capture_file *file, const struct block *block, struct rd *body)
{
	struct pcapng_interface interface = {0};
	int rc;

	set_resolution(&interface, TSRESOL_MICROSECONDS);
	interface.linktype = take_u16(body, p->big_endian);
	rd_skip(body, 2);
	interface.snap_len = take_u32(body, p->big_endian);
	if (body->bad || !read_interface_options(&interface, body, p->big_endian))
		return capture_file_fail(
		    file, ST_MALFORMED, block->offset, "damaged interface description block");
	rc = add_interface(p, &interface);
	if (rc != ST_OK)
		return capture_file_fail(file, rc, block->offset,
		    "more than %u interfaces in a section", PCAPNG_INTERFACE_MAX);
	return ST_OK;
}

static int read_section(
    struct pcapng *p, struct capture_file *file, const struct block *block, struct rd *body)
{
	uint16_t major;

	rd_skip(body, 4); /* the byte-order magic, read already */
	major = take_u16(body, block->big_endian);
	rd_skip(body, 2 + 8); /* minor version, section length */
	if (body->bad)
		return capture_file_fail(
		    file, ST_MALFORMED, block->offset, "damaged section header block");
	if (major != VERSION_MAJOR)
		return capture_file_fail(file, ST_UNSUPPORTED, block->offset,
		    "pcapng version %u is not supported", major);
	p->big_endian = block->big_endian;
	p->has_section = true;
	p->interface_count = 0;
	return ST_OK;
}

/* The fields that enhanced and obsolete packet blocks share. */
static bool read_timed(
    struct pcapng *p, struct rd *body, uint32_t interface_idx, struct capture_packet *packet)
{
	const struct pcapng_interface *interface;
	uint64_t high = take_u32(body, p->big_endian);
	uint64_t ticks = high << 32 | take_u32(body, p->big_endian);

	packet->len = take_u32(body, p->big_endian);
	packet->wire_len = take_u32(body, p->big_endian);
	packet->data = rd_take(body, packet->len);
	if (body->bad || interface_idx >= p->interface_count)
		return false;
	interface = &p->interfaces[interface_idx];
	packet->time_us = time_of(interface, ticks);
	packet->linktype = interface->linktype;
	packet->fcs_len = interface->fcs_len
	                      ? capture_fcs_left(interface->fcs_len, packet->len, packet->wire_len)
	                      : 0;
	p->last_us = packet->time_us;
	return true;
}

/*
 * A simple packet block belongs to the section's first interface and has no captured length: it
 * is the wire length or what the block holds; the snap length only tells where padding begins.
 */
static bool read_simple(struct pcapng *p, struct rd *body, struct capture_packet *packet)
{
	const struct pcapng_interface *interface = p->interfaces;
	size_t len;

	packet->wire_len = take_u32(body, p->big_endian);
	if (body->bad || !p->interface_count)
		return false;
	len = rd_left(body);
	if (len > packet->wire_len)
		len = packet->wire_len;
	if (interface->snap_len && interface->snap_len < len &&
	    rd_left(body) - interface->snap_len < 4)
		len = interface->snap_len;
	packet->len = (uint32_t)len;
	packet->data = rd_take(body, len);
	packet->time_us = p->last_us;
	packet->linktype = interface->linktype;
	packet->fcs_len = capture_fcs_left(interface->fcs_len, packet->len, packet->wire_len);
	return true;
}

static bool read_packet(
    struct pcapng *p, const struct block *block, struct rd *body, struct capture_packet *packet)
{
	uint32_t interface_idx;

	if (block->type == BLOCK_SIMPLE)
		return read_simple(p, body, packet);
	if (block->type == BLOCK_ENHANCED) {
		interface_idx = take_u32(body, p->big_endian);
	} else {
		interface_idx = take_u16(body, p->big_endian);
		rd_skip(body, 2); /* drops since the packet before */
	}
	return read_timed(p, body, interface_idx, packet);
}

static bool is_packet(uint32_t type)
{
	return type == BLOCK_ENHANCED || type == BLOCK_SIMPLE || type == BLOCK_PACKET;
}

/* Reads type and length; a section header brings its own byte order.  False when damaged. */
static bool read_head(const struct pcapng *p, const struct window *w, struct block *ret_block)
{
	struct rd r = window_rd(w);
	struct block block = {.big_endian = p->big_endian, .offset = window_offset(w)};
	const uint8_t *length;
	uint32_t magic;

	block.type = take_u32(&r, p->big_endian);
	length = rd_take(&r, 4);
	if (block.type == BLOCK_SECTION) {
		magic = rd_u32be(&r);
		block.big_endian = magic == BYTE_ORDER_MAGIC;
		if (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC))
			return false;
	} else if (!p->has_section) {
		return false;
	}
	if (r.bad)
		return false;
	r = rd_init(length, 4);
	block.len = take_u32(&r, block.big_endian);
	*ret_block = block;
	return block.len >= BLOCK_FRAME_LEN && block.len % 4 == 0;
}

/* Skips a block that is of no use here without having all of it in the window at once. */
static bool skip_block(struct window *w, struct capture_file *file, const struct block *block)
{
	struct rd r;

	if (!window_skip(w, block->len - 4) || !window_fill(w, 4)) {
		(void)capture_file_fail_short(file, w, block->offset, "a block");
		return false;
	}
	r = window_rd(w);
	if (take_u32(&r, block->big_endian) != block->len) {
		(void)capture_file_fail(
		    file, ST_MALFORMED, block->offset, "the two lengths of a block differ");
		return false;
	}
	window_consume(w, r.pos);
	return true;
}

/*
 * Brings the next block into the window, when nothing has been delivered in this batch; one that
 * is only skipped may stay outside.  False at the end and on damage.
 */
static bool prepare(
    const struct pcapng *p, struct window *w, struct capture_file *file, struct block *ret_block)
{
	if (!window_fill(w, BLOCK_FRAME_LEN)) {
		if (window_have(w) || w->error != ST_OK)
			(void)capture_file_fail_short(file, w, window_offset(w), "a block header");
		return false;
	}
	if (!read_head(p, w, ret_block)) {
		(void)capture_file_fail(
		    file, ST_MALFORMED, window_offset(w), "damaged block header");
		return false;
	}
	if (!is_packet(ret_block->type) && ret_block->type != BLOCK_INTERFACE &&
	    ret_block->type != BLOCK_SECTION)
		return true;
	if (ret_block->len > BLOCK_MAX) {
		(void)capture_file_fail(file, ST_MALFORMED, ret_block->offset,
		    "absurd block length %u (limit %u)", ret_block->len, BLOCK_MAX);
		return false;
	}
	if (!window_fill(w, ret_block->len)) {
		(void)capture_file_fail_short(file, w, ret_block->offset, "a block");
		return false;
	}
	return true;
}

enum block_result {
	BLOCK_RESULT_PACKET,
	BLOCK_RESULT_OTHER,
	BLOCK_RESULT_DAMAGED,
};

/* Reads a block that is wholly in the window; consumes it unless it is damaged. */
static enum block_result read_block(struct pcapng *p, struct window *w, struct capture_file *file,
    const struct block *block, struct capture_packet *packet)
{
	struct rd r = window_rd(w);
	struct rd body;
	int rc = ST_OK;

	rd_skip(&r, BLOCK_HEAD_LEN);
	body = rd_sub(&r, block->len - BLOCK_FRAME_LEN);
	if (take_u32(&r, block->big_endian) != block->len || r.bad) {
		(void)capture_file_fail(
		    file, ST_MALFORMED, block->offset, "the two lengths of a block differ");
		return BLOCK_RESULT_DAMAGED;
	}
	if (is_packet(block->type)) {
		if (!read_packet(p, block, &body, packet)) {
			(void)capture_file_fail(
			    file, ST_MALFORMED, block->offset, "damaged packet block");
			return BLOCK_RESULT_DAMAGED;
		}
		window_consume(w, r.pos);
		return BLOCK_RESULT_PACKET;
	}
	if (block->type == BLOCK_INTERFACE)
		rc = read_interface(p, file, block, &body);
	else if (block->type == BLOCK_SECTION)
		rc = read_section(p, file, block, &body);
	if (rc != ST_OK)
		return BLOCK_RESULT_DAMAGED;
	window_consume(w, r.pos);
	return BLOCK_RESULT_OTHER;
}

size_t format_pcapng_next(struct pcapng *p, struct window *w, struct capture_file *file,
    struct capture_packet *ret_packets, size_t max)
{
	struct block block;
	size_t n = 0;

	while (n < max) {
		bool is_whole = window_have(w) >= BLOCK_FRAME_LEN && read_head(p, w, &block) &&
		                block.len <= window_have(w);

		if (!is_whole) {
			/* Filling moves the window, so packets in hand are delivered first. */
			if (n || !prepare(p, w, file, &block))
				return n;
			if (block.len > window_have(w)) {
				if (!skip_block(w, file, &block))
					return 0;
				continue;
			}
		}
		switch (read_block(p, w, file, &block, &ret_packets[n])) {
		case BLOCK_RESULT_PACKET:
			n++;
			break;
		case BLOCK_RESULT_OTHER:
			break;
		case BLOCK_RESULT_DAMAGED:
			return n;
		}
	}
	return n;
}
