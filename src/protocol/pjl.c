/*
 * PJL and raw printing (JetDirect): printers asked for their names, told what to display, given
 * jobs by strangers.
 *
 * Each @PJL line is a command; what stands between is a print job and goes out as a payload, cut
 * nowhere.  Answers INFO, ECHO and the file system questions as a LaserJet; nothing is stored.
 * HP, Printer Job Language Technical Reference Manual, chapters 2, 4, 7, 9.
 */
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_COMMAND,
	EVENT_INFO,
	EVENT_DISPLAY,
	EVENT_FILES,
	EVENT_JOB,
};

static const struct protocol_event_name events[] = {
	[EVENT_COMMAND] = {"command", "an @PJL line"},
	[EVENT_INFO] = {"info", "INFO: who asks what the printer is"},
	[EVENT_DISPLAY] = {"display", "RDYMSG, OPMSG or STMSG: a text for the display"},
	[EVENT_FILES] = {"files", "FS…: the printer's file system"},
	[EVENT_JOB] = {"job", "data to be printed began"},
};

#define UEL "\033%-12345X"
#define UEL_LEN (sizeof(UEL) - 1)
#define INBOX 512
#define DOWNLOAD_MAX (16u << 20)
#define NAME_MAX_LEN 64

struct state {
	bool in_job;
	bool in_line; /* an over-long line goes on */
	bool told;
	uint8_t name_len;
	uint32_t download; /* bytes of an FSDOWNLOAD that are still to come */
	char name[NAME_MAX_LEN];
};

/* ---- jobs and downloads --------------------------------------------------------------------- */

static void job_bytes(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	if (len == 0)
		return;
	if (!state->in_job) {
		state->in_job = true;
		protocol_event(io, EVENT_JOB);
	}
	protocol_payload(io, 0, PROTOCOL_LITERAL("job"), data, len);
}

static void end_job(struct protocol_io *io, enum protocol_piece piece)
{
	struct state *state = io->state;

	if (state->in_job)
		protocol_payload_end(io, 0, PROTOCOL_LITERAL("job"), piece);
	state->in_job = false;
}

static void end_download(struct protocol_io *io, enum protocol_piece piece)
{
	struct state *state = io->state;

	state->download = 0;
	protocol_payload_end(io, 1, (struct protocol_text){state->name, state->name_len}, piece);
}

static size_t take_download(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len < state->download ? len : state->download;

	protocol_payload(io, 1, (struct protocol_text){state->name, state->name_len}, data, n);
	state->download -= (uint32_t)n;
	if (state->download == 0)
		end_download(io, PROTOCOL_PIECE_END);
	return n;
}

/* ---- commands ------------------------------------------------------------------------------- */

/* The value behind "NAME=" or "NAME = ", without quotes; empty when it is not there. */
static struct protocol_text value_of(struct protocol_text line, const char *name)
{
	size_t n = strlen(name);

	for (; line.len > n; line.data++, line.len--) {
		struct protocol_text rest = {line.data + n, line.len - n};
		const char *end;

		if (!line_begins(line, name))
			continue;
		rest = line_trim(rest);
		if (rest.len == 0 || *rest.data != '=')
			continue;
		rest.data++;
		rest.len--;
		rest = line_trim(rest);
		if (rest.len == 0 || *rest.data != '"')
			return line_word(&rest);
		rest.data++;
		rest.len--;
		end = memchr(rest.data, '"', rest.len);
		return (struct protocol_text){rest.data,
		    end ? (size_t)(end - rest.data) : rest.len};
	}
	return (struct protocol_text){"", 0};
}

static uint32_t number_of(struct protocol_text text)
{
	uint32_t n = 0;

	for (size_t i = 0; i < text.len && text.data[i] >= '0' && text.data[i] <= '9'; i++)
		n = n > DOWNLOAD_MAX ? n : n * 10 + (uint32_t)(text.data[i] - '0');
	return n;
}

/* Replies begin with the command as it was given and end with a form feed. */
static void reply(struct protocol_io *io, struct protocol_text line, const char *text)
{
	protocol_reply(io, line.data, line.len);
	protocol_reply_text(io, "\r\n");
	protocol_reply_text(io, text);
	protocol_reply_text(io, "\f");
}

static void answer_info(struct protocol_io *io, struct protocol_text line,
    struct protocol_text about)
{
	char text[256];

	if (line_begins(about, "ID")) {
		(void)snprintf(text, sizeof(text), "\"%s\"\r\n", protocol_persona(io, "pjl.id"));
		reply(io, line, text);
	} else if (line_begins(about, "STATUS")) {
		(void)snprintf(text, sizeof(text),
		    "CODE=10001\r\nDISPLAY=\"%s\"\r\nONLINE=TRUE\r\n",
		    protocol_persona(io, "pjl.display"));
		reply(io, line, text);
	} else if (line_begins(about, "FILESYS")) {
		reply(io, line, "VOLUME TOTAL SIZE FREE SPACE LOCATION LABEL STATUS\r\n"
		                "0:     3428352      3178496    RAM      ?     READ-WRITE\r\n");
	} else if (line_begins(about, "MEMORY")) {
		reply(io, line, "TOTAL=12582912\r\nLARGEST=8388608\r\n");
	} else if (line_begins(about, "PAGECOUNT")) {
		(void)snprintf(text, sizeof(text), "PAGECOUNT=%s\r\n",
		    protocol_persona(io, "pjl.pages"));
		reply(io, line, text);
	} else {
		reply(io, line, "\"?\"\r\n");
	}
}

static void files_command(struct protocol_io *io, struct protocol_text line,
    struct protocol_text word)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_FILES);
	if (line_is(word, "FSDOWNLOAD")) {
		uint32_t size = number_of(value_of(line, "SIZE"));

		if (size > 0 && size <= DOWNLOAD_MAX) {
			struct protocol_text name = value_of(line, "NAME");

			state->download = size;
			state->name_len = (uint8_t)(name.len < NAME_MAX_LEN ? name.len
			                                                    : NAME_MAX_LEN);
			if (name.len)
				memcpy(state->name, name.data, state->name_len);
		}
	} else if (line_is(word, "FSDIRLIST")) {
		reply(io, line, ". TYPE=DIR\r\n.. TYPE=DIR\r\nPostScript TYPE=DIR\r\n"
		                "PJL TYPE=DIR\r\nsaveDevice TYPE=DIR\r\nwebServer TYPE=DIR\r\n");
	} else if (line_is(word, "FSQUERY") || line_is(word, "FSUPLOAD")) {
		reply(io, line, "FILEERROR=3\r\n");
	}
}

static void command(struct protocol_io *io, struct protocol_text line)
{
	struct state *state = io->state;
	struct protocol_text rest = {line.data + 4, line.len - 4};
	struct protocol_text word = line_word(&rest);

	if (word.len == 0)
		return;
	protocol_event(io, EVENT_COMMAND);
	protocol_command(io, line.data, line.len);
	if (!state->told)
		protocol_attribute(io, PROTOCOL_REQUEST, line.data, line.len);
	state->told = true;
	if (line_is(word, "INFO")) {
		protocol_event(io, EVENT_INFO);
		answer_info(io, line, line_trim(rest));
	} else if (line_is(word, "ECHO")) {
		reply(io, line, "");
	} else if (line_is(word, "RDYMSG") || line_is(word, "OPMSG") || line_is(word, "STMSG")) {
		protocol_event(io, EVENT_DISPLAY);
	} else if (line_begins(word, "FS")) {
		files_command(io, line, word);
	} else if (line_is(word, "INQUIRE") || line_is(word, "DINQUIRE")) {
		reply(io, line, "\"?\"\r\n");
	}
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static size_t skip_line(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	const uint8_t *end = memchr(data, '\n', len);

	state->in_line = !end;
	return end ? (size_t)(end - data) + 1 : len;
}

/* Print data up to the next UEL or, at a line's start, @PJL. */
static size_t take_job(struct protocol_io *io, const uint8_t *data, size_t len)
{
	const uint8_t *escape = memchr(data + 1, '\033', len - 1);
	size_t n = escape ? (size_t)(escape - data) : len;

	job_bytes(io, data, n);
	return n;
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	enum protocol_verdict uel = probe_bytes(data, len, UEL, UEL_LEN);
	enum protocol_verdict at = PROTOCOL_NO;
	struct protocol_text line;
	size_t taken;

	if (state->download > 0)
		return take_download(io, data, len);
	if (state->in_line)
		return skip_line(io, data, len);
	if (uel == PROTOCOL_MORE)
		return 0;
	if (uel == PROTOCOL_YES) {
		end_job(io, PROTOCOL_PIECE_END);
		return UEL_LEN;
	}
	if (!state->in_job)
		at = probe_word(data, len, "@PJL");
	if (at == PROTOCOL_MORE)
		return 0;
	if (at == PROTOCOL_NO) {
		/* Line ends between commands are no job. */
		if (!state->in_job && (*data == '\r' || *data == '\n' || *data == '\0'))
			return 1;
		return take_job(io, data, len);
	}
	taken = line_take(io, data, len, &line);
	if (taken == 0)
		return 0;
	state->in_line = data[taken - 1] != '\n';
	command(io, line);
	return taken;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	if (side == PROTOCOL_SERVER)
		return;
	if (state->download > bytes && bytes > 0) {
		state->download -= (uint32_t)bytes;
	} else if (state->download > 0) {
		end_download(io, PROTOCOL_PIECE_CUT);
	}
}

static void close_session(struct protocol_io *io)
{
	struct state *state = io->state;

	/* Raw printing ends with the connection. */
	end_job(io, PROTOCOL_PIECE_END);
	if (state->download > 0)
		end_download(io, PROTOCOL_PIECE_CUT);
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	enum protocol_verdict uel = probe_bytes(start->client, start->client_len, UEL, UEL_LEN);
	enum protocol_verdict at = probe_word(start->client, start->client_len, "@PJL ");

	/* A printer's port takes whatever comes. */
	if (start->hinted && start->client_len > 0)
		return PROTOCOL_YES;
	if (uel == PROTOCOL_YES || at == PROTOCOL_YES)
		return PROTOCOL_YES;
	return uel == PROTOCOL_MORE || at == PROTOCOL_MORE ? PROTOCOL_MORE : PROTOCOL_NO;
}

const struct protocol_module protocol_pjl = {
	.name = "pjl",
	.title = "PJL and raw printing",
	.spec = "HP PJL Technical Reference Manual",
	.doc = "@PJL lines as commands, print jobs and downloads as payloads.  Answers what the "
	       "printer is; prints and stores nothing.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {9100, 9101, 9102, 9103},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 2 * INBOX + 512,
	.idle_s = 60,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
	.close = close_session,
};
