/*
 * teiten-ssh from the inside: one worker, its listeners and its connections.
 *
 * libssh owns the keys and the packets and never touches the network: a connection is two
 * descriptors, the visitor's and one end of a pair whose other end is libssh's.  Whatever passes
 * between them is counted, and as long as it is in the clear the protocol module sees it too, so a
 * scanner that leaves after its KEXINIT is recorded whole.  Signatures (respond/said.h) see the same,
 * and as a conversation inside it what came through the encryption: commands, what is typed and
 * uploaded, and what that was answered.
 *
 *   ssh.c             the program: start, loop, status
 *   ssh_listener.c    accepting, limits, deadlines
 *   ssh_connection.c  bytes between the visitor and libssh
 *   ssh_auth.c        logins
 *   ssh_channel.c     sessions inside: shell, exec, uploads
 *
 * libssh calls back from within ssh_event_dopoll; callbacks tell facts and queue output, and never
 * call libssh to send, so that no input makes it call itself.
 */
#pragma once

#include "protocol/shell.h"
#include "protocol/ssh_events.h"
#include "respond/said.h"
#include "respond/syn_of.h"
#include "tally/sessions.h"

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#define SSH_CONNECTIONS_MAX 1000u
#define SSH_PER_SOURCE_MAX 256u
#define SSH_LISTENERS_MAX 4096u
#define SSH_CHANNELS_MAX 4u
#define SSH_LOGIN_US 30000000ll      /* from accepting to a login */
#define SSH_IDLE_US 120000000ll
#define SSH_SESSION_MAX_US 3600000000ll
#define SSH_SESSION_BYTES_MAX (64ull << 20)
#define SSH_CLOSING_US 2000000ll
#define SSH_READ_MAX (16u << 10)
#define SSH_OUTPUT_MAX (64u << 10)   /* of a channel, waiting for the visitor's window */
#define SSH_IDENT_MAX 255u
#define SSH_CLEAR_MAX (64u << 10)    /* bytes that the protocol module looks at */
#define SSH_TRIES_MAX 6u             /* as OpenSSH's MaxAuthTries */
#define SSH_USER_MAX 256u

struct ssh_worker;
struct ssh_conn;

enum ssh_upload {
	SSH_UPLOAD_NONE,
	SSH_UPLOAD_CAT,       /* cat >FILE: all of the input is the file */
	SSH_UPLOAD_SCP_LINE,  /* scp -t: a control line */
	SSH_UPLOAD_SCP_DATA,
	SSH_UPLOAD_SCP_END,   /* the byte behind a file */
	SSH_UPLOAD_SFTP,
};

struct ssh_chan {
	struct ssh_conn *conn;
	ssh_channel handle; /* NULL: free */
	struct ssh_channel_callbacks_struct callbacks;
	bool pty : 1;
	bool shell : 1;     /* a shell is at work */
	bool after_cr : 1;
	bool finished : 1;  /* close it once the output is out */
	bool gone : 1;      /* the visitor closed it */
	uint8_t status;     /* to be told as its exit status */
	uint8_t upload;     /* enum ssh_upload */
	uint16_t line_len;
	uint16_t name_len;
	uint64_t left;      /* of an upload by scp; by sftp, of a message that is passed over */
	uint64_t taken;     /* of an upload */
	uint64_t done;      /* size of the last one by sftp */
	char name[PROTOCOL_TEXT_MAX]; /* of an upload; for CAT the whole command is kept in line */
	char line[SHELL_LINE_MAX];
	char *out;
	uint32_t out_len;
};

struct ssh_conn {
	struct ssh_worker *worker;
	struct stream stream;
	uint32_t number;    /* its place in the worker's list */
	int fd;             /* the visitor */
	int pair;           /* our end; libssh has the other */
	ssh_session session;
	ssh_event event;
	struct ssh_server_callbacks_struct callbacks;
	int64_t opened_us;  /* monotonic */
	int64_t active_us;
	uint32_t watched;   /* epoll events */
	bool identified : 1;  /* its first line was an identification: libssh gets what it says */
	bool in_clear : 1;    /* the protocol module reads along */
	bool closing : 1;     /* the session is over; the last bytes are on their way */
	bool hang_up : 1;     /* asked by a callback */
	bool authenticated : 1;
	bool login_told : 1;
	bool said_inside : 1; /* something came through the encryption */
	uint16_t ident_len;
	uint16_t user_len;
	uint8_t tries;
	uint8_t offers;     /* of keys */
	uint32_t cleared;   /* bytes shown to the module */
	char ident[SSH_IDENT_MAX];
	char user[SSH_USER_MAX]; /* of the last request */
	uint8_t *held;      /* what the visitor's socket did not take */
	uint32_t held_len;
	uint32_t held_at;
	struct shell shell;
	struct ssh_chan channels[SSH_CHANNELS_MAX];
	_Alignas(16) uint8_t context[]; /* of the sessions */
};

struct ssh_counters {
	uint64_t accepted;
	uint64_t over_limit;
	uint64_t not_observed;
	uint64_t no_slot;
	uint64_t failed;  /* libssh or the kernel had nothing to give */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t closed[STREAM_END_COUNT];
	uint32_t open;
	uint32_t open_max;
};

struct ssh_worker {
	struct sessions *sessions;
	struct destinations *destinations;
	const struct protocol_module *module;
	void (*signature)(void *arg, uint32_t id, const char *text);
	void *signature_arg;
	void (*said)(void *arg, const struct said *said); /* NULL: nobody reads along */
	void *said_arg;
	ssh_bind bind;
	uint32_t connections_max;
	uint32_t per_source;
	uint16_t port_offset;
	int epoll;
	int listeners[SSH_LISTENERS_MAX];
	size_t listener_count;
	bool draining;
	bool paused;      /* no free slot: connections wait in the kernel's queue */
	int64_t now_us;   /* monotonic, of this turn */
	int64_t wall_us;
	int64_t looked_us; /* when deadlines were looked at last */
	uint32_t used;    /* connections below this number may be there */
	struct ssh_conn *connections[SSH_CONNECTIONS_MAX];
	struct ssh_counters counters;
	uint8_t input[SSH_READ_MAX];
};

/* ---- ssh_listener.c ------------------------------------------------------------------------- */

ST_MUST_CHECK int ssh_listen(struct ssh_worker *w, int fd, struct err *err);
/* Another descriptor; its events are the return value of ssh_turn. */
ST_MUST_CHECK int ssh_watch(struct ssh_worker *w, int fd, struct err *err);
/* Waits up to timeout_ms and does what there is to do; *ret_watched: the watched one has something. */
ST_MUST_CHECK int ssh_turn(struct ssh_worker *w, int timeout_ms, bool *ret_watched);
void ssh_drain(struct ssh_worker *w);
/* Ends all connections. */
void ssh_end_all(struct ssh_worker *w);
/* The events wanted of a connection's socket. */
void ssh_want(struct ssh_conn *c, uint32_t events);

/* ---- ssh_connection.c ----------------------------------------------------------------------- */

/* Takes the descriptor and the place; NULL (it is closed) when there is nothing to serve it with. */
struct ssh_conn *ssh_conn_open(struct ssh_worker *w, uint32_t number, int fd,
    const struct stream *ends);
/* Events of its socket; false when it is over: ssh_conn_free. */
bool ssh_conn_event(struct ssh_conn *c, uint32_t events);
/* Its deadline has come; false as above. */
bool ssh_conn_due(struct ssh_conn *c);
int64_t ssh_conn_deadline(const struct ssh_conn *c);
/* Records the session unless that was done; frees everything. */
void ssh_conn_free(struct ssh_conn *c, enum stream_end end);
/* Facts as the SSH module tells them. */
void ssh_speak(struct ssh_conn *c, void (*speak)(struct protocol_io *io, void *arg), void *arg);
/* To who reads along; inside: through the encryption. */
void ssh_said(struct ssh_conn *c, bool by_client, bool inside, const void *data, size_t len);

/* ---- ssh_auth.c ----------------------------------------------------------------------------- */

void ssh_auth_init(struct ssh_conn *c);
/* The connection is over: a user name that came alone is told. */
void ssh_auth_end(struct ssh_conn *c);

/* ---- ssh_sftp.c ----------------------------------------------------------------------------- */

/* Bytes of the sftp subsystem; answers are queued on the channel. */
void ssh_sftp_take(struct protocol_io *io, struct ssh_chan *ch, const char *data, size_t len);

/* ---- ssh_channel.c -------------------------------------------------------------------------- */

ssh_channel ssh_chan_open(ssh_session session, void *conn);
/* Queues output; what is beyond the bound is dropped. */
void ssh_chan_put(struct ssh_chan *ch, const void *data, size_t len);
/* The file that a channel uploads. */
void ssh_upload_name(struct ssh_chan *ch, struct protocol_text name);
void ssh_upload_add(struct protocol_io *io, struct ssh_chan *ch, const char *data, size_t len);
void ssh_upload_end(struct protocol_io *io, struct ssh_chan *ch, enum protocol_piece piece);
/* Gives libssh what channels have to say; true when that changed anything. */
bool ssh_chans_flush(struct ssh_conn *c);
/* The connection is over: uploads end, files of the shell are whole. */
void ssh_chans_end(struct ssh_conn *c);
/* A request as a command: "direct-tcpip HOST:PORT". */
void ssh_tell_command(struct ssh_conn *c, enum ssh_told event, const char *text, size_t len);
