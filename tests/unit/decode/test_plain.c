/*
 * Law: what decode says of plain TCP at a glance is what its layers say.  The same datagram comes
 * twice: as an Ethernet frame, and as raw IP, which always goes through the layers.
 */
#include "frame.h"

#define FRAMES 200000u
#define ETHERNET_LEN 14u
#define IP_LEN_MAX 120u

static uint32_t random_state = 1;

static uint32_t any(uint32_t below)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)random_state * below >> 32);
}

/* A TCP datagram that is right in most fields, of any length. */
static size_t make_datagram(uint8_t ip[IP_LEN_MAX])
{
	size_t len = any(8) ? 40 + any(IP_LEN_MAX - 40 + 1) : any(IP_LEN_MAX + 1);

	for (size_t i = 0; i < IP_LEN_MAX; i++)
		ip[i] = (uint8_t)any(256);
	ip[0] = any(16) ? 0x45 : (uint8_t)(0x40 | any(16));
	ip[2] = 0;
	ip[3] = any(4) ? (uint8_t)len : (uint8_t)any(256);
	if (any(8)) {
		ip[6] &= 0x40;
		ip[7] = 0;
	}
	ip[9] = any(16) ? DECODE_PROTO_TCP : DECODE_PROTO_UDP;
	if (any(4))
		ip[32] = (uint8_t)((5 + any(6)) << 4);
	return len;
}

static void assert_same(const struct decode_packet *a, const struct decode_packet *b)
{
	assert_int_equal(a->drop, b->drop);
	assert_int_equal(a->flags, b->flags);
	if (b->network_offset == DECODE_NO_NETWORK) {
		assert_int_equal(a->network_offset, DECODE_NO_NETWORK);
		return;
	}
	assert_int_equal(a->network_offset, b->network_offset + ETHERNET_LEN);
	assert_true(ip_equal(a->src, b->src) && ip_equal(a->dst, b->dst));
	assert_int_equal(a->time_us, b->time_us);
	assert_int_equal(a->proto, b->proto);
	assert_int_equal(a->ip_id, b->ip_id);
	assert_int_equal(a->ip_len, b->ip_len);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->tos, b->tos);
	assert_int_equal(a->sport, b->sport);
	assert_int_equal(a->dport, b->dport);
	assert_int_equal(a->tcp_flags, b->tcp_flags);
	if (a->drop != DECODE_DROP_NONE)
		return;
	assert_int_equal(a->transport_offset, b->transport_offset + ETHERNET_LEN);
	assert_int_equal(a->payload_offset, b->payload_offset + ETHERNET_LEN);
	assert_int_equal(a->payload_len, b->payload_len);
	if (a->proto != DECODE_PROTO_TCP || !(a->flags & DECODE_TRANSPORT))
		return;
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->ack, b->ack);
	assert_int_equal(a->window, b->window);
}

static void test_plain_is_what_layers_say(void **state)
{
	unsigned counted = 0;

	(void)state;
	for (unsigned i = 0; i < FRAMES; i++) {
		uint8_t bytes[ETHERNET_LEN + IP_LEN_MAX] = {[12] = 0x08};
		size_t len = make_datagram(bytes + ETHERNET_LEN);
		/* Memory of just that size, so that a read behind it is seen. */
		uint8_t *frame = malloc(ETHERNET_LEN + len);
		struct capture_packet views[2] = {
			{.len = (uint32_t)(ETHERNET_LEN + len), .time_us = i, .linktype = LINK_ETHERNET},
			{.len = (uint32_t)len, .time_us = i, .linktype = LINK_RAW},
		};
		struct decode_packet packets[2];

		assert_non_null(frame);
		memcpy(frame, bytes, ETHERNET_LEN + len);
		memset(packets, 0, sizeof(packets));
		views[0].data = frame;
		views[1].data = frame + ETHERNET_LEN;
		/* Shorter than an IP header, or nothing at all: each link layer has its own words. */
		if (len >= 20) {
			decode_batch(views, 2, packets);
			assert_same(&packets[0], &packets[1]);
			counted += packets[0].drop == DECODE_DROP_NONE;
		}
		free(frame);
	}
	assert_true(counted > FRAMES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_is_what_layers_say),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
