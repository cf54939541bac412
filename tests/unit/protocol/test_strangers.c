/*
 * What a server says to visitors who speak something else on its port: port scanners know it by
 * that.  What they said is recorded all the same.
 */
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define GET "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
#define SMB_NEGOTIATE "\0\0\0\x23\xffSMBr\0\0\0\0\x08\x01\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x40\x06\0\0\1\0\0\0\0"

static const struct protocol_module *server; /* whose port it is */

static bool answers(void *arg, const struct protocol_module *module,
    const struct session_peer *peer)
{
	(void)arg;
	(void)peer;
	return module == server;
}

static const struct protocol_module *owner(void *arg, const struct session_peer *peer)
{
	(void)arg;
	(void)peer;
	return server;
}

/* To a server, in pieces of that size; its session is left for a look. */
static void visit(struct conversation *c, const char *name, const char *bytes, size_t len,
    size_t part)
{
	server = protocol_module_find(name);
	assert_non_null(server);
	conversation_begin(c, true, false, server->tcp_ports[0]);
	c->driver.answers = answers;
	c->driver.owner = owner;
	conversation_give(c, PROTOCOL_CLIENT, (const uint8_t *)bytes, len, part);
}

static void leave(struct conversation *c)
{
	conversation_close(c);
	conversation_free(c);
}

static void test_postgresql(void **unused)
{
	struct conversation c;

	(void)unused;
	visit(&c, "postgresql", SMB_NEGOTIATE, sizeof(SMB_NEGOTIATE) - 1, SIZE_MAX);
	assert_memory_equal(c.trace.reply.data, "E\0\0\0", 4);
	assert_memory_equal(c.trace.reply.data + 5, "SFATAL\0VFATAL\0C0A000\0M"
	    "unsupported frontend protocol 65363.19778: server supports ", 22 + 59);
	assert_true(c.session.closed);
	assert_non_null(strstr(buf_text(&c.trace.facts), "F: event "));
	leave(&c);
	/* A length that is none: a real one leaves without a word.  What was said is known. */
	visit(&c, "postgresql", GET, sizeof(GET) - 1, SIZE_MAX);
	assert_int_equal(c.trace.reply.len, 0);
	assert_true(c.session.closed);
	assert_non_null(strstr(buf_text(&c.trace.facts), "F: attribute request \"GET /a\""));
	leave(&c);
}

static void test_redis(void **unused)
{
	static const char no_argument[] = "-ERR wrong number of arguments for 'get' command\r\n";
	struct conversation c;

	(void)unused;
	visit(&c, "redis", "GET / HTTP/1.0\r\n\r\n", 18, SIZE_MAX);
	assert_string_equal(buf_text(&c.trace.reply), no_argument);
	assert_false(c.session.closed);
	leave(&c);
	visit(&c, "redis", GET, sizeof(GET) - 1, SIZE_MAX);
	assert_string_equal(buf_text(&c.trace.reply), no_argument);
	assert_true(c.session.closed);
	assert_non_null(strstr(buf_text(&c.trace.facts), "F: attribute request \"GET /a\""));
	leave(&c);
	visit(&c, "redis", "POST / HTTP/1.0\r\n\r\n", 19, SIZE_MAX);
	assert_int_equal(c.trace.reply.len, 0);
	assert_true(c.session.closed);
	leave(&c);
}

/* Most say nothing, as before; nobody is refused on a port of nobody's. */
static void test_silence(void **unused)
{
	struct conversation c;

	(void)unused;
	visit(&c, "mqtt", GET, sizeof(GET) - 1, SIZE_MAX);
	assert_int_equal(c.trace.reply.len, 0);
	assert_false(c.session.closed);
	leave(&c);
	visit(&c, "postgresql", GET, sizeof(GET) - 1, 1);
	assert_int_equal(c.trace.reply.len, 0);
	assert_true(c.session.closed);
	leave(&c);
	visit(&c, "http", GET, sizeof(GET) - 1, SIZE_MAX);
	assert_true(c.trace.reply.len > 0);
	leave(&c);
}

/* Whose words could be of several protocols and who waits is answered by the port's. */
static void test_waiting(void **unused)
{
	uint8_t space[REPLY_SPACE];
	struct wr reply = wr_init(space, sizeof(space));
	struct conversation c;

	(void)unused;
	visit(&c, "redis", "AUTH secret\r\n", 13, SIZE_MAX);
	assert_false(c.session.decided);
	assert_true(session_open(&c.driver, &c.session, &c.peer, server, &reply));
	assert_int_equal(space[0], '-');
	leave(&c);
	/* It may still become HTTP, and a broker waits for more; PostgreSQL does not. */
	visit(&c, "mqtt", "\r\n\r\n", 4, SIZE_MAX);
	assert_false(session_open(&c.driver, &c.session, &c.peer, server, &reply));
	assert_false(c.session.decided);
	leave(&c);
	visit(&c, "postgresql", "\r\n\r\n", 4, SIZE_MAX);
	assert_true(session_open(&c.driver, &c.session, &c.peer, server, &reply));
	assert_true(c.session.closed);
	leave(&c);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_postgresql),
		cmocka_unit_test(test_redis),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_waiting),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
