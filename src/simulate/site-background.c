/*
 * What every address sees all the time: scanners, bots, UDP probes, pings, scraps of backscatter.
 *
 * The volume is SIMULATE_RATE_FULL packets per day per address times the scale, a little less by
 * night (in the site's zone, when the fewest bots are on) and at weekends.  A visit is one source
 * on one port at one or several of the sensor's addresses; kernels repeat an unanswered SYN.
 * Heavy sources are the same every day, light ones change their address after three days.
 */
#include "base/civil.h"
#include "simulate/backscatter.h"
#include "simulate/site.h"

#define WIDE_RANKS 64
#define STABLE_RANKS 200
#define ADDRESS_LIFE_DAYS 3
#define SHARE_SYN 850 /* of 1000 visits */
#define SHARE_UDP 960
#define SHARE_PING 980
#define VICTIMS_PER_DAY 30
#define ADDRESSES_PER_VISIT_MAX 4
#define RETRANSMIT_PERMILLE 400

/* Relative volume by hour of the site's day. */
static const uint16_t hour_weights[24] = {
    880, 860, 850, 840, 850, 870, 900, 940, 980, 1010, 1030, 1050, 1060, 1070, 1080, 1090, 1100,
    1100, 1090, 1080, 1060, 1030, 980, 930};

/* From Monday. */
static const uint16_t weekday_permille[7] = {1010, 1020, 1030, 1020, 1010, 960, 950};

static int64_t background_time(const struct site *site, struct rng *rng)
{
	uint32_t sum = 0;
	uint32_t draw;
	int hour = 0;

	for (int i = 0; i < 24; i++)
		sum += hour_weights[i];
	draw = rng_below(rng, sum);
	while (draw >= hour_weights[hour])
		draw -= hour_weights[hour++];
	return site->day_start + hour * SITE_HOUR + rng_below(rng, 3600000) * 1000ll
	    + rng_below(rng, 1000);
}

/* A source's identity: its pool and rank, and for light ones the days it keeps an address. */
static uint64_t background_source(const struct site *site, uint32_t pool, uint32_t rank)
{
	uint64_t life = rank < STABLE_RANKS ? 0 : 1 + (site->day + rank) / ADDRESS_LIFE_DAYS;

	return site_key(site, SITE_BACKGROUND, life << 32 | (uint64_t)pool << 16 | rank);
}

/* The source asks up to four of the addresses, and repeats itself if its kernel does. */
static uint64_t background_spread(struct site *site, struct packet *p, enum shape shape,
    uint64_t source, struct rng *rng)
{
	uint32_t most = site->sensor.addresses < ADDRESSES_PER_VISIT_MAX ? site->sensor.addresses
	                                                                 : ADDRESSES_PER_VISIT_MAX;
	uint32_t first = rng_below(rng, site->sensor.addresses);
	uint32_t addresses = 1 + rng_below(rng, most);
	uint64_t added = 0;

	for (uint32_t i = 0; i < addresses; i++) {
		bool again = shape_retransmits(shape) && rng_permille(rng, RETRANSMIT_PERMILLE);

		p->dst = site->sensor.base + (first + i) % site->sensor.addresses;
		shape_syn(shape, source, rng, p);
		site_add(site, p);
		added++;
		for (int64_t wait = 1; again && wait <= 3; wait += 2) {
			p->time_us += wait * SITE_SECOND;
			p->ts_value += (uint32_t)wait * 1000;
			p->ip_id++;
			site_add(site, p);
			added++;
		}
		p->time_us += 1000 + rng_below(rng, 900000);
	}
	return added;
}

static uint64_t background_visit(struct site *site, struct rng *rng)
{
	struct packet p = {.time_us = background_time(site, rng)};
	uint32_t kind = rng_below(rng, 1000);
	uint32_t rank = pick_draw(&site->sources, rng);
	uint64_t noise = rng_u64(rng);

	p.dst = site_address(site, rng_u64(rng));
	if (kind < SHARE_SYN) {
		enum shape shape = mix_shape(&site->mix, noise);
		uint64_t source = background_source(site, shape, rank);

		p.src = mix_address(source);
		p.dport = mix_scan_port(&site->mix, shape, rank < WIDE_RANKS, source, rng_u64(rng));
		return background_spread(site, &p, shape, source, rng);
	}
	if (kind < SHARE_UDP) {
		uint64_t source = background_source(site, SHAPE_COUNT, rank);

		p.src = mix_address(source);
		mix_udp_probe(&site->mix, source, rng, &p);
	} else if (kind < SHARE_PING) {
		uint64_t source = background_source(site, SHAPE_COUNT + 1, rank);

		p.src = mix_address(source);
		p.proto = PACKET_ICMP;
		p.icmp_type = 8;
		p.ttl = (uint8_t)(64 - 6 - source % 20);
		p.sport = (uint16_t)noise;
		p.dport = 1;
		p.payload = PAYLOAD_PING;
	} else {
		uint64_t index = site->day * VICTIMS_PER_DAY + rng_below(rng, VICTIMS_PER_DAY);
		uint64_t victim =
		    site_key(site, SITE_BACKGROUND, (BACKSCATTER_STREAM << 16) + index);

		backscatter_packet(victim, rng, &p);
	}
	site_add(site, &p);
	return 1;
}

/* Noon of the site's day is in the same UTC date for all zones but the farthest east. */
static int background_weekday(const struct site *site)
{
	return civil_weekday(civil_days_of_time(site->day_start + SITE_DAY / 2));
}

void site_background(struct site *site)
{
	struct rng rng = site_rng(site, SITE_BACKGROUND);
	uint64_t target = site_scaled(site, (uint64_t)SIMULATE_RATE_FULL * site->sensor.addresses);

	target = target * weekday_permille[background_weekday(site)] / 1000;
	target = target * (960 + rng_below(&rng, 80)) / 1000;
	for (uint64_t added = 0; added < target && !site->failed;)
		added += background_visit(site, &rng);
}
