/*
 * The planted events: when, where, from whom, and their packets.
 *
 * Times are fractions of the span, so that two weeks and two months tell the same story.  Events
 * whose size is a property of the visitor (a sweep asks each address once) are not scaled; those
 * that stand against the background are.
 */
#include "simulate/backscatter.h"
#include "simulate/site.h"

#define SPAN_UNITS 1400 /* hundredths of a fourteenth of the span */
#define GROWTH_PER_ADDRESS 2000 /* packets per day at full scale on the last day */
#define GROWTH_SOURCES_FIRST 60
#define GROWTH_SOURCES_MORE 540
#define SMB_PER_ADDRESS 400
#define SMB_SOURCES 80
#define NEW_PORT 30005
#define NEW_PORT_PER_ADDRESS 250
#define NEW_PORT_SOURCES 150
#define ZMAP_PORTS 20
#define MASSCAN_PORTS 100
#define RESEARCH_PER_ADDRESS 300
#define RESEARCH_HOSTS 4
#define BURST_PACKETS 100000
#define BURST_SOURCES 4000
#define REFLECTION_PER_ADDRESS 1500
#define SYN_ACK_PER_ADDRESS 150
#define UNREACHABLE_PER_ADDRESS 120
#define MQTT_PER_DAY 200
#define HTTP_PER_DAY 150
#define LOGIN_SOURCES 25
#define IPV6_PER_DAY 30
#define DAMAGED_PER_DAY 20

struct event_plan {
	uint16_t start; /* SPAN_UNITS */
	uint16_t end;   /* SPAN_UNITS; 0 = after `minutes` */
	uint16_t minutes;
};

static const struct event_plan plans[SITE_EVENT_COUNT] = {
    [SITE_MIRAI_GROWTH] = {.start = 700, .end = 1400},
    [SITE_SMB_FALL] = {.start = 0, .end = 700},
    [SITE_NEW_PORT] = {.start = 1120, .end = 1400},
    [SITE_ZMAP_SWEEP] = {.start = 840, .minutes = 60},
    [SITE_MASSCAN_SWEEP] = {.start = 960, .minutes = 120},
    [SITE_RESEARCH] = {.start = 0, .end = 1400},
    [SITE_SSDP_BURST] = {.start = 1170, .minutes = 360},
    [SITE_REFLECTION] = {.start = 1210, .minutes = 300},
    [SITE_SYN_ACK] = {.start = 780, .minutes = 50},
    [SITE_UNREACHABLE] = {.start = 1150, .minutes = 60},
    [SITE_SLOW_SCAN] = {.start = 0, .end = 1400},
    [SITE_MQTT] = {.start = 0, .end = 1400},
    [SITE_HTTP] = {.start = 0, .end = 1400},
    [SITE_IPV6] = {.start = 0, .end = 1400},
    [SITE_DAMAGED] = {.start = 0, .end = 1400},
    [SITE_OUTAGE] = {.start = 1235, .minutes = 300},
};

static int64_t whole_hour(int64_t span, unsigned units)
{
	return span * units / SPAN_UNITS / SITE_HOUR * SITE_HOUR;
}

void site_event_window(const struct site *site, enum site_event event, int64_t *ret_start,
    int64_t *ret_end)
{
	const struct event_plan *plan = &plans[event];
	int64_t span = site->options.days * SITE_DAY;
	int64_t start = whole_hour(span, plan->start);
	int64_t end = plan->end ? whole_hour(span, plan->end) : start + plan->minutes * SITE_MINUTE;

	*ret_start = site->options.start_us + start;
	*ret_end = site->options.start_us + (end < span ? end : span);
}

bool site_event_here(const struct site *site, enum site_event event)
{
	unsigned sensor = site->options.sensor;
	unsigned count = site->options.sensor_count;

	if (event == SITE_SSDP_BURST)
		return sensor == (count > 1 ? 1 : 0);
	if (event == SITE_REFLECTION)
		return sensor < 3;
	if (event == SITE_MQTT || event == SITE_HTTP)
		return site->sensor.answers;
	if (event == SITE_IPV6)
		return site->sensor.net6[0] != 0;
	if (event == SITE_OUTAGE)
		return sensor == count - 1;
	return true;
}

uint32_t site_event_source(const struct site *site, enum site_event event)
{
	if (event == SITE_ZMAP_SWEEP)
		return mix_address_in(MIX_NORTH_AMERICA, site_key(site, event, 0));
	if (event == SITE_MASSCAN_SWEEP)
		return mix_address_in(MIX_EUROPE, site_key(site, event, 0));
	if (event == SITE_SLOW_SCAN)
		return mix_address_in(MIX_ASIA, site_key(site, event, 0));
	return 0;
}

uint32_t site_event_victim(const struct site *site, enum site_event event)
{
	/* 177/8 is LACNIC's and for the most part Brazil's. */
	if (event == SITE_REFLECTION)
		return 0xb1000000u
		    | (mix_address_in(MIX_LATIN_AMERICA, site_key(site, event, 0)) & 0xffffff);
	if (event == SITE_SYN_ACK)
		return mix_address_in(MIX_ASIA, site_key(site, event, 0));
	if (event == SITE_UNREACHABLE)
		return mix_address_in(MIX_EUROPE, site_key(site, event, 0));
	return 0;
}

/* The part of the event that falls into the current day; false when none does. */
static bool event_today(const struct site *site, enum site_event event, int64_t *ret_start,
    int64_t *ret_us)
{
	int64_t start;
	int64_t end;

	if (!site_event_here(site, event))
		return false;
	site_event_window(site, event, &start, &end);
	if (start < site->day_start)
		start = site->day_start;
	if (end > site->day_start + SITE_DAY)
		end = site->day_start + SITE_DAY;
	*ret_start = start;
	*ret_us = end - start;
	return end > start;
}

/* The share of `total` (over the whole event) that falls into this part of it. */
static uint64_t event_share(const struct site *site, enum site_event event, int64_t part_us,
    uint64_t total)
{
	int64_t start;
	int64_t end;

	site_event_window(site, event, &start, &end);
	return (uint64_t)((unsigned __int128)total * (uint64_t)part_us / (uint64_t)(end - start));
}

static struct packet event_packet(const struct site *site, enum site_event event, int64_t start,
    int64_t us, struct rng *rng)
{
	struct packet p = {.event = (uint16_t)event};

	p.time_us = start + (int64_t)(((unsigned __int128)rng_u64(rng) * (uint64_t)us) >> 64);
	p.dst = site_address(site, rng_u64(rng));
	return p;
}

static void event_bots(struct site *site, enum site_event event, uint64_t count,
    uint32_t sources, uint16_t port, enum shape shape)
{
	static const enum mix_region regions[8] = {MIX_ASIA, MIX_LATIN_AMERICA, MIX_ASIA,
	    MIX_LATIN_AMERICA, MIX_ASIA, MIX_EUROPE, MIX_ASIA, MIX_LATIN_AMERICA};
	struct rng rng = site_rng(site, event);
	int64_t start;
	int64_t us;

	if (!event_today(site, event, &start, &us))
		return;
	for (uint64_t i = 0; i < count; i++) {
		struct packet p = event_packet(site, event, start, us, &rng);
		uint32_t index = rng_below(&rng, sources);
		uint64_t source = site_key(site, event, index);

		p.src = mix_address_in(regions[index % 8], source);
		p.dport = port;
		if (port == 23 && rng_below(&rng, 10) == 0)
			p.dport = 2323;
		shape_syn(shape, source, &rng, &p);
		site_add(site, &p);
	}
}

/* Rises in a straight line, in packets and in sources, to the last day. */
static void event_growth(struct site *site)
{
	int64_t start;
	int64_t end;
	int64_t middle = site->day_start + SITE_DAY / 2;
	uint64_t progress;
	uint64_t count;

	site_event_window(site, SITE_MIRAI_GROWTH, &start, &end);
	if (middle < start)
		return;
	progress = (uint64_t)((middle - start) / SITE_MINUTE * 1000
	    / ((end - start) / SITE_MINUTE));
	count = site_scaled(site, GROWTH_PER_ADDRESS * site->sensor.addresses) * progress / 1000;
	event_bots(site, SITE_MIRAI_GROWTH, count,
	    GROWTH_SOURCES_FIRST + (uint32_t)(GROWTH_SOURCES_MORE * progress / 1000), 23,
	    SHAPE_MIRAI);
}

static void event_sweep(struct site *site, enum site_event event, unsigned ports,
    enum shape shape)
{
	struct rng rng = site_rng(site, event);
	uint64_t source = site_key(site, event, 0);
	int64_t start;
	int64_t us;
	uint64_t count;

	if (!event_today(site, event, &start, &us))
		return;
	count = event_share(site, event, us, (uint64_t)ports * site->sensor.addresses);
	for (uint64_t i = 0; i < count; i++) {
		struct packet p = event_packet(site, event, start, us, &rng);

		p.src = site_event_source(site, event);
		p.dst = site->sensor.base + (uint32_t)(i % site->sensor.addresses);
		p.dport = mix_tcp_port(&site->mix,
		    site_key(site, event, 1 + i / site->sensor.addresses));
		shape_syn(shape, source, &rng, &p);
		site_add(site, &p);
	}
}

static void event_research(struct site *site)
{
	struct rng rng = site_rng(site, SITE_RESEARCH);
	uint32_t first = mix_address_in(MIX_NORTH_AMERICA, site_key(site, SITE_RESEARCH, 0));
	uint64_t count = site_scaled(site, RESEARCH_PER_ADDRESS * site->sensor.addresses);
	int64_t start;
	int64_t us;

	if (!event_today(site, SITE_RESEARCH, &start, &us))
		return;
	for (uint64_t i = 0; i < count; i++) {
		struct packet p = event_packet(site, SITE_RESEARCH, start, us, &rng);
		uint32_t host = rng_below(&rng, RESEARCH_HOSTS);

		p.src = (first & 0xffffff00u) | (16 + host);
		p.dport = (uint16_t)(1 + rng_below(&rng, 65535));
		shape_syn(SHAPE_ZMAP_41, site_key(site, SITE_RESEARCH, host), &rng, &p);
		site_add(site, &p);
	}
}

static void event_udp(struct site *site, enum site_event event, uint64_t total)
{
	struct rng rng = site_rng(site, event);
	int64_t start;
	int64_t us;
	uint64_t count;

	if (!event_today(site, event, &start, &us))
		return;
	count = event_share(site, event, us, total);
	for (uint64_t i = 0; i < count; i++) {
		struct packet p = event_packet(site, event, start, us, &rng);
		uint32_t index = rng_below(&rng, BURST_SOURCES);
		uint64_t source = site_key(site, event, index);

		p.proto = PACKET_UDP;
		p.ip_id = (uint16_t)rng_u32(&rng);
		if (event == SITE_SSDP_BURST) {
			p.src = mix_address_in(index % 3 ? MIX_ASIA : MIX_NORTH_AMERICA, source);
			p.ttl = (uint8_t)(64 - 6 - source % 20);
			p.sport = (uint16_t)(1024 + rng_scale(source, 64512));
			p.dport = 1900;
			p.payload = PAYLOAD_SSDP;
		} else {
			p.src = site_event_victim(site, event);
			p.ttl = 243;
			p.sport = 34567;
			p.dport = 53;
			p.payload = PAYLOAD_DNS_ANY;
			p.payload_key = 0x4a1c;
		}
		site_add(site, &p);
	}
}

static void event_backscatter(struct site *site, enum site_event event, uint64_t per_address)
{
	struct rng rng = site_rng(site, event);
	uint32_t victim = site_event_victim(site, event);
	int64_t start;
	int64_t us;
	uint64_t count;

	if (!event_today(site, event, &start, &us))
		return;
	count = event_share(site, event, us, per_address * site->sensor.addresses);
	for (uint64_t i = 0; i < count; i++) {
		struct packet p = event_packet(site, event, start, us, &rng);

		p.ttl = 49;
		if (event == SITE_SYN_ACK)
			backscatter_syn_ack(victim, 80, rng_u64(&rng), &p);
		else
			backscatter_unreachable(victim, 53, true, rng_u64(&rng), &p);
		site_add(site, &p);
	}
}

/* Hour h asks the h-th of all addresses of all sensors, around and around. */
static void event_slow(struct site *site)
{
	struct rng rng = site_rng(site, SITE_SLOW_SCAN);
	uint64_t source = site_key(site, SITE_SLOW_SCAN, 0);
	unsigned before = 0;
	unsigned total = 0;

	for (unsigned i = 0; i < site->options.sensor_count; i++) {
		struct simulate_sensor other;

		if (simulate_site_sensor(site->options.sensor_count, i, &other))
			return;
		if (i < site->options.sensor)
			before += other.addresses;
		total += other.addresses;
	}
	for (unsigned hour = 0; hour < 24 && total > 0; hour++) {
		unsigned turn = (site->day * 24 + hour) % total;
		struct packet p = {.event = SITE_SLOW_SCAN};

		if (turn < before || turn >= before + site->sensor.addresses)
			continue;
		p.time_us = site->day_start + hour * SITE_HOUR + 7 * SITE_MINUTE
		    + rng_below(&rng, 60) * SITE_SECOND;
		p.src = site_event_source(site, SITE_SLOW_SCAN);
		p.dst = site->sensor.base + turn - before;
		p.dport = 3389;
		shape_syn(SHAPE_LINUX, source, &rng, &p);
		site_add(site, &p);
	}
}

static void event_logins(struct site *site, enum site_event event, uint64_t per_day)
{
	struct rng rng = site_rng(site, event);
	uint64_t count = site_scaled(site, per_day);
	bool mqtt = event == SITE_MQTT;

	if (!site_event_here(site, event))
		return;
	for (uint64_t i = 0; i < count; i++) {
		/* An hour before midnight the last one begins, so that none crosses it. */
		struct packet p = event_packet(site, event, site->day_start, 23 * SITE_HOUR, &rng);
		uint32_t index = rng_below(&rng, LOGIN_SOURCES);
		bool anonymous = mqtt && rng_below(&rng, 2) == 0;
		struct site_dialogue dialogue = {
		    .time_us = p.time_us,
		    .client = mix_address(site_key(site, event, index)),
		    .server = site->sensor.base,
		    .port = mqtt ? 1883 : 80,
		    .event = (uint16_t)event,
		    .request = mqtt ? PAYLOAD_MQTT_LOGIN : PAYLOAD_HTTP_BASIC,
		    .reply = mqtt ? PAYLOAD_CONNACK : PAYLOAD_HTTP_401,
		    .request_key = rng_u32(&rng),
		    .reply_key = anonymous ? 0 : 5, /* MQTT: accepted, not authorised */
		};

		if (anonymous)
			dialogue.request = PAYLOAD_MQTT_ANONYMOUS;
		site_add_dialogue(site, &dialogue, &rng);
	}
}

static void event_ipv6(struct site *site)
{
	static const uint64_t prefixes[4] = {
	    0x2600000000000000ull, 0x2a01000000000000ull, 0x2408000000000000ull,
	    0x2804000000000000ull};
	static const uint16_t ports[4] = {22, 80, 443, 23};
	struct rng rng = site_rng(site, SITE_IPV6);

	for (int i = 0; site_event_here(site, SITE_IPV6) && i < IPV6_PER_DAY; i++) {
		struct packet p = event_packet(site, SITE_IPV6, site->day_start, SITE_DAY, &rng);
		uint64_t source = site_key(site, SITE_IPV6, rng_below(&rng, 12));

		p.v6 = true;
		p.dst_hi = site->sensor.base6_hi;
		p.dst = 1;
		p.src_hi = prefixes[source & 3] | (rng_mix(source) >> 20 & 0xffffffffffull);
		p.src = 1 + (source >> 32 & 0xff);
		p.dport = ports[rng_below(&rng, 4)];
		if (i % 2) {
			shape_syn(SHAPE_LINUX, source, &rng, &p);
		} else {
			p.proto = PACKET_ICMPV6;
			p.icmp_type = 128;
			p.ttl = 50;
			p.sport = (uint16_t)source;
			p.dport = 1;
			p.payload = PAYLOAD_PING;
		}
		site_add(site, &p);
	}
}

static void event_damaged(struct site *site)
{
	static const uint8_t damages[4] = {
	    PACKET_SHORT, PACKET_ARP, PACKET_LATER_FRAGMENT, PACKET_BAD_HEADER};
	struct rng rng = site_rng(site, SITE_DAMAGED);

	for (int i = 0; i < DAMAGED_PER_DAY; i++) {
		struct packet p = event_packet(site, SITE_DAMAGED, site->day_start, SITE_DAY, &rng);

		p.src = mix_address(site_key(site, SITE_DAMAGED, (uint64_t)i));
		p.dport = 80;
		shape_syn(SHAPE_LINUX, p.src, &rng, &p);
		p.damage = damages[i % 4];
		if (p.damage == PACKET_ARP)
			p.src = site->sensor.base ^ 1;
		site_add(site, &p);
	}
}

void site_events(struct site *site)
{
	uint64_t addresses = site->sensor.addresses;

	event_growth(site);
	event_bots(site, SITE_SMB_FALL, site_scaled(site, SMB_PER_ADDRESS * addresses),
	    SMB_SOURCES, 445, SHAPE_WINDOWS_7);
	event_bots(site, SITE_NEW_PORT, site_scaled(site, NEW_PORT_PER_ADDRESS * addresses),
	    NEW_PORT_SOURCES, NEW_PORT, SHAPE_MIRAI);
	event_sweep(site, SITE_ZMAP_SWEEP, ZMAP_PORTS, SHAPE_ZMAP_3);
	event_sweep(site, SITE_MASSCAN_SWEEP, MASSCAN_PORTS, SHAPE_MASSCAN);
	event_research(site);
	event_udp(site, SITE_SSDP_BURST, site_scaled(site, BURST_PACKETS));
	event_udp(site, SITE_REFLECTION, site_scaled(site, REFLECTION_PER_ADDRESS * addresses));
	event_backscatter(site, SITE_SYN_ACK, SYN_ACK_PER_ADDRESS);
	event_backscatter(site, SITE_UNREACHABLE, UNREACHABLE_PER_ADDRESS);
	event_slow(site);
	event_logins(site, SITE_MQTT, MQTT_PER_DAY);
	event_logins(site, SITE_HTTP, HTTP_PER_DAY);
	event_ipv6(site);
	event_damaged(site);
}
