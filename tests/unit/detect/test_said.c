/* Sessions whose bytes are known and whose packets are not: of a responder, or stored. */
#include "feed.h"

#define SESSION 77u

static struct signatures_ends web(void)
{
	return (struct signatures_ends){
		.client = ip_from_v4(FEED_CLIENT), .server = ip_from_v4(FEED_SERVER),
		.client_port = 40000, .server_port = 80, .proto = DECODE_PROTO_TCP,
	};
}

static void say(struct feed *f, const struct signatures_ends *ends, bool by_client,
    const char *text)
{
	signatures_said(f->engine, ends, by_client, (const uint8_t *)text, strlen(text),
	    f->time_us++);
}

static uint64_t number(void *arg, const struct signatures_alert *alert)
{
	const struct feed *f = arg;

	return alert->sport == f->ports[0] || alert->dport == f->ports[0] ? SESSION : 0;
}

static void test_request_and_answer(void **state)
{
	struct signatures_ends ends = web();
	struct feed f;

	(void)state;
	feed_open(&f, "alert http any any -> any any (flow:established,to_server; http.uri; "
	    "content:\"/luci\"; sid:1;)\n"
	    "alert http any any -> any any (flow:established,to_client; file.data; content:\"root\"; "
	    "sid:2;)\n");
	say(&f, &ends, true, "GET /cgi-");
	assert_int_equal(f.count, 0);
	say(&f, &ends, true, "bin/luci HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(f.count, 1);
	say(&f, &ends, false, "HTTP/1.1 200 OK\r\n\r\nuid=0(root)"); /* ends with the session */
	assert_int_equal(f.count, 1);
	signatures_over(f.engine, &ends, f.time_us);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.alerts[0].sid, 1);
	assert_int_equal(f.alerts[1].sid, 2);
	assert_true(ip_equal(f.alerts[1].dst, ends.client));
	/* The same ends again are another session. */
	say(&f, &ends, true, "GET /luci HTTP/1.0\r\n\r\n");
	assert_int_equal(f.count, 3);
	feed_close(&f);
}

static void test_server_first(void **state)
{
	struct signatures_ends ends = web();
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (flow:to_client; content:\"login\"; sid:1;)\n"
	    "alert tcp any any -> any 80 (flow:to_server,established; content:\"root\"; sid:2;)\n");
	say(&f, &ends, false, "login: ");
	say(&f, &ends, true, "root\r\n");
	assert_int_equal(f.count, 2);
	assert_int_equal(f.alerts[1].sid, 2);
	feed_close(&f);
}

/* What is inside of TLS is a session of its own. */
static void test_inside(void **state)
{
	struct signatures_ends ends = web();
	struct signatures_ends inside = web();
	struct feed f;

	(void)state;
	inside.depth = 1;
	feed_open(&f, "alert tcp any any -> any any (content:\"outer\"; content:\"inner\"; sid:1;)\n"
	    "alert tcp any any -> any any (content:\"inner\"; sid:2;)\n");
	say(&f, &ends, true, "outer");
	say(&f, &inside, true, "inner");
	assert_int_equal(f.count, 1);
	assert_int_equal(f.alerts[0].sid, 2);
	feed_close(&f);
}

/* Headers that nobody saw match nothing; what is known of them does. */
static void test_no_headers(void **state)
{
	struct signatures_ends ends = web();
	struct feed f;

	(void)state;
	feed_open(&f, "alert tcp any any -> any any (ttl:<255; content:\"a\"; sid:1;)\n"
	    "alert tcp any any -> any any (window:0; content:\"a\"; sid:2;)\n"
	    "alert tcp any any -> any any (flags:PA; dsize:3; content:\"a\"; sid:3;)\n"
	    "alert tcp any any -> any any (tcp.hdr; content:!\"x\"; sid:4;)\n"
	    "alert udp any any -> any any (dsize:2; content:\"b\"; sid:5;)\n");
	say(&f, &ends, true, "aaa");
	ends.proto = DECODE_PROTO_UDP;
	say(&f, &ends, true, "bb");
	assert_int_equal(f.count, 2);
	assert_int_equal(f.alerts[0].sid, 3);
	assert_int_equal(f.alerts[1].sid, 5);
	feed_close(&f);
}

/* The number is asked for, and remembered for what is found at the end. */
static void test_session_number(void **state)
{
	struct signatures_ends ends = web();
	struct feed f;

	(void)state;
	feed_open_with(&f, "alert http any any -> any any (flow:to_client; file.data; "
	    "content:\"root\"; sid:1;)\n"
	    "alert tcp any any -> any any (content:\"GET\"; sid:2;)\n",
	    (struct signatures_options){.session = number});
	say(&f, &ends, true, "GET / HTTP/1.0\r\n\r\n");
	say(&f, &ends, false, "HTTP/1.0 200 OK\r\n\r\nroot");
	f.ports[0] = 1; /* its owner has forgotten it */
	signatures_over(f.engine, &ends, f.time_us);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.alerts[0].session, SESSION);
	assert_int_equal(f.alerts[1].sid, 1);
	assert_int_equal(f.alerts[1].session, SESSION);
	feed_close(&f);
}

/* A server's name that is longer than what holds it: once an endless loop. */
static void test_name_cut_short(void **state)
{
	static const uint8_t hello[] = "\x16\3\1\0\x3c\1\0\0\x38\3\3RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR\0\0\2"
	    "\x13\1\1\0\0\x0d\0\0\0\x09\0\7\0\0\x63host";
	struct signatures_ends ends = web();
	struct feed f;

	(void)state;
	feed_open(&f, "alert tls any any -> any any (tls.sni; content:\"host\"; sid:1;)\n"
	    "alert tls any any -> any any (ja3.hash; bsize:32; sid:2;)\n");
	signatures_said(f.engine, &ends, true, hello, sizeof(hello) - 1, f.time_us++);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.alerts[0].sid, 2);
	feed_close(&f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_and_answer),
		cmocka_unit_test(test_server_first),
		cmocka_unit_test(test_name_cut_short),
		cmocka_unit_test(test_inside),
		cmocka_unit_test(test_no_headers),
		cmocka_unit_test(test_session_number),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
