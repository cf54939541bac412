/*
 * Telnet with many personas: whatever an installation looks like, bots' dialogues go through, the
 * machine does not contradict itself, and a password made up at random does not get in at once.
 */
#include "conversation.h"
#include "protocol/blob.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define PERSONAS 200

struct visit {
	struct conversation talk;
	struct persona *own;
};

/* A conversation with the persona of a number. */
static void begin(struct visit *v, unsigned number)
{
	uint8_t seed[PERSONA_SEED_LEN] = {(uint8_t)number, (uint8_t)(number >> 8), 77};
	struct err err = {0};

	conversation_begin(&v->talk, true, false, 23);
	assert_int_equal(persona_choose(seed, &v->own, &err), 0);
	v->talk.driver.persona = v->own;
	conversation_open(&v->talk, protocol_module_find("telnet"));
}

/* Sends a line; what came back until then is the trace's reply. */
static const char *say(struct visit *c, const char *line)
{
	buf_reset(&c->talk.trace.reply);
	conversation_give(&c->talk, PROTOCOL_CLIENT, (const uint8_t *)line, strlen(line), SIZE_MAX);
	return buf_text(&c->talk.trace.reply);
}

static bool said(const struct visit *c, const char *word)
{
	return c->talk.trace.reply.len > 0
	    && memmem(buf_text(&c->talk.trace.reply), c->talk.trace.reply.len, word, strlen(word));
}

/* Prompts end in what bots wait for. */
static void assert_prompt(const struct visit *c)
{
	const char *text = buf_text(&c->talk.trace.reply);
	size_t len = c->talk.trace.reply.len;

	while (len > 0 && text[len - 1] == ' ')
		len--;
	assert_true(len > 0 && strchr(":>$#%", text[len - 1]));
}

static void end(struct visit *v)
{
	conversation_close(&v->talk);
	conversation_free(&v->talk);
	persona_free(v->own);
}

/* The persona's first default pair. */
static void default_pair(const struct visit *c, char *user, char *password, size_t cap)
{
	const char *list = persona_text(c->own, "telnet.accepts");
	const char *colon = strchr(list, ':');
	size_t len = strcspn(list, " ");

	assert_non_null(colon);
	(void)snprintf(user, cap, "%.*s\r\n", (int)(colon - list), list);
	(void)snprintf(password, cap, "%.*s\r\n", (int)(list + len - colon - 1), colon + 1);
}

static void log_in(struct visit *c)
{
	char user[64];
	char password[64];

	/* Mirai reads an IAC before anything else. */
	assert_int_equal((unsigned char)buf_text(&c->talk.trace.reply)[0], 0xff);
	assert_true(said(c, "ogin") || said(c, "ername"));
	assert_prompt(c);
	default_pair(c, user, password, sizeof(user));
	(void)say(c, user);
	assert_true(said(c, "assword"));
	assert_prompt(c);
	(void)say(c, password);
	assert_false(said(c, "ncorrect"));
	assert_prompt(c);
}

static void scanners_get_through(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PERSONAS; i++) {
		struct visit c;
		static const char *const words[] = {"enable\r\n", "system\r\n", "shell\r\n",
			"sh\r\n"};

		begin(&c, i);
		log_in(&c);
		for (unsigned j = 0; j < 4; j++) {
			(void)say(&c, words[j]);
			assert_prompt(&c);
		}
		(void)say(&c, "/bin/busybox MIRAI\r\n");
		assert_true(said(&c, "MIRAI: applet not found\r\n"));
		assert_prompt(&c);
		end(&c);
	}
}

/* A writable path as Mirai's loader looks for one; returns its length. */
static size_t writable(const char *mounts, size_t len, char *path, size_t cap)
{
	const char *at = mounts;
	const char *stop = mounts + len;

	while (at < stop) {
		const char *eol = memchr(at, '\n', (size_t)(stop - at));
		char dev[64];
		char dir[64];
		char type[64];
		char options[128];
		char line[256];

		(void)snprintf(line, sizeof(line), "%.*s", (int)((eol ? eol : stop) - at), at);
		at = eol ? eol + 1 : stop;
		if (sscanf(line, "%63s %63s %63s %127s", dev, dir, type, options) == 4
		    && strncmp(options, "rw", 2) == 0 && dir[0] == '/' && strlen(dir) < 31
		    && strcmp(dir, "/") != 0 && strncmp(dir, "/proc", 5) && strncmp(dir, "/sys", 4))
			return (size_t)snprintf(path, cap, "%s", dir);
	}
	return 0;
}

static void loaders_get_through(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PERSONAS; i++) {
		struct visit c;
		char path[64];
		char line[256];
		char cpu[BLOB_CPU_TEXT];
		const char *elf;

		begin(&c, i);
		log_in(&c);
		(void)say(&c, "/bin/busybox ps; /bin/busybox ECCHI\r\n");
		assert_true(said(&c, "PID") && said(&c, "ECCHI: applet not found"));
		(void)say(&c, "/bin/busybox cat /proc/mounts; /bin/busybox ECCHI\r\n");
		assert_true(writable(buf_text(&c.talk.trace.reply), c.talk.trace.reply.len, path,
		    sizeof(path)) > 0);
		(void)snprintf(line, sizeof(line),
		    "/bin/busybox echo -e '\\x6b\\x61\\x6d\\x69%s' > %s/.nippon; "
		    "/bin/busybox cat %s/.nippon; /bin/busybox rm %s/.nippon\r\n",
		    path, path, path, path);
		(void)say(&c, line);
		(void)snprintf(line, sizeof(line), "\r\nkami%s\r\n", path);
		assert_true(said(&c, line));
		(void)snprintf(line, sizeof(line), "cd %s/\r\n", path);
		(void)say(&c, line);
		(void)say(&c, "/bin/busybox cp /bin/echo d; >d; /bin/busybox chmod 777 d; "
		              "/bin/busybox ECCHI\r\n");
		assert_false(said(&c, "can't") || said(&c, "denied"));
		(void)say(&c, "/bin/busybox cat /bin/echo\r\n");
		elf = memmem(buf_text(&c.talk.trace.reply), c.talk.trace.reply.len,
		    "\x7f" "ELF", 4);
		assert_non_null(elf);
		(void)blob_cpu(elf, 20, cpu);
		assert_string_equal(cpu, persona_text(c.own, "persona.cpu"));
		(void)say(&c, "cat /proc/cpuinfo\r\n");
		assert_true(c.talk.trace.reply.len > 100);
		if (strcmp(cpu, "arm-le") == 0)
			assert_true(said(&c, "ARMv7"));
		buf_reset(&c.talk.trace.facts);
		(void)say(&c, "echo -ne '\\x7f\\x45\\x4c\\x46' > d; echo -ne '\\x01' >> d; "
		              "./d\r\n");
		assert_non_null(strstr(buf_text(&c.talk.trace.facts),
		    "F: payload 0 \"d\" 5 bytes end"));
		end(&c);
	}
}

static void random_passwords_wait(void **state)
{
	unsigned second = 0;

	(void)state;
	for (unsigned i = 0; i < PERSONAS; i++) {
		struct visit c;

		begin(&c, i);
		for (unsigned try = 1; try <= 3; try++) {
			bool in;

			(void)say(&c, "operator\r\n");
			(void)say(&c, "Zq8#vv1k\r\n");
			in = !said(&c, "ncorrect");
			assert_false(in && try == 1);
			assert_false(!in && try == 3);
			second += in && try == 2;
			if (in)
				break;
		}
		end(&c);
	}
	/* Two or three tries, decided by the installation. */
	assert_true(second > PERSONAS / 4 && second < PERSONAS * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scanners_get_through),
		cmocka_unit_test(loaders_get_through),
		cmocka_unit_test(random_passwords_wait),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
