/*
 * What holds for every persona of the http module: replies are well formed, whole and within the
 * declared size; the product's own login is accepted and a wrong one refused; installations differ;
 * nothing says what public lists of honeypot signatures look for.
 */
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>
#include <cmocka.h>

#define PERSONAS 48
#define PRODUCTS_MIN 6 /* different first replies that so many personas must have at least */

static const struct {
	uint16_t port;
	const char *request;
} requests[] = {
	{80, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "GET /nothing.here HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "GET /.env HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "POST /wp-login.php HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nlog=a&pwd"},
	{80, "POST /xmlrpc.php HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
	{80, "GET /console/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "POST /wls-wsat/CoordinatorPortType HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
	{80, "GET /HNAP1/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{80, "GET /jenkins/script HTTP/1.1\r\nHost: a\r\n\r\n"},
	{7547, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{52869, "GET /picsdesc.xml HTTP/1.1\r\nHost: a\r\n\r\n"},
	{2375, "GET /v1.41/version HTTP/1.1\r\nHost: a\r\n\r\n"},
	{2375, "GET /info HTTP/1.1\r\nHost: a\r\n\r\n"},
	{2375, "POST /containers/a/start HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"},
	{8088, "GET /cluster HTTP/1.1\r\nHost: a\r\n\r\n"},
	{8088, "POST /ws/v1/cluster/apps/new-application HTTP/1.1\r\nHost: a\r\n\r\n"},
	{9200, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{9200, "GET /_cat/indices HTTP/1.1\r\nHost: a\r\n\r\n"},
	{8545, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n"
	       "{\"id\":7,\"method\":\"eth_accounts\",\"x\":[]}  "},
};

/* Strings by which public scanners know honeypots (honeydet, Shodan's searches, nmap's probes). */
static const char *const signatures[] = {"Bad status line", "cowrie", "dionaea", "glastopf",
    "snare", "tanner", "honeypot", "teiten", "conpot", "qeeqbox", "opencanary",
    "8.9p1 Ubuntu 2ubuntu0.10", "Welcome to EmbyLinux", "{hostname}", "{model}", "{digits", "{hex",
    "{HEX", "%x", "%i\""};

static void begin(struct conversation *c, struct persona *persona, uint16_t port)
{
	conversation_begin(c, true, false, port);
	c->persona = persona;
	c->driver.persona = persona;
}

static struct persona *persona_number(unsigned number)
{
	uint8_t seed[PERSONA_SEED_LEN] = {(uint8_t)number, 1, 2, 3};
	struct persona *persona = NULL;
	struct err err = {0};

	assert_int_equal(persona_choose(seed, &persona, &err), 0);
	return persona;
}

static void ask(struct conversation *c, const char *request)
{
	conversation_give(c, PROTOCOL_CLIENT, (const uint8_t *)request, strlen(request),
	    strlen(request));
}

/* A head, its Content-Length, and exactly so many bytes behind it. */
static void check_reply(struct buf *reply, const char *request)
{
	const char *text = buf_text(reply);
	const char *body = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "\r\nContent-Length: ");

	if (strncmp(text, "HTTP/1.1 ", 9) != 0 || !body)
		fail_msg("no head for %s", request);
	if (strncmp(text + 9, "204", 3) == 0) {
		assert_int_equal(strlen(body), 4);
		return;
	}
	assert_true(length && length < body);
	assert_int_equal(strtoul(length + 18, NULL, 10), reply->len - (size_t)(body + 4 - text));
	/* Some devices have no clock to tell. */
	assert_true(strstr(text, "\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n") != NULL
	    || strstr(text, "\r\nServer: Router Webserver\r\n")
	    || strstr(text, "\r\nServer:Cross Web Server\r\n"));
	for (size_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++)
		if (strcasestr(text, signatures[i]))
			fail_msg("\"%s\" in the reply to %s", signatures[i], request);
}

static void every_persona_replies_well(void **context)
{
	const struct protocol_module *http = protocol_module_find("http");

	(void)context;
	for (unsigned number = 0; number < PERSONAS; number++) {
		struct persona *persona = persona_number(number);

		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
			static struct conversation c;

			begin(&c, persona, requests[i].port);
			ask(&c, requests[i].request);
			check_reply(&c.trace.reply, requests[i].request);
			assert_true(c.trace.reply.len <= http->reply_max);
			conversation_close(&c);
			conversation_free(&c);
		}
		persona_free(persona);
	}
}

static void installations_differ(void **context)
{
	struct buf seen[PERSONAS] = {{0}};
	unsigned different = 0;

	(void)context;
	for (unsigned number = 0; number < PERSONAS; number++) {
		struct persona *persona = persona_number(number);
		static struct conversation c;
		bool is_new = true;

		begin(&c, persona, 80);
		ask(&c, requests[0].request);
		for (unsigned i = 0; i < different; i++)
			is_new &= strcmp(buf_text(&seen[i]), buf_text(&c.trace.reply)) != 0;
		if (is_new)
			buf_append(&seen[different++], buf_text(&c.trace.reply), c.trace.reply.len);
		conversation_close(&c);
		conversation_free(&c);
		persona_free(persona);
	}
	assert_true(different >= PRODUCTS_MIN);
	for (unsigned i = 0; i < different; i++)
		buf_fini(&seen[i]);
}

/* The outcome in the facts is what the reply says. */
static void outcomes_are_what_replies_say(void **context)
{
	static const char wrong[] = "GET / HTTP/1.1\r\nHost: a\r\n"
	                            "Authorization: Basic eHl6enk6bm90IGl0\r\n\r\n";

	(void)context;
	for (unsigned number = 0; number < PERSONAS; number++) {
		struct persona *persona = persona_number(number);
		static struct conversation c;
		unsigned refused = 0;
		unsigned accepted = 0;

		begin(&c, persona, 80);
		for (unsigned i = 0; i < 6; i++) {
			const size_t at = c.trace.facts.len;
			const size_t reply_at = c.trace.reply.len;
			bool is_accepted;

			ask(&c, wrong);
			is_accepted =
			    strstr(buf_text(&c.trace.facts) + at, "basic accepted\n") != NULL;
			assert_true(is_accepted
			    || strstr(buf_text(&c.trace.facts) + at, "basic refused\n") != NULL);
			assert_memory_equal(buf_text(&c.trace.reply) + reply_at,
			    is_accepted ? "HTTP/1.1 200" : "HTTP/1.1 401", 12);
			accepted += is_accepted;
			refused += !is_accepted;
		}
		/* A device that takes the first of all passwords is known for it. */
		assert_true(refused >= 1);
		assert_true(accepted >= 1);
		conversation_close(&c);
		conversation_free(&c);
		persona_free(persona);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_persona_replies_well),
		cmocka_unit_test(installations_differ),
		cmocka_unit_test(outcomes_are_what_replies_say),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
