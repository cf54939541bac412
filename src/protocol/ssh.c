/*
 * SSH: what the client says it is, and the algorithms it offers (HASSH).
 *
 * Read as far as SSH is in the clear: the identification line, KEXINIT of both sides, the key
 * exchange messages up to NEWKEYS.  KEXINIT is larger than an inbox, so its lists go by in pieces
 * and only what HASSH is made of is kept.  Answers with an OpenSSH's identification, its words for
 * a bad one, and its KEXINIT; the encrypted part belongs to a responder that holds keys.
 * RFC 4253 4.2, 6, 7.1; HASSH (Salesforce, 2018).
 */
#include "base/rd.h"
#include "base/wr.h"
#include "protocol/encoding.h"
#include "protocol/line.h"
#include "protocol/phrase.h"
#include "protocol/ssh_events.h"

#include <stdio.h>

static const struct protocol_event_name events[] = {
	[SSH_TOLD_IDENT] = {"ident", "identification line of a client"},
	[SSH_TOLD_IDENT_INVALID] = {"ident.invalid", "a first line that is no SSH identification"},
	[SSH_TOLD_KEXINIT] = {"kexinit", "the client's KEXINIT; its HASSH is an attribute"},
	[SSH_TOLD_KEX] = {"kex", "the client's first key exchange message"},
	[SSH_TOLD_NEWKEYS] = {"newkeys", "the client began to encrypt"},
	[SSH_TOLD_SERVER_IDENT] = {"server.ident", "identification line of the server"},
	[SSH_TOLD_SERVER_KEXINIT] = {"server.kexinit", "the server's KEXINIT"},
	[SSH_TOLD_SERVER_NEWKEYS] = {"server.newkeys", "the server began to encrypt"},
	[SSH_TOLD_MALFORMED] = {"malformed", "a packet that contradicts RFC 4253"},
	[SSH_TOLD_LOGIN] = {"login", "a password or a key tried"},
	[SSH_TOLD_SHELL] = {"shell", "an interactive shell asked for"},
	[SSH_TOLD_EXEC] = {"exec", "a command given with the connection"},
	[SSH_TOLD_FORWARD] = {"forward", "a connection through this host asked for; always refused"},
	[SSH_TOLD_SUBSYSTEM] = {"subsystem", "a subsystem asked for (sftp)"},
	[SSH_TOLD_UPLOAD] = {"upload", "a file begun to be sent"},
};

enum message {
	MSG_KEXINIT = 20,
	MSG_NEWKEYS = 21,
	MSG_KEX_FIRST = 30,
	MSG_KEX_LAST = 49,
};

enum stage {
	STAGE_IDENT,
	STAGE_PACKET,    /* a packet's header */
	STAGE_LIST,      /* KEXINIT: a list's length */
	STAGE_LIST_TEXT, /* KEXINIT: a list */
	STAGE_SKIP,      /* the rest of a packet */
	STAGE_OPAQUE,    /* encrypted, or nothing that can be read */
};

#define IDENT_MAX 255
#define PACKET_HEADER 6u /* length, padding length, message */
#define PACKET_MAX 35000u
#define COOKIE_LEN 16u
#define LIST_COUNT 10
#define HASSH_MAX 1280 /* texts of the four lists with their semicolons */
#define SERVER_INBOX 64
#define BAD_IDENT "Invalid SSH identification string.\r\n"
#define BAD_MAJOR "Protocol major versions differ.\r\n"

/* Lines of the persona's "ssh.server": one product with its algorithms. */
enum phrase {
	PHRASE_IDENT,
	PHRASE_KEX,
	PHRASE_HOST_KEY,
	PHRASE_CIPHER,
	PHRASE_MAC,
	PHRASE_COMPRESSION,
};

struct side {
	uint8_t stage;
	uint8_t message;
	uint8_t list;      /* index of the list that is being read */
	bool kex_told;
	uint32_t packet;   /* bytes of the packet that are still to come */
	uint32_t text;     /* bytes of the list that are still to come */
};

struct state {
	struct side sides[2];
	bool too_long; /* the lists do not fit: no HASSH */
	uint16_t len;
	char hassh[HASSH_MAX];
};

/* Reading a side: what to tell of it. */
struct reader {
	struct protocol_io *io;
	struct state *state;
	struct side *side;
	bool is_client;
};

static bool makes_hassh(unsigned list)
{
	return list == 0 || list == 2 || list == 4 || list == 6;
}

static void keep_list(struct reader *r, const void *text, size_t len)
{
	struct state *state = r->state;

	if (!r->is_client || !makes_hassh(r->side->list))
		return;
	if (len > sizeof(state->hassh) - state->len) {
		state->too_long = true;
		return;
	}
	if (len)
		memcpy(state->hassh + state->len, text, len);
	state->len = (uint16_t)(state->len + len);
}

static void tell_hassh(struct reader *r)
{
	char digest[ENCODING_MD5_TEXT];

	if (r->state->too_long)
		return;
	encoding_md5_hex(r->state->hassh, r->state->len, digest);
	protocol_attribute(r->io, PROTOCOL_HASSH, digest, ENCODING_MD5_TEXT - 1);
}

/* ---- the identification line ---------------------------------------------------------------- */

static void reply_list(struct wr *w, struct protocol_text text)
{
	wr_u32be(w, (uint32_t)text.len);
	wr_bytes(w, text.data, text.len);
}

#define KEXINIT_MAX 2048
#define BLOCK 8u
#define PADDING_MIN 4u

static void reply_kexinit(struct protocol_io *io)
{
	static const uint8_t lists[] = {PHRASE_KEX, PHRASE_HOST_KEY, PHRASE_CIPHER, PHRASE_CIPHER,
		PHRASE_MAC, PHRASE_MAC, PHRASE_COMPRESSION, PHRASE_COMPRESSION};
	const struct protocol_text none = {"", 0};
	uint8_t packet[KEXINIT_MAX] = {0};
	struct wr w = wr_init(packet + PACKET_HEADER - 1, sizeof(packet) - 64);
	size_t payload;
	size_t padding;
	struct wr header;

	wr_u8(&w, MSG_KEXINIT);
	for (unsigned i = 0; i < COOKIE_LEN / 8; i++)
		wr_u64be(&w, protocol_random(io));
	for (unsigned i = 0; i < sizeof(lists); i++)
		reply_list(&w, phrase_line(io, "ssh.server", lists[i]));
	reply_list(&w, none);
	reply_list(&w, none);
	wr_u8(&w, 0);
	wr_u32be(&w, 0);
	payload = wr_len(&w);
	if (w.bad)
		return;
	padding = BLOCK - (PACKET_HEADER - 1 + payload) % BLOCK;
	if (padding < PADDING_MIN)
		padding += BLOCK;
	header = wr_init(packet, PACKET_HEADER - 1);
	wr_u32be(&header, (uint32_t)(1 + payload + padding));
	wr_u8(&header, (uint8_t)padding);
	protocol_reply(io, packet, PACKET_HEADER - 1 + payload + padding);
}

/* "SSH-2.0-software": 2 for versions that go on (1.99 is 2), 1 for older, 0 when it is none. */
static unsigned ident_major(struct protocol_text line)
{
	size_t at = 4;
	unsigned major = 0;
	unsigned minor = 0;
	size_t digits = 0;

	if (!line_begins(line, "SSH-") || memcmp(line.data, "SSH-", 4) != 0)
		return 0;
	for (; at < line.len && line.data[at] >= '0' && line.data[at] <= '9'; at++, digits++)
		major = major < 1000 ? major * 10 + (unsigned)(line.data[at] - '0') : major;
	if (digits == 0 || at >= line.len || line.data[at] != '.')
		return 0;
	digits = 0;
	for (at++; at < line.len && line.data[at] >= '0' && line.data[at] <= '9'; at++, digits++)
		minor = minor < 1000 ? minor * 10 + (unsigned)(line.data[at] - '0') : minor;
	if (digits == 0 || at >= line.len || line.data[at] != '-' || at + 1 >= line.len)
		return 0;
	return major == 2 || (major == 1 && minor == 99) ? 2 : 1;
}

static void bad_ident(struct reader *r, struct protocol_text line, const char *words)
{
	protocol_event(r->io, SSH_TOLD_IDENT_INVALID);
	if (line.len > 0)
		protocol_attribute(r->io, PROTOCOL_REQUEST, line.data, line.len);
	protocol_reply_text(r->io, words);
	r->io->hang_up = true;
	r->side->stage = STAGE_OPAQUE;
}

static void client_ident(struct reader *r, struct protocol_text line)
{
	unsigned major = ident_major(line);

	if (major == 0) {
		bad_ident(r, line, BAD_IDENT);
		return;
	}
	protocol_event(r->io, SSH_TOLD_IDENT);
	protocol_attribute(r->io, PROTOCOL_SOFTWARE, line.data, line.len);
	if (major != 2) {
		protocol_reply_text(r->io, BAD_MAJOR);
		r->io->hang_up = true;
		r->side->stage = STAGE_OPAQUE;
		return;
	}
	reply_kexinit(r->io);
	r->side->stage = STAGE_PACKET;
}

static size_t take_ident(struct reader *r, const uint8_t *data, size_t len)
{
	struct protocol_text line;
	size_t taken = line_take(r->io, data, len, &line);

	if (taken == 0)
		return 0;
	if (r->is_client) {
		client_ident(r, line);
	} else if (line_begins(line, "SSH-")) {
		/* A server may say other lines before (RFC 4253 4.2). */
		protocol_event(r->io, SSH_TOLD_SERVER_IDENT);
		r->side->stage = STAGE_PACKET;
	}
	return taken;
}

/* ---- packets -------------------------------------------------------------------------------- */

static void malformed(struct reader *r)
{
	protocol_event(r->io, SSH_TOLD_MALFORMED);
	r->side->stage = STAGE_OPAQUE;
	r->io->hang_up = r->is_client;
}

static size_t take_header(struct reader *r, const uint8_t *data, size_t len)
{
	struct rd rd = rd_init(data, len);
	uint32_t length = rd_u32be(&rd);
	struct side *side = r->side;

	rd_skip(&rd, 1); /* padding */
	side->message = rd_u8(&rd);
	if (rd.bad)
		return 0;
	if (length < 2 || length > PACKET_MAX) {
		malformed(r);
		return len;
	}
	side->packet = length - 2;
	side->stage = STAGE_SKIP;
	if (side->message == MSG_KEXINIT) {
		protocol_event(r->io, r->is_client ? SSH_TOLD_KEXINIT : SSH_TOLD_SERVER_KEXINIT);
		side->list = 0;
		side->text = COOKIE_LEN;
		side->stage = STAGE_LIST;
	} else if (side->message == MSG_NEWKEYS) {
		protocol_event(r->io, r->is_client ? SSH_TOLD_NEWKEYS : SSH_TOLD_SERVER_NEWKEYS);
	} else if (side->message >= MSG_KEX_FIRST && side->message <= MSG_KEX_LAST && r->is_client
	    && !side->kex_told) {
		side->kex_told = true;
		protocol_event(r->io, SSH_TOLD_KEX);
		/* Without keys the conversation ends here. */
		r->io->hang_up = r->io->answering;
	}
	return PACKET_HEADER;
}

/* The length of the next list; before the first the cookie is passed over. */
static size_t take_list(struct reader *r, const uint8_t *data, size_t len)
{
	struct side *side = r->side;
	struct rd rd = rd_init(data, len);
	size_t cookie = side->text;
	uint32_t length;

	rd_skip(&rd, cookie);
	length = rd_u32be(&rd);
	if (side->packet < cookie + 4) {
		malformed(r);
		return len;
	}
	if (rd.bad)
		return 0;
	side->packet -= (uint32_t)cookie + 4;
	side->text = length;
	if (length > side->packet) {
		malformed(r);
		return len;
	}
	side->stage = STAGE_LIST_TEXT;
	return cookie + 4;
}

static void end_list(struct reader *r)
{
	struct side *side = r->side;

	if (side->list < 6)
		keep_list(r, ";", 1);
	else if (side->list == 6 && r->is_client)
		tell_hassh(r);
	side->text = 0;
	side->list++;
	side->stage = side->list == LIST_COUNT ? STAGE_SKIP : STAGE_LIST;
}

static size_t take_list_text(struct reader *r, const uint8_t *data, size_t len)
{
	struct side *side = r->side;
	size_t n = len < side->text ? len : side->text;

	keep_list(r, data, n);
	side->text -= (uint32_t)n;
	side->packet -= (uint32_t)n;
	return n;
}

static size_t take_rest(struct reader *r, size_t len)
{
	struct side *side = r->side;
	size_t n = len < side->packet ? len : side->packet;

	side->packet -= (uint32_t)n;
	if (side->packet == 0)
		side->stage = side->message == MSG_NEWKEYS ? STAGE_OPAQUE : STAGE_PACKET;
	return n;
}

static size_t take_stage(struct reader *r, const uint8_t *data, size_t len)
{
	switch (r->side->stage) {
	case STAGE_IDENT:
		return take_ident(r, data, len);
	case STAGE_PACKET:
		return take_header(r, data, len);
	case STAGE_LIST:
		return take_list(r, data, len);
	case STAGE_LIST_TEXT:
		return take_list_text(r, data, len);
	case STAGE_SKIP:
		return take_rest(r, len);
	case STAGE_OPAQUE:
	default:
		return len;
	}
}

static size_t take(struct reader *r, const uint8_t *data, size_t len)
{
	size_t taken = take_stage(r, data, len);

	/* Stages that wait for no byte are passed at once. */
	if (taken > 0 && r->side->stage == STAGE_LIST_TEXT && r->side->text == 0)
		end_list(r);
	if (taken > 0 && r->side->stage == STAGE_SKIP && r->side->packet == 0)
		(void)take_rest(r, 0);
	return taken;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct reader r = {io, state, &state->sides[PROTOCOL_CLIENT], true};

	return take(&r, data, len);
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct reader r = {io, state, &state->sides[PROTOCOL_SERVER], false};

	return take(&r, data, len);
}

/* ---- the module ----------------------------------------------------------------------------- */

static void open_session(struct protocol_io *io)
{
	struct protocol_text ident = phrase_line(io, "ssh.server", PHRASE_IDENT);

	protocol_reply(io, ident.data, ident.len);
	protocol_reply(io, "\r\n", 2);
}

/* Inside a packet its end is still known, unless it was a list that went missing. */
static void gap(struct protocol_io *io, enum protocol_side which, uint64_t bytes)
{
	struct state *state = io->state;
	struct side *side = &state->sides[which];

	if (side->stage == STAGE_SKIP && bytes > 0 && bytes < side->packet)
		side->packet -= (uint32_t)bytes;
	else
		side->stage = STAGE_OPAQUE;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const char magic[4] = "SSH-";
	enum protocol_verdict client_says = probe_bytes(start->client, start->client_len, magic,
	    sizeof(magic));
	enum protocol_verdict server_says = probe_bytes(start->server, start->server_len, magic,
	    sizeof(magic));

	if (client_says == PROTOCOL_YES || server_says == PROTOCOL_YES)
		return PROTOCOL_YES;
	if (client_says == PROTOCOL_NO || server_says == PROTOCOL_NO)
		return PROTOCOL_NO;
	return start->client_len + start->server_len > 0 || !start->hinted ? PROTOCOL_MORE
	                                                                 : PROTOCOL_NO;
}

const struct protocol_module protocol_ssh = {
	.name = "ssh",
	.title = "SSH",
	.spec = "RFC 4253; HASSH",
	.doc = "Identification line (software), HASSH of the offered algorithms, how far the key "
	       "exchange went.  A program of its own (teiten-ssh, with libssh) answers behind the keys: "
	       "every password and key tried, commands, uploads (scp, sftp, cat), forwards asked for.  "
	       "Where that does not run, answers as an OpenSSH up to its KEXINIT.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {22, 2222, 22222, 2022, 10022, 222, 2200, 830},
	.state_size = sizeof(struct state),
	.client_inbox = IDENT_MAX,
	.server_inbox = SERVER_INBOX,
	.reply_max = KEXINIT_MAX + 64,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = server,
	.gap = gap,
};

_Static_assert(sizeof(struct state) + IDENT_MAX + SERVER_INBOX <= PROTOCOL_ROOM_MAX,
    "state and inboxes fit");
