/*
 * SFTP as far as uploads: files that are written become payloads, everything else is empty or
 * denied; the contract is in ssh.h.
 *
 * Version 3, as OpenSSH speaks it.  One file at a time and in order, as clients send it; a write
 * elsewhere in the file is taken as it comes.  Messages are looked at as soon as their fixed part
 * is there; the data of a write goes by in pieces.  draft-ietf-secsh-filexfer-02.
 */
#include "daemon/ssh.h"

#include "base/rd.h"
#include "base/wr.h"

#include <string.h>

enum message {
	INIT = 1,
	VERSION = 2,
	OPEN = 3,
	CLOSE = 4,
	WRITE = 6,
	LSTAT = 7,
	FSTAT = 8,
	SETSTAT = 9,
	FSETSTAT = 10,
	MKDIR = 14,
	REALPATH = 16,
	STAT = 17,
	STATUS = 101,
	HANDLE = 102,
	NAME = 104,
	ATTRS = 105,
};

enum status {
	OK = 0,
	NO_SUCH_FILE = 2,
	DENIED = 3,
	UNSUPPORTED = 8,
};

#define SFTP_VERSION 3u
#define OPEN_WRITE 2u
#define ATTR_SIZE 1u
#define ATTR_PERMISSIONS 4u
#define FILE_MODE 0100644u
#define DIRECTORY_MODE 040755u
#define MESSAGE_MAX (1u << 20)
#define HEAD 5u       /* length and type */
#define REPLY_MAX 1280

/* Sends a message whose body was written behind the room for its length. */
static void reply(struct ssh_chan *ch, const struct wr *w)
{
	uint8_t length[4];
	struct wr head = wr_init(length, sizeof(length));

	if (w->bad)
		return;
	wr_u32be(&head, (uint32_t)wr_len(w));
	ssh_chan_put(ch, length, sizeof(length));
	ssh_chan_put(ch, w->start, wr_len(w));
}

static void put_text(struct wr *w, const void *text, size_t len)
{
	wr_u32be(w, (uint32_t)len);
	wr_bytes(w, text, len);
}

static void reply_status(struct ssh_chan *ch, uint32_t id, enum status status)
{
	static const char *const words[] = {
		[OK] = "Success", [NO_SUCH_FILE] = "No such file", [DENIED] = "Permission denied",
		[UNSUPPORTED] = "Operation unsupported",
	};
	uint8_t body[64];
	struct wr w = wr_init(body, sizeof(body));

	wr_u8(&w, STATUS);
	wr_u32be(&w, id);
	wr_u32be(&w, status);
	put_text(&w, words[status], strlen(words[status]));
	put_text(&w, "", 0);
	reply(ch, &w);
}

static void reply_path(struct ssh_chan *ch, uint32_t id, struct protocol_text path)
{
	uint8_t body[REPLY_MAX];
	struct wr w = wr_init(body, sizeof(body));

	if (path.len == 0 || (path.len == 1 && path.data[0] == '.'))
		path = PROTOCOL_LITERAL("/root");
	wr_u8(&w, NAME);
	wr_u32be(&w, id);
	wr_u32be(&w, 1);
	put_text(&w, path.data, path.len);
	put_text(&w, path.data, path.len);
	wr_u32be(&w, 0); /* no attributes */
	reply(ch, &w);
}

/* Directories that every machine has are there, so that a client goes on to write into them. */
static bool is_directory(struct protocol_text path)
{
	static const char *const known[] = {"/", ".", "/root", "/tmp", "/tmp/", "/var/tmp", "/dev/shm",
		"/home", "/var/run", "/mnt", "/etc"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == path.len && memcmp(known[i], path.data, path.len) == 0)
			return true;
	return false;
}

static void reply_stat(struct ssh_chan *ch, uint32_t id, struct protocol_text path)
{
	bool is_upload = ch->name_len > 0 && path.len == ch->name_len
	    && memcmp(path.data, ch->name, path.len) == 0;
	uint8_t body[32];
	struct wr w = wr_init(body, sizeof(body));

	if (!is_upload && !is_directory(path)) {
		reply_status(ch, id, NO_SUCH_FILE);
		return;
	}
	wr_u8(&w, ATTRS);
	wr_u32be(&w, id);
	wr_u32be(&w, is_upload ? ATTR_SIZE | ATTR_PERMISSIONS : ATTR_PERMISSIONS);
	if (is_upload) /* clients look whether all of it came */
		wr_u64be(&w, ch->taken > 0 ? ch->taken : ch->done);
	wr_u32be(&w, is_upload ? FILE_MODE : DIRECTORY_MODE);
	reply(ch, &w);
}

static struct protocol_text take_text(struct rd *r)
{
	uint32_t len = rd_u32be(r);
	const uint8_t *text = rd_take(r, len);

	return (struct protocol_text){text ? (const char *)text : "", text ? len : 0};
}

static void take_open(struct protocol_io *io, struct ssh_chan *ch, uint32_t id, struct rd *r)
{
	struct protocol_text path = take_text(r);
	uint32_t flags = rd_u32be(r);
	uint8_t body[16];
	struct wr w = wr_init(body, sizeof(body));

	if (r->bad || !(flags & OPEN_WRITE)) {
		reply_status(ch, id, NO_SUCH_FILE);
		return;
	}
	ssh_upload_end(io, ch, PROTOCOL_PIECE_CUT);
	ssh_upload_name(ch, path);
	ch->done = 0;
	wr_u8(&w, HANDLE);
	wr_u32be(&w, id);
	put_text(&w, "\0\0\0\0", 4);
	reply(ch, &w);
}

/* A whole message that is no write, from its type on. */
static void take_message(struct protocol_io *io, struct ssh_chan *ch, const uint8_t *data,
    size_t len)
{
	struct rd r = rd_init(data, len);
	enum message type = rd_u8(&r);
	uint32_t id = rd_u32be(&r);
	uint8_t body[8];
	struct wr w = wr_init(body, sizeof(body));

	switch ((int)type) {
	case INIT:
		wr_u8(&w, VERSION);
		wr_u32be(&w, SFTP_VERSION);
		reply(ch, &w);
		return;
	case OPEN:
		take_open(io, ch, id, &r);
		return;
	case CLOSE:
		ch->done = ch->taken > 0 ? ch->taken : ch->done;
		ssh_upload_end(io, ch, PROTOCOL_PIECE_END);
		reply_status(ch, id, OK);
		return;
	case SETSTAT:
	case FSETSTAT:
	case MKDIR:
		reply_status(ch, id, OK);
		return;
	case REALPATH:
		reply_path(ch, id, take_text(&r));
		return;
	case STAT:
	case LSTAT:
		reply_stat(ch, id, take_text(&r));
		return;
	case FSTAT:
		reply_status(ch, id, DENIED);
		return;
	default:
		reply_status(ch, id, UNSUPPORTED);
		return;
	}
}

/* A write's bytes up to its data: type, id, handle, offset, length. */
static size_t take_write_head(struct ssh_chan *ch, const uint8_t *data, size_t len, uint32_t length)
{
	struct rd r = rd_init(data, len);
	uint32_t id;

	rd_skip(&r, HEAD);
	id = rd_u32be(&r);
	(void)take_text(&r);
	rd_skip(&r, 8 + 4);
	if (r.bad)
		return 0;
	reply_status(ch, id, OK);
	ch->left = length + 4 > len - rd_left(&r) ? length + 4 - (len - rd_left(&r)) : 0;
	return len - rd_left(&r);
}

/* What lies in the channel's line, as far as it is a message; returns how many bytes were used. */
static size_t take_line(struct protocol_io *io, struct ssh_chan *ch)
{
	const uint8_t *data = (const uint8_t *)ch->line;
	size_t len = ch->line_len;
	struct rd r = rd_init(data, len);
	uint32_t length = rd_u32be(&r);
	uint8_t type = rd_u8(&r);

	if (r.bad)
		return 0;
	if (length == 0 || length > MESSAGE_MAX) {
		ch->finished = true;
		return len;
	}
	if (type == WRITE)
		return take_write_head(ch, data, len, length);
	if (length > sizeof(ch->line) - 4) {
		ch->finished = true; /* longer than any request that is answered */
		return len;
	}
	if (len < length + 4)
		return 0;
	take_message(io, ch, data + 4, length);
	return length + 4;
}

void ssh_sftp_take(struct protocol_io *io, struct ssh_chan *ch, const char *data, size_t len)
{
	while (len > 0 && !ch->finished) {
		size_t room = sizeof(ch->line) - ch->line_len;
		size_t n = len < room ? len : room;
		size_t used;

		if (ch->left > 0 && ch->line_len == 0) {
			n = len < ch->left ? len : (size_t)ch->left;
			ssh_upload_add(io, ch, data, n);
			ch->left -= n;
			data += n;
			len -= n;
			continue;
		}
		memcpy(ch->line + ch->line_len, data, n);
		ch->line_len = (uint16_t)(ch->line_len + n);
		data += n;
		len -= n;
		while (ch->line_len > 0 && !ch->finished) {
			if (ch->left > 0) { /* data of a write that came with its head */
				used = ch->line_len < ch->left ? ch->line_len : (size_t)ch->left;
				ssh_upload_add(io, ch, ch->line, used);
				ch->left -= used;
			} else {
				used = take_line(io, ch);
			}
			if (used == 0)
				break;
			memmove(ch->line, ch->line + used, ch->line_len - used);
			ch->line_len = (uint16_t)(ch->line_len - used);
		}
		if (ch->line_len == sizeof(ch->line))
			ch->finished = true;
	}
}
