/*
 * What the files of the SMB module share: its state, its events, the session setup that is the same
 * in both generations.  For smb.c, smb1.c and smb2.c only.
 */
#pragma once

#include "base/rd.h"
#include "protocol/ntlm.h"

#define SMB_CLIENT_INBOX 1024
#define SMB_SERVER_INBOX 192
#define SMB_PENDING_MAX 704
#define SMB_REPLY_MAX 768
#define SMB_PATH_MAX 256

#define SMB_OK 0x00000000u
#define SMB_MORE_PROCESSING 0xc0000016u
#define SMB_NOT_IMPLEMENTED 0xc0000002u
#define SMB_ACCESS_DENIED 0xc0000022u
#define SMB_NOT_FOUND 0xc0000034u
#define SMB_LOGON_FAILURE 0xc000006du
#define SMB_NOT_SUPPORTED 0xc00000bbu
#define SMB_INSUFF_SERVER_RESOURCES 0xc0000205u

enum smb_event {
	SMB_EVENT_NEGOTIATE_1,
	SMB_EVENT_NEGOTIATE_2,
	SMB_EVENT_SESSION,
	SMB_EVENT_SESSION_ANONYMOUS,
	SMB_EVENT_TREE,
	SMB_EVENT_PIPE,
	SMB_EVENT_CREATE,
	SMB_EVENT_WRITE,
	SMB_EVENT_MS17_010,
	SMB_EVENT_ETERNALBLUE,
	SMB_EVENT_DOUBLEPULSAR_PING,
	SMB_EVENT_DOUBLEPULSAR_EXEC,
	SMB_EVENT_DOUBLEPULSAR,
	SMB_EVENT_COMPRESSED,
	SMB_EVENT_SMBGHOST,
	SMB_EVENT_MALFORMED,
};

struct smb_state {
	uint32_t skip[2]; /* bytes of an over-long message still to come, by side */
	bool in_pipes;    /* the last tree connected to is IPC$ */
	bool has_challenge;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	/* An NTLM AUTHENTICATE message that waits for the server's verdict; 0: none. */
	uint16_t pending_len;
	uint8_t pending[SMB_PENDING_MAX];
};

enum smb_step { /* how a session setup goes on */
	SMB_STEP_CHALLENGE,
	SMB_STEP_LET_IN, /* anonymous */
	SMB_STEP_REFUSE,
};

/* A session setup's security blob, of the client.  The token to answer goes to w. */
enum smb_step smb_security(struct protocol_io *io, const uint8_t *blob, size_t len, struct wr *w);

/* A complete login; passive: it waits for the verdict. */
void smb_login(struct protocol_io *io, const uint8_t *message, size_t len);

/* The server's status for a session setup, and its message after that (NTLM CHALLENGE inside). */
void smb_session_status(struct protocol_io *io, uint32_t status, const struct rd *rest);

void smb_new_challenge(struct protocol_io *io);

/* "WORD TEXT" as a command; UTF-16LE when unicode. */
void smb_command(struct protocol_io *io, const char *word, const uint8_t *text, size_t len,
    bool unicode);

/* A tree is connected to: its path as a command, pipes remembered. */
void smb_tree(struct protocol_io *io, const uint8_t *path, size_t len, bool unicode);

/* A file or a pipe is opened. */
void smb_create(struct protocol_io *io, const uint8_t *name, size_t len, bool unicode);

/* Sends the message that was built behind the first four bytes of w's memory. */
void smb_reply(struct protocol_io *io, struct wr *w);

/* A writer that leaves these four bytes free. */
struct wr smb_writer(uint8_t memory[SMB_REPLY_MAX]);

/* The server's 16-byte id, made of the names that this installation shows: it stays the same. */
void smb_write_guid(struct protocol_io *io, struct wr *w);

/* Messages of one generation, whole or cut; r begins at the protocol's four bytes. */
void smb1_client(struct protocol_io *io, struct rd *r);
void smb1_server(struct protocol_io *io, struct rd *r);
void smb2_client(struct protocol_io *io, struct rd *r);
void smb2_server(struct protocol_io *io, struct rd *r);

/* The answer to a negotiate request of either generation. */
void smb2_reply_negotiate(struct protocol_io *io, uint16_t dialect, const uint8_t *request);
