/*
 * HTTP as evaders write it.  What is expected here was asked of Suricata 7.0.10 with libhtp 0.5.50,
 * one case after the other; each message comes in one packet.
 */
#include "feed.h"

static bool sees(const char *options, const char *request, const void *response, size_t len)
{
	struct feed f;
	char rule[512];
	bool raised;

	(void)snprintf(rule, sizeof(rule), "alert http any any -> any any (%s sid:1;)\n", options);
	feed_open(&f, rule);
	assert_int_equal(f.problems, 0);
	feed_handshake(&f);
	feed_tcp(&f, true, 0x18, request, strlen(request));
	if (len)
		feed_tcp(&f, false, 0x18, response, len);
	feed_finish(&f);
	raised = feed_raised(&f, 1) > 0;
	feed_close(&f);
	return raised;
}

struct answer {
	const char *response;
	const char *options;
	bool matches;
};

#define HEAD "HTTP/1.1 200 ok\r\nX-First: attachment\r\n"
#define TYPE "Content-Type: text/plain\r\n"
#define WHOLE "file_data; content:\"abcdefgh\"; bsize:8;"

static void answers(void **state)
{
	static const struct answer cases[] = {
		/* Bytes behind the declared body are more of it. */
		{HEAD "Content-Length: 3\r\n\r\nabcdefgh", WHOLE, true},
		{HEAD "Content-Length: 3\r\nContent-Length: 900\r\n\r\nabcdefgh", WHOLE, true},
		{HEAD "Content-Length: 3\r\n\r\nabc\r\ndefgh", WHOLE, false},
		{HEAD "Content-Length: 3\r\n\r\nabcHTTP/1.1 300 no\r\n\r\n", "file_data; bsize:3;", true},
		{HEAD "Content-Length: 3\r\n\r\nabcHTTP/1.1 300 no\r\n\r\n",
		    "http.stat_code; content:\"300\";", true},
		/* Which line ends end the headers. */
		{HEAD TYPE "\n\rabcdefgh", WHOLE, false},
		{HEAD TYPE "\n\r\nabcdefgh", WHOLE, true},
		{HEAD TYPE "\n\r\r\nabcdefgh", WHOLE, true},
		{HEAD TYPE "\r\r\nabcdefgh", WHOLE, false},
		{HEAD TYPE " \nabcdefgh", WHOLE, true},
		{HEAD TYPE "\t\r\n\r\nabcdefgh", WHOLE, true},
		{"HTTP/1.1 200 ok\rX-First: attachment\r\n\r\nabcdefgh", WHOLE, true},
		{"junk\r\n" HEAD "\r\nabcdefgh", WHOLE, true},
		{"junk" HEAD "\r\nabcdefgh", WHOLE, false},
		{"junk" HEAD "\r\nabcdefgh", "file_data; content:\"abcdefgh\";", true},
		/* Headers that never ended. */
		{HEAD "Foo: bar\r\n", "http.header; content:\"attachment\";", true},
		{HEAD "Foo", "http.header; content:\"attachment\"; flow:to_client;", false},
		{HEAD "Foo", "http.response_header; content:\"attachment\";", true},
		{HEAD "Content-Length: x\r\n\r\nabcdefgh", "http.header; content:\"attachment\";", false},
		{HEAD "Foo:\r\n bar\r\n\r\n", "http.header; content:\"Foo|3a 20|bar\";", true},
		/* Chunks that are none. */
		{HEAD "Transfer-Encoding: chunked\r\n\r\nabcdefgh", "file_data; content:\"abcdefgh\";", false},
		{HEAD "Transfer-Encoding: chunked\r\n\r\nxyabcdefgh\r\n",
		    "file_data; content:\"abcdefgh\";", true},
		{"HTTP/1.1 101 on\r\n\r\nabcdefgh", WHOLE, false},
		{"HTTP/1.1 101 on\r\nContent-Length: 8\r\n\r\nabcdefgh", WHOLE, true},
		{HEAD "Transfer-Encoding: xchunked\r\n\r\n8;x\r\nabcdefgh\r\n0\r\n\r\n", WHOLE, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sees(cases[i].options, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", cases[i].response,
		        strlen(cases[i].response)) != cases[i].matches)
			fail_msg("answer %zu: %s", i, cases[i].options);
}

/* "abcdefgh" deflated without a frame. */
#define RAW "\x4b\x4c\x4a\x4e\x49\x4d\x4b\xcf\x00\x00"
#define GZIP(flags) "\x1f\x8b\x08" flags "\0\0\0\0\0\x03"

static void encodings(void **state)
{
	static const struct {
		const char *encoding;
		const char *body;
		size_t len;
		bool matches;
	} cases[] = {
		{"gzip", GZIP("\0") RAW, 20, true},
		{"x-gzip", GZIP("\0") RAW, 20, true},
		{"deflate", RAW, 10, true},
		{"gzip", RAW, 10, true}, /* mislabelled */
		{"deflate", GZIP("\0") RAW, 20, true},
		{"gzip", GZIP("\x08") "name\0" RAW, 25, true},
		{"gzip", GZIP("\x20") RAW, 20, true}, /* a flag that is none */
		{"identity", RAW, 10, false},
		{"identity, deflate", RAW, 10, true},
		{"foo, bar, deflate", RAW, 10, false}, /* the third word does not count */
		{"deflate", "abcdefgh", 8, true},      /* not deflated at all */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char response[512];
		int n = snprintf(response, sizeof(response),
		    "HTTP/1.1 200 ok\r\nContent-Encoding: %s\r\n\r\n", cases[i].encoding);

		memcpy(response + n, cases[i].body, cases[i].len);
		if (sees("file_data; content:\"abcdefgh\";", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", response,
		        (size_t)n + cases[i].len) != cases[i].matches)
			fail_msg("encoding %zu: %s", i, cases[i].encoding);
	}
}

#define FORM "POST /up/load.php?x=y.exe HTTP/1.1\r\nContent-Length: 400\r\nContent-Type: multipart/form-data; "
#define PART(disposition, content) "--B\r\nContent-Disposition: form-data; " disposition "\r\nX: y\r\n\r\n" content "\r\n"

static void files(void **state)
{
	static const struct {
		const char *request;
		const char *options;
		bool matches;
	} cases[] = {
		{FORM "boundary=B\r\n\r\n" PART("name=f; filename=\"Ev.txt\"", "abcdefgh") "--B--\r\n",
		    "file.data; content:\"abcdefgh\"; bsize:8;", true},
		{FORM "boundary=B\r\n\r\n" PART("name=f; filename=\"Ev.txt\"", "abcdefgh") "--B--\r\n",
		    "filename:\"ev.T\"; fileext:\"txt\"; filesize:8;", true},
		{FORM "boundary=B\r\n\r\n" PART("name=f; filename=\"Ev.txt\"", "abcdefgh") "--B--\r\n",
		    "file.name; content:\"Ev.txt\"; bsize:6;", true},
		{FORM "boundary=B\r\n\r\n" PART("name=f; filename=\"Ev.txt\"", "abcdefgh") "--B--\r\n",
		    "fileext:\"php\"; flow:to_server;", false},
		{FORM "boundary=\"B\"; x=y\r\n\r\n" PART("name=f; filename=a", "1") PART("filename=b", "abc"),
		    "file.data; content:\"abc\"; startswith;", true},
		{FORM "boundary=B\r\n\r\nbefore\r\n" PART("name=f; filename=a", "abc") "--B--\r\n",
		    "file.data; content:\"abc\"; bsize:3;", true},
		/* A field is no file, whatever else is wrong. */
		{FORM "boundary=B\r\n\r\n" PART("name=f", "abc") "--B--\r\n", "file.data; content:\"abc\";",
		    false},
		{FORM "boundary=B\r\n\r\n" PART("name=f; filename*=a", "abc"), "file.data; content:\"abc\";",
		    false},
		{FORM "boundary=C\r\n\r\n" PART("name=f; filename=a", "abc"), "file.data; content:\"abc\";",
		    false},
		{FORM "boundary=B\r\n\r\n--B\nContent-Disposition: x; filename=a\n\nabc\n--B--\n",
		    "file.data; content:\"abc\";", false},
		/* Without a boundary the body is the file, and the path its name. */
		{FORM "\r\n\r\n" PART("name=f; filename=a", "abc"), "file.data; content:\"--B\"; startswith;",
		    true},
		{FORM "\r\n\r\nabc", "fileext:\"php\"; file.name; content:\"/up/load.php\"; bsize:12;", true},
		{"PUT /a%2ftxt HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "filename:\"/a/txt\";", true},
		{"POST\r\nContent-Length: 3\r\n\r\nabc", "file.data; content:\"abc\";", false},
		/* A body that breaks off is no whole file. */
		{"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzzzzzzzz\r\n",
		    "http.request_body; content:\"abc\";", true},
		{"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzzzzzzzz\r\n",
		    "file.data; content:\"abc\";", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sees(cases[i].options, cases[i].request, "HTTP/1.1 204 ok\r\nContent-Length: 0\r\n\r\n",
		        38) != cases[i].matches)
			fail_msg("file %zu: %s", i, cases[i].options);
}

#define EVENT(name) "app-layer-event:http." name ";"

static void events(void **state)
{
	static const struct {
		const char *request;
		const char *options;
		bool matches;
	} cases[] = {
		{"GET / HTTP/1.1\r\nX: y\r\n\r\n", EVENT("missing_host_header"), true},
		{"GET / HTTP/1.0\r\nX: y\r\n\r\n", EVENT("missing_host_header"), false},
		{"GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n", EVENT("host_header_ambiguous"), true},
		{"GET http://a/ HTTP/1.1\r\nHost: a:80\r\n\r\n", EVENT("host_header_ambiguous"), false},
		{"GET / HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", EVENT("request_field_missing_colon"), true},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", EVENT("request_field_missing_colon"), false},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: x\r\n\r\n",
		    EVENT("invalid_transfer_encoding_value_in_request"), true},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    EVENT("invalid_transfer_encoding_value_in_request"), true},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		    EVENT("invalid_transfer_encoding_value_in_request"), false},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzzzzzzzzz\r\n",
		    EVENT("invalid_request_chunk_len"), true},
		{"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
		    EVENT("invalid_content_length_field_in_request"), true},
		{"POST / HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
		    EVENT("duplicate_content_length_field_in_request"), true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sees(cases[i].options, cases[i].request, "HTTP/1.1 200 ok\r\nContent-Length: 0\r\n\r\n",
		        38) != cases[i].matches)
			fail_msg("event %zu: %s", i, cases[i].options);
}

static void requests(void **state)
{
	static const struct {
		const char *request;
		const char *options;
		bool matches;
	} cases[] = {
		{"POST / HTTP/1.1\r\nHost: h\r\n\r\nabcdefgh", "http.request_body; content:\"abcdefgh\";", true},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcdefgh", "http.request_body; bsize:8;", true},
		{"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcdefgh", "file_data; bsize:8;", true},
		{"POST / HTTP/1.1\r\nX: y\r\n\r\n\r\nabcdefgh", "http.request_body; content:\"abc\";", false},
		{"POST / HTTP/1.1\r\nTransfer-Encoding:\vchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		    "http.request_body; content:\"abc\"; bsize:3;", true},
		{"FOO / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "file_data; content:\"abc\";", false},
		{"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
		    "http.request_body; content:\"abc\";", false},
		{"GET / HTTP/1.1\r\nHost: h\r\n", "http.host; content:\"h\";", false},
		{"GET / HTTP/1.1\r\nHost: h\r\n", "http.host.raw; content:\"h\";", true},
		{"GET / HTTP/1.1\r\nHo\vst: h\r\n\r\n", "http.host; content:\"h\";", false},
		{"CONNECT a.b:443 HTTP/1.1\r\nHost: h\r\n\r\n", "http.host; content:\"a.b\"; bsize:3;", true},
		{"GET /a\xc0\xaf/b HTTP/1.1\r\n\r\n", "http.uri; content:\"/a//b\"; bsize:5;", true},
		{"GET /a\xc3\xa9 HTTP/1.1\r\n\r\n", "http.uri; content:\"/a|e9|\"; bsize:3;", true},
		{"GET /a%ff HTTP/1.1\r\n\r\n", "http.uri; content:\"/a?\"; bsize:3;", true},
		{"GET /a%u2215b HTTP/1.1\r\n\r\n", "http.uri; content:\"/a/b\"; bsize:4;", true},
		{"GET /a//.././b%2fc HTTP/1.1\r\n\r\n", "http.uri; content:\"/b/c\"; bsize:4;", true},
		{"GET /x?a=%2e%2e/%c3%a9 HTTP/1.1\r\n\r\n", "http.uri; content:\"?a=../|c3 a9|\";", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (sees(cases[i].options, cases[i].request, "HTTP/1.1 200 ok\r\nContent-Length: 0\r\n\r\n",
		        38) != cases[i].matches)
			fail_msg("request %zu: %s", i, cases[i].options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers), cmocka_unit_test(encodings), cmocka_unit_test(requests),
		cmocka_unit_test(files), cmocka_unit_test(events),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: HTTP evasions", tests, NULL, NULL);
}
