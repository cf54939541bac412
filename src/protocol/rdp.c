/*
 * RDP: who connects (the mstshash cookie), what security is asked for, the client's name and build,
 * and the credentials where they can be read.
 *
 * X.224 connection request and confirm come first, in clear.  When both agree on TLS the rest is
 * another stream, and what is inside it comes back here: CredSSP (NTLM names and a crackable
 * response), or MCS and the Client Info PDU with the password as typed.  Answering asks for TLS
 * without CredSSP when the client offers it, because that shows the password; the session ends at
 * the credentials, nothing is ever drawn.  Standard RDP security is answered without encryption.
 * MS-RDPBCGR 1.3.1.1, 2.2.1; MS-CSSP 2.2.1; ITU-T T.123, X.224, T.125.
 */
#include "base/rd.h"
#include "protocol/encoding.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"

#include <stdio.h>

enum {
	EVENT_CONNECT,
	EVENT_COOKIE,
	EVENT_ROUTING_TOKEN,
	EVENT_TLS,
	EVENT_CREDSSP,
	EVENT_MCS,
	EVENT_BLUEKEEP,
	EVENT_CLIENT_INFO,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "X.224 connection request"},
	[EVENT_COOKIE] = {"connect.cookie", "connection request with a user name (mstshash)"},
	[EVENT_ROUTING_TOKEN] = {"connect.token", "connection request with a routing token (msts)"},
	[EVENT_TLS] = {"tls", "both sides agreed on TLS, with or without CredSSP"},
	[EVENT_CREDSSP] = {"credssp", "NTLM AUTHENTICATE in CredSSP"},
	[EVENT_MCS] = {"mcs", "MCS Connect-Initial: the client describes itself"},
	[EVENT_BLUEKEEP] = {"mcs.ms-t120", "asks for the channel MS_T120 (CVE-2019-0708)"},
	[EVENT_CLIENT_INFO] = {"client-info", "Client Info PDU in clear: user, domain, password"},
	[EVENT_MALFORMED] = {"malformed", "bytes that contradict the standard"},
};

#define CLIENT_INBOX 1024
#define SERVER_INBOX 512

#define TPKT_VERSION 3
#define TPKT_HEADER 4
#define TPKT_MIN 7
#define X224_CR 0xe0
#define X224_CC 0xd0
#define X224_DATA 0xf0

#define NEGOTIATION_REQUEST 1
#define NEGOTIATION_RESPONSE 2
#define SECURITY_SSL 1u
#define SECURITY_HYBRID 2u
#define SECURITY_HYBRID_EX 8u

#define CS_CORE 0xc001
#define CS_NET 0xc003
#define CHANNEL_MAX 31
#define CHANNEL_NAME_LEN 8
#define CHANNEL_DEF_LEN 12
#define CHANNEL_IO 1003

#define SEC_ENCRYPT 0x0008
#define SEC_INFO_PKT 0x0040
#define INFO_UNICODE 0x00000010u

#define BLOCKS_MAX 16

struct state {
	uint32_t skip[2];   /* bytes of an over-long unit still to come, by side */
	uint32_t requested; /* security protocols the client offers */
	uint32_t selected;  /* what was answered */
	bool has_request;   /* the connection request was seen: not so inside TLS */
	bool has_challenge;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
};

/* ---- identification ------------------------------------------------------------------------- */

/* CredSSP's TSRequest: SEQUENCE, [0] version, [1] tokens. */
static enum protocol_verdict probe_credssp(const uint8_t *data, size_t len)
{
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01};
	size_t at = len < 2 || data[1] < 0x80 ? 2 : 2 + (data[1] & 0x7fu);
	enum protocol_verdict verdict;

	if (len > 1 && data[1] > 0x82)
		return PROTOCOL_NO;
	if (len <= at)
		return PROTOCOL_MORE;
	verdict = probe_bytes(data + at, len - at, version, sizeof(version));
	at += sizeof(version) + 1;
	if (verdict != PROTOCOL_YES || len <= at)
		return verdict == PROTOCOL_YES ? PROTOCOL_MORE : verdict;
	return data[at] == 0xa1 ? PROTOCOL_YES : PROTOCOL_NO;
}

/* What follows the fixed part of a connection request tells RDP from other users of X.224. */
static enum protocol_verdict probe_request(const struct protocol_start *start)
{
	const uint8_t *data = start->client + 11;
	size_t len = start->client_len - 11;

	if (start->client[4] == 6) /* nothing follows */
		return PROTOCOL_YES;
	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] == NEGOTIATION_REQUEST || start->hinted)
		return data[0] >= 0xc0 && data[0] <= 0xc2 ? PROTOCOL_NO : PROTOCOL_YES;
	return probe_word(data, len, data[0] == 'm' ? "mstshash=" : "Cookie: mst");
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t mcs[] = {0x02, 0xf0, 0x80, 0x7f, 0x65};
	static const uint8_t tpkt[] = {TPKT_VERSION, 0};
	const uint8_t *data = start->client;
	size_t len = start->client_len;
	enum protocol_verdict verdict;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] == 0x30)
		return probe_credssp(data, len);
	verdict = probe_bytes(data, len, tpkt, sizeof(tpkt));
	if (verdict != PROTOCOL_YES)
		return verdict;
	if (len < 6)
		return len > 4 && data[4] < 2 ? PROTOCOL_NO : PROTOCOL_MORE;
	if (data[4] == 2)
		return probe_bytes(data + 4, len - 4, mcs, sizeof(mcs));
	if ((data[5] & 0xf0) != X224_CR || data[4] < 6)
		return PROTOCOL_NO;
	return len < 11 ? PROTOCOL_MORE : probe_request(start);
}

/* ---- the connection request ----------------------------------------------------------------- */

static void confirm(struct protocol_io *io, bool negotiated)
{
	struct state *state = io->state;
	uint8_t reply[19] = {TPKT_VERSION, 0, 0, 11, 6, X224_CC, 0, 0, 0x12, 0x34, 0};

	state->selected = state->requested & SECURITY_SSL ? SECURITY_SSL
	    : state->requested & SECURITY_HYBRID ? SECURITY_HYBRID : 0;
	if (!negotiated) {
		protocol_reply(io, reply, 11);
		return;
	}
	reply[3] = sizeof(reply);
	reply[4] = 14;
	reply[11] = NEGOTIATION_RESPONSE;
	reply[12] = 0x1f; /* the extensions that Windows announces */
	reply[13] = 8;
	reply[15] = (uint8_t)state->selected;
	protocol_reply(io, reply, sizeof(reply));
	if (io->answering && state->selected) {
		protocol_event(io, EVENT_TLS);
		io->handover = true;
	}
}

/* "Cookie: mstshash=NAME" up to its line end; the name is a login without a password. */
static void cookie(struct protocol_io *io, struct protocol_text line)
{
	static const char user[] = "mstshash=";
	const char *at = memmem(line.data, line.len, user, sizeof(user) - 1);
	struct protocol_text name;

	if (!at) {
		if (memmem(line.data, line.len, "msts=", 5))
			protocol_event(io, EVENT_ROUTING_TOKEN);
		return;
	}
	name.data = at + sizeof(user) - 1;
	name.len = line.len - (size_t)(name.data - line.data);
	protocol_event(io, EVENT_COOKIE);
	protocol_login(io, name, (struct protocol_text){"", 0}, PROTOCOL_SECRET_NONE, "cookie",
	    PROTOCOL_OUTCOME_UNKNOWN);
}

static void connection_request(struct protocol_io *io, struct rd *r)
{
	struct state *state = io->state;
	struct protocol_text line = {(const char *)r->pos, 0};
	const uint8_t *end = rd_left(r) ? memmem(r->pos, rd_left(r), "\r\n", 2) : NULL;
	bool negotiated = false;
	char text[PROTOCOL_TEXT_MAX];
	int n;

	protocol_event(io, EVENT_CONNECT);
	state->has_request = true;
	/* A name at the very end, without its line end, is what some scanners send. */
	if (rd_left(r) > 0 && r->pos[0] >= ' ') {
		line.len = end ? (size_t)(end - r->pos) : rd_left(r);
		rd_skip(r, end ? line.len + 2 : line.len);
		line = line_trim(line);
		cookie(io, line);
	}
	if (rd_left(r) >= 8 && r->pos[0] == NEGOTIATION_REQUEST) {
		rd_skip(r, 4);
		state->requested = rd_u32le(r);
		negotiated = true;
	}
	n = snprintf(text, sizeof(text), "CONNECT %.*s%sprotocols=0x%x", (int)line.len, line.data,
	    line.len ? " " : "", state->requested);
	if (n > 0)
		protocol_attribute(io, PROTOCOL_REQUEST, text, strlen(text));
	confirm(io, negotiated);
}

/* ---- MCS ------------------------------------------------------------------------------------ */

static void client_core(struct protocol_io *io, struct rd *r)
{
	char name[64];
	char line[160];
	uint16_t width;
	uint16_t height;
	uint32_t keyboard;
	uint32_t build;
	const uint8_t *raw;
	size_t n = 0;

	rd_skip(r, 4); /* version */
	width = rd_u16le(r);
	height = rd_u16le(r);
	rd_skip(r, 4); /* colour depth, SAS sequence */
	keyboard = rd_u32le(r);
	build = rd_u32le(r);
	raw = rd_take(r, 32);
	if (!raw)
		return;
	while (n < 32 && (raw[n] || raw[n + 1]))
		n += 2;
	n = encoding_utf16le(raw, n, name, sizeof(name) - 1);
	name[n] = '\0';
	(void)snprintf(line, sizeof(line), "RDP client %s build %u keyboard 0x%08x screen %ux%u",
	    name, build, keyboard, width, height);
	protocol_attribute(io, PROTOCOL_SOFTWARE, line, strlen(line));
}

/* Names of the static channels that the client wants, as one command; returns how many. */
static unsigned client_channels(struct protocol_io *io, struct rd *r)
{
	uint32_t count = rd_u32le(r);
	uint8_t line[CHANNEL_MAX * (CHANNEL_NAME_LEN + 1) + 8];
	struct wr w = wr_init(line, sizeof(line));
	unsigned n = 0;

	wr_bytes(&w, "CHANNELS", 8);
	for (; n < count && n < CHANNEL_MAX; n++) {
		const uint8_t *name = rd_take(r, CHANNEL_DEF_LEN);
		size_t len;

		if (!name)
			break;
		len = strnlen((const char *)name, CHANNEL_NAME_LEN);
		if (len == 7 && strncasecmp((const char *)name, "MS_T120", 7) == 0)
			protocol_event(io, EVENT_BLUEKEEP);
		wr_u8(&w, ' ');
		wr_bytes(&w, name, len);
	}
	if (n > 0)
		protocol_command(io, line, wr_len(&w));
	return n;
}

static void mcs_response(struct protocol_io *io, unsigned channels)
{
	static const uint8_t head[] = { /* result, id, domain parameters (T.125 11.2) */
		0x0a, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x1a, 0x02, 0x01, 0x22, 0x02, 0x01, 0x03,
		0x02, 0x01, 0x00, 0x02, 0x01, 0x01, 0x02, 0x01, 0x00, 0x02, 0x01, 0x01, 0x02, 0x03,
		0x00, 0xff, 0xf8, 0x02, 0x01, 0x02,
	};
	static const uint8_t gcc[] = { /* GCC conference create response (T.124 8.7) */
		0x00, 0x05, 0x00, 0x14, 0x7c, 0x00, 0x01, 0x2a, 0x14, 0x76, 0x0a, 0x01, 0x01, 0x00,
		0x01, 0xc0, 0x00, 'M', 'c', 'D', 'n',
	};
	const struct state *state = io->state;
	uint8_t reply[256];
	struct wr w = wr_init(reply, sizeof(reply));
	size_t net = 8 + 2 * (channels + channels % 2u);
	size_t core = state->has_request ? 12 : 8;
	size_t blocks = core + 12 + net;
	size_t user = sizeof(gcc) + 2 + blocks;
	size_t inside = sizeof(head) + 4 + user;

	wr_u16be(&w, TPKT_VERSION << 8);
	wr_u16be(&w, (uint16_t)(TPKT_HEADER + 3 + 5 + inside));
	wr_bytes(&w, "\x02\xf0\x80\x7f\x66\x82", 6);
	wr_u16be(&w, (uint16_t)inside);
	wr_bytes(&w, head, sizeof(head));
	wr_bytes(&w, "\x04\x82", 2);
	wr_u16be(&w, (uint16_t)user);
	wr_bytes(&w, gcc, sizeof(gcc));
	wr_u16be(&w, (uint16_t)(0x8000 | blocks));
	wr_bytes(&w, "\x01\x0c", 2); /* SC_CORE, RDP 5 and later */
	wr_u16le(&w, (uint16_t)core);
	wr_u32le(&w, 0x00080004);
	if (state->has_request)
		wr_u32le(&w, state->requested);
	wr_bytes(&w, "\x02\x0c\x0c\x00\0\0\0\0\0\0\0\0", 12); /* SC_SECURITY: none */
	wr_bytes(&w, "\x03\x0c", 2); /* SC_NET */
	wr_u16le(&w, (uint16_t)net);
	wr_u16le(&w, CHANNEL_IO);
	wr_u16le(&w, (uint16_t)channels);
	for (unsigned i = 0; i < channels; i++)
		wr_u16le(&w, (uint16_t)(CHANNEL_IO + 1 + i));
	if (channels % 2)
		wr_u16le(&w, 0);
	protocol_reply(io, reply, wr_len(&w));
}

/* MCS Connect-Initial: the GCC blocks begin behind the key "Duca" and a length. */
static void mcs_connect(struct protocol_io *io, struct rd *r)
{
	const uint8_t *key = rd_left(r) ? memmem(r->pos, rd_left(r), "Duca", 4) : NULL;
	unsigned channels = 0;

	protocol_event(io, EVENT_MCS);
	if (!key) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	rd_skip(r, (size_t)(key - r->pos) + 4);
	if (rd_u8(r) & 0x80)
		rd_skip(r, 1);
	for (unsigned i = 0; i < BLOCKS_MAX && rd_left(r) >= 4; i++) {
		uint16_t type = rd_u16le(r);
		uint16_t len = rd_u16le(r);
		struct rd block;

		if (len < 4)
			break;
		block = rd_sub(r, rd_left(r) < len - 4u ? rd_left(r) : len - 4u);
		if (type == CS_CORE)
			client_core(io, &block);
		else if (type == CS_NET)
			channels = client_channels(io, &block);
	}
	mcs_response(io, channels);
}

/* A string of the Client Info PDU: its length comes without its NUL. */
static struct protocol_text info_text(struct rd *r, uint16_t len, bool unicode, char out[256])
{
	const uint8_t *p = rd_take(r, len);
	struct protocol_text text = {out, 0};

	rd_skip(r, unicode ? 2 : 1);
	if (p && unicode) {
		text.len = encoding_utf16le(p, len, out, 256);
	} else if (p) {
		text.len = len < 256 ? len : 256;
		memcpy(out, p, text.len);
	}
	return text;
}

static void client_info(struct protocol_io *io, struct rd *r)
{
	char domain_text[256];
	char user_text[256];
	char password_text[256];
	char line[520];
	struct protocol_text domain;
	struct protocol_text user;
	struct protocol_text password;
	uint16_t len[3];
	bool unicode;

	rd_skip(r, 4); /* code page */
	unicode = rd_u32le(r) & INFO_UNICODE;
	for (unsigned i = 0; i < 3; i++)
		len[i] = rd_u16le(r);
	rd_skip(r, 4); /* shell, working folder */
	if (r->bad)
		return;
	domain = info_text(r, len[0], unicode, domain_text);
	user = info_text(r, len[1], unicode, user_text);
	password = info_text(r, len[2], unicode, password_text);
	if (r->bad) {
		protocol_event(io, EVENT_MALFORMED);
		return;
	}
	protocol_event(io, EVENT_CLIENT_INFO);
	protocol_login(io, user, password,
	    password.len ? PROTOCOL_SECRET_PASSWORD : PROTOCOL_SECRET_NONE, "client-info",
	    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
	if (domain.len) {
		(void)snprintf(line, sizeof(line), "LOGON %.*s\\%.*s", (int)domain.len, domain.data,
		    (int)user.len, user.data);
		protocol_command(io, line, strlen(line));
	}
	protocol_reply(io, "\x03\x00\x00\x09\x02\xf0\x80\x21\x80", 9); /* disconnect */
	io->hang_up = io->answering;
}

static void mcs_send(struct protocol_io *io, struct rd *r)
{
	uint16_t flags;

	rd_skip(r, 5); /* initiator, channel, priority */
	if (rd_u8(r) & 0x80)
		rd_skip(r, 1);
	flags = rd_u16le(r);
	rd_skip(r, 2);
	if (!r->bad && flags & SEC_INFO_PKT && !(flags & SEC_ENCRYPT))
		client_info(io, r);
}

/* X.224 data: one MCS unit (T.125 11), told by its first byte. */
static void mcs(struct protocol_io *io, struct rd *r)
{
	uint8_t join[15] = {TPKT_VERSION, 0, 0, 15, 2, X224_DATA, 0x80, 0x3e, 0};
	const uint8_t *p;

	switch (rd_u8(r)) {
	case 0x7f: /* Connect-Initial, BER */
		mcs_connect(io, r);
		return;
	case 0x28: /* attach user: 1007 */
		protocol_reply(io, "\x03\x00\x00\x0b\x02\xf0\x80\x2e\x00\x00\x06", 11);
		return;
	case 0x38: /* channel join */
		p = rd_take(r, 4);
		if (!p)
			return;
		memcpy(join + 9, p, 4);
		memcpy(join + 13, p + 2, 2);
		protocol_reply(io, join, sizeof(join));
		return;
	case 0x64: /* send data */
		mcs_send(io, r);
		return;
	case 0x21: /* disconnect ultimatum */
		io->hang_up = io->answering;
		return;
	default:
		return;
	}
}

/* ---- CredSSP -------------------------------------------------------------------------------- */

static void credssp_challenge(struct protocol_io *io, bool wrapped)
{
	static const uint8_t version[] = {0xa0, 0x03, 0x02, 0x01, 0x06};
	struct state *state = io->state;
	struct ntlm_server server = ntlm_server_persona(io, "rdp");
	uint64_t random = protocol_random(io);
	uint8_t message[NTLM_CHALLENGE_MESSAGE_MAX];
	uint8_t token[NTLM_CHALLENGE_MESSAGE_MAX + 64];
	uint8_t reply[NTLM_CHALLENGE_MESSAGE_MAX + 128];
	struct wr m = wr_init(message, sizeof(message));
	struct wr t = wr_init(token, sizeof(token));
	struct wr w = wr_init(reply, sizeof(reply));
	size_t sizes[5];

	memcpy(state->challenge, &random, NTLM_CHALLENGE_LEN);
	state->has_challenge = true;
	ntlm_write_challenge(&m, &server, state->challenge, io->now_us);
	if (wrapped)
		spnego_write_challenge(&t, message, wr_len(&m));
	else
		wr_bytes(&t, message, wr_len(&m));
	sizes[0] = wr_len(&t);
	for (unsigned i = 1; i < 5; i++)
		sizes[i] = der_head_size(sizes[i - 1]) + sizes[i - 1];
	der_write_head(&w, 0x30, sizeof(version) + der_head_size(sizes[4]) + sizes[4]);
	wr_bytes(&w, version, sizeof(version));
	der_write_head(&w, 0xa1, sizes[4]);
	der_write_head(&w, 0x30, sizes[3]);
	der_write_head(&w, 0x30, sizes[2]);
	der_write_head(&w, 0xa0, sizes[1]);
	der_write_head(&w, 0x04, sizes[0]);
	wr_bytes(&w, token, sizes[0]);
	if (!m.bad && !t.bad && !w.bad)
		protocol_reply(io, reply, wr_len(&w));
}

static void credssp(struct protocol_io *io, const uint8_t *data, size_t len)
{
	static const uint8_t failure[] = { /* STATUS_LOGON_FAILURE */
		0x30, 0x0d, 0xa0, 0x03, 0x02, 0x01, 0x06, 0xa4, 0x06, 0x02, 0x04, 0xc0, 0x00, 0x00,
		0x6d,
	};
	struct state *state = io->state;
	const uint8_t *at = ntlm_find(data, len);
	struct ntlm_message message;

	if (!at || ntlm_parse(at, len - (size_t)(at - data), &message) != ST_OK)
		return;
	if (message.type == NTLM_CHALLENGE) {
		memcpy(state->challenge, message.challenge, NTLM_CHALLENGE_LEN);
		state->has_challenge = true;
	} else if (message.type == NTLM_NEGOTIATE && io->answering) {
		credssp_challenge(io, memmem(data, len, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a", 10));
	} else if (message.type == NTLM_AUTHENTICATE) {
		protocol_event(io, EVENT_CREDSSP);
		ntlm_login(io, &message, state->has_challenge ? state->challenge : NULL, "ntlm",
		    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
		protocol_reply(io, failure, sizeof(failure));
		io->hang_up = io->answering;
	}
}

/* ---- units ---------------------------------------------------------------------------------- */

/*
 * Length of the unit that begins here: a TPKT, a TSRequest, a fast-path PDU.  0: more bytes are
 * needed; negative: none of them.
 */
static long unit_len(const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t first = rd_u8(&r);
	uint16_t n;

	if (first == TPKT_VERSION) {
		rd_skip(&r, 1);
		n = rd_u16be(&r);
		return r.bad ? 0 : n < TPKT_MIN ? -1 : n;
	}
	n = rd_u8(&r);
	if (first == 0x30) {
		if (n == 0x82)
			return rd_left(&r) < 2 ? 0 : 4 + (long)rd_u16be(&r);
		if (n == 0x81)
			return rd_left(&r) < 1 ? 0 : 3 + (long)rd_u8(&r);
		return r.bad ? 0 : n < 0x80 ? 2 + (long)n : -1;
	}
	if (first & 3) /* not fast-path either (MS-RDPBCGR 2.2.8.1.2) */
		return -1;
	if (n & 0x80)
		n = (uint16_t)((n & 0x7f) << 8 | rd_u8(&r));
	return r.bad ? 0 : n < 2 ? -1 : n;
}

static void client_unit(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct rd r = rd_init(data, len);
	uint8_t type;

	if (data[0] == 0x30) {
		credssp(io, data, len);
		return;
	}
	if (data[0] != TPKT_VERSION)
		return;
	rd_skip(&r, TPKT_HEADER + 1);
	type = rd_u8(&r) & 0xf0;
	if (type == X224_CR) {
		rd_skip(&r, 5);
		connection_request(io, &r);
	} else if (type == X224_DATA) {
		rd_skip(&r, 1);
		mcs(io, &r);
	}
}

static void server_unit(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);

	if (data[0] == 0x30) {
		credssp(io, data, len);
		return;
	}
	rd_skip(&r, TPKT_HEADER + 1);
	if (data[0] != TPKT_VERSION || (rd_u8(&r) & 0xf0) != X224_CC)
		return;
	rd_skip(&r, 5);
	if (rd_u8(&r) != NEGOTIATION_RESPONSE)
		return;
	rd_skip(&r, 3);
	state->selected = rd_u32le(&r);
	if (r.bad || !(state->selected & (SECURITY_SSL | SECURITY_HYBRID | SECURITY_HYBRID_EX)))
		return;
	protocol_event(io, EVENT_TLS);
	io->handover = true;
}

static size_t units(struct protocol_io *io, enum protocol_side side, const uint8_t *data,
    size_t len)
{
	struct state *state = io->state;
	size_t skip = state->skip[side] < len ? state->skip[side] : len;
	long n;

	if (skip > 0) {
		state->skip[side] -= (uint32_t)skip;
		return skip;
	}
	n = unit_len(data, len);
	if (n < 0) {
		/* TLS without the server's answer, or no RDP any more. */
		if (len < 2)
			return 0;
		if (data[0] == 0x16 && data[1] == 3 && !io->full) {
			io->handover = true;
			return 0;
		}
		protocol_event(io, EVENT_MALFORMED);
		io->hang_up = io->answering;
		state->skip[side] = UINT32_MAX;
		return len;
	}
	if ((n == 0 || (size_t)n > len) && !io->full)
		return 0;
	if ((size_t)n > len) {
		state->skip[side] = (uint32_t)((size_t)n - len);
		n = (long)len;
	}
	if (side == PROTOCOL_CLIENT)
		client_unit(io, data, (size_t)n);
	else
		server_unit(io, data, (size_t)n);
	return (size_t)n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	return units(io, PROTOCOL_CLIENT, data, len);
}

static size_t server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	return units(io, PROTOCOL_SERVER, data, len);
}

const struct protocol_module protocol_rdp = {
	.name = "rdp",
	.title = "RDP",
	.spec = "MS-RDPBCGR, MS-CSSP, MS-NLMP",
	.doc = "User names of mstshash cookies, requested security, client name and build, static "
	       "channels, NTLM responses of CredSSP, credentials of the Client Info PDU.  Answers up "
	       "to the credentials, which are refused.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {3389},
	.state_size = sizeof(struct state),
	.client_inbox = CLIENT_INBOX,
	.server_inbox = SERVER_INBOX,
	.reply_max = NTLM_CHALLENGE_MESSAGE_MAX + 128,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.server = server,
};
