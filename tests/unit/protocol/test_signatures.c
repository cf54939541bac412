/*
 * What public lists look for in other people's sensors is not in what ours say, whatever the
 * installation; and installations differ.
 *
 * Sources: honeydet's signatures (cowrie's answer to SSH-1111, dionaea's to an empty PASS,
 * mailoney's misspelling, snare's status line, opencanary's and RedisHoneyPot's Redis, conpot's
 * COTP, the fixed texts of qeeqbox's), the words by which a bot of the zhtrap family leaves (Cowrie
 * issue 1512), and banners by which search engines count installations.
 */
#include "conversation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define PERSONAS 24
#define DIFFERENT_MIN 20 /* of so many personas: those whose greetings, taken together, are unique */

#define ABSENT_MAX 6
#define BYTES(s) {(s), sizeof(s) - 1}

struct bytes {
	const char *data;
	size_t len;
};

struct probe {
	const char *module;
	const char *whose;
	uint16_t port;
	struct bytes request;
	const char *absent[ABSENT_MAX];
};

static const struct probe probes[] = {
	{"ssh", "cowrie", 22, BYTES("SSH-1111-OpenSSH_9.0\r\n"), {"bad version"}},
	{"ssh", "cowrie", 22, BYTES("\r\n\r\n\r\n"), {"bad packet length"}},
	{"ssh", "T-Pot, cowrie, kippo", 22, BYTES("SSH-2.0-OpenSSH_9.0\r\n"),
	    {"8.9p1 Ubuntu 2ubuntu0.10", "OpenSSH_6.0p1 Debian-4+deb7u2", "OpenSSH_5.1p1 Debian-5",
	        "SSH-2.0-Twisted", "SSH-2.0-libssh", "SSH-2.0-Go"}},
	{"ftp", "dionaea", 21, BYTES("USER a\r\nPASS \r\n"), {"PASS requires an argument"}},
	{"ftp", "dionaea, opencanary", 21, BYTES("PASS\r\nUSER\r\nHELP\r\nFOO\r\n"),
	    {"requires an argument", "Welcome to the ftp service",
	        "DiskStation FTP server ready"}},
	{"smtp", "mailoney", 25, BYTES("EHLO a\r\nFOO\r\nHELP\r\nVRFY a\r\n"),
	    {"cmomand", "schizo"}},
	{"http", "snare", 80, BYTES("GET / HTTP/0.0\r\n\r\n"), {"Bad status line", "aiohttp"}},
	{"http", "snare, glastopf, dionaea", 80, BYTES("FOO\r\n\r\n"),
	    {"Bad status line", "aiohttp", "Python/", "<h2>Blog Comments</h2>", "Error 400: "}},
	{"http", "Confluence decoys", 80, BYTES("GET /login.action HTTP/1.1\r\nHost: a\r\n\r\n"),
	    {"JSESSIONID="}},
	{"http", "elastichoney, qeeqbox", 9200, BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	    {"Green Goblin", "elastichoney", "89d3241d670db65f994242c8e838b169779e2d4"}},
	{"redis", "opencanary", 6379, BYTES("[[,[[\r\n"),
	    {"unknown command '[[,[['\r\n", "-ERR unknown command `[[,[[`\r\n",
	        "-NOAUTH Authentication required.\r\n-NOAUTH"}},
	{"redis", "RedisHoneyPot", 6379, BYTES("DBSIZE\r\n"), {"+OK", "ERR unknown"}},
	{"redis", "RedisHoneyPot", 6379, BYTES("INFO\r\n"), {"qianxin"}},
	{"memcached", "qeeqbox, dionaea", 11211, BYTES("version\r\nstats\r\n"),
	    {"VERSION 1.5.12", "STAT pid 2080\r", "STAT version 1.5.12", "1599434194"}},
	{"pjl", "qeeqbox, miniprint", 9100, BYTES("\033%-12345X@PJL INFO ID\r\n"),
	    {"hp LaserJet 4200", "Brother HL-L2360D"}},
	{"imap", "qeeqbox, heralding", 143, BYTES("a CAPABILITY\r\n"),
	    {"IMAP4rev1 Service Ready", "CAPABILITY IMAP4 IMAP4rev1 LITERAL+", "qeeqbox"}},
	{"pop3", "heralding, qeeqbox", 110, BYTES("CAPA\r\n"), {"+OK POP3 server ready <", "qeeqbox"}},
	{"telnet", "zhtrap, cowrie", 23, BYTES("root\r\nxc3511\r\nps\r\nls -la /\r\nuname -a\r\n"),
	    {"phil", "sshd: richard", "@LocalHost:]", "Welcome to EmbyLinux", "3.13.0-24-generic",
	        "Jun22"}},
	{"telnet", "cowrie", 23,
	    BYTES("root\r\nxc3511\r\ncat /etc/passwd\r\nhostname\r\ncat /proc/cpuinfo\r\n"),
	    {"phil", "richard", "svr04", "Jun23", "nas3", "E5-2680 v2"}},
	{"adb", "adbhoney", 5555, BYTES("CNXN\1\0\0\1\0\0\20\0\7\0\0\0\x32\2\0\0\xbc\xb1\xa7\xb1host::\0"),
	    {"ro.product.name=starltexx"}},
};

static bool contains(const struct buf *b, const char *word)
{
	return b->len > 0 && memmem(buf_text(b), b->len, word, strlen(word)) != NULL;
}

static struct persona *persona_number(unsigned number)
{
	const uint8_t seed[PERSONA_SEED_LEN] = {(uint8_t)number, 0x5e};
	struct persona *persona = NULL;
	struct err err = {0};

	assert_int_equal(persona_choose(seed, &persona, &err), ST_OK);
	return persona;
}

/* Appends what the module says to a request; its greeting is part of that. */
static void ask(const char *name, struct persona *persona, uint16_t port, struct bytes request,
    struct buf *ret_reply)
{
	const struct protocol_module *module = protocol_module_find(name);
	struct conversation c;

	assert_non_null(module);
	conversation_begin(&c, true, false, port);
	c.persona = persona;
	c.driver.persona = persona;
	conversation_open(&c, module);
	if (request.len > 0)
		conversation_give(&c, PROTOCOL_CLIENT, (const uint8_t *)request.data, request.len,
		    request.len);
	conversation_close(&c);
	if (c.trace.reply.len > 0)
		buf_append(ret_reply, buf_text(&c.trace.reply), c.trace.reply.len);
	conversation_free(&c);
}

static void test_signatures_of_others(void **unused)
{
	bool answered[sizeof(probes) / sizeof(probes[0])] = {false};
	unsigned found = 0;

	(void)unused;
	for (unsigned n = 0; n < PERSONAS; n++) {
		struct persona *persona = persona_number(n);

		for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
			const struct probe *probe = &probes[i];
			struct buf reply = {0};

			ask(probe->module, persona, probe->port, probe->request, &reply);
			answered[i] = answered[i] || reply.len > 0;
			for (size_t j = 0; j < ABSENT_MAX && probe->absent[j]; j++) {
				if (!contains(&reply, probe->absent[j]))
					continue;
				print_message("persona %u: %s says \"%s\", by which %s is known\n", n,
				    probe->module, probe->absent[j], probe->whose);
				found++;
			}
			buf_fini(&reply);
		}
		persona_free(persona);
	}
	/* Silence tells nothing: where a probe is never answered, it is not the one that was meant. */
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		if (!answered[i])
			fail_msg("%s never answers the probe for %s", probes[i].module, probes[i].whose);
	assert_int_equal(found, 0);
}

/* Conpot confirms every COTP connection with these bytes, whatever the references asked for. */
static void test_cotp_confirm_answers_the_request(void **unused)
{
	static const char conpot[] = "\x03\x00\x00\x13\x0e\xd0\x00\x00\x00\x00\x00\xc1\x02\x00\x00"
	                             "\xc2\x02\x00\x00";
	static const struct bytes request = BYTES("\x03\x00\x00\x16\x11\xe0\x00\x00\x12\x34\x00"
	                                          "\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a");
	struct persona *persona = persona_number(1);
	struct buf reply = {0};

	(void)unused;
	ask("s7", persona, 102, request, &reply);
	assert_true(reply.len > 10);
	assert_memory_not_equal(buf_text(&reply), conpot, reply.len < 19 ? reply.len : 19);
	/* The destination reference of a confirm is the request's source reference (X.224, 13.4). */
	assert_memory_equal(buf_text(&reply) + 6, "\x12\x34", 2);
	buf_fini(&reply);
	persona_free(persona);
}

/* An inline DBSIZE is a number, as for a client. */
static void test_redis_inline_dbsize(void **unused)
{
	unsigned numbers = 0;

	(void)unused;
	for (unsigned n = 0; n < PERSONAS; n++) {
		struct persona *persona = persona_number(n);
		struct buf reply = {0};
		const char *text;

		ask("redis", persona, 6379, (struct bytes)BYTES("DBSIZE\r\n"), &reply);
		text = buf_text(&reply);
		assert_true(reply.len > 3 && (*text == ':' || strncmp(text, "-NOAUTH ", 8) == 0));
		numbers += *text == ':';
		buf_fini(&reply);
		persona_free(persona);
	}
	assert_true(numbers > 0);
}

/* The greetings of all modules, one after the other: as good as an installation's name. */
static void test_installations_differ(void **unused)
{
	struct buf greetings[PERSONAS] = {0};
	unsigned different = 0;

	(void)unused;
	for (unsigned n = 0; n < PERSONAS; n++) {
		struct persona *persona = persona_number(n);

		for (unsigned i = 0; i < protocol_module_count; i++) {
			const struct protocol_module *module = protocol_modules[i];

			if (module->transports & PROTOCOL_TCP && module->speaks_first == PROTOCOL_SERVER)
				ask(module->name, persona, module->tcp_ports[0], (struct bytes){"", 0},
				    &greetings[n]);
		}
		ask("http", persona, 80, (struct bytes)BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
		    &greetings[n]);
		persona_free(persona);
	}
	for (unsigned n = 0; n < PERSONAS; n++) {
		bool same = false;

		for (unsigned m = 0; m < PERSONAS; m++)
			same = same || (m != n && greetings[m].len == greetings[n].len
			    && memcmp(buf_text(&greetings[m]), buf_text(&greetings[n]), greetings[n].len) == 0);
		different += !same;
	}
	for (unsigned n = 0; n < PERSONAS; n++)
		buf_fini(&greetings[n]);
	print_message("%u of %u installations greet like no other\n", different, PERSONAS);
	assert_true(different >= DIFFERENT_MIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signatures_of_others),
		cmocka_unit_test(test_cotp_confirm_answers_the_request),
		cmocka_unit_test(test_redis_inline_dbsize),
		cmocka_unit_test(test_installations_differ),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
