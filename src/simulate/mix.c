/*
 * The tables.  Weights are packets per thousand or so; they were chosen to resemble the rankings
 * of 2023 to 2025 (23, 22, 80, 443, 8080, 445, 8728, 6379 … and tens of thousands of ports with a
 * few packets each) and are no measurement.
 */
#include "simulate/mix.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define PORTS 65536
#define TAIL_FLAT 2000 /* keeps the head of the long tail below the named ports */
#define ADDRESS_TRIES 64
#define FEW_PORTS 6

struct mix_port {
	uint16_t port;
	uint16_t weight;
};

/* Port 0 stands for the long tail. */
static const struct mix_port tcp_ports[] = {
    {0, 330}, {23, 90}, {22, 60}, {80, 52}, {443, 46}, {8080, 32}, {445, 40}, {3389, 26},
    {2323, 12}, {8728, 18}, {6379, 20}, {5555, 16}, {1433, 15}, {8443, 12}, {21, 10}, {25, 10},
    {5900, 10}, {3306, 10}, {81, 8}, {8081, 8}, {2222, 8}, {5060, 6}, {1883, 5}, {9200, 6},
    {27017, 5}, {5432, 6}, {2375, 5}, {2376, 3}, {7547, 4}, {37215, 5}, {52869, 4}, {60023, 4},
    {8888, 6}, {8000, 6}, {5038, 3}, {110, 4}, {143, 4}, {993, 4}, {995, 3}, {587, 3}, {465, 3},
    {53, 5}, {123, 1}, {389, 3}, {636, 2}, {111, 3}, {135, 4}, {139, 4}, {179, 2}, {502, 2},
    {102, 2}, {554, 3}, {873, 2}, {1080, 4}, {1723, 3}, {2049, 2}, {3128, 4}, {5000, 5}, {5001, 2},
    {5985, 3}, {6443, 3}, {7001, 3}, {7070, 2}, {8089, 2}, {8291, 3}, {9000, 4}, {9090, 3},
    {10000, 3}, {11211, 2}, {49152, 2}, {4567, 2}, {9530, 1}, {34567, 2}, {61616, 2},
};

static const struct mix_port mirai_ports[] = {
    {23, 780}, {2323, 80}, {60023, 20}, {37215, 30}, {52869, 20}, {5555, 20}, {80, 15}, {8080, 15},
    {22, 12}, {81, 8},
};

static const struct mix_udp udp_ports[] = {
    {53, PAYLOAD_DNS_VERSION, 90}, {53, PAYLOAD_DNS_A, 80}, {53, PAYLOAD_DNS_ANY, 20},
    {123, PAYLOAD_NTP_MONLIST, 90}, {123, PAYLOAD_NTP_CLIENT, 20}, {1900, PAYLOAD_SSDP, 100},
    {161, PAYLOAD_SNMP_GET, 90}, {389, PAYLOAD_CLDAP, 50}, {11211, PAYLOAD_MEMCACHED, 40},
    {5683, PAYLOAD_COAP, 40}, {5060, PAYLOAD_SIP_OPTIONS, 90}, {53413, PAYLOAD_NETIS, 20},
    {500, PAYLOAD_IKE, 40}, {0, PAYLOAD_RANDOM, 230},
};

static const uint16_t shape_weights[SHAPE_COUNT] = {
    [SHAPE_MIRAI] = 140, [SHAPE_MASSCAN_OLD] = 100, [SHAPE_MASSCAN] = 130, [SHAPE_ZMAP_OLD] = 60,
    [SHAPE_ZMAP_3] = 90, [SHAPE_ZMAP_41] = 170, [SHAPE_NMAP] = 15, [SHAPE_RAW] = 55,
    [SHAPE_LINUX] = 90, [SHAPE_LINUX_3] = 60, [SHAPE_LINUX_OLD] = 25, [SHAPE_WINDOWS] = 45,
    [SHAPE_WINDOWS_7] = 15, [SHAPE_ANDROID] = 5,
};

static int mix_pick_ports(const struct mix_port *ports, size_t count, struct pick *ret_pick)
{
	uint64_t weights[COUNT_OF(tcp_ports)];

	for (size_t i = 0; i < count; i++)
		weights[i] = ports[i].weight;
	return pick_new(weights, count, ret_pick);
}

int mix_init(struct mix *mix)
{
	uint64_t weights[COUNT_OF(udp_ports) + SHAPE_COUNT];
	int rc;

	*mix = (struct mix){0};
	rc = mix_pick_ports(tcp_ports, COUNT_OF(tcp_ports), &mix->tcp);
	if (!rc)
		rc = mix_pick_ports(mirai_ports, COUNT_OF(mirai_ports), &mix->mirai);
	for (size_t i = 0; i < COUNT_OF(udp_ports); i++)
		weights[i] = udp_ports[i].weight;
	if (!rc)
		rc = pick_new(weights, COUNT_OF(udp_ports), &mix->udp);
	for (size_t i = 0; i < SHAPE_COUNT; i++)
		weights[i] = shape_weights[i];
	if (!rc)
		rc = pick_new(weights, SHAPE_COUNT, &mix->shape);
	if (!rc)
		rc = pick_new_zipf(PORTS, TAIL_FLAT, &mix->tail);
	if (rc)
		mix_fini(mix);
	return rc;
}

void mix_fini(struct mix *mix)
{
	pick_fini(&mix->tcp);
	pick_fini(&mix->mirai);
	pick_fini(&mix->udp);
	pick_fini(&mix->shape);
	pick_fini(&mix->tail);
}

/* An odd multiplier permutes the 65 536 ports, so popular ranks fall anywhere. */
static uint16_t mix_tail_port(const struct mix *mix, uint64_t noise)
{
	return (uint16_t)(pick_noise(&mix->tail, rng_mix(noise)) * 40503u + 12345u);
}

uint16_t mix_tcp_port(const struct mix *mix, uint64_t noise)
{
	uint16_t port = tcp_ports[pick_noise(&mix->tcp, noise)].port;

	return port ? port : mix_tail_port(mix, noise);
}

uint16_t mix_mirai_port(const struct mix *mix, uint64_t noise)
{
	return mirai_ports[pick_noise(&mix->mirai, noise)].port;
}

void mix_udp_probe(const struct mix *mix, uint64_t source, struct rng *rng, struct packet *p)
{
	const struct mix_udp *row = &udp_ports[pick_noise(&mix->udp, source)];
	uint64_t noise = rng_u64(rng);

	p->proto = PACKET_UDP;
	p->ttl = (uint8_t)((source & 3 ? 64 : 255) - 6 - (source >> 8) % 20);
	p->ip_id = (uint16_t)(noise >> 16);
	p->df = source & 4;
	p->sport = (uint16_t)(1024 + rng_scale(noise, 64512));
	p->dport = row->port ? row->port : mix_tail_port(mix, source);
	p->payload = row->payload;
	p->payload_key = rng_mix(noise);
	if (row->payload == PAYLOAD_RANDOM) {
		/* Lengths belong to the source: most short, some that fill a datagram. */
		uint64_t len = 1 + (source >> 16) % (source >> 32 & 7 ? 100 : 1100);
		p->payload_key = (p->payload_key & ~0xffffull) | len;
	}
}

uint16_t mix_scan_port(const struct mix *mix, enum shape shape, bool wide, uint64_t source,
    uint64_t noise)
{
	if (shape == SHAPE_MIRAI)
		return mix_mirai_port(mix, noise);
	if (wide)
		return noise & 1 ? mix_tcp_port(mix, noise) : (uint16_t)(noise >> 16);
	if (source % 10 < 6)
		return mix_tcp_port(mix, rng_mix(source));
	return mix_tcp_port(mix, rng_mix(source + 1 + noise % FEW_PORTS));
}

enum shape mix_shape(const struct mix *mix, uint64_t noise)
{
	return (enum shape)pick_noise(&mix->shape, noise);
}

/* RFC 6890's special ranges, the multicast and reserved top, and what the simulations observe. */
static bool mix_reserved(uint32_t a)
{
	uint32_t first = a >> 24;

	return first == 0 || first == 10 || first == 127 || first >= 224
	    || a >> 22 == 0x64400000u >> 22 /* 100.64.0.0/10 */
	    || a >> 16 == 0xa9fe            /* 169.254.0.0/16 */
	    || a >> 20 == 0xac1             /* 172.16.0.0/12 */
	    || a >> 16 == 0xc0a8            /* 192.168.0.0/16 */
	    || a >> 8 == 0xc00000           /* 192.0.0.0/24 */
	    || a >> 8 == 0xc00002           /* 192.0.2.0/24 */
	    || a >> 8 == 0xc05863           /* 192.88.99.0/24 */
	    || a >> 17 == 0xc612 >> 1       /* 198.18.0.0/15 */
	    || a >> 8 == 0xc63364           /* 198.51.100.0/24 */
	    || a >> 8 == 0xcb0071           /* 203.0.113.0/24 */
	    || (a & 0xff) == 0 || (a & 0xff) == 255;
}

/* One try in eight fails; the loop's bound is never reached. */
static uint32_t mix_unreserved(uint64_t noise, const uint8_t *first_octets, size_t count)
{
	uint32_t address = 0;

	for (int i = 0; i < ADDRESS_TRIES; i++) {
		address = (uint32_t)(noise >> 32);
		if (count)
			address = (address & 0xffffff)
			    | (uint32_t)first_octets[noise % count] << 24;
		if (!mix_reserved(address))
			break;
		noise = rng_mix(noise);
	}
	return address;
}

uint32_t mix_address(uint64_t key)
{
	return mix_unreserved(rng_mix(key), NULL, 0);
}

uint32_t mix_address_in(enum mix_region region, uint64_t key)
{
	static const uint8_t asia[] = {36, 42, 59, 60, 111, 112, 114, 117, 119, 120, 121, 175, 180,
	    183, 218, 222};
	static const uint8_t latin[] = {177, 179, 181, 186, 187, 189, 190, 191, 200, 201};
	static const uint8_t europe[] = {31, 37, 46, 77, 78, 80, 85, 87, 89, 91, 93, 94, 95, 176,
	    178, 185, 188, 193, 212, 217};
	static const uint8_t north[] = {20, 23, 34, 35, 40, 50, 52, 63, 64, 66, 67, 68, 69, 70, 71,
	    98, 107, 198, 204, 208};
	uint64_t noise = rng_mix(key);

	switch (region) {
	case MIX_ASIA:
		return mix_unreserved(noise, asia, COUNT_OF(asia));
	case MIX_LATIN_AMERICA:
		return mix_unreserved(noise, latin, COUNT_OF(latin));
	case MIX_EUROPE:
		return mix_unreserved(noise, europe, COUNT_OF(europe));
	case MIX_NORTH_AMERICA:
		break;
	}
	return mix_unreserved(noise, north, COUNT_OF(north));
}
