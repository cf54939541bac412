/*
 * The benchmark's telescope: what a /16 of dark addresses receives, as fast as it can be written.
 *
 * Sources: 16 pools (one for each SYN shape, two for UDP) of 65 536 addresses each, a million in
 * all; within a pool the share of a source follows Zipf's law with exponent 1.  A source keeps
 * its tool, its distance and its ports.  The heaviest sources of a pool scan all ports, as
 * research scanners do (more than half of all packets in 2020 to 2025 by NICTER's count); the
 * others have one port or a few.  Destinations are uniform over the /16.  Backscatter comes from
 * 2 000 victims.
 */
#include "simulate/simulate.h"

#include "simulate/backscatter.h"
#include "simulate/mix.h"
#include "simulate/packet.h"

#define POOL_SIZE 65536
#define POOL_UDP SHAPE_COUNT
#define POOLS 16
#define WIDE_RANKS 64
#define VICTIMS 2000
#define SHARE_SYN 850 /* of 1000 */
#define SHARE_UDP 100
#define PPS_MAX 1000000

_Static_assert(SHAPE_COUNT + 2 == POOLS, "a pool for each SYN shape and two for UDP");
_Static_assert(POOLS * POOL_SIZE == SIMULATE_TELESCOPE_SOURCES, "a million sources");

struct telescope {
	uint64_t seed;
	struct rng rng;
	struct mix mix;
	struct pick sources;
	struct pick victims;
};

static void telescope_scan(struct telescope *t, struct packet *p, bool udp)
{
	uint32_t rank = pick_draw(&t->sources, &t->rng);
	uint64_t noise = rng_u64(&t->rng);
	uint32_t pool = udp ? POOL_UDP + (noise & 1) : mix_shape(&t->mix, noise);
	uint64_t source = rng_mix2(t->seed, (uint64_t)pool << 32 | rank);

	p->src = mix_address(source);
	if (udp) {
		mix_udp_probe(&t->mix, source, &t->rng, p);
	} else {
		p->dport = mix_scan_port(&t->mix, (enum shape)pool, rank < WIDE_RANKS, source,
		    rng_u64(&t->rng));
		shape_syn((enum shape)pool, source, &t->rng, p);
	}
}

static void telescope_backscatter(struct telescope *t, struct packet *p)
{
	uint32_t rank = pick_draw(&t->victims, &t->rng);

	backscatter_packet(rng_mix2(t->seed, BACKSCATTER_STREAM + rank), &t->rng, p);
}

static int telescope_run(struct telescope *t, const struct simulate_telescope *options,
    struct packet_writer *writer)
{
	/* Gaps in 2^-20 of a microsecond, uniform between 0 and twice the mean. */
	uint64_t gap_max = (2000000ull << 20) / options->packets_per_second;
	uint64_t clock = 0;
	int rc = ST_OK;

	for (uint64_t i = 0; !rc && i < options->packets; i++) {
		struct packet p = {0};
		uint32_t kind = rng_below(&t->rng, 1000);
		uint64_t noise = rng_u64(&t->rng);

		clock += (uint64_t)(((unsigned __int128)noise * gap_max) >> 64);
		p.time_us = options->start_us + (int64_t)(clock >> 20);
		p.dst = SIMULATE_TELESCOPE_NET | (noise & 0xffff);
		if (kind < SHARE_SYN + SHARE_UDP)
			telescope_scan(t, &p, kind >= SHARE_SYN);
		else
			telescope_backscatter(t, &p);
		rc = packet_writer_put(writer, &p);
	}
	return rc ? rc : packet_writer_flush(writer);
}

int simulate_telescope(const struct simulate_telescope *options, simulate_write_fn write,
    void *arg, struct simulate_totals *ret_totals)
{
	struct telescope t = {.seed = options->seed, .rng = rng_new(options->seed, 1)};
	struct packet_writer writer = {0};
	int rc = ST_USAGE;

	if (options->packets_per_second == 0 || options->packets_per_second > PPS_MAX
	    || options->start_us < 0)
		goto out;
	rc = mix_init(&t.mix);
	if (!rc)
		rc = pick_new_zipf(POOL_SIZE, 0, &t.sources);
	if (!rc)
		rc = pick_new_zipf(VICTIMS, 0, &t.victims);
	if (!rc)
		rc = packet_writer_init(&writer, write, arg);
	if (!rc)
		rc = telescope_run(&t, options, &writer);
	if (!rc && ret_totals)
		*ret_totals = writer.totals;
out:
	packet_writer_fini(&writer);
	mix_fini(&t.mix);
	pick_fini(&t.sources);
	pick_fini(&t.victims);
	return rc;
}
