/* What rules see of HTTP. */
#include "feed.h"

struct talk {
	const char *request;
	const char *response;
};

/* Whether these options, of rules for HTTP, match this exchange, however it is cut. */
static bool http_matches(const char *options, struct talk t)
{
	char rule[1024];
	bool raised = false;

	(void)snprintf(rule, sizeof(rule), "alert http any any -> any any (%s sid:1;)\n", options);
	for (size_t piece = 1; piece < 2000; piece = piece < 7 ? piece + 1 : piece * 10) {
		struct feed f;
		size_t len[2] = {strlen(t.request), strlen(t.response)};
		bool now;

		feed_open(&f, rule);
		if (f.problems)
			fail_msg("%s: %s", f.keyword, f.reason);
		feed_handshake(&f);
		for (int side = 0; side < 2; side++) {
			const char *text = side ? t.response : t.request;

			for (size_t i = 0; i < len[side]; i += piece)
				feed_tcp(&f, !side, 0x18, text + i,
				    len[side] - i < piece ? len[side] - i : piece);
		}
		feed_finish(&f);
		now = feed_raised(&f, 1) > 0;
		if (piece > 1)
			assert_int_equal(now, raised);
		raised = now;
		feed_close(&f);
	}
	return raised;
}

static const struct talk plain = {
	"POST /a/%62/../c?x=%41+b HTTP/1.1\r\nHost: Www.Example.ORG:8080\r\nUser-Agent: tester/1\r\n"
	"Cookie: k=v\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 5\r\n\r\nhello",
	"HTTP/1.1 404 Not Found\r\nServer: s/1\r\nSet-Cookie: id=7\r\nTransfer-Encoding: chunked\r\n\r\n"
	"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n",
};

#define SEES(options) assert_true(http_matches(options, plain))
#define MISSES(options) assert_false(http_matches(options, plain))

static void requests(void **state)
{
	(void)state;
	SEES("http.method; content:\"POST\"; bsize:4;");
	SEES("http.uri; content:\"/a/c?x=A+b\"; bsize:10;");
	SEES("http.uri.raw; content:\"/a/%62/../c?x=%41+b\"; startswith; endswith;");
	SEES("content:\"/a/c\"; http_uri;");
	SEES("http.host; content:\"www.example.org\"; bsize:15;");
	SEES("http.host.raw; content:\"Www.Example.ORG:8080\"; bsize:20;");
	SEES("http.user_agent; content:\"tester/1\"; bsize:8;");
	SEES("http.cookie; content:\"k=v\"; bsize:3;");
	SEES("http.request_body; content:\"hello\"; bsize:5;");
	SEES("http.request_line; content:\"POST \"; startswith; content:\" HTTP/1.1\"; endswith;");
	SEES("http.protocol; content:\"HTTP/1.1\"; bsize:8; flow:to_server;");
	SEES("http.header; content:\"X-Twice|3a 20|1, 2|0d 0a|\";");
	MISSES("http.header; content:\"Cookie\"; flow:to_server;");
	SEES("flow:to_server; http.header_names; content:\"|0d 0a|Host|0d 0a|User-Agent|0d 0a|Cookie|0d 0a|\"; "
	     "startswith;");
	SEES("http.content_len; content:\"5\"; bsize:1;");
	MISSES("http.referer; content:!\"x\";");
	SEES("urilen:19;");
	SEES("urilen:10,norm;");
	SEES("pcre:\"/^\\/a\\/c\\?/U\";");
	SEES("http.uri; dotprefix; content:\"./a/c\"; startswith;");
	SEES("http.host; to_uppercase; content:\"WWW.EXAMPLE\";");
}

static void responses(void **state)
{
	(void)state;
	SEES("http.stat_code; content:\"404\"; bsize:3;");
	SEES("http.stat_msg; content:\"Not Found\"; bsize:9;");
	SEES("http.server; content:\"s/1\"; bsize:3;");
	SEES("http.cookie; content:\"id=7\"; flow:to_client;");
	SEES("file_data; content:\"abcdefg\"; bsize:7;");
	SEES("http.response_body; content:\"cdef\";");
	SEES("http.response_line; content:\"HTTP/1.1 404 Not Found\";");
	MISSES("file_data; content:\"hello\"; flow:to_client;");
}

static void forgives_as_browsers_do(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

	(void)state;
	assert_true(http_matches("file_data; content:\"secret\";", (struct talk){request,
	    "HTTP/1.1 200 OK\nContent-Length:6\n\nsecret"}));
	assert_true(http_matches("file_data; content:\"secret\";", (struct talk){request,
	    "HTTP/1.0 200 OK\r\n\r\nsec" "ret"}));
	assert_true(http_matches("file_data; content:\"secret\";", (struct talk){request,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: x-chunked, foo\r\n\r\n0006\r\nsecret\r\n0\r\n\r\n"}));
	assert_true(http_matches("file_data; content:\"secret\";", (struct talk){request,
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n3\r\nsec\r\n3\r\nret\r\n0\r\n\r\n"}));
	assert_true(http_matches("file_data; content:\"secret\";", (struct talk){request, "secret"}));
	assert_true(http_matches("http.stat_code; content:\"200\"; file_data; content:\"secret\";",
	    (struct talk){request, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
	    "Content-Length: 6\r\n\r\nsecret"}));
}

static void one_alert_per_transaction(void **state)
{
	struct feed f;

	(void)state;
	feed_open(&f, "alert http any any -> any any (http.method; content:\"GET\"; sid:1;)\n");
	feed_handshake(&f);
	feed_text(&f, true, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HT");
	feed_text(&f, true, "TP/1.1\r\n\r\n");
	assert_int_equal(feed_raised(&f, 1), 3);
	assert_int_equal(f.alerts[0].dport, 80);
	feed_finish(&f);
	assert_int_equal(feed_raised(&f, 1), 3);
	feed_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(responses),
		cmocka_unit_test(forgives_as_browsers_do), cmocka_unit_test(one_alert_per_transaction),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: HTTP", tests, NULL, NULL);
}
