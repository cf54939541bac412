/*
 * The header of a datagram against what others have computed, and, where that is permitted, a datagram
 * sent from a port that belongs to somebody else: the kernel accepts it, and refuses a source that is
 * not this machine's.
 */
#include "os/listen.h"
#include "os/rawudp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct ip of(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, strlen(text), &ip), ST_OK);
	return ip;
}

/* Worked out from the RFC by another program: ones' complement of the sum of all words. */
static void the_checksum_is_right(void **state)
{
	uint8_t header[OS_RAW_UDP_HEADER];

	(void)state;
	os_raw_udp_header(of("192.0.2.9"), 31000, of("198.51.100.1"), 49152, "hi!!", 4, header);
	assert_memory_equal(header, "\x79\x18\xc0\x00\x00\x0c\x50\xf4", 8);
	/* An odd byte counts as the upper half of a word. */
	os_raw_udp_header(of("192.0.2.9"), 31000, of("198.51.100.1"), 49152, "hi!", 3, header);
	assert_memory_equal(header, "\x79\x18\xc0\x00\x00\x0b\x51\x17", 8);
	os_raw_udp_header(of("2001:db8:8::9"), 53, of("2001:db8::1"), 16384, "AB", 2, header);
	assert_memory_equal(header, "\x00\x35\x40\x00\x00\x0a\x22\xdf", 8);
}

/* Zero stands for no checksum, so a sum that comes out as zero is sent as ffff. */
static void a_zero_checksum_is_not_sent(void **state)
{
	uint8_t header[OS_RAW_UDP_HEADER];
	uint8_t fill[2];

	(void)state;
	os_raw_udp_header(of("10.0.0.1"), 1, of("10.0.0.2"), 2, "\0\0", 2, header);
	/* Data that is the checksum makes the new sum zero. */
	memcpy(fill, header + 6, 2);
	os_raw_udp_header(of("10.0.0.1"), 1, of("10.0.0.2"), 2, fill, 2, header);
	assert_memory_equal(header + 6, "\xff\xff", 2);
}

static void from_any_port_of_ours(const char *ours, const char *foreign)
{
	struct os_listen_options options = {.transport = OS_UDP, .address = of(ours)};
	struct os_raw_udp raw;
	struct os_datagram d;
	struct sockaddr_in6 name;
	socklen_t len = sizeof(name);
	struct pollfd p = {-1, POLLIN, 0};
	struct err err = {0};
	char data[16];

	if (os_listen(&options, &p.fd, &err)) {
		print_message("# %s: left out\n", err.text);
		return;
	}
	assert_int_equal(os_raw_udp_open(false, &raw, &err), ST_OK);
	assert_int_equal(getsockname(p.fd, (struct sockaddr *)&name, &len), 0);
	assert_true(os_raw_udp_send(&raw, of(foreign), 7, of(ours), ntohs(name.sin6_port), "no", 2)
	    < 0);
	assert_int_equal(os_raw_udp_send(&raw, of(ours), 7, of(ours),
	    ntohs(name.sin6_port), "yes", 3), ST_OK);
	assert_int_equal(poll(&p, 1, 60000), 1);
	assert_int_equal(os_datagram_receive(p.fd, data, sizeof(data), &d), ST_OK);
	assert_int_equal(d.len, 3);
	assert_memory_equal(data, "yes", 3);
	assert_int_equal(d.peer_port, 7);
	assert_true(ip_equal(d.peer, of(ours)));
	/* The raw sockets themselves hear nothing of it. */
	assert_true(recv(raw.v4, data, sizeof(data), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	assert_true(recv(raw.v6, data, sizeof(data), MSG_DONTWAIT) < 0 && errno == EAGAIN);
	(void)close(p.fd);
	os_raw_udp_close(&raw);
}

static void only_from_our_addresses(void **state)
{
	struct os_raw_udp raw;
	struct err err = {0};

	(void)state;
	if (os_raw_udp_open(false, &raw, &err)) {
		print_message("# %s: skipped\n", err.text);
		skip();
	}
	os_raw_udp_close(&raw);
	from_any_port_of_ours("127.0.0.1", "198.18.0.77");
	from_any_port_of_ours("::1", "2001:db8:77::77");
}

/* A network that is routed here: any IPv6 source, and still none of IPv4. */
static void from_a_routed_network(void **state)
{
	struct os_raw_udp raw;
	struct err err = {0};

	(void)state;
	if (os_raw_udp_open(true, &raw, &err)) {
		print_message("# %s: skipped\n", err.text);
		skip();
	}
	assert_true(os_raw_udp_send(&raw, of("198.18.0.77"), 7, of("127.0.0.1"), 9, "no", 2) < 0);
	if (os_raw_udp_send(&raw, of("::1"), 7, of("::1"), 9, "x", 1) == ST_OK)
		assert_int_equal(os_raw_udp_send(&raw, of("2001:db8:77::77"), 7, of("::1"), 9, "x", 1),
		    ST_OK);
	os_raw_udp_close(&raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_checksum_is_right),
	    cmocka_unit_test(a_zero_checksum_is_not_sent),
	    cmocka_unit_test(only_from_our_addresses),
	    cmocka_unit_test(from_a_routed_network),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
