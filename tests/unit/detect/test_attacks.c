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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_follows_the_number_of_addresses),
		cmocka_unit_test(telescope_edges),
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
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
