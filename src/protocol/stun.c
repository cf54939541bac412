/*
 * STUN and TURN: binding and allocation requests.
 *
 * A binding request is answered with the client's address only when the request is long enough
 * (bare ones, which amplification scans send, are not).  RFC 8489 (and 3489 on its port), RFC 8656.
 */
#include "base/rd.h"
#include "protocol/line.h"

enum {
	EVENT_BINDING,
	EVENT_ALLOCATE,
	EVENT_OTHER,
};

static const struct protocol_event_name events[] = {
	[EVENT_BINDING] = {"binding", "binding request"},
	[EVENT_ALLOCATE] = {"allocate", "TURN allocation request"},
	[EVENT_OTHER] = {"other", "another method, or an indication"},
};

#define HEADER 20
#define MAGIC 0x2112a442u
#define TYPE_BINDING 0x0001
#define TYPE_ALLOCATE 0x0003
#define ATTRIBUTE_SOFTWARE 0x8022
#define ATTRIBUTE_MAPPED 0x0020
#define INBOX 1024

struct state {
	uint16_t skip;
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t magic[] = {0x21, 0x12, 0xa4, 0x42};
	const uint8_t *p = start->client;
	size_t len = start->client_len;

	if (len == 0)
		return PROTOCOL_MORE;
	if (p[0] & 0xc0 || (len > 3 && p[3] & 3))
		return PROTOCOL_NO;
	if (start->transport == PROTOCOL_UDP &&
	    (len < HEADER || HEADER + (size_t)rd_at_u16be(p + 2) != len))
		return PROTOCOL_NO;
	if (start->hinted) {
		static const uint8_t request[] = {0, TYPE_BINDING};
		enum protocol_verdict verdict = probe_bytes(p, len, request, sizeof(request));

		return verdict == PROTOCOL_YES && len < 4 ? PROTOCOL_MORE : verdict;
	}
	return len <= 4 ? PROTOCOL_MORE : len < 8
	    ? (memcmp(p + 4, magic, len - 4) ? PROTOCOL_NO : PROTOCOL_MORE)
	    : (memcmp(p + 4, magic, 4) ? PROTOCOL_NO : PROTOCOL_YES);
}

/* XOR-MAPPED-ADDRESS alone (RFC 8489 14.2). */
static void answer(struct protocol_io *io, const uint8_t *data)
{
	uint8_t reply[HEADER + 24];
	struct wr w = wr_init(reply, sizeof(reply));
	const bool v4 = ip_is_v4(io->client);
	struct rd id = rd_init(data + 4, 16);

	wr_u16be(&w, 0x0101);
	wr_u16be(&w, v4 ? 12 : 24);
	wr_bytes(&w, data + 4, 16);
	wr_u16be(&w, ATTRIBUTE_MAPPED);
	wr_u16be(&w, v4 ? 8 : 20);
	wr_u16be(&w, v4 ? 1 : 2);
	wr_u16be(&w, io->client_port ^ MAGIC >> 16);
	if (v4) {
		wr_u32be(&w, ip_v4(io->client) ^ MAGIC);
	} else {
		wr_u64be(&w, io->client.hi ^ rd_u64be(&id));
		wr_u64be(&w, io->client.lo ^ rd_u64be(&id));
	}
	protocol_reply(io, reply, wr_len(&w));
}

static void tell_software(struct protocol_io *io, struct rd r)
{
	while (!r.bad && rd_left(&r) >= 4) {
		const uint16_t type = rd_u16be(&r);
		const uint16_t len = rd_u16be(&r);
		const uint8_t *value = rd_take(&r, len);

		if (value && type == ATTRIBUTE_SOFTWARE)
			protocol_attribute(io, PROTOCOL_SOFTWARE, value, len);
		rd_skip(&r, (4 - (len & 3u)) & 3u);
	}
}

static void message(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const uint16_t type = rd_at_u16be(data);

	protocol_event(io, type == TYPE_BINDING ? EVENT_BINDING
	    : type == TYPE_ALLOCATE ? EVENT_ALLOCATE : EVENT_OTHER);
	tell_software(io, rd_init(data + HEADER, len - HEADER));
	if (type == TYPE_BINDING && rd_at_u32be(data + 4) == MAGIC)
		answer(io, data);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t size;

	if (state->skip > 0) {
		size = len < state->skip ? len : state->skip;
		state->skip = (uint16_t)(state->skip - size);
		return size;
	}
	if (len < HEADER)
		return io->transport == PROTOCOL_UDP ? len : 0;
	size = HEADER + (size_t)rd_at_u16be(data + 2);
	if (size > len && io->transport == PROTOCOL_TCP && !io->full)
		return 0;
	if (io->transport == PROTOCOL_TCP && data[0] & 0xc0) {
		io->hang_up = true;
		state->skip = UINT16_MAX;
		return len;
	}
	if (size > len)
		state->skip = (uint16_t)(size - len);
	message(io, data, size < len ? size : len);
	if (io->transport == PROTOCOL_UDP)
		state->skip = 0;
	return size < len ? size : len;
}

const struct protocol_module protocol_stun = {
	.name = "stun",
	.title = "STUN",
	.spec = "RFC 8489, 8656",
	.doc = "Binding and allocation requests, the client's software.  Answers binding requests "
	       "where the answer is not longer.",
	.transports = PROTOCOL_UDP | PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {3478},
	.udp_ports = {3478},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 64,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xc0, 0, 0, 0x03, 0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0, 0x21, 0x12, 0xa4, 0x42}},
	},
	.client = client,
};
