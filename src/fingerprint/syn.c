/* SYN signatures; the contract is in syn.h.  Options: RFC 9293 3.1, RFC 7323. */
#include "fingerprint/syn.h"

#include "base/hash.h"
#include "base/rd.h"

#include <stdio.h>
#include <string.h>

#define OPTION_EOL 0
#define OPTION_NOP 1
#define OPTION_MSS 2
#define OPTION_SCALE 3
#define OPTION_SACK_OK 4
#define OPTION_SACK 5
#define OPTION_TIMESTAMP 8
#define TIMESTAMP_LEN 10

static uint8_t guess_initial_ttl(uint8_t ttl)
{
	if (ttl <= 32)
		return 32;
	if (ttl <= 64)
		return 64;
	return ttl <= 128 ? 128 : 255;
}

static void parse_option(struct syn *syn, uint8_t kind, struct rd *body)
{
	switch (kind) {
	case OPTION_MSS:
		syn->mss = rd_u16be(body);
		syn->has |= SYN_HAS_MSS;
		break;
	case OPTION_SCALE:
		syn->scale = rd_u8(body);
		syn->has |= SYN_HAS_SCALE;
		break;
	case OPTION_TIMESTAMP:
		if (rd_u32be(body) == 0)
			syn->quirks |= SYN_QUIRK_TS_ZERO;
		if (rd_u32be(body) != 0)
			syn->quirks |= SYN_QUIRK_TS_PEER;
		break;
	default:
		break;
	}
	if (body->bad)
		syn->quirks |= SYN_QUIRK_BAD;
}

static void parse_options(struct syn *syn, struct rd *r)
{
	while (rd_left(r) > 0) {
		uint8_t kind = rd_u8(r);
		struct rd body;
		uint8_t len;

		if (syn->option_count == SYN_OPTIONS_MAX) {
			syn->quirks |= SYN_QUIRK_BAD;
			return;
		}
		syn->options[syn->option_count++] = kind;
		if (kind == OPTION_EOL) {
			syn->eol_pad = (uint8_t)rd_left(r);
			while (rd_left(r) > 0)
				if (rd_u8(r) != 0)
					syn->quirks |= SYN_QUIRK_EOL_DATA;
			return;
		}
		if (kind == OPTION_NOP)
			continue;
		len = rd_u8(r);
		body = rd_sub(r, len >= 2 ? len - 2u : 0);
		if (len < 2 || r->bad) {
			syn->quirks |= SYN_QUIRK_BAD;
			return;
		}
		parse_option(syn, kind, &body);
	}
}

size_t syn_find_timestamp(const uint8_t *options, size_t len)
{
	struct rd r = rd_init(options, len);

	for (unsigned i = 0; i < SYN_OPTIONS_MAX && rd_left(&r) > 0; i++) {
		uint8_t kind = rd_u8(&r);
		uint8_t option_len;

		if (kind == OPTION_EOL)
			break;
		if (kind == OPTION_NOP)
			continue;
		option_len = rd_u8(&r);
		if (kind == OPTION_TIMESTAMP && option_len == TIMESTAMP_LEN && rd_left(&r) >= 8)
			return (size_t)(r.pos - options);
		rd_skip(&r, option_len >= 2 ? option_len - 2u : 0);
		if (option_len < 2 || r.bad)
			break;
	}
	return len;
}

void syn_parse(const struct decode_packet *packet, struct syn *ret_syn)
{
	struct rd r = rd_init(packet->data, packet->payload_offset);
	struct syn *syn = ret_syn;
	const uint8_t *h;
	size_t header_len;

	memset(syn, 0, sizeof(*syn));
	rd_skip(&r, packet->transport_offset);
	h = rd_take(&r, 20);
	if (!h)
		return;
	syn->version = packet->flags & DECODE_V4 ? 4 : 6;
	syn->initial_ttl = guess_initial_ttl(packet->ttl);
	syn->window = packet->window;
	if (packet->payload_len > 0)
		syn->has |= SYN_HAS_PAYLOAD;
	if (packet->flags & DECODE_IP_OPTIONS && packet->flags & DECODE_V4)
		syn->has |= SYN_HAS_IP_OPTIONS;
	if (packet->flags & DECODE_IP_DF) {
		syn->quirks |= SYN_QUIRK_DF;
		if (packet->ip_id != 0)
			syn->quirks |= SYN_QUIRK_ID_NONZERO;
	} else if (syn->version == 4 && packet->ip_id == 0) {
		syn->quirks |= SYN_QUIRK_ID_ZERO;
	}
	if (packet->tcp_flags & 0xc0)
		syn->quirks |= SYN_QUIRK_ECN;
	if (packet->seq == 0)
		syn->quirks |= SYN_QUIRK_SEQ_ZERO;
	if (packet->ack != 0)
		syn->quirks |= SYN_QUIRK_ACK;
	if (rd_at_u16be(h + 18) != 0)
		syn->quirks |= SYN_QUIRK_URG_PTR;
	header_len = (size_t)(h[12] >> 4) * 4;
	/* The decoder ended the header where the datagram ends: what lies behind is padding. */
	if (header_len != (size_t)packet->payload_offset - packet->transport_offset)
		syn->quirks |= SYN_QUIRK_BAD;
	parse_options(syn, &r);
}

static void put_option(struct buf *b, const struct syn *syn, uint8_t kind)
{
	switch (kind) {
	case OPTION_EOL:
		buf_printf(b, "eol+%u", syn->eol_pad);
		break;
	case OPTION_NOP:
		buf_puts(b, "nop");
		break;
	case OPTION_MSS:
		buf_puts(b, "mss");
		break;
	case OPTION_SCALE:
		buf_puts(b, "ws");
		break;
	case OPTION_SACK_OK:
		buf_puts(b, "sok");
		break;
	case OPTION_SACK:
		buf_puts(b, "sack");
		break;
	case OPTION_TIMESTAMP:
		buf_puts(b, "ts");
		break;
	default:
		buf_printf(b, "?%u", kind);
		break;
	}
}

static void put_quirks(struct buf *b, uint16_t quirks)
{
	static const char *const names[] = {
		"df", "id+", "id-", "ecn", "seq-", "ack+", "uptr+", "ts1-", "ts2+", "opt+", "bad",
	};
	bool first = true;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(quirks & 1u << i))
			continue;
		buf_printf(b, "%s%s", first ? "" : ",", names[i]);
		first = false;
	}
}

uint32_t syn_id_stem(const struct syn *syn)
{
	const uint8_t head[] = {
		(uint8_t)syn->mss, (uint8_t)(syn->mss >> 8), (uint8_t)syn->quirks,
		(uint8_t)(syn->quirks >> 8), syn->version, syn->initial_ttl, syn->has, syn->scale,
		syn->eol_pad, syn->option_count,
	};
	uint32_t h = hash_fnv32(head, sizeof(head));

	for (unsigned i = 0; i < syn->option_count; i++)
		h = (h ^ syn->options[i]) * 16777619u;
	return h;
}

uint32_t syn_id(const struct syn *syn)
{
	return syn_id_with_window(syn_id_stem(syn), syn->window);
}

size_t syn_format(const struct syn *syn, char text[SYN_TEXT_MAX])
{
	struct buf b = {0};
	size_t len;

	buf_printf(&b, "%u:%u:%u:", syn->version, syn->initial_ttl, syn->has & SYN_HAS_IP_OPTIONS ? 1u : 0u);
	if (syn->has & SYN_HAS_MSS)
		buf_printf(&b, "%u:", syn->mss);
	else
		buf_puts(&b, "*:");
	if (syn->mss && syn->window && syn->window % syn->mss == 0)
		buf_printf(&b, "mss*%u", syn->window / syn->mss);
	else
		buf_printf(&b, "%u", syn->window);
	if (syn->has & SYN_HAS_SCALE)
		buf_printf(&b, ",%u:", syn->scale);
	else
		buf_puts(&b, ",*:");
	for (unsigned i = 0; i < syn->option_count; i++) {
		if (i)
			buf_putc(&b, ',');
		put_option(&b, syn, syn->options[i]);
	}
	buf_putc(&b, ':');
	put_quirks(&b, syn->quirks);
	buf_printf(&b, ":%s", syn->has & SYN_HAS_PAYLOAD ? "+" : "0");
	len = b.len < SYN_TEXT_MAX ? b.len : SYN_TEXT_MAX - 1;
	memcpy(text, buf_text(&b), len);
	text[len] = '\0';
	buf_fini(&b);
	return len;
}
