/* Attacks from rows made by hand: thresholds at their edges, gaps, minutes, ports, roles. */
#include "detect/reflection.h"
#include "detect/role.h"

#include "base/civil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define START (1000 * CIVIL_US_PER_DAY)

static struct attacks *attacks;

static void begin(uint64_t addresses)
{
	assert_int_equal(attacks_new(NULL, addresses, &attacks), ST_OK);
}

static size_t finish(const struct attack **ret_list)
{
	size_t count;

	assert_int_equal(attacks_finish(attacks), ST_OK);
	*ret_list = attacks_list(attacks, &count);
	return count;
}

static struct record_flow reply(uint32_t victim, uint16_t port, unsigned minute, uint32_t packets)
{
	return (struct record_flow){
		.time = START + minute * CIVIL_US_PER_MINUTE,
		.sensor = 1,
		.src_lo = ip_from_v4(victim).lo,
		.victim_lo = ip_from_v4(victim).lo,
		.proto = 6,
		.victim_proto = 6,
		.port = port,
		.class = RECORD_CLASS_BACKSCATTER,
		.tcp_flags = 0x12,
		.packets = packets,
		.dsts = packets > 1 ? 2 : 1,
		.dst_bits = packets > 1 ? 3 : 1,
		.first_second = 0,
		.last_second = 59,
	};
}

static struct record_flow ask(uint32_t source, uint16_t port, unsigned minute, uint32_t packets,
    uint64_t bits)
{
	return (struct record_flow){
		.time = START + minute * CIVIL_US_PER_MINUTE,
		.sensor = 1,
		.src_lo = ip_from_v4(source).lo,
		.proto = 17,
		.port = port,
		.class = RECORD_CLASS_REQUEST,
		.packets = packets,
		.dsts = (uint32_t)__builtin_popcountll(bits),
		.dst_bits = bits,
		.last_second = 30,
	};
}

static void add(struct record_flow flow)
{
	struct attack_sample sample;

	if (attack_sample_of(&flow, &sample))
		assert_int_equal(attacks_add(attacks, &sample), ST_OK);
}

static void rule_follows_the_number_of_addresses(void **state)
{
	(void)state;
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 65536).packets, 25);
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 65536).ppm, 30);
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 65535).ppm, 0);
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 16384).packets, 13); /* 12.5 */
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 16).packets, 5);
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 1).destinations, 1);
	assert_int_equal(attack_rule_backscatter(&detect_settings_default, 2).destinations, 2);
}

static void telescope_edges(void **state)
{
	const struct attack *list;

	(void)state;
	begin(65536);
	add(reply(1, 80, 0, 29)); /* never 30 in a minute */
	add(reply(1, 80, 1, 29));
	add(reply(2, 80, 0, 30)); /* meets it */
	add(reply(2, 80, 1, 1));
	add(reply(3, 80, 0, 1000)); /* 59 seconds */
	assert_int_equal(finish(&list), 1);
	assert_int_equal(ip_v4(list[0].victim), 2);
	assert_int_equal(list[0].packets, 31);
	assert_int_equal(list[0].max_ppm, 30);
	assert_true(list[0].start_us == START);
	assert_true(list[0].end_us == START + 119 * CIVIL_US_PER_SECOND);
	attacks_free(attacks);
}

/* So many packets from victim 1, from the first second on to `duration` later: an attack? */
static bool is_attack(const struct detect_settings *settings, uint64_t addresses, uint32_t packets,
    unsigned duration)
{
	struct record_flow first = reply(1, 80, 0, packets - 1);
	struct record_flow last = reply(1, 80, duration / 60, 1);
	const struct attack *list;
	bool found;

	assert_int_equal(attacks_new(settings, addresses, &attacks), ST_OK);
	first.last_second = 0;
	last.first_second = (uint8_t)(duration % 60);
	last.last_second = last.first_second;
	add(first);
	add(last);
	found = finish(&list) == 1;
	if (found)
		assert_int_equal(list[0].packets, packets);
	attacks_free(attacks);
	return found;
}

/* Moore's rule as CAIDA uses it, each threshold from both sides: 25 packets, 60 s, 30 in a minute. */
static void telescope_thresholds(void **state)
{
	struct detect_settings one_a_minute = detect_settings_default;
	struct detect_settings five_packets = detect_settings_default;

	(void)state;
	one_a_minute.backscatter_ppm = 1; /* or 30 in a minute hide the 25 */
	five_packets.backscatter_packets = 5;
	assert_true(is_attack(&one_a_minute, ATTACK_TELESCOPE, 25, 60));
	assert_false(is_attack(&one_a_minute, ATTACK_TELESCOPE, 24, 60));
	assert_true(is_attack(&one_a_minute, ATTACK_TELESCOPE, 25, 60));
	assert_false(is_attack(&one_a_minute, ATTACK_TELESCOPE, 25, 59));
	/* The last packet is in the next minute of the clock. */
	assert_true(is_attack(&five_packets, ATTACK_TELESCOPE, 31, 60));
	assert_false(is_attack(&five_packets, ATTACK_TELESCOPE, 30, 60));
	assert_true(is_attack(NULL, ATTACK_TELESCOPE, 31, 60));
	assert_false(is_attack(NULL, ATTACK_TELESCOPE, 31, 59));
}

/* 25·√(N/65536) rounded up, at least 5; neither a duration nor a rate is asked of small sensors. */
static void small_thresholds(void **state)
{
	static const struct {
		uint64_t addresses;
		uint32_t packets;
	} cases[] = {{2, 5}, {16, 5}, {256, 5}, {4096, 7}, {16384, 13}, {32768, 18}, {65535, 25}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(is_attack(NULL, cases[i].addresses, cases[i].packets, 1));
		assert_false(is_attack(NULL, cases[i].addresses, cases[i].packets - 1, 1));
	}
}

/* 300 s of silence are one attack still, 301 are two. */
static void silence_to_the_second(void **state)
{
	const struct attack *list;

	(void)state;
	for (unsigned silence = 300; silence <= 301; silence++) {
		struct record_flow first = reply(1, 80, 0, 20);
		struct record_flow second = reply(1, 80, silence / 60, 20);

		begin(16);
		first.last_second = 0;
		second.first_second = (uint8_t)(silence % 60);
		add(first);
		add(second);
		assert_int_equal(finish(&list), silence > 300 ? 2 : 1);
		attacks_free(attacks);
	}
}

static void one_address_again_is_no_attack(void **state)
{
	const struct attack *list;
	struct record_flow flow = reply(1, 80, 0, 100);

	(void)state;
	begin(16);
	flow.dsts = 1;
	flow.dst_bits = 4;
	add(flow);
	assert_int_equal(finish(&list), 0);
	attacks_free(attacks);
	begin(16);
	add(flow);
	flow.dst_bits = 8;
	add(flow);
	assert_int_equal(finish(&list), 1);
	attacks_free(attacks);
}

static void silence_ends_and_minutes_may_mix(void **state)
{
	const struct attack *list;

	(void)state;
	begin(16);
	add(reply(1, 80, 0, 10));
	add(reply(1, 80, 5, 10)); /* 241 s after second 59 */
	add(reply(1, 80, 2, 10)); /* late */
	add(reply(1, 80, 5, 20)); /* the key again */
	add(reply(1, 80, 12, 7)); /* 361 s: another attack */
	assert_int_equal(finish(&list), 2);
	assert_int_equal(list[0].packets, 50);
	assert_int_equal(list[0].max_ppm, 30);
	assert_int_equal(list[1].packets, 7);
	attacks_free(attacks);
}

static void ports_of_one_victim(void **state)
{
	const struct attack *list;

	(void)state;
	begin(16);
	add(reply(1, 80, 0, 10));
	add(reply(1, 443, 0, 30));
	assert_int_equal(finish(&list), 1);
	assert_int_equal(list[0].port, 443);
	assert_int_equal(list[0].ports[1].port, 80);
	assert_int_equal(list[0].ports[1].packets, 10);
	assert_int_equal(list[0].ports[2].packets, 0);
	assert_false(list[0].many_ports);
	attacks_free(attacks);
	begin(16);
	for (uint16_t port = 0; port < 500; port++)
		add(reply(1, port, 0, 1));
	add(reply(1, 7, 0, 2));
	assert_int_equal(finish(&list), 1);
	assert_int_equal(list[0].packets, 502);
	assert_true(list[0].many_ports);
	attacks_free(attacks);
}

static void quotes_name_the_victim_and_services_do_not(void **state)
{
	const struct attack *list;
	struct record_flow flow = reply(1, 53, 0, 20);

	(void)state;
	begin(16);
	flow.proto = 1; /* an ICMP error of a router, about datagrams to 0.0.0.9 */
	flow.victim_proto = 17;
	flow.victim_lo = ip_from_v4(9).lo;
	add(flow);
	flow.proto = 17; /* a resolver's answer */
	flow.victim_lo = flow.src_lo;
	add(flow);
	assert_int_equal(finish(&list), 1);
	assert_int_equal(ip_v4(list[0].victim), 9);
	assert_int_equal(list[0].proto, 17);
	attacks_free(attacks);
}

static void ipv6_victims_have_no_rate(void **state)
{
	const struct attack *list;
	struct record_flow flow = reply(1, 80, 0, 400);

	(void)state;
	begin(4096);
	flow.victim_hi = 0x20010db8ull << 32;
	add(flow);
	add(reply(2, 80, 0, 300));
	assert_int_equal(finish(&list), 2);
	assert_true(attack_rate(&list[0], 4096) == 0);
	/* 300 packets in 59 s at one of 2^20 addresses. */
	assert_true(attack_rate(&list[1], 4096) > 5.33e6);
	assert_true(attack_rate(&list[1], 4096) < 5.34e6);
	assert_true(attack_rate(&list[1], 64) == 0);
	attacks_free(attacks);
}

static void reflection_repeats(void **state)
{
	const struct attack *list;

	(void)state;
	begin(16);
	for (unsigned minute = 0; minute < 20; minute++) {
		add(ask(1, 53, minute, 5, 3));        /* 100 packets to two addresses */
		add(ask(2, 53, minute, 4, 3));        /* never five in a minute */
		add(ask(3, 53, minute, 5, 0x1full << minute)); /* a scan: 24 addresses */
		add(ask(4, 80, minute, 50, 3));       /* nothing that amplifies */
		add(ask(5, 123, minute * 16, 50, 3)); /* silent for 15 minutes */
	}
	assert_int_equal(finish(&list), 1);
	assert_int_equal(ip_v4(list[0].victim), 1);
	assert_int_equal(list[0].kind, ATTACK_REFLECTION);
	assert_int_equal(list[0].port, 53);
	assert_int_equal(list[0].packets, 100);
	attacks_free(attacks);
}

static void victims_beyond_the_bound_are_counted(void **state)
{
	const struct attack *list;

	(void)state;
	begin(16);
	add(reply(1, 80, 0, 10));
	for (uint32_t i = 2; i < ATTACK_VICTIMS_MAX + 3; i++)
		add(reply(i, 80, 0, 1));
	add(reply(1, 80, 1, 10));
	assert_int_equal(attacks_untracked(attacks), 2);
	assert_int_equal(finish(&list), 1);
	assert_int_equal(list[0].packets, 20);
	attacks_free(attacks);
}

static void silent_victims_make_room(void **state)
{
	const struct attack *list;

	(void)state;
	begin(16);
	add(reply(1, 80, 0, 10));
	for (uint32_t i = 2; i < ATTACK_VICTIMS_MAX + 1; i++)
		add(reply(i, 80, 0, 1));
	for (uint32_t i = 0; i < 1000; i++)
		add(reply(0x10000000 + i, 80, 20, 1));
	assert_int_equal(attacks_untracked(attacks), 0);
	assert_int_equal(finish(&list), 1);
	assert_int_equal(ip_v4(list[0].victim), 1);
	attacks_free(attacks);
}

static void roles_in_order(void **state)
{
	struct attack attack = {.packets = 200, .port = 53, .destinations = 3};
	struct role_evidence e = {.access = 200, .ports = 1, .several_addresses = true,
		.observed = 16, .tool = "mirai", .research = "Example", .spoken = 3, .responses = 2};
	char reason[ROLE_REASON_MAX];

	(void)state;
	e.reflection = &attack;
	e.backscatter = &attack;
	assert_int_equal(role_judge(&e, reason), ROLE_VICTIM_REFLECTION);
	assert_non_null(strstr(reason, "200 packets to 53/udp"));
	e.reflection = NULL;
	assert_int_equal(role_judge(&e, NULL), ROLE_VICTIM_BACKSCATTER);
	e.backscatter = NULL;
	assert_int_equal(role_judge(&e, NULL), ROLE_REFLECTOR);
	assert_false(role_is_attacker(ROLE_REFLECTOR));
	e.responses = 0;
	assert_int_equal(role_judge(&e, NULL), ROLE_INFECTED);
	e.tool = NULL;
	assert_int_equal(role_judge(&e, reason), ROLE_RESEARCH);
	assert_string_equal(reason, "address of Example");
	e.research = NULL;
	assert_int_equal(role_judge(&e, NULL), ROLE_ACTOR);
	e.spoken = 0;
	assert_int_equal(role_judge(&e, NULL), ROLE_SCANNER);
	e.several_addresses = false;
	assert_int_equal(role_judge(&e, NULL), ROLE_MISCONFIGURED);
	e.observed = 1;
	assert_int_equal(role_judge(&e, NULL), ROLE_UNKNOWN);
	assert_true(role_is_attacker(ROLE_SCANNER));
}

static void research_has_dates(void **state)
{
	struct research *r;
	struct err err = {0};
	int32_t day;

	(void)state;
	assert_int_equal(civil_parse_date("2022-06-01", 10, &day), ST_OK);
	assert_int_equal(research_new("# x\n192.0.2.0/24\t2022-01-01\t2022-06-01\tOne\there\n", &r, &err),
	    ST_OK);
	assert_string_equal(research_find(r, ip_from_v4(0xc0000201), day), "One");
	assert_null(research_find(r, ip_from_v4(0xc0000201), day + 1));
	assert_null(research_find(r, ip_from_v4(0xc0000301), day));
	research_free(r);
	assert_int_equal(research_new("192.0.2.0/24\t2022-13-01\t-\tOne\there", &r, &err), ST_MALFORMED);
	assert_non_null(strstr(err.text, "line 1"));
	assert_int_equal(research_new(NULL, &r, &err), ST_OK);
	assert_string_equal(research_find(r, ip_from_v4(0xa28e7d01), day), "Censys");
	research_free(r);
}

static void talks_are_told_apart(void **state)
{
	struct role_talks *talks;
	struct record_flow flow = reply(1, 80, 0, 3);
	const struct role_talk *talk;

	(void)state;
	assert_int_equal(role_talks_new(&talks), ST_OK);
	assert_int_equal(role_talks_add(talks, &flow), ST_OK);
	flow.proto = 17;
	flow.victim_proto = 17;
	flow.port = 53;
	assert_int_equal(role_talks_add(talks, &flow), ST_OK);
	flow.class = RECORD_CLASS_FOLLOWUP;
	flow.proto = 6;
	flow.tcp_flags = 0x10; /* the end of a handshake says nothing */
	assert_int_equal(role_talks_add(talks, &flow), ST_OK);
	flow.tcp_flags = 0x18;
	assert_int_equal(role_talks_add(talks, &flow), ST_OK);
	for (uint32_t i = 2; i < 5000; i++) {
		struct record_flow other = reply(i, 80, 0, 1);

		assert_int_equal(role_talks_add(talks, &other), ST_OK);
	}
	talk = role_talks_find(talks, ip_from_v4(1));
	assert_non_null(talk);
	assert_int_equal(talk->replies, 3);
	assert_int_equal(talk->responses, 3);
	assert_int_equal(talk->spoken, 3);
	assert_null(role_talks_find(talks, ip_from_v4(5000)));
	role_talks_free(talks);
}

static const char *vector_of(const char *protocol, const char *request)
{
	return reflection_vector(protocol, strlen(protocol), request, strlen(request));
}

static void requests_that_are_answered_at_length(void **state)
{
	(void)state;
	assert_string_equal(vector_of("dns", "ANY example.com"), "dns.any");
	assert_string_equal(vector_of("dns", "TXT ."), "dns.txt");
	assert_null(vector_of("dns", "A any.example.com"));
	assert_null(vector_of("dns", ""));
	assert_null(vector_of("dnsx", "ANY example.com"));
	assert_string_equal(vector_of("ntp", "mode 7 implementation 3 code 42 monlist"),
	    "ntp.monlist");
	assert_null(vector_of("ntp", "mode 3 version 4"));
	assert_string_equal(vector_of("ssdp", "M-SEARCH ssdp:all"), "ssdp.msearch");
	assert_string_equal(vector_of("snmp", "getbulk 1.3.6.1"), "snmp.getbulk");
	assert_null(vector_of("snmp", "get 1.3.6.1"));
	assert_string_equal(vector_of("cldap", ""), "cldap.search");
}

/* 20 packets are enough where the request was heard, else it takes 100. */
static void what_was_asked_lowers_the_bar(void **state)
{
	const struct attack *list;

	(void)state;
	for (int heard = 0; heard < 2; heard++) {
		begin(16);
		for (unsigned m = 0; m < 2; m++) {
			add(ask(1, 53, m, 10, 1));
			add(ask(2, 123, m, 10, 1));
		}
		add(ask(3, 53, 0, 19, 1));
		if (heard) {
			assert_int_equal(attacks_heard(attacks, ip_from_v4(1), 53, "dns.any"), ST_OK);
			assert_int_equal(attacks_heard(attacks, ip_from_v4(2), 53, "dns.any"), ST_OK);
			assert_int_equal(attacks_heard(attacks, ip_from_v4(3), 53, "dns.any"), ST_OK);
		}
		assert_int_equal(finish(&list), heard);
		if (heard) {
			assert_string_equal(list[0].vector, "dns.any");
			assert_true(ip_equal(list[0].victim, ip_from_v4(1)));
		}
		attacks_free(attacks);
	}
}

/* 50 networks with a SYN-ACK or two from 443/tcp in the same quarter of an hour. */
static void carpets_are_no_victims(void **state)
{
	const uint64_t key = carpet_key_at(START, 443);
	struct record_flow flow = reply(1, 443, 0, 1);
	struct role_evidence e = {.replies = 2, .observed = 16};
	char reason[ROLE_REASON_MAX];
	struct carpets *carpets;

	(void)state;
	assert_int_equal(carpet_key(&flow), key);
	flow.tcp_flags = 4; /* a reset answers something else */
	assert_int_equal(carpet_key(&flow), 0);
	assert_int_equal(carpets_new(NULL, &carpets), ST_OK);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(carpets_add(carpets, ip_from_v4(i << 8 | 7), key, 2), ST_OK);
	for (uint32_t i = 0; i < 200; i++) /* many, in one network: that network is attacked */
		assert_int_equal(carpets_add(carpets, ip_from_v4(i), key + 1, 2), ST_OK);
	for (uint32_t i = 0; i < 49; i++)
		assert_int_equal(carpets_add(carpets, ip_from_v4(i << 8), key + 2, 2), ST_OK);
	assert_int_equal(carpets_add(carpets, ip_from_v4(60u << 8), key + 2, 21), ST_OK);
	carpets_finish(carpets, 16);
	assert_int_equal(carpets_networks(carpets, key, 2), 50);
	assert_int_equal(carpets_networks(carpets, key, 21), 0);
	assert_int_equal(carpets_networks(carpets, key + 1, 2), 0);
	assert_int_equal(carpets_networks(carpets, key + 2, 2), 0);
	assert_int_equal(carpets_networks(carpets, 0, 2), 0);
	e.carpet = carpets_networks(carpets, key, 2);
	assert_int_equal(role_judge(&e, reason), ROLE_REFLECTOR);
	assert_non_null(strstr(reason, "50 networks"));
	carpets_free(carpets);
}

static bool drop_first(void *arg, const struct attack *attack)
{
	return ip_equal(attack->victim, *(const struct ip *)arg);
}

static void attacks_can_be_dropped(void **state)
{
	struct ip first = ip_from_v4(1);
	const struct attack *list;
	size_t count;

	(void)state;
	begin(16);
	add(reply(1, 80, 0, 10));
	add(reply(2, 80, 0, 10));
	assert_int_equal(finish(&list), 2);
	attacks_drop(attacks, drop_first, &first);
	list = attacks_list(attacks, &count);
	assert_int_equal(count, 1);
	assert_true(ip_equal(list[0].victim, ip_from_v4(2)));
	attacks_free(attacks);
}

static void mistakes_keep_on(void **state)
{
	struct role_evidence e = {.access = 10, .ports = 1, .observed = 4, .hours = 2};

	(void)state;
	assert_int_equal(role_judge(&e, NULL), ROLE_UNKNOWN);
	e.hours = 3;
	assert_int_equal(role_judge(&e, NULL), ROLE_MISCONFIGURED);
	e.several_addresses = true;
	assert_int_equal(role_judge(&e, NULL), ROLE_SCANNER);
	assert_int_equal(role_find("misconfigured", 13), ROLE_MISCONFIGURED);
	assert_int_equal(role_find("mis", 3), ROLE_COUNT);
	assert_false(role_is_attacker(ROLE_MISCONFIGURED));
	assert_true(role_is_apart(ROLE_RESEARCH));
	assert_true(role_is_attacker(ROLE_RESEARCH));
}

/* The configuration's defaults and those of the code are written in two places. */
static void defaults_are_the_configurations(void **state)
{
	struct config *config;
	struct detect_settings settings;
	struct err err = {0};

	(void)state;
	assert_int_equal(config_parse("t", "", 0, NULL, NULL, &config, &err), ST_OK);
	settings = detect_settings_of(config);
	assert_memory_equal(&settings, &detect_settings_default, sizeof(settings));
	config_free(config);
}

static void lists_of_research_add_up(void **state)
{
	struct research *r;
	struct err err = {0};

	(void)state;
	assert_int_equal(research_new("192.0.2.0/24\t2022-01-01\t-\tOne\there\n", &r, &err), ST_OK);
	assert_int_equal(research_add(r, "192.0.2.128/25\t2023-01-01\t-\tTwo\tthere\n"
	    "10.0.0.0/8\t2022-01-01\t-\tBig\tthere\n2001:db8::/32\t2022-01-01\t-\tSix\there", &err),
	    ST_OK);
	assert_int_equal(research_add(r, "198.51.100.0/24\t2022-01-01\t-\tThree\tx\nbroken", &err),
	    ST_MALFORMED);
	assert_string_equal(research_find(r, ip_from_v4(0xc0000201), 20000), "One");
	assert_string_equal(research_find(r, ip_from_v4(0xc0000281), 20000), "Two");
	assert_string_equal(research_find(r, ip_from_v4(0xc0000281), 19100), "One");
	assert_string_equal(research_find(r, ip_from_v4(0x0aff0001), 20000), "Big");
	assert_string_equal(research_find(r, (struct ip){0x20010db800000000, 1}, 20000), "Six");
	assert_null(research_find(r, ip_from_v4(0xc6336401), 20000));
	assert_null(research_find(r, (struct ip){0x20010db900000000, 1}, 20000));
	research_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_follows_the_number_of_addresses),
		cmocka_unit_test(telescope_edges),
		cmocka_unit_test(telescope_thresholds),
		cmocka_unit_test(small_thresholds),
		cmocka_unit_test(silence_to_the_second),
		cmocka_unit_test(one_address_again_is_no_attack),
		cmocka_unit_test(silence_ends_and_minutes_may_mix),
		cmocka_unit_test(ports_of_one_victim),
		cmocka_unit_test(quotes_name_the_victim_and_services_do_not),
		cmocka_unit_test(ipv6_victims_have_no_rate),
		cmocka_unit_test(reflection_repeats),
		cmocka_unit_test(victims_beyond_the_bound_are_counted),
		cmocka_unit_test(silent_victims_make_room),
		cmocka_unit_test(roles_in_order),
		cmocka_unit_test(research_has_dates),
		cmocka_unit_test(talks_are_told_apart),
		cmocka_unit_test(requests_that_are_answered_at_length),
		cmocka_unit_test(what_was_asked_lowers_the_bar),
		cmocka_unit_test(carpets_are_no_victims),
		cmocka_unit_test(attacks_can_be_dropped),
		cmocka_unit_test(mistakes_keep_on),
		cmocka_unit_test(defaults_are_the_configurations),
		cmocka_unit_test(lists_of_research_add_up),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
