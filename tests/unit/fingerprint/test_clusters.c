/*
 * Clusters: what a source keeps constant is found and nothing else, names are the same for ever, a
 * kernel's SYNs, known tools and one connection tried again are none, and a crowd does not drive out
 * who sends much.
 */
#include "../decode/frame.h"

#include "base/buf.h"
#include "capture/capture.h"
#include "fingerprint/clusters.h"
#include "fingerprint/marks.h"

#include <stdio.h>

#define DAY 1791990000000000ll
#define BIT(field) (1u << CLUSTERS_##field)
#define SHAPE (BIT(WINDOW) | BIT(TTL) | BIT(OPTIONS))

/* What a source does; 0: as a kernel does. */
struct habit {
	uint32_t src;
	uint32_t seq;
	uint32_t seq_xor_dst;
	uint32_t seq_minus_dst;
	uint32_t id_xor; /* + 1 */
	uint16_t sport;
	uint16_t id;
	uint16_t window;
	uint32_t ack;
	uint8_t ttl;
	unsigned seq_low; /* + 1 */
	bool seq_by_sport;
	bool one_connection;
	bool time_stamp; /* that is the time of day */
	bool v6;
	unsigned window_step;
	unsigned ttl_step;
};

struct found {
	struct clusters_member members[64];
	unsigned count;
};

static struct clusters *clusters;
static uint64_t random_state;

static int set_up(void **state)
{
	(void)state;
	random_state = 7;
	if (clusters_new(&clusters))
		return -1;
	clusters_begin(clusters, DAY);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	clusters_free(clusters);
	return 0;
}

static uint32_t draw(void)
{
	return (uint32_t)frame_random(&random_state);
}

static struct decode_packet syn(const struct habit *h, unsigned i, uint8_t *bytes)
{
	uint32_t dst = 0xc0000200 | draw() % 256;
	struct decode_packet p = {
		.src = ip_from_v4(h->src),
		.dst = ip_from_v4(h->one_connection ? 0xc0000207 : dst),
		.time_us = DAY + i * 10000000ll,
		.seq = h->seq ? h->seq : draw(),
		.ack = h->ack,
		.sport = h->sport ? h->sport : (uint16_t)(1024 + draw() % 60000),
		.dport = h->one_connection ? 23 : (uint16_t)(draw() % 60000 + 1),
		.ip_id = h->id ? h->id : (uint16_t)draw(),
		.window = (uint16_t)((h->window ? h->window : 64240) + i * h->window_step),
		.proto = DECODE_PROTO_TCP,
		.flags = DECODE_V4,
		.tcp_flags = DECODE_TCP_SYN,
		.ttl = (uint8_t)((h->ttl ? h->ttl : 50) + i % 2 * h->ttl_step),
		.data = bytes,
		.data_len = 52,
		.transport_offset = 20,
		.payload_offset = 52,
	};
	static const uint8_t options[12] = {8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1};
	uint32_t stamp = h->time_stamp ? (uint32_t)(p.time_us / 1000000) + i % 2 : draw();

	if (h->seq_xor_dst)
		p.seq = ip_v4(p.dst) ^ h->seq_xor_dst;
	if (h->seq_minus_dst)
		p.seq = ip_v4(p.dst) + h->seq_minus_dst;
	if (h->seq_low)
		p.seq = (p.seq & 0xffff0000) | (h->seq_low - 1);
	if (h->seq_by_sport)
		p.seq = 0x1234 + ((uint32_t)p.sport << 16);
	if (h->id_xor)
		p.ip_id = (uint16_t)(ip_v4(p.dst) ^ p.dport ^ p.seq ^ (h->id_xor - 1));
	memset(bytes, 0, 52);
	bytes[0] = 0x45;
	bytes[32] = 0x80;
	memcpy(bytes + 40, options, sizeof(options));
	for (unsigned b = 0; b < 4; b++)
		bytes[42 + b] = (uint8_t)(stamp >> (24 - 8 * b));
	if (h->v6) {
		p.flags = 0;
		p.src = (struct ip){0x20010db8ull << 32, h->src};
		p.dst = (struct ip){0x20010db8ull << 32 | 1, dst};
		p.ip_id = 0;
	}
	return p;
}

static void send(const struct habit *h, unsigned count)
{
	uint8_t bytes[52];

	for (unsigned i = 0; i < count; i++) {
		struct decode_packet p = syn(h, i, bytes);

		clusters_add(clusters, &p, 1);
	}
}

static int keep(void *arg, const struct clusters_member *member)
{
	struct found *found = arg;

	assert_true(found->count < 64);
	found->members[found->count++] = *member;
	return 0;
}

/* The only cluster after so many SYNs; fields 0: there is none. */
static struct clusters_member after(const struct habit *h, unsigned count)
{
	struct found found = {.count = 0};

	clusters_begin(clusters, DAY);
	send(h, count);
	assert_int_equal(clusters_members(clusters, keep, &found), 0);
	assert_true(found.count <= 1);
	return found.members[0];
}

static void test_each_field(void **state)
{
	static const struct {
		struct habit habit;
		unsigned fields; /* beside the shape */
	} cases[] = {
		{{.src = 1, .seq = 0xdeadbeef}, BIT(SEQ)},
		{{.src = 1, .seq_low = 1}, BIT(SEQ_LOW)},
		{{.src = 1, .ack = 77}, BIT(ACK)},
		{{.src = 1, .sport = 6000}, BIT(SPORT)},
		{{.src = 1, .id = 256}, BIT(IP_ID)},
		{{.src = 1, .time_stamp = true}, BIT(TIME)},
		{{.src = 1, .seq_xor_dst = 0x55aa55aa}, BIT(SEQ_XOR_DST)},
		{{.src = 1, .seq_minus_dst = 0x10f7}, BIT(SEQ_MINUS_DST)},
		{{.src = 1, .id_xor = 6}, BIT(ID_XOR)},
		{{.src = 1, .seq_by_sport = true}, BIT(SEQ_SPORT)},
		{{.src = 1, .seq = 5, .sport = 6000, .id = 1}, BIT(SEQ) | BIT(SPORT) | BIT(IP_ID)},
		{{.src = 1, .v6 = true, .sport = 6000}, BIT(SPORT)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct clusters_member m = after(&cases[i].habit, CLUSTERS_SYNS_LEAST);

		assert_int_equal(m.fields, cases[i].fields | SHAPE);
		assert_int_equal(m.syns, CLUSTERS_SYNS_LEAST);
		assert_int_equal(after(&cases[i].habit, CLUSTERS_SYNS_LEAST - 1).fields, 0);
	}
}

static void test_none(void **state)
{
	static const struct habit none[] = {
		{.src = 1},                                              /* a kernel */
		{.src = 1, .v6 = true},
		{.src = 1, .id = MARKS_ZMAP_IP_ID},                      /* ZMap */
		{.src = 1, .id_xor = 1, .sport = 40001},                 /* masscan */
		{.src = 1, .one_connection = true, .seq = 9, .sport = 4}, /* tried again */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(after(&none[i], 200).fields, 0);
}

/* One packet that differs is enough. */
static void test_exception(void **state)
{
	const struct habit fixed = {.src = 1, .seq = 5};
	const struct habit other = {.src = 1};
	struct found found = {.count = 0};

	(void)state;
	send(&fixed, 100);
	send(&other, 1);
	assert_int_equal(clusters_members(clusters, keep, &found), 0);
	assert_int_equal(found.count, 0);
}

/* Stored for ever: these numbers must not change. */
static void test_names(void **state)
{
	const struct habit fixed = {.src = 1, .seq = 0xdeadbeef, .window = 1024, .ttl = 240};
	const struct habit another = {.src = 0x0b000001, .seq = 5, .window = 1024, .ttl = 233};
	const struct habit window = {.src = 1, .seq = 5, .window = 1025, .ttl = 240};
	char name[CLUSTERS_NAME_MAX];
	char options[CLUSTERS_OPTIONS_MAX];
	struct clusters_member m = after(&fixed, 30);

	(void)state;
	assert_string_equal(clusters_name(m.id, name), "cluster-b4185a43");
	assert_string_equal(clusters_options_text(m.options, options), "ts,nop,nop");
	assert_int_equal(m.initial_ttl, 255);
	assert_int_equal(m.window, 1024);
	assert_int_equal(after(&another, 30).id, m.id);
	assert_int_not_equal(after(&window, 30).id, m.id);
	assert_string_equal(clusters_options_text(0, options), "");
	for (unsigned i = 0; i < CLUSTERS_FIELD_COUNT; i++)
		assert_true(clusters_field_name(i)[0] != '\0');
}

/* What changes is no part of the name; a route's hop more or less is no change. */
static void test_shape_changes(void **state)
{
	const struct habit windows = {.src = 1, .seq = 5, .window_step = 1};
	const struct habit routes = {.src = 1, .seq = 5, .ttl_step = 2};
	const struct habit ttls = {.src = 1, .seq = 5, .ttl_step = 3};

	(void)state;
	assert_int_equal(after(&windows, 30).fields, BIT(SEQ) | BIT(TTL) | BIT(OPTIONS));
	assert_int_equal(after(&windows, 30).window, 0);
	assert_int_equal(after(&routes, 30).fields, BIT(SEQ) | SHAPE);
	assert_int_equal(after(&ttls, 30).fields, BIT(SEQ) | BIT(WINDOW) | BIT(OPTIONS));
}

/* Half a million sources with a packet each, and one that sends on and on among them. */
static void test_crowd(void **state)
{
	const struct habit busy = {.src = 0x0a0a0a0a, .sport = 6000};
	struct found found = {.count = 0};
	uint8_t bytes[52];
	struct habit crowd = {.src = 0x20000000};

	(void)state;
	for (unsigned i = 0; i < 500000; i++) {
		struct decode_packet p = i % 100 ? syn(&crowd, 0, bytes) : syn(&busy, 0, bytes);

		crowd.src++;
		p.time_us = DAY + i / 1000 * 60000000ll;
		clusters_add(clusters, &p, 1);
	}
	assert_int_equal(clusters_members(clusters, keep, &found), 0);
	assert_int_equal(found.count, 1);
	assert_true(ip_equal(found.members[0].src, ip_from_v4(busy.src)));
}

/* A flood costs little: beyond so many SYNs of a minute, one batch in many is looked at. */
static void test_sampling(void **state)
{
	struct decode_packet batch[CAPTURE_BATCH_MAX];
	const struct habit h = {.src = 5, .sport = 6000};
	static uint8_t bytes[CAPTURE_BATCH_MAX][52];
	struct found found = {.count = 0};
	unsigned expected = 0;

	(void)state;
	for (unsigned n = 0; n < 1000; n++) {
		for (unsigned i = 0; i < CAPTURE_BATCH_MAX; i++) {
			batch[i] = syn(&h, 0, bytes[i]);
			batch[i].drop = i % 2 ? DECODE_DROP_NOT_OBSERVED : DECODE_DROP_NONE;
		}
		clusters_add(clusters, batch, CAPTURE_BATCH_MAX);
	}
	expected = CLUSTERS_MINUTE_SYNS
	    + (1000 - CLUSTERS_MINUTE_SYNS / 128) / CLUSTERS_SAMPLE * 128;
	assert_int_equal(clusters_members(clusters, keep, &found), 0);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.members[0].syns, expected);
}

/* The day is over: nothing is left of it. */
static void test_days(void **state)
{
	const struct habit fixed = {.src = 1, .seq = 5};
	struct found found = {.count = 0};

	(void)state;
	send(&fixed, 100);
	clusters_begin(clusters, DAY + 86400000000ll);
	assert_int_equal(clusters_members(clusters, keep, &found), 0);
	assert_int_equal(found.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_field, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exception, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shape_changes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_crowd, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sampling, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_days, set_up, tear_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
