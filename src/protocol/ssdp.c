/*
 * SSDP: searches for UPnP devices, and devices that announce themselves.
 *
 * A datagram is HTTP's header in UDP.  Never answered: every useful answer is longer than the
 * search, and that is what reflection attacks want.  UPnP Device Architecture 1.1, 1.2 and 1.3.
 */
#include "protocol/headers.h"
#include "protocol/line.h"

#define LINES_MAX 64

enum {
	EVENT_MSEARCH,
	EVENT_NOTIFY,
	EVENT_RESPONSE,
};

static const struct protocol_event_name events[] = {
	[EVENT_MSEARCH] = {"msearch", "M-SEARCH: a search, or the trigger of a reflection attack"},
	[EVENT_NOTIFY] = {"notify", "NOTIFY: a device announces itself or leaves"},
	[EVENT_RESPONSE] = {"response", "an answer to a search, sent to us"},
};

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char *const firsts[] = {"M-SEARCH *", "NOTIFY * HTTP/1.", "HTTP/1.1 200 OK"};
	enum protocol_verdict best = PROTOCOL_NO;

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		const enum protocol_verdict verdict = probe_word(start->client, start->client_len,
		    firsts[i]);

		if (verdict == PROTOCOL_YES)
			return verdict;
		if (verdict == PROTOCOL_MORE)
			best = verdict;
	}
	return best;
}

/* "M-SEARCH ssdp:all": the method and what is searched for or announced. */
static void tell_target(struct protocol_io *io, struct protocol_text method,
    struct protocol_text target)
{
	char text[PROTOCOL_TEXT_MAX];
	const size_t room = sizeof(text) - 16;
	const size_t n = target.len < room ? target.len : room;

	memcpy(text, method.data, method.len);
	text[method.len] = ' ';
	if (n)
		memcpy(text + method.len + 1, target.data, n);
	protocol_attribute(io, PROTOCOL_REQUEST, text, method.len + 1 + n);
	protocol_command(io, text, method.len + 1 + n);
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const struct protocol_text all = {(const char *)data, len};
	struct protocol_text method = PROTOCOL_LITERAL("M-SEARCH");
	size_t at = 0;

	if (line_begins(all, "HTTP/")) {
		protocol_event(io, EVENT_RESPONSE);
		return len;
	}
	if (line_begins(all, "NOTIFY")) {
		method = PROTOCOL_LITERAL("NOTIFY");
		protocol_event(io, EVENT_NOTIFY);
	} else if (line_begins(all, "M-SEARCH")) {
		protocol_event(io, EVENT_MSEARCH);
	} else {
		return len;
	}
	for (unsigned i = 0; protocol_texts(io) && i < LINES_MAX && at < len; i++) {
		struct protocol_text line = {"", 0};
		struct protocol_text name;
		struct protocol_text value;

		at += line_take(io, data + at, len - at, &line);
		if (!headers_field(line, &name, &value))
			continue;
		if (line_is(name, "ST") || line_is(name, "NT"))
			tell_target(io, method, value);
		else if (line_is(name, "User-Agent") || line_is(name, "Server"))
			protocol_attribute(io, PROTOCOL_SOFTWARE, value.data, value.len);
	}
	return len;
}

const struct protocol_module protocol_ssdp = {
	.name = "ssdp",
	.title = "SSDP",
	.spec = "UPnP Device Architecture 1.1",
	.doc = "M-SEARCH and NOTIFY with their targets.  Never answers: it would amplify.",
	.transports = PROTOCOL_UDP,
	.speaks_first = PROTOCOL_CLIENT,
	.identify_only = true,
	.udp_ports = {1900},
	.state_size = 1,
	.client_inbox = 1,
	.reply_max = 0,
	.idle_s = 10,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.udp_begins = {
		{{0xdf, 0xff, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf}, {'M', '-', 'S', 'E', 'A', 'R', 'C', 'H'}},
		{{0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0xdf, 0xff, 0xff}, {'N', 'O', 'T', 'I', 'F', 'Y', ' ', '*'}},
		{{0xdf, 0xdf, 0xdf, 0xdf, 0xff, 0xff, 0xff, 0xff}, {'H', 'T', 'T', 'P', '/', '1', '.', '1'}},
	},
	.client = client,
};
