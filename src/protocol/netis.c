/*
 * Netis/Netcore routers' back door, 53413/udp: a fixed password, then shell commands as datagrams.
 *
 * Bots send both blindly.  A true router's answers are longer than the requests, so only commands
 * get one, the 12 bytes that begin it; nothing here can be used to amplify.
 * Trend Micro, "Netis Routers Leave Wide Open Backdoor" (2014); CVE-2025-34117.
 */
#include "protocol/line.h"

enum {
	EVENT_PROBE,
	EVENT_LOGIN,
	EVENT_COMMAND,
};

static const struct protocol_event_name events[] = {
	[EVENT_PROBE] = {"probe", "a datagram that only asks whether the port answers"},
	[EVENT_LOGIN] = {"login", "the back door's password"},
	[EVENT_COMMAND] = {"command", "a shell command, or a query that begins with ? or $"},
};

#define LOGIN_PREFIX "AAAAAAAA"
#define COMMAND_PREFIX "AA\0\0AAAA"
#define PREFIX_LEN 8
#define ACKNOWLEDGED "AA\0\5ABAA\0\0\0\0"

static struct protocol_text argument(const uint8_t *data, size_t len)
{
	struct protocol_text text = {(const char *)data + PREFIX_LEN, len - PREFIX_LEN};
	const char *nul = text.len ? memchr(text.data, '\0', text.len) : NULL;

	if (nul)
		text.len = (size_t)(nul - text.data);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
		text.len--;
	return line_trim(text);
}

/* Some bots forget to unescape: AA\x00\x00AAAA comes as it is written. */
static size_t escaped_prefix(const uint8_t *data, size_t len)
{
	static const char written[] = "AA\\x00\\x00AAAA";

	return len >= sizeof(written) - 1 && memcmp(data, written, sizeof(written) - 1) == 0
	    ? sizeof(written) - 1 : 0;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	size_t escaped = escaped_prefix(data, len);
	struct protocol_text text;

	if (escaped) {
		data += escaped - PREFIX_LEN;
		len -= escaped - PREFIX_LEN;
	}
	if (len > PREFIX_LEN && (escaped || memcmp(data, COMMAND_PREFIX, PREFIX_LEN) == 0)) {
		text = argument(data, len);
		protocol_event(io, EVENT_COMMAND);
		protocol_attribute(io, PROTOCOL_REQUEST, text.data, text.len);
		protocol_command(io, text.data, text.len);
		protocol_reply(io, ACKNOWLEDGED, sizeof(ACKNOWLEDGED) - 1);
	} else if (len > PREFIX_LEN + 1 && memcmp(data, LOGIN_PREFIX, PREFIX_LEN) == 0) {
		text = argument(data, len);
		protocol_event(io, EVENT_LOGIN);
		protocol_login(io, (struct protocol_text){"", 0}, text,
		    PROTOCOL_SECRET_PASSWORD, "",
		    io->answering ? PROTOCOL_ACCEPTED : PROTOCOL_OUTCOME_UNKNOWN);
	} else {
		protocol_event(io, EVENT_PROBE);
	}
	return len;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	size_t len = start->client_len;

	if (start->hinted && len > 0)
		return PROTOCOL_YES;
	if (len <= PREFIX_LEN)
		return PROTOCOL_NO;
	if (memcmp(data, COMMAND_PREFIX, PREFIX_LEN) == 0 || escaped_prefix(data, len))
		return PROTOCOL_YES;
	return len >= PREFIX_LEN + 7 && memcmp(data, LOGIN_PREFIX "netcore", PREFIX_LEN + 7) == 0
	    ? PROTOCOL_YES : PROTOCOL_NO;
}

const struct protocol_module protocol_netis = {
	.name = "netis",
	.title = "Netis/Netcore back door",
	.spec = "CVE-2025-34117",
	.doc = "The back door's password as a login, its commands.  Commands are acknowledged with "
	       "12 bytes; nothing else is answered.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.udp_ports = {53413},
	.client_inbox = 1,
	.reply_max = sizeof(ACKNOWLEDGED) - 1,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A'}},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {'A', 'A', 0, 0, 'A', 'A', 'A', 'A'}},
		{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {'A', 'A', '\\', 'x', '0', '0', '\\', 'x'}},
	},
	.client = client,
};
