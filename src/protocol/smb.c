/*
 * SMB: the module, its framing and what both generations do in the same way — session setup.
 *
 * Who logs in comes from NTLM (ntlm.h), with a response that can be cracked when the server's
 * challenge was heard.  Answering lets anonymous clients in as far as IPC$, because tools look
 * there before they show their exploit, and refuses everybody else.  smb1.c and smb2.c read the
 * messages.  Over-long messages are looked at up to the inbox, the rest is passed over.
 * RFC 1002 4.3, MS-SMB2 2.1, MS-CIFS, MS-SPNG.
 */
#include "protocol/smb.h"

#include "base/hash.h"
#include "protocol/encoding.h"
#include "protocol/line.h"

static const struct protocol_event_name events[] = {
	[SMB_EVENT_NEGOTIATE_1] = {"negotiate.smb1", "SMB1 negotiate, also when it offers SMB2"},
	[SMB_EVENT_NEGOTIATE_2] = {"negotiate.smb2", "SMB2 negotiate"},
	[SMB_EVENT_SESSION] = {"session-setup", "session setup"},
	[SMB_EVENT_SESSION_ANONYMOUS] = {"session-setup.anonymous", "session setup without a user"},
	[SMB_EVENT_TREE] = {"tree-connect", "tree connect"},
	[SMB_EVENT_PIPE] = {"pipe", "a named pipe is opened"},
	[SMB_EVENT_CREATE] = {"create", "a file or folder is opened or made"},
	[SMB_EVENT_WRITE] = {"write", "bytes are written to a file or pipe"},
	[SMB_EVENT_MS17_010] = {"ms17-010.probe", "PeekNamedPipe on FID 0: is MS17-010 patched?"},
	[SMB_EVENT_ETERNALBLUE] = {"eternalblue", "NT Trans with an over-long FEA list "
	                                          "(CVE-2017-0144)"},
	[SMB_EVENT_DOUBLEPULSAR_PING] = {"doublepulsar.ping", "is the DoublePulsar implant there?"},
	[SMB_EVENT_DOUBLEPULSAR_EXEC] = {"doublepulsar.exec", "code for the DoublePulsar implant"},
	[SMB_EVENT_DOUBLEPULSAR] = {"doublepulsar", "another DoublePulsar request"},
	[SMB_EVENT_COMPRESSED] = {"compressed", "compression transform header"},
	[SMB_EVENT_SMBGHOST] = {"smbghost", "compression transform with an offset that overflows "
	                                    "(CVE-2020-0796)"},
	[SMB_EVENT_MALFORMED] = {"malformed", "bytes that contradict the standard"},
};

#define HEADER_LEN 4 /* NetBIOS session service, also on port 445 */
#define SESSION_MESSAGE 0x00
#define SESSION_REQUEST 0x81
#define SESSION_KEEPALIVE 0x85

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t request[] = {SESSION_REQUEST, 0, 0, 0x44, 0x20};
	const uint8_t *data = start->client;
	size_t len = start->client_len;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] == SESSION_REQUEST)
		return probe_bytes(data, len, request, sizeof(request));
	if (data[0] != SESSION_MESSAGE)
		return PROTOCOL_NO;
	if (len <= HEADER_LEN)
		return PROTOCOL_MORE;
	if (data[4] < 0xfc)
		return PROTOCOL_NO;
	return probe_bytes(data + 5, len - 5, "SMB", 3);
}

/* ---- session setup -------------------------------------------------------------------------- */

void smb_new_challenge(struct protocol_io *io)
{
	struct smb_state *state = io->state;
	uint64_t random = protocol_random(io);

	memcpy(state->challenge, &random, NTLM_CHALLENGE_LEN);
	state->has_challenge = true;
}

static void tell_login(struct protocol_io *io, const uint8_t *data, size_t len,
    enum protocol_outcome outcome)
{
	const struct smb_state *state = io->state;
	struct ntlm_message message;

	if (ntlm_parse(data, len, &message) == ST_OK)
		ntlm_login(io, &message, state->has_challenge ? state->challenge : NULL, "ntlm",
		    outcome);
}

static void finish_login(struct protocol_io *io, enum protocol_outcome outcome)
{
	struct smb_state *state = io->state;

	if (state->pending_len > 0)
		tell_login(io, state->pending, state->pending_len, outcome);
	state->pending_len = 0;
}

void smb_login(struct protocol_io *io, const uint8_t *message, size_t len)
{
	struct smb_state *state = io->state;

	finish_login(io, PROTOCOL_OUTCOME_UNKNOWN);
	if (io->answering) {
		tell_login(io, message, len, PROTOCOL_REFUSED);
	} else if (len > sizeof(state->pending)) {
		tell_login(io, message, len, PROTOCOL_OUTCOME_UNKNOWN);
	} else {
		memcpy(state->pending, message, len);
		state->pending_len = (uint16_t)len;
	}
}

enum smb_step smb_security(struct protocol_io *io, const uint8_t *blob, size_t len, struct wr *w)
{
	struct smb_state *state = io->state;
	const uint8_t *at = ntlm_find(blob, len);
	struct ntlm_server server;
	struct ntlm_message message;
	uint8_t challenge[NTLM_CHALLENGE_MESSAGE_MAX];
	struct wr c = wr_init(challenge, sizeof(challenge));

	protocol_event(io, SMB_EVENT_SESSION);
	if (!at || ntlm_parse(at, len - (size_t)(at - blob), &message) != ST_OK)
		return SMB_STEP_REFUSE;
	if (message.type == NTLM_AUTHENTICATE) {
		if (!ntlm_is_anonymous(&message)) {
			smb_login(io, at, len - (size_t)(at - blob));
			return SMB_STEP_REFUSE;
		}
		protocol_event(io, SMB_EVENT_SESSION_ANONYMOUS);
		wr_bytes(w, "\xa1\x07\x30\x05\xa0\x03\x0a\x01\x00", 9); /* accept-completed */
		return SMB_STEP_LET_IN;
	}
	if (!io->answering)
		return SMB_STEP_CHALLENGE;
	smb_new_challenge(io);
	server = ntlm_server_persona(io, "smb");
	ntlm_write_challenge(&c, &server, state->challenge, io->now_us);
	if (at == blob)
		wr_bytes(w, challenge, wr_len(&c));
	else
		spnego_write_challenge(w, challenge, wr_len(&c));
	return SMB_STEP_CHALLENGE;
}

void smb_session_status(struct protocol_io *io, uint32_t status, const struct rd *rest)
{
	struct smb_state *state = io->state;
	const uint8_t *at;
	struct ntlm_message message;

	if (status != SMB_MORE_PROCESSING) {
		finish_login(io, status == SMB_OK ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
		return;
	}
	at = ntlm_find(rest->pos, rd_left(rest));
	if (!at || ntlm_parse(at, (size_t)(rest->end - at), &message) != ST_OK
	    || message.type != NTLM_CHALLENGE)
		return;
	memcpy(state->challenge, message.challenge, NTLM_CHALLENGE_LEN);
	state->has_challenge = true;
}

/* ---- trees and files ------------------------------------------------------------------------ */

/* Writes "WORD TEXT" into line; returns its length. */
static size_t make_line(const char *word, const uint8_t *text, size_t len, bool unicode,
    char line[SMB_PATH_MAX])
{
	size_t n = strlen(word);

	memcpy(line, word, n);
	line[n++] = ' ';
	if (len > 0 && unicode) {
		n += encoding_utf16le(text, len, line + n, SMB_PATH_MAX - n);
	} else if (len > 0) {
		len = len < SMB_PATH_MAX - n ? len : SMB_PATH_MAX - n;
		memcpy(line + n, text, len);
		n += len;
	}
	while (n > 0 && line[n - 1] == '\0')
		n--;
	return n;
}

void smb_command(struct protocol_io *io, const char *word, const uint8_t *text, size_t len,
    bool unicode)
{
	char line[SMB_PATH_MAX];

	protocol_command(io, line, make_line(word, text, len, unicode, line));
}

void smb_tree(struct protocol_io *io, const uint8_t *path, size_t len, bool unicode)
{
	struct smb_state *state = io->state;
	char line[SMB_PATH_MAX];
	size_t n = make_line("TREE", path, len, unicode, line);

	protocol_event(io, SMB_EVENT_TREE);
	protocol_command(io, line, n);
	state->in_pipes = n >= 4 && strncasecmp(line + n - 4, "IPC$", 4) == 0;
}

void smb_create(struct protocol_io *io, const uint8_t *name, size_t len, bool unicode)
{
	const struct smb_state *state = io->state;

	protocol_event(io, state->in_pipes ? SMB_EVENT_PIPE : SMB_EVENT_CREATE);
	smb_command(io, state->in_pipes ? "PIPE" : "CREATE", name, len, unicode);
}

/* ---- framing -------------------------------------------------------------------------------- */

struct wr smb_writer(uint8_t memory[SMB_REPLY_MAX])
{
	struct wr w = wr_init(memory, SMB_REPLY_MAX);

	wr_u32be(&w, 0);
	return w;
}

void smb_reply(struct protocol_io *io, struct wr *w)
{
	size_t len = wr_len(w);
	struct wr head = wr_init(w->start, HEADER_LEN);

	if (w->bad || len < HEADER_LEN)
		return;
	wr_u32be(&head, (uint32_t)(len - HEADER_LEN));
	protocol_reply(io, w->start, len);
}

void smb_write_guid(struct protocol_io *io, struct wr *w)
{
	struct ntlm_server server = ntlm_server_persona(io, "smb");
	size_t len = strlen(server.computer);

	wr_u32le(w, hash_fnv32(server.computer, len));
	for (uint64_t i = 1; i < 4; i++)
		wr_u32le(w, (uint32_t)hash_pair(hash_fnv32(server.computer, len), i));
}

/* A compression transform header (MS-SMB2 2.2.42). */
static void compressed(struct protocol_io *io, struct rd *r)
{
	uint32_t original;
	uint32_t offset;

	rd_skip(r, 4);
	original = rd_u32le(r);
	rd_skip(r, 4); /* algorithm, flags */
	offset = rd_u32le(r);
	protocol_event(io, SMB_EVENT_COMPRESSED);
	if (!r->bad && (uint64_t)original + offset > UINT32_MAX)
		protocol_event(io, SMB_EVENT_SMBGHOST);
}

static void message(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len)
{
	struct rd r = rd_init(data, len);

	if (len < 4 || memcmp(data + 1, "SMB", 3) != 0) {
		if (side == PROTOCOL_CLIENT)
			protocol_event(io, SMB_EVENT_MALFORMED);
		return;
	}
	switch (data[0]) {
	case 0xff:
		(side == PROTOCOL_CLIENT ? smb1_client : smb1_server)(io, &r);
		return;
	case 0xfe:
		(side == PROTOCOL_CLIENT ? smb2_client : smb2_server)(io, &r);
		return;
	case 0xfc:
		if (side == PROTOCOL_CLIENT)
			compressed(io, &r);
		return;
	default: /* encrypted */
		return;
	}
}

static size_t units(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len)
{
	struct smb_state *state = io->state;
	size_t skip = state->skip[side] < len ? state->skip[side] : len;
	struct rd r = rd_init(data, len);
	uint32_t head = rd_u32be(&r);
	size_t n;

	if (skip > 0) {
		state->skip[side] -= (uint32_t)skip;
		return skip;
	}
	if (r.bad)
		return 0;
	n = HEADER_LEN + (head & 0xffffff);
	if (n > len && !io->full)
		return 0;
	if (n > len) {
		state->skip[side] = (uint32_t)(n - len);
		n = len;
	}
	switch (head >> 24) {
	case SESSION_MESSAGE:
		message(io, side, r.pos, n - HEADER_LEN);
		break;
	case SESSION_REQUEST:
		if (side == PROTOCOL_CLIENT)
			protocol_reply(io, "\x82\x00\x00\x00", 4);
		break;
	case SESSION_KEEPALIVE:
		break;
	default:
		if (side == PROTOCOL_CLIENT && head >> 24 < 0x82)
			protocol_event(io, SMB_EVENT_MALFORMED);
		io->hang_up = io->answering;
		break;
	}
	return n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	return units(io, PROTOCOL_CLIENT, data, len);
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	return units(io, PROTOCOL_SERVER, data, len);
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct smb_state *state = io->state;

	/* Inside an over-long message the message's end is still known. */
	if (bytes > 0 && bytes < state->skip[side])
		state->skip[side] -= (uint32_t)bytes;
	else
		state->skip[side] = UINT32_MAX;
}

static void close_session(struct protocol_io *io)
{
	finish_login(io, PROTOCOL_OUTCOME_UNKNOWN);
}

const struct protocol_module protocol_smb = {
	.name = "smb",
	.title = "SMB",
	.spec = "MS-SMB2, MS-CIFS, MS-SPNG, MS-NLMP, RFC 1002",
	.doc = "Dialects, NTLM names and responses, trees, pipes and files; probes for MS17-010, "
	       "EternalBlue, DoublePulsar and SMBGhost as events.  Answers as far as anonymous IPC$.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {445, 139},
	.state_size = sizeof(struct smb_state),
	.client_inbox = SMB_CLIENT_INBOX,
	.server_inbox = SMB_SERVER_INBOX,
	.reply_max = SMB_REPLY_MAX,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
	.gap = gap,
	.close = close_session,
};
