/*
 * Android Debug Bridge: devices that let anybody on the network in.
 *
 * Records the client's banner, each service it opens, the commands of shell: and the files of
 * sync: as payloads.  Answers as a device without authorisation; commands run in the in-memory
 * shell, pushes succeed.  WRTE data is looked at as it passes, whatever its length.
 * AOSP system/core/adb: protocol.txt, SYNC.TXT.
 */
#include "base/rd.h"
#include "base/wr.h"
#include "protocol/line.h"
#include "protocol/shell.h"

enum {
	EVENT_CONNECT,
	EVENT_AUTH,
	EVENT_OPEN,
	EVENT_SHELL,
	EVENT_SYNC,
	EVENT_PUSH,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_CONNECT] = {"connect", "CNXN message; its banner is the software attribute"},
	[EVENT_AUTH] = {"auth", "AUTH or STLS message"},
	[EVENT_OPEN] = {"open", "a service was opened"},
	[EVENT_SHELL] = {"shell", "shell: or exec: with a command, or an interactive shell"},
	[EVENT_SYNC] = {"sync", "the file service was opened"},
	[EVENT_PUSH] = {"push", "a file was sent"},
	[EVENT_MALFORMED] = {"malformed", "a message that contradicts the protocol"},
};

enum command {
	CNXN = 0x4e584e43,
	AUTH = 0x48545541,
	OPEN = 0x4e45504f,
	OKAY = 0x59414b4f,
	CLSE = 0x45534c43,
	WRTE = 0x45545257,
	STLS = 0x534c5453,
};

enum sync_id {
	SYNC_SEND = 0x444e4553,
	SYNC_DATA = 0x41544144,
	SYNC_DONE = 0x454e4f44,
	SYNC_STAT = 0x54415453,
	SYNC_LIST = 0x5453494c,
	SYNC_RECV = 0x56434552,
	SYNC_QUIT = 0x54495551,
	SYNC_FAIL = 0x4c494146,
};

enum kind { /* of a stream */
	KIND_NONE,
	KIND_COMMAND, /* runs and ends */
	KIND_SHELL,   /* interactive */
	KIND_SYNC,
	KIND_OTHER,
};

#define HEADER_LEN 24u
#define DATA_MAX (1u << 20)
#define VERSION 0x01000000u
#define OUR_DATA_MAX 4096u
#define STREAMS 4
#define TEXT_MAX 1024
#define PATH_MAX_LEN 96
#define INBOX 64
#define OUTPUT_MAX 3072
#define REPLY_MAX (OUTPUT_MAX + 4 * 24 + 256)
#define PUSH_PAYLOAD 7 /* the shell's files use the numbers from 0 on */

struct stream {
	uint32_t theirs;
	uint32_t ours;
	uint8_t kind;
	bool ends; /* CLSE when what was written is acknowledged */
};

struct sync {
	uint8_t head[8];
	uint8_t head_len;
	bool pushing;
	uint32_t id;
	uint32_t left; /* bytes of the path or the data */
	uint16_t path_len;
	char path[PATH_MAX_LEN];
};

struct state {
	bool opaque;
	bool in_data;
	bool request_told;
	uint32_t command;
	uint32_t arg0;
	uint32_t arg1;
	uint32_t left;
	uint32_t next_id;
	uint16_t text_len;
	struct stream streams[STREAMS];
	struct sync sync;
	struct shell shell;
	char text[TEXT_MAX]; /* CNXN and OPEN data, or an interactive shell's line */
};

/* ---- replies -------------------------------------------------------------------------------- */

static void send(struct protocol_io *io, uint32_t command, uint32_t arg0, uint32_t arg1,
    const void *data, size_t len)
{
	uint8_t header[HEADER_LEN];
	struct wr w = wr_init(header, sizeof(header));
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += ((const uint8_t *)data)[i];
	wr_u32le(&w, command);
	wr_u32le(&w, arg0);
	wr_u32le(&w, arg1);
	wr_u32le(&w, (uint32_t)len);
	wr_u32le(&w, sum);
	wr_u32le(&w, command ^ 0xffffffffu);
	protocol_reply(io, header, sizeof(header));
	if (len)
		protocol_reply(io, data, len);
}

static void send_stream(struct protocol_io *io, const struct stream *s, uint32_t command,
    const void *data, size_t len)
{
	send(io, command, s->ours, s->theirs, data, len);
}

struct output {
	size_t len;
	char text[OUTPUT_MAX];
};

static void add_output(void *arg, const void *data, size_t len)
{
	struct output *out = arg;
	const char *bytes = data;

	for (size_t i = 0; i < len && sizeof(out->text) - out->len > 2; i++) {
		if (bytes[i] == '\n')
			out->text[out->len++] = '\r';
		out->text[out->len++] = bytes[i];
	}
}

/* ---- streams -------------------------------------------------------------------------------- */

static struct stream *find_stream(struct state *state, uint32_t theirs)
{
	for (unsigned i = 0; i < STREAMS; i++)
		if (state->streams[i].kind != KIND_NONE && state->streams[i].theirs == theirs)
			return &state->streams[i];
	return NULL;
}

/* A place for the stream; the first gives way when there are too many. */
static struct stream *new_stream(struct state *state, uint32_t theirs, enum kind kind)
{
	struct stream *s = find_stream(state, theirs);

	for (unsigned i = 0; !s && i < STREAMS; i++)
		if (state->streams[i].kind == KIND_NONE)
			s = &state->streams[i];
	if (!s)
		s = &state->streams[0];
	s->theirs = theirs;
	s->ours = ++state->next_id;
	s->kind = (uint8_t)kind;
	s->ends = false;
	return s;
}

static void put_prompt(struct protocol_io *io, struct output *out)
{
	const char *prompt = protocol_persona(io, "adb.prompt");

	add_output(out, prompt, strlen(prompt));
}

static void run_command(struct protocol_io *io, struct stream *s, const char *text, size_t len)
{
	struct state *state = io->state;
	struct output out = {.len = 0};

	state->shell.android = true;
	state->shell.cwd_len = 0;
	shell_line(&state->shell, io, text, len, add_output, &out);
	state->shell.over = false;
	if (out.len > 0)
		send_stream(io, s, WRTE, out.text, out.len);
	s->ends = out.len > 0;
	if (!s->ends) {
		send_stream(io, s, CLSE, NULL, 0);
		s->kind = KIND_NONE;
	}
}

/* "shell:ls", "shell,v2,raw:ls", "exec:ls": where the command begins, 0 when it is no shell. */
static size_t command_start(struct protocol_text service)
{
	const char *colon = service.len ? memchr(service.data, ':', service.len) : NULL;

	if (!colon || (!line_begins(service, "shell") && !line_begins(service, "exec:")))
		return 0;
	return (size_t)(colon - service.data) + 1;
}

static void open_service(struct protocol_io *io, struct protocol_text service)
{
	struct state *state = io->state;
	size_t command = command_start(service);
	struct output out = {.len = 0};
	struct stream *s;

	protocol_event(io, EVENT_OPEN);
	if (!state->request_told)
		protocol_attribute(io, PROTOCOL_REQUEST, service.data, service.len);
	state->request_told = true;
	if (command && command < service.len) {
		protocol_event(io, EVENT_SHELL);
		s = new_stream(state, state->arg0, KIND_COMMAND);
		send_stream(io, s, OKAY, NULL, 0);
		run_command(io, s, service.data + command, service.len - command);
	} else if (command) {
		protocol_event(io, EVENT_SHELL);
		s = new_stream(state, state->arg0, KIND_SHELL);
		put_prompt(io, &out);
		send_stream(io, s, OKAY, NULL, 0);
		send_stream(io, s, WRTE, out.text, out.len);
		state->text_len = 0;
	} else if (line_begins(service, "sync:")) {
		protocol_event(io, EVENT_SYNC);
		s = new_stream(state, state->arg0, KIND_SYNC);
		memset(&state->sync, 0, sizeof(state->sync));
		send_stream(io, s, OKAY, NULL, 0);
	} else {
		/* tcp:, reverse:, root:, reboot: … are told and refused. */
		protocol_command(io, service.data, service.len);
		send(io, CLSE, 0, state->arg0, NULL, 0);
	}
}

/* ---- sync ----------------------------------------------------------------------------------- */

static struct protocol_text push_name(const struct sync *sync)
{
	struct protocol_text name = {sync->path, sync->path_len};
	const char *comma = name.len ? memrchr(name.data, ',', name.len) : NULL;
	const char *slash;

	if (comma) /* the mode is behind it */
		name.len = (size_t)(comma - name.data);
	slash = name.len ? memrchr(name.data, '/', name.len) : NULL;
	if (slash) {
		name.len -= (size_t)(slash + 1 - name.data);
		name.data = slash + 1;
	}
	return name;
}

static void end_push(struct protocol_io *io, enum protocol_piece piece)
{
	struct state *state = io->state;

	if (!state->sync.pushing)
		return;
	state->sync.pushing = false;
	protocol_payload_end(io, PUSH_PAYLOAD, push_name(&state->sync), piece);
}

static void sync_status(struct protocol_io *io, const struct stream *s, uint32_t id)
{
	uint8_t reply[16] = {0};
	struct wr w = wr_init(reply, sizeof(reply));

	wr_u32le(&w, id);
	send_stream(io, s, WRTE, reply, id == SYNC_STAT ? 16 : 8);
}

/* What a request without, or after, its path gives. */
static void sync_request(struct protocol_io *io, struct stream *s)
{
	struct state *state = io->state;
	struct sync *sync = &state->sync;
	char text[PATH_MAX_LEN + 8] = {0};
	size_t n = 5;

	memcpy(text, &(const char[]){(char)sync->id, (char)(sync->id >> 8), (char)(sync->id >> 16),
	    (char)(sync->id >> 24), ' '}, 5);
	memcpy(text + n, sync->path, sync->path_len);
	protocol_command(io, text, n + sync->path_len);
	switch (sync->id) {
	case SYNC_SEND:
		end_push(io, PROTOCOL_PIECE_CUT);
		protocol_event(io, EVENT_PUSH);
		sync->pushing = true;
		return;
	case SYNC_STAT:
		sync_status(io, s, SYNC_STAT);
		return;
	case SYNC_LIST:
		sync_status(io, s, SYNC_DONE);
		return;
	default:
		sync_status(io, s, SYNC_FAIL);
		return;
	}
}

static void sync_head(struct protocol_io *io, struct stream *s)
{
	struct state *state = io->state;
	struct sync *sync = &state->sync;
	struct rd r = rd_init(sync->head, sizeof(sync->head));
	const char *comma;

	sync->head_len = 0;
	sync->id = rd_u32le(&r);
	sync->left = rd_u32le(&r);
	switch (sync->id) {
	case SYNC_DATA:
		return;
	case SYNC_DONE: /* the length is a time */
		sync->left = 0;
		comma = sync->path_len ? memrchr(sync->path, ',', sync->path_len) : NULL;
		if (sync->pushing) {
			state->shell.android = true;
			shell_touch(&state->shell, io, sync->path,
			    comma ? (size_t)(comma - sync->path) : sync->path_len);
		}
		end_push(io, PROTOCOL_PIECE_END);
		sync_status(io, s, OKAY);
		return;
	case SYNC_QUIT:
		sync->left = 0;
		send_stream(io, s, CLSE, NULL, 0);
		return;
	default:
		sync->path_len = 0;
		if (sync->left == 0)
			sync_request(io, s);
		return;
	}
}

/* Bytes of a request's body; returns how many belonged to it. */
static size_t sync_body(struct protocol_io *io, struct stream *s, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct sync *sync = &state->sync;
	size_t n = len < sync->left ? len : sync->left;

	sync->left -= (uint32_t)n;
	if (sync->id == SYNC_DATA) {
		if (sync->pushing)
			protocol_payload(io, PUSH_PAYLOAD, push_name(sync), data, n);
		return n;
	}
	for (size_t i = 0; i < n && sync->path_len < PATH_MAX_LEN; i++)
		sync->path[sync->path_len++] = (char)data[i];
	if (sync->left == 0)
		sync_request(io, s);
	return n;
}

/* Takes one header or body part, so that one call gives one reply. */
static size_t sync_bytes(struct protocol_io *io, struct stream *s, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct sync *sync = &state->sync;
	size_t n = 0;

	if (sync->left > 0)
		return sync_body(io, s, data, len);
	while (n < len && sync->head_len < sizeof(sync->head))
		sync->head[sync->head_len++] = data[n++];
	if (sync->head_len == sizeof(sync->head))
		sync_head(io, s);
	return n;
}

/* ---- an interactive shell ------------------------------------------------------------------- */

static size_t shell_bytes(struct protocol_io *io, struct stream *s, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct output out = {.len = 0};
	size_t n = 0;

	while (n < len) {
		char c = (char)data[n++];

		if (c != '\r' && c != '\n') {
			if (state->text_len < sizeof(state->text))
				state->text[state->text_len++] = c;
			continue;
		}
		add_output(&out, state->text, state->text_len);
		add_output(&out, "\n", 1);
		state->shell.android = true;
		shell_line(&state->shell, io, state->text, state->text_len, add_output, &out);
		state->text_len = 0;
		if (!state->shell.over)
			put_prompt(io, &out);
		send_stream(io, s, WRTE, out.text, out.len);
		s->ends = state->shell.over;
		state->shell.over = false;
		return n;
	}
	return n;
}

/* ---- messages ------------------------------------------------------------------------------- */

static struct protocol_text without_nul(const struct state *state)
{
	const char *nul = state->text_len ? memchr(state->text, '\0', state->text_len) : NULL;

	return (struct protocol_text){state->text,
	    nul ? (size_t)(nul - state->text) : state->text_len};
}

/* A message is complete. */
static void message(struct protocol_io *io)
{
	struct state *state = io->state;
	struct stream *s = find_stream(state, state->arg0);
	const char *banner = protocol_persona(io, "adb.banner");

	state->in_data = false;
	switch (state->command) {
	case CNXN:
		protocol_event(io, EVENT_CONNECT);
		protocol_attribute(io, PROTOCOL_SOFTWARE, state->text, without_nul(state).len);
		send(io, CNXN, VERSION, OUR_DATA_MAX, banner, strlen(banner) + 1);
		return;
	case AUTH:
	case STLS:
		protocol_event(io, EVENT_AUTH);
		return;
	case OPEN:
		open_service(io, without_nul(state));
		return;
	case OKAY:
		if (s && s->ends) {
			send_stream(io, s, CLSE, NULL, 0);
			s->kind = KIND_NONE;
		}
		return;
	case CLSE:
		if (s && s->kind == KIND_SYNC)
			end_push(io, PROTOCOL_PIECE_CUT);
		if (s)
			s->kind = KIND_NONE;
		return;
	default:
		return;
	}
}

static bool is_known(uint32_t command)
{
	return command == CNXN || command == AUTH || command == OPEN || command == OKAY
	    || command == CLSE || command == WRTE || command == STLS;
}

static size_t take_header(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	struct rd r = rd_init(data, len);
	uint32_t magic;
	struct stream *s;

	state->command = rd_u32le(&r);
	state->arg0 = rd_u32le(&r);
	state->arg1 = rd_u32le(&r);
	state->left = rd_u32le(&r);
	rd_skip(&r, 4); /* the checksum, which newer versions leave out */
	magic = rd_u32le(&r);
	if (r.bad)
		return 0;
	if (magic != (state->command ^ 0xffffffffu) || !is_known(state->command)
	    || state->left > DATA_MAX) {
		protocol_event(io, EVENT_MALFORMED);
		state->opaque = true;
		io->hang_up = true;
		return len;
	}
	if (state->command == CNXN || state->command == OPEN)
		state->text_len = 0;
	s = find_stream(state, state->arg0);
	if (state->command == WRTE && s)
		send_stream(io, s, OKAY, NULL, 0);
	state->in_data = true;
	if (state->left == 0)
		message(io);
	return HEADER_LEN;
}

static size_t take_data(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->left ? len : state->left;
	struct stream *s = find_stream(state, state->arg0);

	if (state->command == WRTE && s && s->kind == KIND_SYNC)
		n = sync_bytes(io, s, data, n);
	else if (state->command == WRTE && s && s->kind == KIND_SHELL)
		n = shell_bytes(io, s, data, n);
	else if (state->command == CNXN || state->command == OPEN)
		for (size_t i = 0; i < n && state->text_len < sizeof(state->text); i++)
			state->text[state->text_len++] = (char)data[i];
	state->left -= (uint32_t)n;
	if (state->left == 0)
		message(io);
	return n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const struct state *state = io->state;

	if (state->opaque)
		return len;
	return state->in_data ? take_data(io, data, len) : take_header(io, data, len);
}

/* ---- the module ----------------------------------------------------------------------------- */

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_SERVER)
		return;
	if (state->in_data && bytes > 0 && bytes < state->left
	    && (state->command != WRTE || bytes < state->sync.left)) {
		state->left -= (uint32_t)bytes;
		if (state->command == WRTE)
			state->sync.left -= (uint32_t)bytes;
		return;
	}
	state->opaque = true;
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	end_push(io, PROTOCOL_PIECE_CUT);
	shell_close(&state->shell, io);
}

/* CNXN comes first; a bot that does not wait sends OPEN behind it. */
static enum protocol_verdict probe(const struct protocol_start *start)
{
	static const uint8_t magic[] = {0xbc, 0xb1, 0xa7, 0xb1};
	enum protocol_verdict verdict = probe_bytes(start->client, start->client_len, "CNXN", 4);

	if (verdict != PROTOCOL_YES)
		return verdict;
	if (start->client_len < HEADER_LEN - 4)
		return PROTOCOL_MORE;
	return probe_bytes(start->client + HEADER_LEN - 4, start->client_len - (HEADER_LEN - 4),
	    magic, sizeof(magic));
}

const struct protocol_module protocol_adb = {
	.name = "adb",
	.title = "Android Debug Bridge",
	.spec = "AOSP system/core/adb/protocol.txt, SYNC.TXT",
	.doc = "Banner (software), services opened, shell commands, pushed files as payloads.  "
	       "Answers as a device without authorisation.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {5555, 5556, 5557, 5037},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = REPLY_MAX,
	.idle_s = 120,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
	.close = close_session,
};

_Static_assert(sizeof(struct state) + INBOX <= PROTOCOL_ROOM_MAX, "state and inbox fit");
