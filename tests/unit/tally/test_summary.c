/*
 * The summary against a model that keeps everything in plain arrays: sources, ports with their
 * sources, countries with their main port, tools.
 */
#include "feed.h"

#include "os/file.h"

#include <stdio.h>

static struct geo *geo;
static char folder[OS_PATH_MAX];

/* Countries by the first byte of the address: 1 JP, 2 US, 3 CN, 4 DE; IPv6 2001:db8::/32 FR.  AS 64501 is
 * that of 1 and 2, 64502 that of 3, 64503 that of the IPv6 addresses. */
static int set_up(void **state)
{
	static const char csv[] = "1.0.0.0,1.255.255.255,JP\n2.0.0.0,2.255.255.255,US\n"
	    "3.0.0.0,3.255.255.255,CN\n4.0.0.0,4.255.255.255,DE\n"
	    "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,FR\n";
	static const char asn_csv[] = "1.0.0.0,2.255.255.255,64501,One\n3.0.0.0,3.255.255.255,64502,Two\n"
	    "2001:db8::,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,64503,Six\n";
	char in[OS_PATH_MAX];
	char asn[OS_PATH_MAX];
	char out[OS_PATH_MAX];
	const char *files[] = {in};
	const char *asn_files[] = {asn};
	struct geo_inputs inputs = {.country = files, .country_count = 1, .asn = asn_files,
		.asn_count = 1};

	(void)state;
	if (os_folder_temporary(NULL, folder, NULL))
		return -1;
	(void)snprintf(in, sizeof(in), "%.900s/in.csv", folder);
	(void)snprintf(asn, sizeof(asn), "%.900s/asn.csv", folder);
	(void)snprintf(out, sizeof(out), "%.900s/geo", folder);
	return os_file_write(in, csv, sizeof(csv) - 1, NULL)
	    || os_file_write(asn, asn_csv, sizeof(asn_csv) - 1, NULL) || geo_compile(&inputs, out, NULL)
	    || geo_open(out, &geo, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	geo_close(geo);
	return os_tree_remove(folder, NULL);
}

static struct feed feed;

static void begin(void)
{
	feed_open(&feed, NULL);
	feed.keep = false;
	assert_int_equal(summary_new(&(struct summary_options){feed.tools, geo, false},
	    &feed.summary), ST_OK);
}

static void finish(void)
{
	feed_flush(&feed);
	summary_close(feed.summary);
	assert_int_equal(summary_finish(feed.summary), ST_OK);
}

static void end(void)
{
	summary_free(feed.summary);
	feed_close(&feed);
}

/* The model: packets by (source, port slot), where a slot is proto 6 or 17 and a port. */
#define SOURCES_MODEL 3000
static uint32_t model[SOURCES_MODEL][2][64]; /* busy ports */
static const char *const codes[] = {"JP", "US", "CN", "DE", "FR", "ZZ"};

static unsigned country_of(unsigned source)
{
	return source % 6;
}

static void set_source(struct decode_packet *p, unsigned source)
{
	unsigned c = country_of(source);

	if (c == 4) {
		p->flags &= (uint8_t)~DECODE_V4;
		p->src = (struct ip){0x20010db800000000ull | source, 1};
		p->dst = (struct ip){0x20010db8ffff0000ull, 1};
	} else {
		p->src = ip_from_v4((c == 5 ? 99u : c + 1) << 24 | source * 2654435761u >> 8);
	}
}

static unsigned port_number(unsigned proto, unsigned i)
{
	return proto ? 65535 - i * 13 : i * 29;
}

/* Random access packets: few of the sources send much, one pair goes far beyond 8191 packets. */
static void put_model(void)
{
	uint64_t seed = 9;

	memset(model, 0, sizeof(model));
	for (unsigned n = 0; n < 300000; n++) {
		uint64_t r = frame_random(&seed);
		unsigned source = n % 10 == 0 ? 17 : (r & 7 ? r >> 8 & 255 : r >> 8 & 4095)
		    % SOURCES_MODEL;
		unsigned proto = n % 10 == 0 ? 0 : r >> 24 & 1;
		unsigned port = n % 10 == 0 ? 3 : (r >> 25 & 63) * (r >> 32 & 63) / 63;
		struct decode_packet p = feed_packet(n / 500, 0, FEED_DST, proto ? 17 : 6, 4000,
		    port_number(proto, port));

		p.tcp_flags = proto ? 0 : 2;
		set_source(&p, source);
		model[source][proto][port]++;
		feed_put(&feed, &p);
	}
	/* Sources that only send backscatter are sources, but nobody's access. */
	for (unsigned n = 0; n < 100; n++) {
		struct decode_packet p = feed_tcp(0, 0x63ffff00 + n, FEED_DST, 80, 5, 0x12);

		feed_put(&feed, &p);
	}
}

static void check_ports(void)
{
	struct summary_port *ports;
	size_t checked = 0;
	size_t count;

	assert_int_equal(summary_ports(feed.summary, &ports, &count), ST_OK);
	for (size_t i = 0; i < count; i++) {
		uint64_t packets = 0;
		uint64_t sources = 0;

		for (unsigned k = 0; k < 128; k++) {
			if (ports[i].proto != (k / 64 ? 17 : 6)
			    || ports[i].port != port_number(k / 64, k % 64))
				continue;
			for (unsigned s = 0; s < SOURCES_MODEL; s++) {
				packets += model[s][k / 64][k % 64];
				sources += model[s][k / 64][k % 64] > 0;
			}
			checked++;
		}
		assert_int_equal(ports[i].packets, packets);
		assert_int_equal(ports[i].sources, sources);
		assert_int_equal(ports[i].mirai, 0);
		if (i)
			assert_true(ports[i - 1].packets > ports[i].packets
			    || (ports[i - 1].packets == ports[i].packets
			    && ports[i - 1].sources >= ports[i].sources));
	}
	assert_int_equal(checked, count);
	free(ports);
}

/* What the model says of one country; returns its sources. */
static uint64_t check_country(const struct summary_country *country)
{
	uint64_t sums[2][64] = {{0}};
	uint64_t packets = 0;
	uint64_t sources = 0;
	uint64_t best = 0;
	unsigned port = 0;
	unsigned proto = 0;
	unsigned c = 0;

	while (memcmp(codes[c], country->country, 2) != 0)
		c++;
	for (unsigned s = c; s < SOURCES_MODEL; s += 6) {
		uint64_t own = 0;

		for (unsigned k = 0; k < 128; k++) {
			sums[k / 64][k % 64] += model[s][k / 64][k % 64];
			own += model[s][k / 64][k % 64];
		}
		packets += own;
		sources += own > 0;
	}
	for (unsigned k = 0; k < 128; k++) {
		uint64_t n = sums[k / 64][k % 64];

		if (n > best || (n == best && n && port_number(k / 64, k % 64) < port)) {
			best = n;
			port = port_number(k / 64, k % 64);
			proto = k / 64 ? 17 : 6;
		}
	}
	assert_int_equal(country->packets, packets);
	assert_int_equal(country->sources, sources);
	assert_int_equal(country->port, port);
	assert_int_equal(country->proto, proto);
	return sources;
}

static void check_asns(void)
{
	static const uint32_t of_country[] = {64501, 64501, 64502, 0, 64503, 0};
	struct summary_asn *asns;
	size_t count;

	assert_int_equal(summary_asns(feed.summary, &asns, &count), ST_OK);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++) {
		uint64_t packets = 0;
		uint64_t sources = 0;

		for (unsigned s = 0; s < SOURCES_MODEL; s++) {
			uint64_t own = 0;

			for (unsigned k = 0; k < 128; k++)
				own += model[s][k / 64][k % 64];
			if (of_country[country_of(s)] != asns[i].asn)
				continue;
			packets += own;
			sources += own > 0;
		}
		assert_int_equal(asns[i].packets, packets);
		assert_int_equal(asns[i].sources, sources);
		if (i)
			assert_true(asns[i - 1].packets > asns[i].packets);
	}
	free(asns);
}

static void test_model(void **state)
{
	struct summary_country *countries;
	uint64_t request_sources = 0;
	size_t count;

	(void)state;
	begin();
	put_model();
	finish();
	check_ports();
	assert_int_equal(summary_countries(feed.summary, &countries, &count), ST_OK);
	assert_int_equal(count, 6);
	for (size_t i = 0; i < count; i++)
		request_sources += check_country(&countries[i]);
	free(countries);
	check_asns();
	assert_int_equal(summary_totals(feed.summary).request_sources, request_sources);
	assert_int_equal(summary_totals(feed.summary).sources, request_sources + 100);
	assert_false(summary_totals(feed.summary).saturated);
	end();
}

/* A country whose main port is none of the 1024 busiest of the whole; another with a tie there. */
static void test_rare_main_port(void **state)
{
	struct summary_country *countries;
	size_t count;

	(void)state;
	begin();
	for (unsigned port = 1; port <= 2000; port++) {
		/* US: nine packets to each of 2000 ports, so all others are rarer. */
		for (unsigned n = 0; n < 9; n++) {
			struct decode_packet p = feed_packet(0, 0x02000000 + n, FEED_DST, 17, 5000, port);

			feed_put(&feed, &p);
		}
	}
	for (unsigned n = 0; n < 5; n++) {
		struct decode_packet p = feed_packet(0, 0x01000000 + n, FEED_DST, 17, 5000, 50000);

		feed_put(&feed, &p); /* JP: five to 50000 from five sources, four to port 7 */
		p.dport = 7;
		if (n < 4)
			feed_put(&feed, &p);
		p.src = ip_from_v4(0x03000000 + n); /* CN: a tie of three ports beyond */
		p.dport = (uint16_t)(60002 - n % 3);
		if (n < 3)
			feed_put(&feed, &p);
		/* DE: a tie of the same port in two protocols. */
		p.src = ip_from_v4(0x04000000);
		p.dport = 61000;
		if (n == 0)
			feed_put(&feed, &p);
		p.proto = 6;
		p.tcp_flags = 2;
		if (n == 0)
			feed_put(&feed, &p);
	}
	finish();
	assert_int_equal(summary_countries(feed.summary, &countries, &count), ST_OK);
	assert_int_equal(count, 4);
	assert_memory_equal(countries[0].country, "US", 2);
	assert_int_equal(countries[0].packets, 18000);
	assert_int_equal(countries[0].port, 1);
	assert_memory_equal(countries[1].country, "JP", 2);
	assert_int_equal(countries[1].port, 50000);
	assert_int_equal(countries[1].sources, 5);
	assert_memory_equal(countries[2].country, "CN", 2);
	assert_int_equal(countries[2].port, 60000);
	assert_memory_equal(countries[3].country, "DE", 2);
	assert_int_equal(countries[3].port, 61000);
	assert_int_equal(countries[3].proto, 6);
	free(countries);
	end();
}

/* ICMP types, and protocols without ports. */
static void test_other_protocols(void **state)
{
	static const unsigned protos[][2] = {{1, 8}, {1, 13}, {58, 128}, {6, 8}, {17, 8}};
	struct summary_port *ports;
	size_t count;

	(void)state;
	begin();
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned n = 0; n <= i; n++) {
			struct decode_packet p = feed_packet(0, 0x01000000 + n, FEED_DST, protos[i][0], 9,
			    protos[i][1]);

			p.icmp_type = (uint8_t)protos[i][1];
			p.tcp_flags = protos[i][0] == 6 ? 2 : 0;
			if (protos[i][0] == 58) {
				p.flags &= (uint8_t)~DECODE_V4;
				p.src = p.dst = (struct ip){n + 1, 5};
			}
			feed_put(&feed, &p);
		}
	}
	finish();
	assert_int_equal(summary_ports(feed.summary, &ports, &count), ST_OK);
	assert_int_equal(count, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(ports[i].proto, protos[4 - i][0]);
		assert_int_equal(ports[i].port, protos[4 - i][1]);
		assert_int_equal(ports[i].packets, 5 - i);
		assert_int_equal(ports[i].sources, 5 - i);
	}
	free(ports);
	end();
}

/* A thousand random SYNs from ordinary stacks, then a few that the source's tool makes. */
static void put_syn(unsigned minute, uint32_t src, uint32_t dst, unsigned sport, unsigned dport,
    uint32_t seq, unsigned id)
{
	struct decode_packet p = feed_tcp((int64_t)minute * 60, src, dst, sport, dport, 2);

	p.seq = seq;
	p.ip_id = (uint16_t)id;
	feed_put(&feed, &p);
}

static const struct summary_tool *find_tool(const struct summary_tool *tools, size_t count,
    const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(tools[i].tool, name) == 0)
			return &tools[i];
	return NULL;
}

static void test_tools(void **state)
{
	struct summary_tool *tools;
	uint64_t seed = 4;
	size_t count;

	(void)state;
	begin();
	for (unsigned i = 0; i < 20; i++) {
		uint32_t dst = FEED_DST + i * 3;

		put_syn(i / 4, 0x01000001, dst, 4000, 23, dst, 0xf001);    /* Mirai */
		put_syn(i / 4, 0x01000002, dst, 4000, 23, dst, 0xf002);
		put_syn(i / 4, 0x01000003, dst, 4000, 80, 77 * i, 54321);  /* ZMap */
	}
	/* Ten times 65536 SYNs with counting IP IDs: ten times 54321, and that means nothing. */
	for (unsigned i = 0; i < 10 * 65536; i++)
		put_syn(i / 30000, 0x01000004, FEED_DST + (i & 7), 1024 + i % 50000, 443,
		    (uint32_t)frame_random(&seed), i & 0xffff);
	/* One marked SYN is not a tool. */
	put_syn(0, 0x01000005, FEED_DST, 4000, 23, FEED_DST, 0xf001);
	finish();
	assert_int_equal(summary_tools(feed.summary, &tools, &count), ST_OK);
	assert_int_equal(count, 2);
	assert_string_equal(tools[0].tool, "mirai");
	assert_int_equal(tools[0].packets, 40);
	assert_int_equal(tools[0].sources, 2);
	assert_string_equal(tools[1].tool, "zmap");
	assert_int_equal(tools[1].packets, 20);
	assert_int_equal(tools[1].sources, 1);
	free(tools);
	end();
}

/* The Unicornscan relation joins SYNs of one source; other sources in between do not matter. */
static void test_unicornscan(void **state)
{
	const struct summary_tool *found;
	struct summary_tool *tools;
	uint64_t seed = 8;
	size_t count;

	(void)state;
	begin();
	for (unsigned i = 0; i < 40; i++) {
		uint32_t dst = FEED_DST + i * 5;
		unsigned dport = 100 + i;
		unsigned sport = 20000 + i * 7;
		uint32_t ports = (uint32_t)(dport << 16) + sport;

		/* A source in network order, one on a little-endian machine, one that is neither. */
		put_syn(i / 8, 0x01000001, dst, sport, dport, 0x5eedf00d ^ dst ^ ports, 0xf001);
		put_syn(i / 8, 0x01000002, dst, sport, dport,
		    0x5eedf00d ^ __builtin_bswap32(dst) ^ ports, 0xf001);
		put_syn(i / 8, 0x01000003, dst, sport, dport, (uint32_t)frame_random(&seed), 0xf001);
		/* Mirai with constant ports: seq ^ dst is always 0. */
		put_syn(i / 8, 0x01000004, dst, 4000, 23, dst, 0xf001);
		/* A host that sends the same SYN again and again, over several minutes. */
		put_syn(i / 8, 0x01000005, FEED_DST, 4000, 8080, 0x11112222, 0xf001);
	}
	finish();
	assert_int_equal(summary_tools(feed.summary, &tools, &count), ST_OK);
	found = find_tool(tools, count, "unicornscan");
	assert_non_null(found);
	assert_int_equal(found->sources, 2);
	assert_int_equal(found->packets, 80);
	found = find_tool(tools, count, "mirai");
	assert_non_null(found);
	assert_int_equal(found->sources, 1);
	assert_int_equal(count, 2);
	free(tools);
	end();
}

/* More sources than any table begins with, all of them again and again. */
static void test_many_sources(void **state)
{
	const unsigned sources = 1u << 19;
	struct summary_port *ports;
	size_t count;

	(void)state;
	begin();
	for (unsigned minute = 0; minute < 9; minute++) {
		for (unsigned i = 0; i < sources; i++) {
			struct decode_packet p = feed_packet((int64_t)minute * 60, 0x01000000 + i * 3,
			    FEED_DST, 17, 9, 53);

			feed_put(&feed, &p);
		}
	}
	finish();
	assert_int_equal(summary_totals(feed.summary).sources, sources);
	assert_int_equal(summary_totals(feed.summary).request_sources, sources);
	assert_int_equal(summary_ports(feed.summary, &ports, &count), ST_OK);
	assert_int_equal(count, 1);
	assert_int_equal(ports[0].packets, 9ull * sources);
	assert_int_equal(ports[0].sources, sources);
	free(ports);
	end();
}

static void test_nothing(void **state)
{
	struct summary_port *ports;
	struct summary_asn *asns;
	struct summary_country *countries;
	struct summary_tool *tools;
	size_t count = 7;

	(void)state;
	begin();
	finish();
	assert_int_equal(summary_ports(feed.summary, &ports, &count), ST_OK);
	assert_int_equal(count, 0);
	assert_int_equal(summary_countries(feed.summary, &countries, &count), ST_OK);
	assert_int_equal(count, 0);
	assert_int_equal(summary_asns(feed.summary, &asns, &count), ST_OK);
	assert_int_equal(count, 0);
	free(asns);
	assert_int_equal(summary_tools(feed.summary, &tools, &count), ST_OK);
	assert_int_equal(count, 0);
	assert_int_equal(summary_totals(feed.summary).sources, 0);
	free(ports);
	free(countries);
	free(tools);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_rare_main_port),
		cmocka_unit_test(test_other_protocols),
		cmocka_unit_test(test_tools),
		cmocka_unit_test(test_unicornscan),
		cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_nothing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
