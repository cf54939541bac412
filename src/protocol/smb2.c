/*
 * SMB2 and SMB3 messages, as far as they are in clear (MS-SMB2 2.2).
 */
#include "protocol/smb.h"

#include <stdio.h>
#include <string.h>

#define HEADER_LEN 64
#define COMPOUND_MAX 8
#define DIALECTS_MAX 16
#define DIALECT_2_002 0x0202
#define DIALECT_2_1 0x0210
#define DIALECT_3_02 0x0302
#define FLAG_RESPONSE 0x00000001u
#define SHARE_PIPE 2

enum command {
	NEGOTIATE,
	SESSION_SETUP,
	LOGOFF,
	TREE_CONNECT,
	TREE_DISCONNECT,
	CREATE,
	WRITE = 9,
	ECHO = 13,
};

struct header {
	const uint8_t *start;
	uint16_t command;
	uint32_t status;
	uint32_t next;
};

static struct header take_header(struct rd *r)
{
	struct header h = {.start = r->pos};

	rd_skip(r, 8);
	h.status = rd_u32le(r);
	h.command = rd_u16le(r);
	rd_skip(r, 6);
	h.next = rd_u32le(r);
	rd_skip(r, HEADER_LEN - 24);
	return h;
}

/* A response's header; request is the client's, or NULL after an SMB1 negotiate.  session: for a
 * client that has none yet. */
static void write_header(struct wr *w, const uint8_t *request, uint32_t status, uint32_t session)
{
	static const uint8_t none[HEADER_LEN] = {0};
	const uint8_t *from = request ? request : none;

	wr_bytes(w, "\xfeSMB", 4);
	wr_u16le(w, HEADER_LEN);
	wr_u16le(w, 0);
	wr_u32le(w, status);
	wr_bytes(w, from + 12, 2); /* command */
	wr_u16le(w, 1);            /* credits */
	wr_u32le(w, FLAG_RESPONSE);
	wr_u32le(w, 0);
	wr_bytes(w, from + 24, 8); /* message id */
	wr_u32le(w, 0xfeff);
	wr_bytes(w, from + 36, 4); /* tree */
	if (session && memcmp(from + 40, none, 8) == 0)
		wr_u64le(w, session);
	else
		wr_bytes(w, from + 40, 8);
	wr_bytes(w, none, 16);
}

static void reply_status(struct protocol_io *io, const struct header *h, uint32_t status)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);

	write_header(&w, h->start, status, 0);
	wr_bytes(&w, "\x09\0\0\0\0\0\0\0\0", 9);
	smb_reply(io, &w);
}

void smb2_reply_negotiate(struct protocol_io *io, uint16_t dialect, const uint8_t *request)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	uint8_t token[64];
	struct wr t = wr_init(token, sizeof(token));

	if (!io->answering)
		return;
	spnego_write_init(&t);
	write_header(&w, request, SMB_OK, 0);
	wr_u16le(&w, 65);
	wr_u16le(&w, 1); /* signing is possible */
	wr_u16le(&w, dialect);
	wr_u16le(&w, 0);
	smb_write_guid(io, &w);
	wr_u32le(&w, dialect == DIALECT_2_002 ? 1 : 7); /* DFS; leasing, large MTU */
	for (unsigned i = 0; i < 3; i++)
		wr_u32le(&w, dialect == DIALECT_2_002 ? 0x10000 : 0x100000); /* largest transfers */
	wr_u64le(&w, ntlm_filetime(io->now_us));
	wr_u64le(&w, 0);
	wr_u16le(&w, 0x80);
	wr_u16le(&w, (uint16_t)wr_len(&t));
	wr_u32le(&w, 0);
	wr_bytes(&w, token, wr_len(&t));
	smb_reply(io, &w);
}

static void negotiate(struct protocol_io *io, const struct header *h, struct rd *r)
{
	char line[192] = "NEGOTIATE"; /* " 255.15.15" sixteen times fits */
	size_t n = strlen(line);
	uint16_t count;
	uint16_t best = 0;
	uint16_t least = UINT16_MAX;

	protocol_event(io, SMB_EVENT_NEGOTIATE_2);
	rd_skip(r, 2);
	count = rd_u16le(r);
	rd_skip(r, 32); /* modes, capabilities, client id, contexts */
	for (unsigned i = 0; i < count && i < DIALECTS_MAX; i++) {
		uint16_t dialect = rd_u16le(r);

		if (r->bad)
			break;
		n += (size_t)snprintf(line + n, sizeof(line) - n, " %x.%x.%x", dialect >> 8,
		    dialect >> 4 & 15, dialect & 15);
		if (dialect <= DIALECT_2_1 && dialect > best)
			best = dialect;
		if (dialect < least)
			least = dialect;
	}
	protocol_command(io, line, n);
	if (best == 0 && least <= DIALECT_3_02)
		best = least;
	if (best)
		smb2_reply_negotiate(io, best, h->start);
	else
		reply_status(io, h, SMB_NOT_SUPPORTED);
}

static void session_setup(struct protocol_io *io, const struct header *h, struct rd *r,
    const struct rd *whole)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	uint8_t token[NTLM_CHALLENGE_MESSAGE_MAX + 64];
	struct wr t = wr_init(token, sizeof(token));
	struct rd blob = *whole;
	uint16_t offset;
	uint16_t len;
	enum smb_step step;

	rd_skip(r, 12);
	offset = rd_u16le(r);
	len = rd_u16le(r);
	rd_skip(&blob, offset);
	if (r->bad || blob.bad) {
		protocol_event(io, SMB_EVENT_MALFORMED);
		return;
	}
	if (len > rd_left(&blob)) /* cut at the inbox */
		len = (uint16_t)rd_left(&blob);
	step = smb_security(io, blob.pos, len, &t);
	if (step == SMB_STEP_REFUSE || t.bad) {
		reply_status(io, h, SMB_LOGON_FAILURE);
		return;
	}
	write_header(&w, h->start, step == SMB_STEP_CHALLENGE ? SMB_MORE_PROCESSING : SMB_OK,
	    0x04000000u | (uint32_t)(protocol_random(io) & 0xffff) << 2 | 1);
	wr_u16le(&w, 9);
	wr_u16le(&w, step == SMB_STEP_LET_IN ? 2 : 0); /* null session */
	wr_u16le(&w, HEADER_LEN + 8);
	wr_u16le(&w, (uint16_t)wr_len(&t));
	wr_bytes(&w, token, wr_len(&t));
	smb_reply(io, &w);
}

/* Offset and length of a name inside the message. */
static struct rd name_at(struct rd *r, const struct rd *whole)
{
	struct rd name = *whole;
	uint16_t offset = rd_u16le(r);
	uint16_t len = rd_u16le(r);

	rd_skip(&name, offset);
	if (r->bad || name.bad)
		len = 0;
	else if (len > rd_left(&name))
		len = (uint16_t)rd_left(&name);
	return rd_sub(&name, len);
}

static void tree_connect(struct protocol_io *io, const struct header *h, struct rd *r,
    const struct rd *whole)
{
	const struct smb_state *state = io->state;
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);
	struct rd path;

	rd_skip(r, 4);
	path = name_at(r, whole);
	smb_tree(io, path.pos, rd_left(&path), true);
	if (!state->in_pipes) {
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	}
	write_header(&w, h->start, SMB_OK, 0);
	wr_u16le(&w, 16);
	wr_u16le(&w, SHARE_PIPE);
	wr_u32le(&w, 0x30); /* no caching */
	wr_u32le(&w, 0);
	wr_u32le(&w, 0x001f00a9);
	if (io->answering) /* a tree's number, other than the request's zero */
		memory[4 + 36] = 1;
	smb_reply(io, &w);
}

static void create(struct protocol_io *io, const struct header *h, struct rd *r,
    const struct rd *whole)
{
	const struct smb_state *state = io->state;
	struct rd name;

	rd_skip(r, 44);
	name = name_at(r, whole);
	smb_create(io, name.pos, rd_left(&name), true);
	reply_status(io, h, state->in_pipes ? SMB_ACCESS_DENIED : SMB_NOT_FOUND);
}

/* One message of a chain; r and whole end where it ends. */
static void one(struct protocol_io *io, const struct header *h, struct rd *r,
    const struct rd *whole)
{
	uint8_t memory[SMB_REPLY_MAX];
	struct wr w = smb_writer(memory);

	switch (h->command) {
	case NEGOTIATE:
		negotiate(io, h, r);
		return;
	case SESSION_SETUP:
		session_setup(io, h, r, whole);
		return;
	case TREE_CONNECT:
		tree_connect(io, h, r, whole);
		return;
	case CREATE:
		create(io, h, r, whole);
		return;
	case LOGOFF:
	case TREE_DISCONNECT:
	case ECHO:
		write_header(&w, h->start, SMB_OK, 0);
		wr_u32le(&w, 4);
		smb_reply(io, &w);
		return;
	case WRITE:
		protocol_event(io, SMB_EVENT_WRITE);
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	default:
		reply_status(io, h, SMB_ACCESS_DENIED);
		return;
	}
}

void smb2_client(struct protocol_io *io, struct rd *r)
{
	for (unsigned i = 0; i < COMPOUND_MAX; i++) {
		struct rd whole = *r;
		struct header h = take_header(r);
		struct rd body = *r;

		if (r->bad) {
			protocol_event(io, SMB_EVENT_MALFORMED);
			return;
		}
		if (h.next >= HEADER_LEN && h.next < rd_left(&whole)) {
			whole = rd_sub(&whole, h.next);
			body.end = whole.end;
		}
		one(io, &h, &body, &whole);
		if (body.end == r->end || io->answering)
			return;
		*r = (struct rd){.pos = body.end, .end = r->end};
	}
}

void smb2_server(struct protocol_io *io, struct rd *r)
{
	struct header h = take_header(r);

	if (!r->bad && h.command == SESSION_SETUP)
		smb_session_status(io, h.status, r);
}
