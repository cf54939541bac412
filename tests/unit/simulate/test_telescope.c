/* The benchmark's telescope: one seed, one file; shares, marks and checksums are what it says. */
#include "simulate/simulate.h"

#include "reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PACKETS 200000u
#define TELESCOPE_HASH 0xa2eef162ac99775eull

static struct file_bytes make(uint64_t seed, uint64_t packets, struct simulate_totals *ret_totals)
{
	struct simulate_telescope options = {.seed = seed,
	    .start_us = SIMULATE_TELESCOPE_START_US,
	    .packets = packets,
	    .packets_per_second = SIMULATE_TELESCOPE_PPS};
	struct file_bytes file = {0};

	assert_int_equal(simulate_telescope(&options, file_write, &file, ret_totals), ST_OK);
	assert_true(file.len == ret_totals->bytes);
	return file;
}

static void one_seed_one_file(void **state)
{
	struct simulate_totals totals = {0};
	struct file_bytes a = make(1, 20000, &totals);
	struct file_bytes b = make(1, 20000, &totals);
	struct file_bytes c = make(2, 20000, &totals);

	(void)state;
	assert_true(file_hash(&a) == file_hash(&b));
	assert_true(file_hash(&a) != file_hash(&c));
	/* The bytes of seed 1 are the same on every machine, or this number changes. */
	assert_int_equal(file_hash(&a), TELESCOPE_HASH);
	free(a.data);
	free(b.data);
	free(c.data);
}

struct counts {
	uint64_t packets, syn, udp, icmp, answers, mirai, zmap, masscan, bad_checksums, outside;
	uint64_t reserved, backwards, port_23, odd_mirai, odd_zmap;
	uint64_t destinations, sources;
};

static bool reserved(uint32_t a)
{
	return a >> 24 == 0 || a >> 24 == 10 || a >> 24 == 127 || a >> 24 >= 224
	    || a >> 16 == 0xc0a8 || a >> 20 == 0xac1 || a >> 16 == 0xa9fe || a >> 17 == 0x6309
	    || a >> 22 == 0x191;
}

static void count_syn(struct counts *c, const struct seen *s)
{
	c->syn++;
	c->port_23 += s->dport == 23;
	if (s->seq == s->dst) {
		c->mirai++;
		c->odd_mirai += s->options_len != 0 || s->ttl > 64;
	}
	if (s->id == 54321) {
		c->zmap++;
		c->odd_zmap += s->window != 65535;
	}
	c->masscan += s->id == ((s->dst ^ s->dport ^ s->seq) & 0xffff);
}

static void count_file(const struct file_bytes *file, struct counts *c)
{
	uint8_t *seen_dst = calloc(1, 65536);
	uint8_t *seen_src = calloc(1, 1u << 24);
	struct seen s;
	size_t pos = 0;
	bool bad = false;
	int64_t last = 0;

	while (file_next(file, &pos, &s, &bad)) {
		c->packets++;
		c->bad_checksums += !s.checksums_good;
		c->outside += s.dst >> 16 != 0xc612;
		c->reserved += reserved(s.src);
		c->backwards += s.time_us < last;
		last = s.time_us;
		c->destinations += !seen_dst[s.dst & 0xffff];
		seen_dst[s.dst & 0xffff] = 1;
		c->sources += !seen_src[s.src >> 8];
		seen_src[s.src >> 8] = 1;
		c->udp += s.proto == 17;
		c->icmp += s.proto == 1;
		if (s.proto == 6 && s.flags == 2)
			count_syn(c, &s);
		else
			c->answers += s.proto == 6;
	}
	assert_false(bad);
	free(seen_dst);
	free(seen_src);
}

static void contents(void **state)
{
	struct simulate_totals totals = {0};
	struct file_bytes file = make(3, PACKETS, &totals);
	struct counts c = {0};

	(void)state;
	count_file(&file, &c);
	assert_int_equal(c.packets, PACKETS);
	assert_int_equal(c.packets, totals.packets);
	assert_int_equal(c.syn, totals.syn);
	assert_int_equal(c.udp, totals.udp);
	assert_int_equal(c.icmp, totals.icmp);
	assert_int_equal(c.mirai, totals.mirai);
	assert_int_equal(c.zmap, totals.zmap);
	assert_int_equal(c.masscan, totals.masscan);
	assert_int_equal(c.bad_checksums, 0);
	assert_int_equal(c.outside, 0);
	assert_int_equal(c.reserved, 0);
	assert_int_equal(c.backwards, 0);
	assert_in_range(c.syn, PACKETS / 1000 * 845, PACKETS / 1000 * 855);
	assert_in_range(c.udp, PACKETS / 1000 * 97, PACKETS / 1000 * 103);
	assert_in_range(c.icmp + c.answers, PACKETS / 1000 * 48, PACKETS / 1000 * 52);
	/* By the table of shapes: 14 % Mirai, 15 % ZMap with its ID, 23 % masscan of all SYN. */
	assert_in_range(c.mirai, c.syn * 135 / 1000, c.syn * 145 / 1000);
	assert_in_range(c.zmap, c.syn * 145 / 1000, c.syn * 155 / 1000);
	assert_in_range(c.masscan, c.syn * 224 / 1000, c.syn * 236 / 1000);
	assert_in_range(c.port_23, c.syn / 10, c.syn / 4);
	/* Another tool's SYN carries the ID by accident once in 65 536. */
	assert_int_equal(c.odd_mirai, 0);
	assert_in_range(c.odd_zmap, 0, 15);
	assert_true(c.destinations > 60000);
	assert_true(c.sources > 30000);
	/* 200 000 packets at 7 500 per second. */
	assert_in_range(totals.last_us - totals.first_us, 26300000, 27000000);
	free(file.data);
}

static void the_callback_stops_it(void **state)
{
	struct simulate_telescope options = {
	    .packets = 10000000, .packets_per_second = SIMULATE_TELESCOPE_PPS};
	struct file_bytes file = {.fail_after = 3u << 20};

	(void)state;
	assert_int_equal(simulate_telescope(&options, file_write, &file, NULL), -28);
	free(file.data);
}

static void limits(void **state)
{
	struct simulate_telescope options = {.packets = 10, .packets_per_second = 0};
	struct simulate_totals totals = {.packets = 77};
	struct file_bytes file = {0};

	(void)state;
	assert_int_equal(simulate_telescope(&options, file_write, &file, &totals), ST_USAGE);
	options.packets_per_second = 1000001;
	assert_int_equal(simulate_telescope(&options, file_write, &file, &totals), ST_USAGE);
	assert_int_equal(totals.packets, 77);
	assert_int_equal(file.len, 0);
	options.packets_per_second = 1;
	options.packets = 0;
	assert_int_equal(simulate_telescope(&options, file_write, &file, &totals), ST_OK);
	assert_int_equal(file.len, 24);
	assert_int_equal(totals.packets, 0);
	free(file.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_seed_one_file),
	    cmocka_unit_test(contents),
	    cmocka_unit_test(the_callback_stops_it),
	    cmocka_unit_test(limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
