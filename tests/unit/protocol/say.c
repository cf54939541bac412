/*
 * What a module of a made-up installation answers on a port of its own, for tests that are not written
 * in C: reads lines `NUMBER MODULE PORT REQUEST` (the installation's number, the request in hex, or -
 * for none) and writes one line each: the reply in hex, or -.
 */
#include "conversation.h"

#include <inttypes.h>

#define LINE_MAX_BYTES (16u << 10)
#define REQUEST_MAX (4u << 10)

static size_t unhex(const char *text, uint8_t *out, size_t room)
{
	size_t n = 0;
	unsigned byte;

	while (n < room && sscanf(text + 2 * n, "%2x", &byte) == 1)
		out[n++] = (uint8_t)byte;
	return n;
}

static void print_hex(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		(void)printf("%02x", (unsigned char)b->data[i]);
	(void)printf(b->len > 0 ? "\n" : "-\n");
}

static bool answers(void *arg, const struct protocol_module *module,
    const struct session_peer *peer)
{
	(void)peer;
	return module == *(const struct protocol_module **)arg;
}

static const struct protocol_module *owner(void *arg, const struct session_peer *peer)
{
	(void)peer;
	return *(const struct protocol_module **)arg;
}

static int say(uint32_t number, const char *name, unsigned port, const char *request)
{
	const struct protocol_module *module = protocol_module_find(name);
	uint8_t seed[PERSONA_SEED_LEN] = {0};
	uint8_t bytes[REQUEST_MAX];
	size_t len = *request == '-' ? 0 : unhex(request, bytes, sizeof(bytes));
	struct persona *persona = NULL;
	struct conversation c;
	struct err err = {0};

	memcpy(seed, &number, sizeof(number));
	if (!module || persona_choose(seed, &persona, &err)) {
		(void)fprintf(stderr, "%s: %s\n", name, module ? err.text : "no such module");
		return 1;
	}
	conversation_begin(&c, true, false, (uint16_t)port);
	c.persona = persona;
	c.driver.persona = persona;
	c.driver.answers = answers;
	c.driver.owner = owner;
	c.driver.answers_arg = &module;
	conversation_open(&c, module);
	if (len > 0)
		conversation_give(&c, PROTOCOL_CLIENT, bytes, len, len);
	conversation_close(&c);
	print_hex(&c.trace.reply);
	conversation_free(&c);
	persona_free(persona);
	return 0;
}

int main(void)
{
	static char line[LINE_MAX_BYTES];
	static char request[LINE_MAX_BYTES];
	char name[32];
	unsigned port;
	uint32_t number;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%" SCNu32 " %31s %u %s", &number, name, &port, request) != 4)
			return 2;
		if (say(number, name, port, request))
			return 1;
	}
	return 0;
}
