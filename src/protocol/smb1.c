/*
 * SMB1 messages: negotiate, session setup in both forms, trees, pipes, and the transactions that
 * MS17-010's tools send (MS-CIFS 2.2.4, MS-SMB 2.2.4).
 *
 * Answering, PeekNamedPipe on FID 0 gives the status of an unpatched machine, so that the exploit
 * is shown; the DoublePulsar ping gives the status of a machine without the implant.
 */
#include "protocol/smb.h"

#include "protocol/encoding.h"

#include <string.h>

#define HEADER_LEN 32
#define CHAIN_MAX 4
#define DIALECTS_MAX 32
#define FLAGS2_UNICODE 0x8000
#define FLAGS2_EXTENDED 0x0800
#define FLAGS2_NT_STATUS 0x4000
#define CAPABILITIES 0x0000e3fdu
#define CAPABILITY_EXTENDED 0x80000000u
#define UID 0x0800
#define TID 0x0800
#define NTLM_RESPONSE_MIN 24
#define TRANS_PEEK_PIPE 0x0023
#define TRANS2_SESSION_SETUP 0x000e
#define FEA_LIST_OVERFLOW 0x10000 /* the length field that MS17-010 truncates has 16 bits */

enum command {
	TRANSACTION = 0x25,
	ECHO = 0x2b,
	OPEN_ANDX = 0x2d,
	WRITE_ANDX = 0x2f,
	TRANSACTION2 = 0x32,
	TREE_DISCONNECT = 0x71,
	NEGOTIATE = 0x72,
	SESSION_SETUP = 0x73,
	LOGOFF = 0x74,
	TREE_CONNECT = 0x75,
	NT_TRANSACT = 0xa0,
	NT_CREATE = 0xa2,
	NO_ANDX = 0xff,
};

struct header {
	const uint8_t *start;
	uint8_t command;
	uint32_t status;
	uint16_t flags2;
};

struct block { /* of one command: its words, its bytes */
	struct rd words;
	struct rd bytes;
	uint8_t word_count;
};

static struct header take_header(struct rd *r)
{
	struct header h = {.start = r->pos};

	rd_skip(r, 4);
	h.command = rd_u8(r);
	h.status = rd_u32le(r);
	rd_skip(r, 1);
	h.flags2 = rd_u16le(r);
	rd_skip(r, HEADER_LEN - 12);
	return h;
}

static struct block take_block(struct rd *r)
{
	struct block b;
	uint16_t count;

	b.word_count = rd_u8(r);
	b.words = rd_sub(r, 2u * b.word_count);
	count = rd_u16le(r);
	b.bytes = rd_sub(r, count < rd_left(r) ? count : rd_left(r));
	return b;
}

/* ---- replies -------------------------------------------------------------------------------- */

static void write_header(struct wr *w, const struct header *h, uint32_t status)
{
	static const uint8_t none[12] = {0};

	wr_bytes(w, h->start, 5);
	wr_u32le(w, status);
	wr_u8(w, 0x98); /* a reply, paths in any case */
	wr_u16le(w, FLAGS2_NT_STATUS | FLAGS2_UNICODE | (h->flags2 & FLAGS2_EXTENDED) | 0x0007);
	wr_bytes(w, none, 12);
	wr_bytes(w, h->start + 24, 4); /* tree, process */
	wr_u16le(w, h->command == NEGOTIATE ? 0 : UID);
	wr_bytes(w, h->start + 30, 2);
}

static void reply_status(struct protocol_io *io, const struct header *h, uint32_t status)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);

	write_header(&w, h, status);
	wr_bytes(&w, "\0\0\0", 3);
	smb_reply(io, &w);
}

static void reply_negotiate(struct protocol_io *io, const struct header *h, uint16_t dialect)
{
	const struct smb_state *state = io->state;
	struct ntlm_server server = ntlm_server_persona(io, "smb");
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	bool extended = h->flags2 & FLAGS2_EXTENDED;
	size_t bytes;

	write_header(&w, h, SMB_OK);
	wr_u8(&w, 17);
	wr_u16le(&w, dialect);
	wr_u8(&w, 3);      /* user security, challenge and response */
	wr_u16le(&w, 50);  /* requests at once */
	wr_u16le(&w, 1);
	wr_u32le(&w, 16644);
	wr_u32le(&w, 65536);
	wr_u32le(&w, 0);
	wr_u32le(&w, CAPABILITIES | (extended ? CAPABILITY_EXTENDED : 0));
	wr_u64le(&w, ntlm_filetime(io->now_us));
	wr_u16le(&w, 0); /* time zone */
	wr_u8(&w, extended ? 0 : NTLM_CHALLENGE_LEN);
	if (extended) {
		wr_u16le(&w, 16 + 30);
		smb_write_guid(io, &w);
		spnego_write_init(&w);
	} else {
		smb_new_challenge(io);
		bytes = NTLM_CHALLENGE_LEN + 2 * (strlen(server.domain) + strlen(server.computer) + 2);
		wr_u16le(&w, (uint16_t)bytes);
		wr_bytes(&w, state->challenge, NTLM_CHALLENGE_LEN);
		ntlm_write_utf16(&w, server.domain);
		wr_u16le(&w, 0);
		ntlm_write_utf16(&w, server.computer);
		wr_u16le(&w, 0);
	}
	smb_reply(io, &w);
}

static void negotiate(struct protocol_io *io, const struct header *h, struct block *b)
{
	uint8_t line[SMB_PATH_MAX];
	struct wr w = wr_init(line, sizeof(line));
	uint16_t nt = UINT16_MAX;
	uint16_t smb2 = 0;

	protocol_event(io, SMB_EVENT_NEGOTIATE_1);
	wr_bytes(&w, "NEGOTIATE", 9);
	for (uint16_t i = 0; i < DIALECTS_MAX && rd_u8(&b->bytes) == 2; i++) {
		size_t len = strnlen((const char *)b->bytes.pos, rd_left(&b->bytes));
		const char *name = (const char *)rd_take(&b->bytes, len);

		rd_skip(&b->bytes, 1);
		if (!name || b->bytes.bad)
			break;
		if (len == 10 && memcmp(name, "NT LM 0.12", len) == 0)
			nt = i;
		else if (len == 9 && memcmp(name, "SMB 2.", 6) == 0)
			smb2 = name[6] == '?' || smb2 == 0x02ff ? 0x02ff : 0x0202;
		if (wr_len(&w) + len + 2 > sizeof(line))
			continue;
		wr_bytes(&w, i ? ", " : " ", i ? 2 : 1);
		wr_bytes(&w, name, len);
	}
	protocol_command(io, line, wr_len(&w));
	if (!io->answering)
		return;
	if (smb2)
		smb2_reply_negotiate(io, smb2, NULL);
	else
		reply_negotiate(io, h, nt);
}

/* ---- session setup -------------------------------------------------------------------------- */

/* A string of the bytes: aligned when it is Unicode, ended by a NUL. */
static struct rd take_string(struct rd *r, const uint8_t *start, bool unicode)
{
	const uint8_t *from;
	size_t len = 0;

	if (unicode && (r->pos - start) % 2 && rd_left(r) > 0)
		rd_skip(r, 1);
	from = r->pos;
	if (unicode) {
		while (len + 1 < rd_left(r) && (from[len] || from[len + 1]))
			len += 2;
		rd_skip(r, len + 2 <= rd_left(r) ? len + 2 : rd_left(r));
	} else {
		len = strnlen((const char *)from, rd_left(r));
		rd_skip(r, len < rd_left(r) ? len + 1 : len);
	}
	return rd_init(from, len);
}

/* What the client's system calls itself. */
static void native_os(struct protocol_io *io, const struct header *h, struct rd *bytes)
{
	bool unicode = h->flags2 & FLAGS2_UNICODE;
	struct rd os = take_string(bytes, h->start, unicode);
	char text[128];
	size_t n = rd_left(&os) < sizeof(text) ? rd_left(&os) : sizeof(text);

	if (unicode)
		n = encoding_utf16le(os.pos, rd_left(&os), text, sizeof(text));
	else if (n > 0)
		memcpy(text, os.pos, n);
	if (n > 0)
		protocol_attribute(io, PROTOCOL_SOFTWARE, text, n);
}

/* The fields of an old session setup (LM and NT response, domain, user) as the NTLM message that
 * says the same. */
static size_t as_ntlm(const struct rd part[4], bool unicode, uint8_t out[SMB_PENDING_MAX])
{
	enum { NTLM_HEADER = 64 };
	struct wr w = wr_init(out, SMB_PENDING_MAX);
	uint32_t offset = NTLM_HEADER;

	wr_bytes(&w, "NTLMSSP\0\3\0\0\0", 12);
	for (unsigned i = 0; i < 6; i++) {
		size_t len = i < 4 ? rd_left(&part[i]) : 0;

		wr_u16le(&w, (uint16_t)len);
		wr_u16le(&w, (uint16_t)len);
		wr_u32le(&w, offset);
		offset += (uint32_t)len;
	}
	wr_u32le(&w, unicode ? 1 : 2);
	for (unsigned i = 0; i < 4; i++)
		wr_bytes(&w, part[i].pos, rd_left(&part[i]));
	return w.bad ? 0 : wr_len(&w);
}

static void reply_session(struct protocol_io *io, const struct header *h, enum smb_step step,
    const uint8_t *token, size_t len)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	bool extended = len > 0;

	write_header(&w, h, step == SMB_STEP_CHALLENGE ? SMB_MORE_PROCESSING : SMB_OK);
	wr_u8(&w, extended ? 4 : 3);
	wr_bytes(&w, "\xff\0\0\0\0\0", 6); /* nothing follows; action: not as guest */
	if (extended)
		wr_u16le(&w, (uint16_t)len);
	wr_u16le(&w, (uint16_t)(len + 3));
	wr_bytes(&w, token, len);
	wr_bytes(&w, "\0\0\0", 3);
	smb_reply(io, &w);
}

/* Thirteen words: user and domain in clear, responses or a plain password (MS-CIFS 2.2.4.53). */
static void session_setup_old(struct protocol_io *io, const struct header *h, struct block *b)
{
	bool unicode = h->flags2 & FLAGS2_UNICODE;
	uint8_t message[SMB_PENDING_MAX];
	char user[NTLM_NAME_MAX];
	struct rd part[4];
	uint16_t lm_len;
	uint16_t nt_len;
	size_t len;

	protocol_event(io, SMB_EVENT_SESSION);
	rd_skip(&b->words, 14);
	lm_len = rd_u16le(&b->words);
	nt_len = rd_u16le(&b->words);
	part[0] = rd_sub(&b->bytes, lm_len);
	part[1] = rd_sub(&b->bytes, nt_len);
	part[3] = take_string(&b->bytes, h->start, unicode);
	part[2] = take_string(&b->bytes, h->start, unicode);
	if (b->bytes.bad) {
		protocol_event(io, SMB_EVENT_MALFORMED);
		return;
	}
	native_os(io, h, &b->bytes);
	if (rd_left(&part[3]) == 0) {
		protocol_event(io, SMB_EVENT_SESSION_ANONYMOUS);
		reply_session(io, h, SMB_STEP_LET_IN, (const uint8_t *)"", 0);
		return;
	}
	if (nt_len >= NTLM_RESPONSE_MIN || lm_len == 0) {
		len = as_ntlm(part, unicode, message);
		smb_login(io, message, len);
	} else {
		if (unicode)
			len = encoding_utf16le(part[3].pos, rd_left(&part[3]), user, sizeof(user));
		else
			len = rd_left(&part[3]) < sizeof(user) ? rd_left(&part[3]) : sizeof(user);
		if (!unicode && len > 0)
			memcpy(user, part[3].pos, len);
		while (rd_left(&part[0]) > 0 && part[0].end[-1] == 0)
			part[0].end--;
		protocol_login(io, (struct protocol_text){user, len},
		    (struct protocol_text){(const char *)part[0].pos, rd_left(&part[0])},
		    PROTOCOL_SECRET_PASSWORD, "plain",
		    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
	}
	reply_status(io, h, SMB_LOGON_FAILURE);
}

static void session_setup(struct protocol_io *io, const struct header *h, struct block *b)
{
	uint8_t token[NTLM_CHALLENGE_MESSAGE_MAX + 64];
	struct wr t = wr_init(token, sizeof(token));
	uint16_t len;
	struct rd blob;
	enum smb_step step;

	if (b->word_count == 13) {
		session_setup_old(io, h, b);
		return;
	}
	if (b->word_count != 12) {
		protocol_event(io, SMB_EVENT_MALFORMED);
		return;
	}
	rd_skip(&b->words, 14);
	len = rd_u16le(&b->words);
	if (len > rd_left(&b->bytes)) /* cut at the inbox */
		len = (uint16_t)rd_left(&b->bytes);
	blob = rd_sub(&b->bytes, len);
	step = smb_security(io, blob.pos, rd_left(&blob), &t);
	native_os(io, h, &b->bytes);
	if (step == SMB_STEP_REFUSE || t.bad)
		reply_status(io, h, SMB_LOGON_FAILURE);
	else
		reply_session(io, h, step, token, wr_len(&t));
}

/* ---- trees, pipes, transactions -------------------------------------------------------------- */

static void tree_connect(struct protocol_io *io, const struct header *h, struct block *b)
{
	const struct smb_state *state = io->state;
	bool unicode = h->flags2 & FLAGS2_UNICODE;
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	struct rd path;

	rd_skip(&b->words, 6);
	rd_skip(&b->bytes, rd_u16le(&b->words)); /* password */
	path = take_string(&b->bytes, h->start, unicode);
	smb_tree(io, path.pos, rd_left(&path), unicode);
	if (!state->in_pipes) {
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	}
	write_header(&w, h, SMB_OK);
	wr_bytes(&w, "\x03\xff\0\0\0\x01\0\x07\0IPC\0\0\0\0", 16);
	if (io->answering) {
		memory[4 + 24] = TID & 0xff;
		memory[4 + 25] = TID >> 8;
	}
	smb_reply(io, &w);
}

static void nt_create(struct protocol_io *io, const struct header *h, struct block *b)
{
	bool unicode = h->flags2 & FLAGS2_UNICODE;
	struct rd name = take_string(&b->bytes, h->start, unicode);

	smb_create(io, name.pos, rd_left(&name), unicode);
	reply_status(io, h, SMB_ACCESS_DENIED);
}

static void transaction(struct protocol_io *io, const struct header *h, struct block *b)
{
	bool unicode = h->flags2 & FLAGS2_UNICODE;
	struct rd name;
	uint8_t setup_count;
	uint16_t function;
	uint16_t fid;

	rd_skip(&b->words, 26);
	setup_count = rd_u8(&b->words);
	rd_skip(&b->words, 1);
	function = rd_u16le(&b->words);
	fid = rd_u16le(&b->words);
	name = take_string(&b->bytes, h->start, unicode);
	if (!b->words.bad && setup_count >= 2 && function == TRANS_PEEK_PIPE && fid == 0) {
		protocol_event(io, SMB_EVENT_MS17_010);
		reply_status(io, h, SMB_INSUFF_SERVER_RESOURCES);
		return;
	}
	smb_command(io, "TRANSACTION", name.pos, rd_left(&name), unicode);
	reply_status(io, h, SMB_ACCESS_DENIED);
}

/*
 * DoublePulsar is asked through a transaction of the reserved kind SESSION_SETUP; what it shall do
 * is the sum of the timeout's bytes.
 */
static void transaction2(struct protocol_io *io, const struct header *h, struct block *b)
{
	uint8_t setup_count;
	uint16_t function;
	uint32_t timeout;
	uint8_t what;

	rd_skip(&b->words, 12);
	timeout = rd_u32le(&b->words);
	rd_skip(&b->words, 10);
	setup_count = rd_u8(&b->words);
	rd_skip(&b->words, 1);
	function = rd_u16le(&b->words);
	if (b->words.bad || setup_count != 1 || function != TRANS2_SESSION_SETUP) {
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	}
	what = (uint8_t)(timeout + (timeout >> 8) + (timeout >> 16) + (timeout >> 24));
	protocol_event(io, what == 0x23 ? SMB_EVENT_DOUBLEPULSAR_PING
	    : what == 0xc8 ? SMB_EVENT_DOUBLEPULSAR_EXEC : SMB_EVENT_DOUBLEPULSAR);
	reply_status(io, h, SMB_NOT_IMPLEMENTED);
}

/* EternalBlue's list of extended attributes is longer than the field it is copied by. */
static void nt_transact(struct protocol_io *io, const struct header *h, struct block *b)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	uint32_t total;

	rd_skip(&b->words, 7);
	total = rd_u32le(&b->words);
	if (b->words.bad || total < FEA_LIST_OVERFLOW) {
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	}
	protocol_event(io, SMB_EVENT_ETERNALBLUE);
	/* "Send the rest": an interim response has no words (MS-CIFS 2.2.4.62.2). */
	write_header(&w, h, SMB_OK);
	wr_bytes(&w, "\0\0\0", 3);
	smb_reply(io, &w);
}

static void echo(struct protocol_io *io, const struct header *h, struct block *b)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	size_t len = rd_left(&b->bytes) < 64 ? rd_left(&b->bytes) : 64;

	write_header(&w, h, SMB_OK);
	wr_bytes(&w, "\x01\x01\0", 3);
	wr_u16le(&w, (uint16_t)len);
	wr_bytes(&w, b->bytes.pos, len);
	smb_reply(io, &w);
}

static void one(struct protocol_io *io, const struct header *h, struct block *b)
{
	switch (h->command) {
	case NEGOTIATE:
		negotiate(io, h, b);
		return;
	case SESSION_SETUP:
		session_setup(io, h, b);
		return;
	case TREE_CONNECT:
		tree_connect(io, h, b);
		return;
	case NT_CREATE:
	case OPEN_ANDX:
		nt_create(io, h, b);
		return;
	case TRANSACTION:
		transaction(io, h, b);
		return;
	case TRANSACTION2:
		transaction2(io, h, b);
		return;
	case NT_TRANSACT:
		nt_transact(io, h, b);
		return;
	case ECHO:
		echo(io, h, b);
		return;
	case LOGOFF:
	case TREE_DISCONNECT:
		reply_status(io, h, SMB_OK);
		return;
	case WRITE_ANDX:
		protocol_event(io, SMB_EVENT_WRITE);
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	default:
		/* Pieces of a transaction get no answer (MS-CIFS 2.2.4.47). */
		if (h->command != 0x33 && h->command != 0x26 && h->command != 0xa1)
			reply_status(io, h, SMB_NOT_IMPLEMENTED);
		return;
	}
}

void smb1_client(struct protocol_io *io, struct rd *r)
{
	struct rd whole = *r;
	struct header h = take_header(r);

	/* Commands that another one may follow name it and its place in their first words. */
	for (unsigned i = 0; i < CHAIN_MAX; i++) {
		struct block b = take_block(r);
		struct rd words = b.words;
		uint8_t next = rd_u8(&words);
		uint16_t offset;

		rd_skip(&words, 1);
		offset = rd_u16le(&words);
		if (r->bad) {
			protocol_event(io, SMB_EVENT_MALFORMED);
			return;
		}
		one(io, &h, &b);
		if ((h.command != SESSION_SETUP && h.command != TREE_CONNECT
		     && h.command != NT_CREATE) || words.bad || next == NO_ANDX || io->answering)
			return;
		h.command = next;
		*r = whole;
		rd_skip(r, offset);
	}
}

/* The challenge of a negotiate response without extended security. */
static void server_negotiate(struct protocol_io *io, struct rd *r)
{
	struct smb_state *state = io->state;
	struct block b = take_block(r);
	const uint8_t *challenge;

	rd_skip(&b.words, 33);
	if (b.word_count != 17 || rd_u8(&b.words) != NTLM_CHALLENGE_LEN)
		return;
	challenge = rd_take(&b.bytes, NTLM_CHALLENGE_LEN);
	if (!challenge)
		return;
	memcpy(state->challenge, challenge, NTLM_CHALLENGE_LEN);
	state->has_challenge = true;
}

void smb1_server(struct protocol_io *io, struct rd *r)
{
	struct header h = take_header(r);

	if (r->bad)
		return;
	if (h.command == NEGOTIATE)
		server_negotiate(io, r);
	else if (h.command == SESSION_SETUP)
		smb_session_status(io, h.status, r);
}
