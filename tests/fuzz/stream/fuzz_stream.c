/*
 * Any packets of few conversations: whatever they are, streams open and close in pairs, what comes
 * out adds up with what is counted, nothing is kept beyond the bounds and nothing leaks.
 *
 * The input: one byte of options, then packets of eight bytes (who, flags, seq ×2, ack ×2, length,
 * milliseconds and cut) whose payload is a pattern of the sequence number.
 */
#include "base/rd.h"
#include "stream/internal.h"

#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX 400u
#define PAYLOAD_MAX 2048u
#define HEADERS_LEN 40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct sums {
	uint64_t opened;
	uint64_t closed;
	uint64_t gaps;
	uint64_t gap_bytes;
};

struct context {
	uint64_t bytes[2];
	uint64_t gap_bytes[2];
	uint64_t sum;
	bool is_open;
};

static void hear_open(void *arg, const struct stream *stream, void *context)
{
	struct sums *sums = arg;
	struct context *c = context;

	if (c->is_open || c->bytes[0] || stream->bytes[0] || stream->bytes[1]
	    || stream->first_us > stream->last_us)
		abort();
	c->is_open = true;
	sums->opened++;
}

static void check(const struct stream *stream, const struct context *c)
{
	for (int i = 0; i < 2; i++)
		if (c->bytes[i] != stream->bytes[i] || c->gap_bytes[i] != stream->gap_bytes[i])
			abort();
}

static void hear_data(void *arg, const struct stream *stream, void *context,
    enum stream_side side, const uint8_t *data, size_t len)
{
	struct context *c = context;

	(void)arg;
	if (!c->is_open || len == 0)
		abort();
	for (size_t i = 0; i < len; i++)
		c->sum += data[i]; /* the sanitizer looks at what we look at */
	c->bytes[side] += len;
	check(stream, c);
}

static void hear_gap(void *arg, const struct stream *stream, void *context, enum stream_side side,
    uint64_t bytes)
{
	struct sums *sums = arg;
	struct context *c = context;

	if (!c->is_open || bytes == 0 || stream->proto != DECODE_PROTO_TCP)
		abort();
	c->gap_bytes[side] += bytes;
	sums->gaps++;
	sums->gap_bytes += bytes;
	check(stream, c);
}

static void hear_close(void *arg, const struct stream *stream, void *context, enum stream_end end)
{
	struct sums *sums = arg;
	struct context *c = context;

	if (!c->is_open || end >= STREAM_END_COUNT)
		abort();
	check(stream, c);
	c->is_open = false;
	sums->closed++;
}

/* One packet from its eight bytes, with its own memory so that a look beyond it is seen. */
static bool make_packet(struct rd *r, struct decode_packet *p, int64_t *time_us)
{
	uint8_t who = rd_u8(r);
	uint8_t flags = rd_u8(r);
	uint16_t seq = rd_u16be(r);
	uint16_t ack = rd_u16be(r);
	uint8_t len = rd_u8(r);
	uint8_t rest = rd_u8(r);
	uint32_t payload_len = len < 128 ? len : (len - 127u) * 16;
	bool back = who & 1;
	uint8_t *bytes;

	if (r->bad)
		return false;
	*time_us += rest & 0x40 ? (int64_t)(rest & 0x0f) * 30000000 : (rest & 0x0f) * 1000;
	if (rest & 0x80)
		*time_us -= 700000000;
	bytes = calloc(1, HEADERS_LEN + payload_len);
	if (!bytes)
		abort();
	bytes[32] = 0x50;
	memset(bytes + HEADERS_LEN, seq & 0xff, payload_len);
	*p = (struct decode_packet){
		.src = ip_from_v4(back ? 2 : 1), .dst = ip_from_v4(back ? 1 : 2),
		.time_us = *time_us,
		/* Near zero, so on both sides of the wrap; sometimes far away. */
		.seq = (who & 0x80 ? 0x40000000u : 0) + seq - 0x4000u,
		.ack = (who & 0x40 ? 0x40000000u : 0) + ack - 0x4000u,
		.sport = back ? 80 : (uint16_t)(1000 + (who >> 1 & 3)),
		.dport = back ? (uint16_t)(1000 + (who >> 1 & 3)) : 80,
		.ip_len = (uint16_t)(HEADERS_LEN + payload_len + (rest & 0x20 ? 100 : 0)),
		.proto = who & 0x08 ? DECODE_PROTO_UDP : DECODE_PROTO_TCP,
		.flags = (uint8_t)(DECODE_V4 | DECODE_TRANSPORT | (who & 0x20 ? DECODE_IP_OPTIONS : 0)),
		.tcp_flags = flags,
		.data = bytes, .data_len = HEADERS_LEN + payload_len,
		.payload_len = payload_len, .transport_offset = 20, .payload_offset = HEADERS_LEN,
	};
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct stream_sink sink = {hear_open, hear_data, hear_gap, hear_close};
	static struct decode_packet packets[PACKETS_MAX];
	struct rd r = rd_init(data, len);
	uint8_t how = rd_u8(&r);
	struct sums sums = {0};
	struct stream_options options = {
		.streams_max = how & 1 ? 2 : 64,
		.hold_max = how & 2 ? 2048 : 0,
		.memory_max = how & 4 ? 900u << 10 : 16u << 20,
		.context_size = sizeof(struct context),
		.sink = &sink,
		.arg = &sums,
	};
	struct streams *streams = NULL;
	const struct stream_counters *c;
	size_t step = how & 8 ? 1 : how & 16 ? PACKETS_MAX : 7;
	int64_t time_us = 1790812800000000ll;
	uint64_t ended = 0;
	size_t count = 0;

	if (streams_new(&options, &streams))
		abort();
	while (count < PACKETS_MAX && make_packet(&r, &packets[count], &time_us))
		count++;
	for (size_t at = 0; at < count; at += step) {
		streams_add(streams, packets + at, count - at < step ? count - at : step);
		if (streams->table.used > streams->table.slots_max
		    || sums.opened - sums.closed > streams->table.used)
			abort();
	}
	for (size_t i = 0; i < count; i++) {
		union {
			const uint8_t *borrowed;
			void *owned;
		} bytes = {packets[i].data};

		free(bytes.owned);
	}
	streams_flush(streams);
	c = streams_counters(streams);
	for (int i = 0; i < STREAM_END_COUNT; i++)
		ended += c->ended[i];
	if (sums.opened != sums.closed || sums.opened != c->opened[0] + c->opened[1]
	    || ended != sums.closed || sums.gaps != c->gaps || sums.gap_bytes != c->gap_bytes
	    || streams->table.used || streams->hold.used)
		abort();
	streams_free(streams);
	return 0;
}
