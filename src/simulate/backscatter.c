/*
 * Shares: SYN-ACK 55 %, RST 10 %, RST-ACK 15 %, ICMP errors 12 %, echo replies 8 %.
 */
#include "simulate/backscatter.h"

#include "simulate/mix.h"

#define EPHEMERAL_MIN 1024
#define EPHEMERAL_COUNT 64512

/* Routers near the victim answer for it unless the port itself is closed. */
void backscatter_unreachable(uint32_t address, uint16_t port, bool udp, uint64_t noise,
    struct packet *p)
{
	static const uint8_t kinds[8][2] = {
	    {3, 3}, {3, 3}, {3, 3}, {3, 1}, {3, 1}, {3, 13}, {11, 0}, {3, 0}};
	const uint8_t *kind = kinds[noise & 7];
	uint64_t spoofed = EPHEMERAL_MIN + (noise >> 16) % EPHEMERAL_COUNT;
	bool from_victim = kind[0] == 3 && kind[1] == 3;

	p->proto = PACKET_ICMP;
	p->icmp_type = kind[0];
	p->icmp_code = kind[1];
	p->src = from_victim ? address : (address & 0xffffff00u) | 1;
	p->payload = udp ? PAYLOAD_QUOTE_UDP : PAYLOAD_QUOTE_TCP;
	p->payload_key = (uint64_t)address << 32 | spoofed << 16 | port;
}

void backscatter_syn_ack(uint32_t address, uint16_t port, uint64_t noise, struct packet *p)
{
	static const uint8_t mss[4] = {2, 4, 0x05, 0xb4};

	p->src = address;
	p->proto = PACKET_TCP;
	p->tcp_flags = PACKET_SYN | PACKET_ACK;
	p->sport = port;
	p->dport = (uint16_t)(EPHEMERAL_MIN + rng_scale(noise, EPHEMERAL_COUNT));
	p->seq = (uint32_t)noise;
	p->ack = (uint32_t)rng_mix(noise);
	p->window = 64240;
	p->df = true;
	p->options = mss;
	p->options_len = sizeof mss;
}

void backscatter_packet(uint64_t victim, struct rng *rng, struct packet *p)
{
	static const uint16_t ports[8] = {80, 443, 443, 22, 53, 25565, 8080, 80};
	uint64_t noise = rng_u64(rng);
	uint32_t address = mix_address(victim);
	uint16_t port = ports[victim & 7];
	uint32_t kind = rng_below(rng, 100);

	p->src = address;
	p->ttl = (uint8_t)((victim & 8 ? 64 : 128) - 8 - (victim >> 8) % 16);
	p->ip_id = (uint16_t)(noise >> 48);
	if (kind >= 92) {
		p->proto = PACKET_ICMP;
		p->sport = (uint16_t)noise;
		p->dport = (uint16_t)(noise >> 16);
		p->payload = PAYLOAD_PING;
	} else if (kind >= 80) {
		backscatter_unreachable(address, port, noise >> 8 & 1, noise, p);
	} else {
		backscatter_syn_ack(address, port, noise, p);
	}
	if (kind < 55 || kind >= 80)
		return;
	p->options_len = 0;
	p->window = 0;
	p->tcp_flags = kind >= 65 ? PACKET_RST | PACKET_ACK : PACKET_RST;
	if (kind >= 65)
		p->seq = 0;
}
