/* Keywords one by one: what holds and what does not.  Protocol's values were asked of Suricata 7. */
#include "feed.h"

static bool raises(const char *header, const char *options, void (*say)(struct feed *f))
{
	char rule[512];
	struct feed f;
	bool raised;

	(void)snprintf(rule, sizeof(rule), "alert %s any any -> any any (%s sid:1;)\n", header, options);
	feed_open(&f, rule);
	if (f.problems)
		fail_msg("%s: %s: %s", options, f.keyword, f.reason);
	say(&f);
	feed_finish(&f);
	raised = feed_raised(&f, 1) > 0;
	feed_close(&f);
	return raised;
}

/* ---- checksums ------------------------------------------------------------------------------ */

static void say_echo(struct feed *f)
{
	static const uint8_t echo[] = {8, 0, 0xf7, 0xfd, 0, 1, 0, 1};

	feed_ip(f, FEED_CLIENT, FEED_SERVER, 1, echo, sizeof(echo));
}

static void say_wrong_echo(struct feed *f)
{
	static const uint8_t echo[] = {8, 0, 0xf7, 0xfc, 0, 1, 0, 1};

	feed_ip(f, FEED_CLIENT, FEED_SERVER, 1, echo, sizeof(echo));
}

static void say_datagram(struct feed *f)
{
	feed_udp(f, true, "x", 1); /* its checksum is zero: not counted */
}

static void say_syn(struct feed *f)
{
	feed_tcp(f, true, 0x02, NULL, 0); /* with a checksum of zero, which is wrong */
}

static void checksums(void **state)
{
	(void)state;
	assert_true(raises("icmp", "icmpv4-csum:valid;", say_echo));
	assert_false(raises("icmp", "icmpv4-csum:invalid;", say_echo));
	assert_false(raises("icmp", "icmpv4-csum:valid;", say_wrong_echo));
	assert_true(raises("icmp", "icmpv4-csum:\"invalid\";", say_wrong_echo));
	assert_true(raises("udp", "udpv4-csum:valid;", say_datagram));
	assert_true(raises("tcp", "tcpv4-csum:invalid; flags:S;", say_syn));
	assert_false(raises("tcp", "udpv4-csum:invalid;", say_syn));
	assert_false(raises("tcp", "tcpv6-csum:invalid;", say_syn));
	assert_true(raises("ip", "ipv4-csum:invalid; ttl:64;", say_echo)); /* feed.h leaves it zero */
}

/* ---- MQTT ----------------------------------------------------------------------------------- */


static void say_mqtt(struct feed *f)
{
	static const char connect[] = "\x10\x15\x00\x04MQTT\x04\xc2\x00\x3c\x00\x03" "cid\x00\x01u\x00\x01p";
	static const char publish[] = "\x3b\x09\x00\x03" "a/b\x00\x01hi";

	f->ports[1] = 1883;
	feed_handshake(f);
	feed_tcp(f, true, 0x18, connect, sizeof(connect) - 1);
	feed_tcp(f, false, 0x18, "\x20\x02\x01\x05", 4);
	feed_tcp(f, true, 0x18, publish, sizeof(publish) - 1);
}

static void mqtt_values(void **state)
{
	(void)state;
	assert_true(raises("mqtt", "mqtt.type:CONNECT;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.connect.flags:username,password,clean_session;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.connect.flags:username,!will;", say_mqtt));
	assert_false(raises("mqtt", "mqtt.connect.flags:will;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.protocol_version:<5;", say_mqtt));
	assert_false(raises("mqtt", "mqtt.protocol_version:5;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.flags:dup,retain;", say_mqtt));
	assert_false(raises("mqtt", "mqtt.type:PUBLISH; mqtt.flags:!retain;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.qos:1; mqtt.publish.topic; content:\"a/b\";", say_mqtt));
	assert_false(raises("mqtt", "mqtt.qos:2;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.reason_code:5;", say_mqtt));
	assert_true(raises("mqtt", "mqtt.connack.session_present:yes;", say_mqtt));
}

/* ---- flows ---------------------------------------------------------------------------------- */

static void say_after_reset(struct feed *f)
{
	feed_handshake(f);
	feed_tcp(f, false, 0x04, NULL, 0);
	feed_text(f, true, "GET /x HTTP/1.1\r\n\r\n");
}

static void say_after_wrong_reset(struct feed *f)
{
	feed_handshake(f);
	feed_tcp_at(f, true, 0x04, f->seq[0] + 5000, NULL, 0);
	feed_text(f, true, "GET /x HTTP/1.1\r\n\r\n");
}

static void say_without_ack(struct feed *f)
{
	feed_handshake(f);
	feed_tcp(f, true, 0x08, "GET /x HTTP/1.1\r\n\r\n", 19);
}

static void sessions(void **state)
{
	(void)state;
	assert_true(raises("tcp", "flow:established; content:\"GET\";", say_after_reset));
	assert_false(raises("tcp", "flow:not_established; content:\"GET\";", say_after_reset));
	assert_false(raises("tcp", "flow:established,only_stream; content:\"GET\";", say_after_reset));
	assert_true(raises("tcp", "flow:established,only_stream; content:\"GET\";", say_after_wrong_reset));
	assert_true(raises("http", "http.uri; content:\"/x\";", say_after_wrong_reset));
	assert_false(raises("http", "http.uri; content:\"/x\";", say_without_ack));
	assert_true(raises("tcp", "content:\"GET\";", say_without_ack));
}

/* ---- parts of datagrams --------------------------------------------------------------------- */

static void say_fragment(struct feed *f)
{
	uint8_t data[28] = {0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 17};
	struct decode_packet packet = {.data = data, .data_len = sizeof(data), .time_us = f->time_us};

	feed_u32(data + 12, FEED_CLIENT);
	feed_u32(data + 16, FEED_SERVER);
	signatures_add(f->engine, &packet, 1);
}

/* It says 60 bytes and has 28. */
static void say_cut(struct feed *f)
{
	uint8_t data[28] = {0x45, 0, 0, 60, 0, 7, 0, 0, 2, 17};
	struct decode_packet packet = {.data = data, .data_len = sizeof(data), .time_us = f->time_us};

	signatures_add(f->engine, &packet, 1);
}

static void parts(void **state)
{
	(void)state;
	assert_true(raises("ip", "fragbits:M;", say_fragment));
	assert_false(raises("ip", "fragbits:D;", say_fragment));
	assert_false(raises("ip", "fragoffset:>0;", say_fragment));
	assert_false(raises("ip", "ttl:<5;", say_cut));
	assert_true(raises("pkthdr", "decode-event:ipv4.trunc_pkt;", say_cut));
}

/* ---- what a rule wants of the engine -------------------------------------------------------- */

static size_t refused(const char *options)
{
	char rule[256];
	struct feed f;
	size_t problems;

	(void)snprintf(rule, sizeof(rule), "alert ip any any -> any any (%s sid:1;)\n", options);
	feed_open(&f, rule);
	problems = f.problems;
	feed_close(&f);
	return problems;
}

static void requirements(void **state)
{
	(void)state;
	assert_int_equal(refused("requires:version >= 7.0.3;"), 0);
	assert_int_equal(refused("requires:version >= 7, version < 8;"), 0);
	assert_int_equal(refused("requires:version >= 8.0.0;"), 1);
	assert_int_equal(refused("requires:version < 7.0.10;"), 1);
	assert_int_equal(refused("requires:feature geoip;"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums), cmocka_unit_test(mqtt_values), cmocka_unit_test(sessions),
		cmocka_unit_test(parts), cmocka_unit_test(requirements),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: keywords", tests, NULL, NULL);
}
