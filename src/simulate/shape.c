/*
 * The shapes as a table, and the three relations that are more than constants: Mirai's sequence
 * number, masscan's and old ZMap's IP ID.
 */
#include "simulate/shape.h"

#define HOPS_MIN 6
#define HOPS_SPREAD 20
#define IP_ID_ZMAP 54321

enum id_rule {
	ID_RANDOM,
	ID_MASSCAN,
	ID_ZMAP,
	ID_ZERO,
};

enum port_rule {
	PORT_EPHEMERAL,  /* 32768 … 60999, new for each SYN */
	PORT_WINDOWS,    /* 49152 … 65535 */
	PORT_CONSTANT,   /* one for the source's life, ≥ 1024 */
	PORT_MASSCAN,    /* 40000 + a range of 16 */
	PORT_NMAP,       /* 33000 + base, one of two */
	PORT_ANY,
};

struct shape_row {
	uint16_t window; /* 0 = constant for the source */
	uint8_t ttl;     /* initial */
	uint8_t id_rule;
	uint8_t port_rule;
	bool df;
	bool retransmits;
	uint8_t options_len;
	uint8_t ts_offset; /* of TSval in the options */
	uint8_t options[20];
};

static const struct shape_row rows[SHAPE_COUNT] = {
    [SHAPE_MIRAI] = {.ttl = 64, .id_rule = ID_RANDOM, .port_rule = PORT_CONSTANT},
    [SHAPE_MASSCAN_OLD] =
        {.window = 1024, .ttl = 255, .id_rule = ID_MASSCAN, .port_rule = PORT_MASSCAN},
    [SHAPE_MASSCAN] = {.window = 1025, .ttl = 255, .id_rule = ID_MASSCAN,
        .port_rule = PORT_MASSCAN, .options_len = 4, .options = {2, 4, 0x05, 0xb4}},
    [SHAPE_ZMAP_OLD] =
        {.window = 65535, .ttl = 255, .id_rule = ID_ZMAP, .port_rule = PORT_EPHEMERAL},
    [SHAPE_ZMAP_3] = {.window = 65535, .ttl = 255, .id_rule = ID_ZMAP,
        .port_rule = PORT_EPHEMERAL, .options_len = 4, .options = {2, 4, 0x05, 0xb4}},
    [SHAPE_ZMAP_41] = {.window = 65535, .ttl = 64, .id_rule = ID_RANDOM,
        .port_rule = PORT_EPHEMERAL, .options_len = 12,
        .options = {2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}},
    [SHAPE_NMAP] = {.window = 1024, .ttl = 59, .id_rule = ID_RANDOM, .port_rule = PORT_NMAP,
        .options_len = 4, .options = {2, 4, 0x05, 0xb4}},
    [SHAPE_RAW] = {.window = 1200, .ttl = 255, .id_rule = ID_RANDOM, .port_rule = PORT_ANY},
    [SHAPE_LINUX] = {.window = 64240, .ttl = 64, .id_rule = ID_RANDOM,
        .port_rule = PORT_EPHEMERAL, .df = true, .retransmits = true, .options_len = 20,
        .ts_offset = 8,
        .options = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}},
    [SHAPE_LINUX_3] = {.window = 29200, .ttl = 64, .id_rule = ID_RANDOM,
        .port_rule = PORT_EPHEMERAL, .df = true, .retransmits = true, .options_len = 20,
        .ts_offset = 8,
        .options = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}},
    [SHAPE_LINUX_OLD] = {.window = 14600, .ttl = 64, .id_rule = ID_RANDOM,
        .port_rule = PORT_EPHEMERAL, .df = true, .retransmits = true, .options_len = 20,
        .ts_offset = 8,
        .options = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 4}},
    [SHAPE_WINDOWS] = {.window = 64240, .ttl = 128, .id_rule = ID_RANDOM,
        .port_rule = PORT_WINDOWS, .df = true, .retransmits = true, .options_len = 12,
        .options = {2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}},
    [SHAPE_WINDOWS_7] = {.window = 8192, .ttl = 128, .id_rule = ID_RANDOM,
        .port_rule = PORT_WINDOWS, .df = true, .retransmits = true, .options_len = 12,
        .options = {2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}},
    [SHAPE_ANDROID] = {.window = 65535, .ttl = 64, .id_rule = ID_ZERO,
        .port_rule = PORT_EPHEMERAL, .df = true, .retransmits = true, .options_len = 20,
        .ts_offset = 8,
        .options = {2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 9}},
};

static uint16_t shape_port(enum port_rule rule, uint64_t source, uint64_t noise)
{
	switch (rule) {
	case PORT_EPHEMERAL:
		return (uint16_t)(32768 + rng_scale(noise, 28232));
	case PORT_WINDOWS:
		return (uint16_t)(49152 + rng_scale(noise, 16384));
	case PORT_CONSTANT:
		return (uint16_t)(1024 + rng_scale(source, 64512));
	case PORT_MASSCAN:
		return (uint16_t)(40000 + rng_scale(source, 20000) + rng_scale(noise, 16));
	case PORT_NMAP:
		return (uint16_t)(33000 + rng_scale(source, 31000) + rng_scale(noise, 2));
	case PORT_ANY:
		break;
	}
	return (uint16_t)(1 + rng_scale(noise, 65535));
}

void shape_syn(enum shape shape, uint64_t source, struct rng *rng, struct packet *p)
{
	const struct shape_row *row = &rows[shape];
	uint64_t noise = rng_u64(rng);
	uint32_t hops = HOPS_MIN + (uint32_t)(source % HOPS_SPREAD);

	p->proto = PACKET_TCP;
	p->tcp_flags = PACKET_SYN;
	p->seq = rng_u32(rng);
	p->ack = 0;
	p->sport = shape_port((enum port_rule)row->port_rule, source, noise);
	p->window = row->window ? row->window : (uint16_t)rng_mix(source);
	p->ttl = (uint8_t)(row->ttl - hops);
	p->tos = 0;
	p->df = row->df;
	p->options = row->options;
	p->options_len = row->options_len;
	p->ts_offset = row->ts_offset;
	/* Milliseconds of uptime: a start of its own for each source, then the clock. */
	p->ts_value = (uint32_t)rng_mix(source + 1) + (uint32_t)(p->time_us / 1000);
	p->ip_id = (uint16_t)noise;
	if (shape == SHAPE_MIRAI)
		p->seq = (uint32_t)p->dst;
	if (shape == SHAPE_NMAP) {
		/* One mask for the run; the try number sits in both halves (seq32_encode). */
		p->seq = (uint32_t)rng_mix(source + 2) ^ (uint32_t)(noise & 1) * 0x00010001u;
		p->ttl = (uint8_t)(37 + (noise >> 8) % 23 - hops);
	}
	if (row->id_rule == ID_MASSCAN)
		p->ip_id = (uint16_t)((uint32_t)p->dst ^ p->dport ^ p->seq);
	else if (row->id_rule == ID_ZMAP)
		p->ip_id = IP_ID_ZMAP;
	else if (row->id_rule == ID_ZERO)
		p->ip_id = 0;
}

bool shape_retransmits(enum shape shape)
{
	return rows[shape].retransmits;
}
