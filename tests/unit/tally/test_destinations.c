/*
 * Observed addresses: which count, the index each gets and keeps, and how many there are.
 */
#include "feed.h"

static struct ip_net net(const char *text)
{
	struct ip_net n;

	assert_int_equal(ip_net_parse(text, strlen(text), &n), ST_OK);
	return n;
}

static struct ip ip(const char *text)
{
	struct ip a;

	assert_int_equal(ip_parse(text, strlen(text), &a), ST_OK);
	return a;
}

static void test_first_sight(void **state)
{
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, NULL, 0, NULL, 0), ST_OK);
	assert_true(destinations_observed(&d, ip("8.8.8.8")));
	assert_int_equal(destinations_index(&d, ip("192.0.2.9")), 0);
	assert_int_equal(destinations_index(&d, ip("2001:db8::1")), 1);
	assert_int_equal(destinations_index(&d, ip("192.0.2.3")), 2);
	assert_int_equal(destinations_index(&d, ip("192.0.2.9")), 0);
	assert_int_equal(destinations_index(&d, ip("0.0.0.0")), 3);
	assert_int_equal(destinations_index(&d, ip("255.255.255.255")), 4);
	assert_int_equal(destinations_index(&d, ip("::")), 5);
	assert_int_equal(destinations_index(&d, ip("2001:db8::1")), 1);
	assert_int_equal(destinations_count(&d), 6);
	assert_int_equal(destinations_index_end(&d), 6);
	assert_int_equal(destinations_size(&d), 6);
	destinations_fini(&d);
}

/* Indices from a store come first and are kept; new ones follow. */
static void test_known(void **state)
{
	const struct ip known[] = {ip("192.0.2.7"), ip("2001:db8::5"), ip("192.0.2.1")};
	const struct ip_net n = net("192.0.2.0/28");
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, &n, 1, known, 3), ST_OK);
	assert_int_equal(destinations_index(&d, ip("192.0.2.2")), 3);
	assert_int_equal(destinations_index(&d, ip("192.0.2.1")), 2);
	assert_int_equal(destinations_index(&d, ip("192.0.2.7")), 0);
	assert_int_equal(destinations_index(&d, ip("2001:db8::5")), 1);
	assert_int_equal(destinations_size(&d), 16);
	destinations_fini(&d);
}

static void test_many(void **state)
{
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, NULL, 0, NULL, 0), ST_OK);
	for (uint32_t pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < 100000; i++) {
			struct ip v6 = {0x20010db800000000ull + i % 3, i};

			assert_int_equal(destinations_index(&d, ip_from_v4(i * 65537)), 2 * i);
			assert_int_equal(destinations_index(&d, v6), 2 * i + 1);
		}
	assert_int_equal(destinations_count(&d), 200000);
	destinations_fini(&d);
}

/* Who does not count packets gets the same index, and notes an address only where there is a list. */
static void test_quiet(void **state)
{
	const struct ip_net large[] = {net("198.51.100.0/24"), net("2001:db8::/64")};
	const struct ip_net small = net("192.0.2.7/32");
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, large, 1, NULL, 0), ST_OK);
	assert_true(destinations_fixed(&d));
	assert_int_equal(destinations_index_quiet(&d, ip("198.51.100.9")), 9);
	assert_int_equal(destinations_count(&d), 0);
	assert_int_equal(destinations_index(&d, ip("198.51.100.9")), 9);
	assert_int_equal(destinations_count(&d), 1);
	destinations_fini(&d);
	assert_int_equal(destinations_init(&d, large, 2, NULL, 0), ST_OK);
	assert_false(destinations_fixed(&d));
	assert_int_equal(destinations_index_quiet(&d, ip("198.51.100.9")), 9);
	assert_int_equal(destinations_index_quiet(&d, ip("2001:db8::1")), 256);
	assert_int_equal(destinations_count(&d), 1);
	destinations_fini(&d);
	assert_int_equal(destinations_init(&d, &small, 1, NULL, 0), ST_OK);
	assert_false(destinations_fixed(&d));
	assert_int_equal(destinations_index_quiet(&d, ip("192.0.2.7")), 0);
	assert_int_equal(destinations_index(&d, ip("192.0.2.7")), 0);
	assert_int_equal(destinations_count(&d), 1);
	destinations_fini(&d);
}

/* ::/0 holds every IPv4 address, but none has an offset in it. */
static void test_all_beside_offsets(void **state)
{
	const struct ip_net nets[] = {net("198.51.100.0/24"), net("::/0")};
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, nets, 2, NULL, 0), ST_OK);
	assert_int_equal(destinations_index(&d, ip("198.51.100.3")), 3);
	assert_int_equal(destinations_index(&d, ip("203.0.113.9")), 256);
	assert_int_equal(destinations_index(&d, ip("2001:db8::1")), 257);
	assert_int_equal(destinations_count(&d), 3);
	destinations_fini(&d);
}

/* Networks of more than 64 addresses: the index is the offset. */
static void test_offsets(void **state)
{
	const struct ip_net one = net("10.1.0.0/16");
	const struct ip_net nets[] = {net("10.1.0.0/16"), net("192.0.2.0/24"), net("2001:db8::/64")};
	const struct ip known[] = {ip("10.1.0.9")};
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, &one, 1, known, 1), ST_OK);
	assert_true(destinations_observed(&d, ip("10.1.255.255")));
	assert_false(destinations_observed(&d, ip("10.2.0.0")));
	assert_false(destinations_observed(&d, ip("10.0.255.255")));
	assert_false(destinations_observed(&d, ip("2001:db8::1")));
	assert_int_equal(destinations_index(&d, ip("10.1.0.0")), 0);
	assert_int_equal(destinations_index(&d, ip("10.1.255.255")), 65535);
	assert_int_equal(destinations_index(&d, ip("10.1.1.0")), 256);
	assert_int_equal(destinations_index(&d, ip("10.1.1.0")), 256);
	assert_int_equal(destinations_count(&d), 3);
	assert_int_equal(destinations_size(&d), 65536);
	assert_int_equal(destinations_index_end(&d), 65536);
	destinations_fini(&d);

	assert_int_equal(destinations_init(&d, nets, 3, NULL, 0), ST_OK);
	assert_int_equal(destinations_index(&d, ip("192.0.2.1")), 65537);
	assert_int_equal(destinations_index(&d, ip("2001:db8::77")), 65792);
	assert_int_equal(destinations_index(&d, ip("2001:db8::78")), 65793);
	assert_int_equal(destinations_index(&d, ip("2001:db8::77")), 65792);
	assert_int_equal(destinations_count(&d), 3);
	/* The /64 counts by the addresses seen. */
	assert_int_equal(destinations_size(&d), 65536 + 256 + 2);
	assert_true(destinations_observed(&d, ip("2001:db8::ffff")));
	assert_false(destinations_observed(&d, ip("2001:db8:0:1::")));
	destinations_fini(&d);
}

static void test_one_network_is_a_mask(void **state)
{
	static const char *const nets[] = {"0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8",
		"192.0.2.0/25", "192.0.2.128/31", "192.0.2.7/32", "2001:db8::/32", "::/0"};
	uint64_t seed = 3;

	(void)state;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++) {
		const struct ip_net n = net(nets[i]);
		struct destinations d;

		assert_int_equal(destinations_init(&d, &n, 1, NULL, 0), ST_OK);
		for (unsigned k = 0; k < 2000; k++) {
			uint64_t r = frame_random(&seed);
			struct ip a = ip_from_v4((uint32_t)r);

			if (k % 4 == 1)
				a = ip_from_v4(0xc0000200 | (r & 0xff));
			else if (k % 4 == 2)
				a = (struct ip){0x20010db800000000ull ^ (r & 1) << 40, r};
			else if (k % 4 == 3)
				a = (struct ip){n.base.hi, n.base.lo ^ (r & 3) << (r >> 8 & 31)};
			assert_int_equal(destinations_observed(&d, a), ip_net_contains(n, a));
		}
		destinations_fini(&d);
	}
}

static void test_excluded(void **state)
{
	const struct ip_net nets[] = {net("192.0.2.0/28"), net("2001:db8::/64")};
	const struct ip_net excluded[] = {net("192.0.2.1"), net("2001:db8::1")};
	struct destinations d;

	(void)state;
	assert_int_equal(destinations_init(&d, nets, 2, NULL, 0), ST_OK);
	assert_int_equal(destinations_exclude(&d, excluded, 2), ST_OK);
	assert_true(destinations_observed(&d, ip("192.0.2.0")));
	assert_false(destinations_observed(&d, ip("192.0.2.1")));
	assert_true(destinations_observed(&d, ip("2001:db8::2")));
	assert_false(destinations_observed(&d, ip("2001:db8::1")));
	assert_int_equal(destinations_size(&d), 15);
	(void)destinations_index(&d, ip("2001:db8::2"));
	assert_int_equal(destinations_size(&d), 16);
	destinations_fini(&d);
	/* Without networks everything else is observed. */
	assert_int_equal(destinations_init(&d, NULL, 0, NULL, 0), ST_OK);
	assert_int_equal(destinations_exclude(&d, excluded, 1), ST_OK);
	assert_true(destinations_observed(&d, ip("192.0.2.2")));
	assert_false(destinations_observed(&d, ip("192.0.2.1")));
	destinations_fini(&d);
}

static void expect_size(uint64_t want, const char *nets, const char *excluded)
{
	struct ip_net lists[2][DESTINATIONS_NETS_MAX];
	const char *texts[2] = {nets, excluded};
	size_t counts[2] = {0, 0};

	for (int i = 0; i < 2; i++) {
		const char *p = texts[i];

		while (*p) {
			size_t len = strcspn(p, " ");

			assert_int_equal(ip_net_parse(p, len, &lists[i][counts[i]++]), ST_OK);
			p += len + (p[len] == ' ');
		}
	}
	assert_int_equal(destinations_nets_size(lists[0], counts[0], lists[1], counts[1]), want);
}

/* Every address once, whatever overlaps what: rates are divided by this. */
static void test_sizes(void **state)
{
	(void)state;
	expect_size(0, "", "");
	expect_size(16, "192.0.2.0/28", "");
	expect_size(16, "192.0.2.0/28 192.0.2.0/28 192.0.2.8/29 192.0.2.3", "");
	expect_size(256, "192.0.2.8/29 192.0.2.0/24", "");
	expect_size(32, "192.0.2.0/28 192.0.2.16/28", "");
	expect_size(15, "192.0.2.0/28", "192.0.2.1 192.0.2.1");
	expect_size(8, "192.0.2.0/28", "192.0.2.8/29 192.0.2.9");
	expect_size(16, "192.0.2.0/28", "198.51.100.0/24");
	expect_size(0, "192.0.2.0/28", "192.0.2.0/24");
	expect_size(256, "192.0.2.0/28 198.51.100.0/24", "192.0.2.0/24");
	expect_size(1ull << 24, "10.0.0.0/8", "");
	expect_size(1ull << 32, "0.0.0.0/0", "");
	expect_size(16, "2001:db8::/124", "");
	expect_size(15, "2001:db8::/124", "2001:db8::1");
	expect_size(256, "2001:db8::/64 192.0.2.0/24", "");
}

/* The same through the tally: drops by reason, and nothing observed from outside the networks. */
static void test_tally(void **state)
{
	const struct ip_net nets[] = {net("192.0.2.0/24")};
	const struct ip_net excluded[] = {net("192.0.2.66")};
	const struct tally_counters *c;
	struct decode_packet p;
	struct feed feed;

	(void)state;
	feed_open(&feed, &(struct tally_options){.nets = nets, .net_count = 1, .excluded = excluded,
	    .excluded_count = 1});
	for (unsigned i = 0; i < 256; i++) {
		p = feed_tcp(0, FEED_SRC, FEED_DST + i, 1, 23, 2);
		feed_put(&feed, &p);
	}
	p = feed_tcp(0, FEED_SRC, 0xc0000300, 1, 23, 2);
	feed_put(&feed, &p);
	p = feed_tcp(0, FEED_DST + 1, FEED_SRC, 1, 23, 2);
	feed_put(&feed, &p);
	p = feed_tcp(0, FEED_DST + 66, FEED_SRC, 1, 23, 2); /* the excluded address's own */
	feed_put(&feed, &p);
	p = feed_tcp(0, FEED_DST + 1, FEED_DST + 2, 1, 23, 2); /* inside to inside arrives */
	feed_put(&feed, &p);
	feed_flush(&feed);
	c = tally_counters(feed.tally);
	assert_int_equal(c->read, 260);
	assert_int_equal(c->counted, 256);
	assert_int_equal(c->dropped[DECODE_DROP_NOT_OBSERVED], 3);
	assert_int_equal(c->dropped[DECODE_DROP_OUTBOUND], 1);
	assert_int_equal(destinations_count(tally_destinations(feed.tally)), 255);
	assert_int_equal(destinations_size(tally_destinations(feed.tally)), 255);
	assert_int_equal(feed_find(&feed, 0, FEED_SRC, 6, 23, RECORD_CLASS_REQUEST)->dsts, 255);
	feed_close(&feed);
}

static void test_too_many_networks(void **state)
{
	struct ip_net nets[DESTINATIONS_NETS_MAX + 1];
	struct tally *tally = NULL;
	struct err err = {0};
	struct tally_options options = {.nets = nets, .net_count = DESTINATIONS_NETS_MAX + 1};

	(void)state;
	for (size_t i = 0; i <= DESTINATIONS_NETS_MAX; i++)
		nets[i] = (struct ip_net){ip_from_v4((uint32_t)i << 24), 104};
	assert_int_equal(tally_new(&options, &tally, &err), ST_LIMIT);
	assert_non_null(strstr(err.text, "64"));
	options = (struct tally_options){.excluded = nets, .excluded_count = 65};
	assert_int_equal(tally_new(&options, &tally, &err), ST_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_sight),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_all_beside_offsets),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_one_network_is_a_mask),
		cmocka_unit_test(test_excluded),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_too_many_networks),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
