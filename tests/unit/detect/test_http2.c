/* HTTP/2: header compression after the examples of RFC 7541, and streams as rules see them. */
#include "feed.h"

#include "detect/hpack.h"

struct heard {
	char text[2048];
	size_t len;
};

static void hear(void *arg, const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len)
{
	struct heard *h = arg;
	int n = snprintf(h->text + h->len, sizeof(h->text) - h->len, "%.*s=%.*s\n", (int)name_len,
	    (const char *)name, (int)value_len, (const char *)value);

	h->len += (size_t)n;
	assert_true(h->len < sizeof(h->text));
}

#define READ(table, block, expected)                                                             \
	do {                                                                                         \
		struct heard heard = {0};                                                                \
                                                                                                 \
		assert_true(hpack_read(&budget, table, (const uint8_t *)block, sizeof(block) - 1, hear,  \
		    &heard));                                                                            \
		assert_string_equal(heard.text, expected);                                               \
	} while (0)

/* RFC 7541, C.4: three requests on one connection, in Huffman's code. */
static void requests_of_the_rfc(void **state)
{
	struct budget budget = {.max = 1 << 20};
	struct hpack t = {.limit = HPACK_SIZE_DEFAULT};

	(void)state;
	READ(&t, "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
	    ":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\n");
	READ(&t, "\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf",
	    ":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\ncache-control=no-cache\n");
	READ(&t, "\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8"
	         "\xb4\xbf",
	    ":method=GET\n:scheme=https\n:path=/index.html\n:authority=www.example.com\n"
	    "custom-key=custom-value\n");
	assert_int_equal(t.text.len + t.lengths.len / 8 * 32, 164);
	hpack_fini(&budget, &t);
	assert_int_equal(budget.used, 0);
}

/* RFC 7541, C.5: answers with a table of 256 bytes, so that entries are evicted. */
static void answers_of_the_rfc(void **state)
{
	struct budget budget = {.max = 1 << 20};
	struct hpack t = {.limit = 256};

	(void)state;
	READ(&t, "\x48\x03" "302" "\x58\x07" "private" "\x61\x1d" "Mon, 21 Oct 2013 20:13:21 GMT" "\x6e\x17"
	         "https://www.example.com",
	    ":status=302\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 GMT\n"
	    "location=https://www.example.com\n");
	READ(&t, "\x48\x03" "307" "\xc1\xc0\xbf",
	    ":status=307\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 GMT\n"
	    "location=https://www.example.com\n");
	assert_int_equal(t.text.len + t.lengths.len / 8 * 32, 222);
	hpack_fini(&budget, &t);
}

static void damaged_blocks(void **state)
{
	static const char *const blocks[] = {
		"\x80", "\xff\xff\xff\xff\xff\xff\x7f", "\xc0", "\x40\x7f", "\x40\x82\xff\xff",
		"\x3f\xff\xff\xff\x07",
	};
	struct budget budget = {.max = 1 << 20};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct hpack t = {.limit = HPACK_SIZE_DEFAULT};
		struct heard heard = {0};

		assert_false(hpack_read(&budget, &t, (const uint8_t *)blocks[i], strlen(blocks[i]), hear,
		    &heard));
		hpack_fini(&budget, &t);
	}
}

/* A literal header whose name and value are given. */
static size_t put_header(uint8_t *p, const char *name, const char *value)
{
	size_t n = strlen(name);
	size_t v = strlen(value);

	p[0] = 0x40;
	p[1] = (uint8_t)n;
	memcpy(p + 2, name, n);
	p[2 + n] = (uint8_t)v;
	memcpy(p + 3 + n, value, v);
	return 3 + n + v;
}

static size_t put_frame(uint8_t *p, uint8_t type, uint8_t flags, uint32_t stream, const void *data,
    size_t len)
{
	p[0] = 0;
	feed_u16(p + 1, (unsigned)len);
	p[3] = type;
	p[4] = flags;
	feed_u32(p + 5, stream);
	memcpy(p + 9, data, len);
	return 9 + len;
}

static size_t put_request(uint8_t *p, uint32_t stream, const char *path)
{
	uint8_t block[512];
	size_t n = put_header(block, ":method", "GET");

	n += put_header(block + n, ":path", path);
	n += put_header(block + n, ":authority", "Host.example:80");
	n += put_header(block + n, "user-agent", "probe");
	return put_frame(p, 1, 5, stream, block, n);
}

static bool sees(const char *options, size_t piece)
{
	static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	uint8_t client[1024];
	uint8_t server[1024];
	uint8_t block[256];
	char rule[512];
	size_t n = sizeof(magic) - 1;
	size_t m = 0;
	struct feed f;
	bool raised;

	memcpy(client, magic, n);
	n += put_frame(client + n, 4, 0, 0, "", 0);
	n += put_request(client + n, 1, "/first/%41");
	n += put_request(client + n, 3, "/second");
	m += put_header(block, ":status", "200");
	m += put_header(block + m, "server", "nobody");
	m = put_frame(server, 1, 4, 3, block, m);
	m += put_frame(server + m, 0, 0, 3, "abcd", 4);
	m += put_frame(server + m, 0, 9, 3, "\x02" "efgh\0", 7);
	(void)snprintf(rule, sizeof(rule), "alert %s sid:1;)\n", options);
	feed_open(&f, rule);
	assert_int_equal(f.problems, 0);
	feed_handshake(&f);
	for (size_t i = 0; i < n; i += piece)
		feed_tcp(&f, true, 0x18, client + i, n - i < piece ? n - i : piece);
	for (size_t i = 0; i < m; i += piece)
		feed_tcp(&f, false, 0x18, server + i, m - i < piece ? m - i : piece);
	feed_finish(&f);
	raised = feed_raised(&f, 1) > 0;
	feed_close(&f);
	return raised;
}

static void streams(void **state)
{
	static const struct {
		const char *options;
		bool matches;
	} cases[] = {
		{"http any any -> any any (http.uri; content:\"/first/%41\"; bsize:10;", true},
		{"http2 any any -> any any (http.uri; content:\"/second\"; bsize:7;", true},
		{"http1 any any -> any any (http.uri; content:\"/second\";", false},
		{"http any any -> any any (http.method; content:\"GET\"; http.uri; content:\"/sec\";", true},
		{"http any any -> any any (http.host; content:\"host.example\"; bsize:12;", true},
		{"http any any -> any any (http.host.raw; content:\"Host.example:80\"; bsize:15;", true},
		{"http any any -> any any (http.user_agent; content:\"probe\"; bsize:5;", true},
		{"http any any -> any any (http.header; content:\"user-agent: probe|0d 0a|\";", true},
		{"http any any -> any any (http.stat_code; content:\"200\"; http.server; content:\"no\";", true},
		{"http any any -> any any (file.data; content:\"abcdefgh\"; bsize:8;", true},
		{"http any any -> any any (http.uri; content:\"/first\"; http.uri; content:\"/second\";", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 1000; piece = piece * 7 + 2)
			if (sees(cases[i].options, piece) != cases[i].matches)
				fail_msg("stream %zu in pieces of %zu: %s", i, piece, cases[i].options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_of_the_rfc), cmocka_unit_test(answers_of_the_rfc),
		cmocka_unit_test(damaged_blocks), cmocka_unit_test(streams),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("signatures: HTTP/2", tests, NULL, NULL);
}
