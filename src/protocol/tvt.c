/*
 * TVT NVMS-9000 recorders, 4567/tcp: the theft of names and passwords that the NPA warned of in
 * February 2020, and the command injection beside it.
 *
 * The service has one fixed GUID for a password.  Behind it come HTTP-like requests:
 * requestSystemConfig gives the whole configuration with its accounts, saveSystemConfig takes a
 * base64 body whose address lists reach a shell.  Answers with the GUID, a configuration made up
 * for this installation and 200; bodies go out as payloads, what stands in $(…) or `…` in them as
 * commands.
 * bashis, "Shenzhen TVT Digital Technology Co. Ltd & OEM {DVR/NVR/IPC} API RCE" (2018).
 */
#include "protocol/encoding.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_HELLO,
	EVENT_REQUEST,
	EVENT_CREDENTIALS,
	EVENT_INJECTION,
};

static const struct protocol_event_name events[] = {
	[EVENT_HELLO] = {"hello", "the GUID that opens the service"},
	[EVENT_REQUEST] = {"request", "a request behind it"},
	[EVENT_CREDENTIALS] = {"credentials", "a request for the configuration with its passwords"},
	[EVENT_INJECTION] = {"injection", "a shell command in a configuration to be saved"},
};

#define GUID "{D79E94C5-70F0-46BD-965B-E17497CCB598}"
#define GUID_LEN (sizeof(GUID) - 1)
#define INBOX 256
#define BODY_MAX (1u << 20)
#define COMMAND_MAX 512
#define NAME_MAX_LEN 40
#define CONFIG_MAX 1024

struct state {
	bool in_head;  /* header lines are being read */
	bool in_line;  /* an over-long line goes on */
	bool greeted;
	bool told;
	bool dollar;   /* the body's last byte was a $ */
	char close;    /* what ends the command that is being collected; 0: none is */
	uint8_t name_len;
	uint16_t command_len;
	uint32_t body; /* bytes that are still to come */
	uint32_t announced;
	char name[NAME_MAX_LEN];
	char command[COMMAND_MAX];
};

static struct protocol_text name_of(const struct state *state)
{
	return (struct protocol_text){state->name, state->name_len};
}

/* ---- answers -------------------------------------------------------------------------------- */

/* The words of this answer are counted by those who read it: the body is the thirteenth. */
static void reply_body(struct protocol_io *io, const char *body, size_t len)
{
	protocol_replyf(io,
	    "HTTP/1.1 200 OK\r\nContent-type: text/xml\r\nContent-Length: %zu\r\n"
	    "Connection: keep-alive\r\nCache-Control: no-cache\r\n" GUID "\r\n\r\n",
	    len);
	protocol_reply(io, body, len);
}

static void reply_config(struct protocol_io *io)
{
	const char *users = protocol_persona(io, "tvt.users");
	char xml[CONFIG_MAX];
	char body[CONFIG_MAX * 2];
	int n = snprintf(xml, sizeof(xml),
	    "<?xml version=\"1.0\" encoding=\"UTF-8\" ?><response version=\"1.0\" "
	    "cmdId=\"requestSystemConfig\"><status>success</status><content type=\"list\">%s"
	    "</content></response>",
	    users);

	if (n > 0 && (size_t)n < sizeof(xml))
		reply_body(io, body, encoding_base64_write(xml, (size_t)n, body, sizeof(body)));
}

static void answer(struct protocol_io *io)
{
	const struct state *state = io->state;

	if (line_is(name_of(state), "requestSystemConfig"))
		reply_config(io);
	else
		reply_body(io, "", 0);
}

/* ---- bodies --------------------------------------------------------------------------------- */

static void end_command(struct protocol_io *io)
{
	struct state *state = io->state;

	state->close = 0;
	if (state->command_len == 0)
		return;
	protocol_event(io, EVENT_INJECTION);
	protocol_command(io, state->command, state->command_len);
	state->command_len = 0;
}

/* Follows $(…) and `…` through the decoded body. */
static void scan(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	for (size_t i = 0; i < len; i++) {
		char c = (char)data[i];

		if (state->close && c == state->close) {
			end_command(io);
		} else if (state->close) {
			if (state->command_len < COMMAND_MAX)
				state->command[state->command_len++] = c;
		} else if (c == '`' || (c == '(' && state->dollar)) {
			state->close = c == '(' ? ')' : '`';
		}
		state->dollar = c == '$';
	}
}

static void end_body(struct protocol_io *io, enum protocol_piece piece)
{
	struct state *state = io->state;

	end_command(io);
	protocol_payload_end(io, 0, name_of(state), piece);
}

/* Whole groups of base64, until the announced length is there. */
static size_t take_body(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	uint8_t plain[INBOX];
	size_t n = len < state->body ? len : state->body;

	if (n < state->body)
		n -= n % 4;
	if (n == 0)
		return 0;
	state->body -= (uint32_t)n;
	/* Group by group: padding in the middle must not depend on what came together. */
	len = 0;
	for (size_t at = 0; at < n; at += 4)
		len += encoding_base64(data + at, n - at < 4 ? n - at : 4, plain + len,
		    sizeof(plain) - len);
	protocol_payload(io, 0, name_of(state), plain, len);
	scan(io, plain, len);
	if (state->body == 0) {
		end_body(io, PROTOCOL_PIECE_END);
		answer(io);
	}
	return n;
}

/* ---- heads ---------------------------------------------------------------------------------- */

/* "GET /requestSystemConfig HTTP/1.1" */
static void request_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text rest = line;
	struct protocol_text name;

	protocol_event(io, EVENT_REQUEST);
	protocol_command(io, line.data, line.len);
	if (!state->told)
		protocol_attribute(io, PROTOCOL_REQUEST, line.data, line.len);
	state->told = true;
	(void)line_word(&rest);
	name = line_word(&rest);
	if (name.len > 0 && *name.data == '/') {
		name.data++;
		name.len--;
	}
	state->name_len = (uint8_t)(name.len < NAME_MAX_LEN ? name.len : NAME_MAX_LEN);
	if (state->name_len)
		memcpy(state->name, name.data, state->name_len);
	if (line_is(name, "requestSystemConfig") || line_is(name, "queryUserList"))
		protocol_event(io, EVENT_CREDENTIALS);
	state->in_head = true;
	state->announced = 0;
}

static void head_line(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;

	if (line_begins(line, "Content-Length:")) {
		struct protocol_text value = {line.data + 15, line.len - 15};

		value = line_trim(value);
		state->announced = 0;
		for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9'
		    && state->announced < BODY_MAX; i++)
			state->announced = state->announced * 10 + (uint32_t)(value.data[i] - '0');
	}
	if (line.len > 0)
		return;
	state->in_head = false;
	state->dollar = false;
	state->body = state->announced;
	if (state->body == 0)
		answer(io);
}

static size_t take_line(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct protocol_text line;
	size_t taken = line_take(io, data, len, &line);
	bool goes_on = state->in_line;

	if (taken == 0)
		return 0;
	state->in_line = data[taken - 1] != '\n';
	if (goes_on)
		return taken;
	if (state->in_head)
		head_line(io, line);
	else if (line.len > 0)
		request_line(io, line);
	return taken;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	enum protocol_verdict guid;

	if (state->body > 0)
		return take_body(io, data, len);
	guid = state->in_head || state->in_line ? PROTOCOL_NO
	                                        : probe_bytes(data, len, GUID, GUID_LEN);
	if (guid == PROTOCOL_MORE)
		return 0;
	if (guid == PROTOCOL_NO)
		return take_line(io, data, len);
	if (!state->greeted)
		protocol_event(io, EVENT_HELLO);
	state->greeted = true;
	protocol_reply(io, GUID, GUID_LEN);
	return GUID_LEN;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	(void)bytes;
	if (side != PROTOCOL_CLIENT)
		return;
	/* base64 cannot be picked up in the middle of a group. */
	if (state->body > 0)
		end_body(io, PROTOCOL_PIECE_CUT);
	state->body = 0;
	state->in_head = false;
	state->in_line = true;
}

static void close_session(struct protocol_io *io)
{
	const struct state *state = io->state;

	if (state->body > 0)
		end_body(io, PROTOCOL_PIECE_CUT);
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	return probe_bytes(start->client, start->client_len, GUID, GUID_LEN);
}

const struct protocol_module protocol_tvt = {
	.name = "tvt",
	.title = "TVT NVMS-9000 recorder",
	.spec = "TVT API (bashis, 2018)",
	.doc = "Requests for the configuration with its passwords, injected shell commands, bodies "
	       "as payloads.  Answers with accounts made up for this installation.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {4567},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 2 * CONFIG_MAX + 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
	.close = close_session,
};
