/*
 * A conversation as a capture beside an answering host sees it, both directions:
 * SYN, SYN-ACK, ACK, request, reply, FIN, FIN, ACK (RFC 9293).
 */
#include "simulate/site.h"

#define SERVER_TTL 64
#define SERVER_WINDOW 65160
#define THINK_US 2000
#define ROUND_TRIP_MIN_US 20000
#define ROUND_TRIP_SPREAD_US 230000

struct dialogue_side {
	uint32_t seq;
	uint32_t ack;
};

static size_t dialogue_length(uint8_t kind, uint64_t key)
{
	uint8_t bytes[PACKET_PAYLOAD_MAX];

	return payload_write((enum payload_kind)kind, key, 0, bytes, sizeof bytes);
}

/* The client's SYN as its system shapes it; all else follows from it. */
static struct packet dialogue_syn(const struct site_dialogue *d, struct rng *rng)
{
	struct packet p = {.time_us = d->time_us, .event = d->event, .src = d->client,
	    .dst = d->server, .dport = d->port};

	shape_syn(SHAPE_LINUX, rng_mix(d->client), rng, &p);
	return p;
}

static void dialogue_say(struct site *site, const struct packet *syn, bool outbound,
    uint8_t flags, struct dialogue_side side, int64_t time_us)
{
	static const uint8_t mss[4] = {2, 4, 0x05, 0xb4};
	struct packet p = *syn;

	p.time_us = time_us;
	p.tcp_flags = flags;
	p.seq = side.seq;
	p.ack = side.ack;
	p.options_len = 0;
	p.ts_offset = 0;
	p.ip_id = (uint16_t)rng_mix(p.ip_id ^ (uint64_t)time_us);
	if (outbound) {
		p.outbound = true;
		p.src = syn->dst;
		p.dst = syn->src;
		p.sport = syn->dport;
		p.dport = syn->sport;
		p.ttl = SERVER_TTL;
		p.window = SERVER_WINDOW;
		if (flags & PACKET_SYN) {
			p.options = mss;
			p.options_len = sizeof mss;
		}
	}
	site_add(site, &p);
}

void site_add_dialogue(struct site *site, const struct site_dialogue *d, struct rng *rng)
{
	struct packet syn = dialogue_syn(d, rng);
	struct packet talk = syn;
	struct dialogue_side client = {.seq = syn.seq};
	struct dialogue_side server = {.seq = rng_u32(rng)};
	int64_t trip = ROUND_TRIP_MIN_US + rng_below(rng, ROUND_TRIP_SPREAD_US);
	int64_t now = d->time_us;

	site_add(site, &syn);
	server.ack = ++client.seq;
	dialogue_say(site, &syn, true, PACKET_SYN | PACKET_ACK, server, now + THINK_US / 10);
	client.ack = ++server.seq;
	now += trip;
	dialogue_say(site, &syn, false, PACKET_ACK, client, now);
	talk.payload = d->request;
	talk.payload_key = d->request_key;
	now += THINK_US;
	dialogue_say(site, &talk, false, PACKET_PSH | PACKET_ACK, client, now);
	client.seq += (uint32_t)dialogue_length(d->request, d->request_key);
	server.ack = client.seq;
	talk.payload = d->reply;
	talk.payload_key = d->reply_key;
	dialogue_say(site, &talk, true, PACKET_PSH | PACKET_ACK, server, now + THINK_US);
	server.seq += (uint32_t)dialogue_length(d->reply, d->reply_key);
	client.ack = server.seq;
	now += trip + THINK_US;
	dialogue_say(site, &syn, false, PACKET_FIN | PACKET_ACK, client, now);
	server.ack = ++client.seq;
	dialogue_say(site, &syn, true, PACKET_FIN | PACKET_ACK, server, now + THINK_US / 10);
	client.ack = ++server.seq;
	dialogue_say(site, &syn, false, PACKET_ACK, client, now + trip);
}
