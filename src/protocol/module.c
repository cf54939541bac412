/*
 * The registry of modules, and what a module may do: reply and tell facts.  Contract: protocol.h.
 */
#include "protocol/protocol.h"

#include "base/hash.h"
#include "protocol/persona.h"
#include "protocol/protocol_list.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DECLARE(name) extern const struct protocol_module protocol_##name;
PROTOCOL_LIST(DECLARE)
#undef DECLARE

#define ENTRY(name) &protocol_##name,
const struct protocol_module *const protocol_modules[] = {PROTOCOL_LIST(ENTRY)};
#undef ENTRY

const unsigned protocol_module_count = sizeof(protocol_modules) / sizeof(protocol_modules[0]);

const struct protocol_module *protocol_module_find(const char *name)
{
	for (unsigned i = 0; i < protocol_module_count; i++)
		if (strcmp(protocol_modules[i]->name, name) == 0)
			return protocol_modules[i];
	return NULL;
}

unsigned protocol_module_number(const struct protocol_module *module)
{
	unsigned i = 0;

	while (i < protocol_module_count && protocol_modules[i] != module)
		i++;
	return i;
}

/* ---- replies -------------------------------------------------------------------------------- */

void protocol_reply(struct protocol_io *io, const void *data, size_t len)
{
	if (!io->answering || !io->reply)
		return;
	if (io->transport == PROTOCOL_UDP && wr_len(io->reply) + len > io->reply_limit)
		return;
	if ((size_t)(io->reply->end - io->reply->pos) < len)
		return;
	wr_bytes(io->reply, data, len);
}

void protocol_reply_text(struct protocol_io *io, const char *text)
{
	protocol_reply(io, text, strlen(text));
}

void protocol_replyf(struct protocol_io *io, const char *fmt, ...)
{
	char text[PROTOCOL_ROOM_MAX];
	va_list ap;
	int n;

	if (!io->answering)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof(text))
		protocol_reply(io, text, (size_t)n);
}

uint64_t protocol_random(struct protocol_io *io)
{
	io->random += 0x9e3779b97f4a7c15ull; /* splitmix64 */
	return hash_u64(io->random);
}

const char *protocol_persona(const struct protocol_io *io, const char *key)
{
	return io->persona ? persona_text(io->persona, key) : "";
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void tell(struct protocol_io *io, struct protocol_fact *fact)
{
	fact->module = io->module;
	if (io->fact)
		io->fact(io->fact_arg, fact);
}

static struct protocol_text cut(const void *data, size_t len)
{
	struct protocol_text text = {data, len < PROTOCOL_TEXT_MAX ? len : PROTOCOL_TEXT_MAX};

	return text;
}

void protocol_event(struct protocol_io *io, unsigned event)
{
	struct protocol_fact fact = {.kind = PROTOCOL_FACT_EVENT, .event = event};

	if (event < io->module->event_count)
		tell(io, &fact);
}

void protocol_login(struct protocol_io *io, struct protocol_text user,
    struct protocol_text password, enum protocol_secret secret, const char *method,
    enum protocol_outcome outcome)
{
	struct protocol_fact fact = {
		.kind = PROTOCOL_FACT_LOGIN,
		.user = cut(user.data, user.len),
		.password = cut(password.data, password.len),
		.secret = secret,
		.method = method,
		.outcome = outcome,
	};

	tell(io, &fact);
}

void protocol_command(struct protocol_io *io, const void *text, size_t len)
{
	struct protocol_fact fact;

	if (!protocol_texts(io))
		return;
	fact = (struct protocol_fact){.kind = PROTOCOL_FACT_COMMAND, .text = cut(text, len)};
	tell(io, &fact);
}

void protocol_attribute(struct protocol_io *io, enum protocol_attribute attribute,
    const void *text, size_t len)
{
	struct protocol_fact fact;

	if (!protocol_texts(io))
		return;
	fact = (struct protocol_fact){
		.kind = PROTOCOL_FACT_ATTRIBUTE,
		.attribute = attribute,
		.text = cut(text, len),
	};
	tell(io, &fact);
}

void protocol_payload(struct protocol_io *io, unsigned number, struct protocol_text name,
    const void *data, size_t len)
{
	struct protocol_fact fact = {
		.kind = PROTOCOL_FACT_PAYLOAD,
		.number = number,
		.text = cut(name.data, name.len),
		.piece = PROTOCOL_PIECE_DATA,
		.data = data,
		.len = len,
	};

	if (len > 0 && protocol_texts(io))
		tell(io, &fact);
}

void protocol_payload_end(struct protocol_io *io, unsigned number, struct protocol_text name,
    enum protocol_piece piece)
{
	struct protocol_fact fact = {
		.kind = PROTOCOL_FACT_PAYLOAD,
		.number = number,
		.text = cut(name.data, name.len),
		.piece = piece,
	};

	if (protocol_texts(io))
		tell(io, &fact);
}
