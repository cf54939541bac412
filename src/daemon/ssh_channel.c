/*
 * What a visitor does once it is in: shells, commands and uploads; the contract is in ssh.h.
 *
 * Commands run in the shell that telnet has (protocol/shell.h), one for all channels of a
 * connection.  Uploads by `scp -t`, by `cat >FILE` and by
 * sftp (ssh_sftp.c) become payloads.  RFC 4254 6; the protocol of
 * scp is rcp's.
 */
#include "daemon/ssh.h"

#include "protocol/line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct ssh_chan *chan;
	enum ssh_told event;
	const char *text;
	size_t len;
};

/* ---- output --------------------------------------------------------------------------------- */

void ssh_chan_put(struct ssh_chan *ch, const void *data, size_t len)
{
	char *more;

	if (len == 0 || ch->out_len + len > SSH_OUTPUT_MAX)
		return;
	more = realloc(ch->out, ch->out_len + len);
	if (!more)
		return;
	memcpy(more + ch->out_len, data, len);
	ch->out = more;
	ch->out_len += (uint32_t)len;
}

/* As a terminal shows it: LF as CR LF. */
static void put_terminal(void *arg, const void *data, size_t len)
{
	struct ssh_chan *ch = arg;
	const char *text = data;
	const char *lf;

	while (ch->pty && len > 0 && (lf = memchr(text, '\n', len)) != NULL) {
		ssh_chan_put(ch, text, (size_t)(lf - text));
		ssh_chan_put(ch, "\r\n", 2);
		len -= (size_t)(lf - text) + 1;
		text = lf + 1;
	}
	ssh_chan_put(ch, text, len);
}

/* Outside of libssh's callbacks; they may queue more while it writes, so the queue is taken away
 * from them first.  True when something was written. */
static bool write_out(struct ssh_chan *ch)
{
	char *out = ch->out;
	uint32_t len = ch->out_len;
	char *later;
	uint32_t later_len;
	int n;

	if (len == 0)
		return false;
	ch->out = NULL;
	ch->out_len = 0;
	n = ssh_channel_write(ch->handle, out, len);
	if (n < 0) {
		ch->gone = true;
		free(out);
		return false;
	}
	ssh_said(ch->conn, false, true, out, (size_t)n);
	later = ch->out;
	later_len = ch->out_len;
	ch->out = NULL;
	ch->out_len = 0;
	ssh_chan_put(ch, out + n, len - (uint32_t)n);
	ssh_chan_put(ch, later, later_len);
	free(out);
	free(later);
	return n > 0;
}

static void close_channel(struct ssh_chan *ch)
{
	if (!ch->gone) {
		(void)ssh_channel_request_send_exit_status(ch->handle, ch->status);
		(void)ssh_channel_send_eof(ch->handle);
		(void)ssh_channel_close(ch->handle);
	}
	(void)ssh_remove_channel_callbacks(ch->handle, &ch->callbacks);
	ssh_channel_free(ch->handle);
	free(ch->out);
	memset(ch, 0, sizeof(*ch));
}

bool ssh_chans_flush(struct ssh_conn *c)
{
	bool moved = false;

	for (unsigned i = 0; i < SSH_CHANNELS_MAX; i++) {
		struct ssh_chan *ch = &c->channels[i];

		if (!ch->handle)
			continue;
		moved = write_out(ch) || moved;
		if (ch->gone || (ch->finished && ch->out_len == 0)) {
			close_channel(ch);
			moved = true;
		}
	}
	return moved;
}

/* ---- the shell ------------------------------------------------------------------------------ */

static void run_line(struct protocol_io *io, struct ssh_chan *ch, const char *text, size_t len)
{
	struct shell *shell = &ch->conn->shell;

	shell_line(shell, io, text, len, put_terminal, ch);
	ch->status = shell->status;
	if (shell->over)
		ch->finished = true;
	shell->over = false;
}

/* Where to end a piece of a line that is longer than a shell's: behind a command, behind a word. */
static size_t piece_of(const char *text, size_t len)
{
	if (len <= SHELL_LINE_MAX)
		return len;
	for (size_t n = SHELL_LINE_MAX; n > SHELL_LINE_MAX / 2; n--)
		if (text[n - 1] == ';')
			return n;
	for (size_t n = SHELL_LINE_MAX; n > SHELL_LINE_MAX / 2; n--)
		if (text[n - 1] == ' ')
			return n;
	return SHELL_LINE_MAX;
}

/* A script of lines, as exec has it. */
static void run_text(struct protocol_io *io, void *arg)
{
	const struct run *r = arg;
	const char *text = r->text;
	size_t left = r->len;

	protocol_event(io, r->event);
	while (left > 0 && !r->chan->finished) {
		const char *lf = memchr(text, '\n', left);
		size_t line = lf ? (size_t)(lf - text) : left;
		size_t n = piece_of(text, line);

		run_line(io, r->chan, text, n);
		n += lf && n == line;
		text += n;
		left -= n;
	}
}

static void show_prompt(struct protocol_io *io, struct ssh_chan *ch)
{
	if (ch->pty && !ch->finished)
		shell_prompt(&ch->conn->shell, io, put_terminal, ch);
}

static void first_prompt(struct protocol_io *io, void *arg)
{
	protocol_event(io, SSH_TOLD_SHELL);
	show_prompt(io, arg);
}

static void end_line(struct protocol_io *io, struct ssh_chan *ch)
{
	size_t len = ch->line_len;

	ch->line_len = 0;
	if (ch->pty)
		ssh_chan_put(ch, "\r\n", 2);
	run_line(io, ch, ch->line, len);
	show_prompt(io, ch);
}

/* Keys that a terminal's line discipline takes; true when it was one. */
static bool take_key(struct protocol_io *io, struct ssh_chan *ch, char byte)
{
	switch (byte) {
	case 3: /* Ctrl-C */
		ch->line_len = 0;
		ssh_chan_put(ch, "^C\r\n", 4);
		show_prompt(io, ch);
		return true;
	case 4: /* Ctrl-D */
		if (ch->line_len == 0)
			ch->finished = true;
		return true;
	case '\b':
	case 0x7f:
		if (ch->line_len > 0) {
			ch->line_len--;
			ssh_chan_put(ch, "\b \b", 3);
		}
		return true;
	case 21: /* Ctrl-U */
		for (; ch->line_len > 0; ch->line_len--)
			ssh_chan_put(ch, "\b \b", 3);
		return true;
	default:
		return false;
	}
}

static void take_typed(struct protocol_io *io, void *arg)
{
	const struct run *r = arg;
	struct ssh_chan *ch = r->chan;

	for (size_t i = 0; i < r->len && !ch->finished; i++) {
		char byte = r->text[i];
		bool after_cr = ch->after_cr;

		ch->after_cr = byte == '\r' && ch->pty;
		if (byte == '\n' && after_cr)
			continue;
		if (byte == '\n' || ch->after_cr) {
			end_line(io, ch);
			continue;
		}
		if (ch->pty && take_key(io, ch, byte))
			continue;
		if (ch->line_len < sizeof(ch->line)) {
			ch->line[ch->line_len++] = byte;
			if (ch->pty)
				ssh_chan_put(ch, &byte, 1);
		}
	}
}

/* ---- uploads -------------------------------------------------------------------------------- */

/* Behind those of the shell. */
static unsigned payload_number(const struct ssh_chan *ch)
{
	return SHELL_FILES + (unsigned)(ch - ch->conn->channels);
}

static struct protocol_text upload_name(const struct ssh_chan *ch)
{
	return (struct protocol_text){ch->name, ch->name_len};
}

void ssh_upload_name(struct ssh_chan *ch, struct protocol_text name)
{
	ch->name_len = (uint16_t)(name.len < sizeof(ch->name) ? name.len : sizeof(ch->name));
	if (ch->name_len)
		memcpy(ch->name, name.data, ch->name_len);
}

void ssh_upload_add(struct protocol_io *io, struct ssh_chan *ch, const char *data, size_t len)
{
	if (ch->taken == 0 && len > 0)
		protocol_event(io, SSH_TOLD_UPLOAD);
	protocol_payload(io, payload_number(ch), upload_name(ch), data, len);
	ch->taken += len;
}

void ssh_upload_end(struct protocol_io *io, struct ssh_chan *ch, enum protocol_piece piece)
{
	if (ch->taken > 0) {
		protocol_payload_end(io, payload_number(ch), upload_name(ch), piece);
		if (piece == PROTOCOL_PIECE_END)
			shell_touch(&ch->conn->shell, io, ch->name, ch->name_len);
	}
	ch->taken = 0;
}

/* "C0755 1234 name"; anything else is only acknowledged. */
static void take_scp_line(struct ssh_chan *ch)
{
	struct protocol_text rest = {ch->line, ch->line_len};
	struct protocol_text mode = line_word(&rest);
	struct protocol_text size = line_word(&rest);

	ch->line_len = 0;
	ssh_chan_put(ch, "", 1);
	if (mode.len == 0 || mode.data[0] != 'C')
		return;
	ch->left = 0;
	for (size_t i = 0; i < size.len && i < 15 && size.data[i] >= '0' && size.data[i] <= '9'; i++)
		ch->left = ch->left * 10 + (uint64_t)(size.data[i] - '0');
	ssh_upload_name(ch, line_trim(rest));
	ch->upload = ch->left > 0 ? SSH_UPLOAD_SCP_DATA : SSH_UPLOAD_SCP_END;
}

/* Takes a part of scp's bytes; returns how many. */
static size_t take_scp(struct protocol_io *io, struct ssh_chan *ch, const char *data, size_t len)
{
	const char *lf = memchr(data, '\n', len);
	size_t n = lf ? (size_t)(lf - data) + 1 : len;
	size_t room = sizeof(ch->line) - ch->line_len;

	switch (ch->upload) {
	case SSH_UPLOAD_SCP_DATA:
		n = len < ch->left ? len : (size_t)ch->left;
		ssh_upload_add(io, ch, data, n);
		ch->left -= n;
		if (ch->left == 0)
			ch->upload = SSH_UPLOAD_SCP_END;
		return n;
	case SSH_UPLOAD_SCP_END:
		ssh_upload_end(io, ch, PROTOCOL_PIECE_END);
		ssh_chan_put(ch, "", 1);
		ch->upload = SSH_UPLOAD_SCP_LINE;
		return 1;
	default:
		memcpy(ch->line + ch->line_len, data, n < room ? n : room);
		ch->line_len = (uint16_t)(ch->line_len + (n < room ? n : room));
		if (lf)
			take_scp_line(ch);
		return n;
	}
}

static void take_upload(struct protocol_io *io, void *arg)
{
	const struct run *r = arg;
	struct ssh_chan *ch = r->chan;

	if (ch->upload == SSH_UPLOAD_SFTP) {
		ssh_sftp_take(io, ch, r->text, r->len);
		return;
	}
	if (ch->upload == SSH_UPLOAD_CAT) {
		ssh_upload_add(io, ch, r->text, r->len);
		return;
	}
	for (size_t at = 0; at < r->len;)
		at += take_scp(io, ch, r->text + at, r->len - at);
}

static void finish_upload(struct protocol_io *io, void *arg)
{
	struct ssh_chan *ch = arg;

	ssh_upload_end(io, ch, ch->upload == SSH_UPLOAD_CAT ? PROTOCOL_PIECE_END : PROTOCOL_PIECE_CUT);
}

static void cut_upload(struct protocol_io *io, void *arg)
{
	ssh_upload_end(io, arg, PROTOCOL_PIECE_CUT);
}

/* "scp -t PATH", however its options are written. */
static bool is_scp(const char *command)
{
	struct protocol_text rest = {command, strlen(command)};
	struct protocol_text word = line_word(&rest);

	if (word.len < 3 || memcmp(word.data + word.len - 3, "scp", 3) != 0)
		return false;
	while ((word = line_word(&rest)).len > 0)
		if (word.data[0] == '-' && memchr(word.data, 't', word.len))
			return true;
	return false;
}

/* "cat >FILE" without another input: the file comes through the channel. */
static bool is_cat(const char *command, struct protocol_text *ret_name)
{
	const char *at = strstr(command, "cat");

	for (; at; at = strstr(at + 3, "cat")) {
		const char *p = at + 3 + strspn(at + 3, " ");

		if (*p != '>')
			continue;
		p += strspn(p, "> ");
		*ret_name = (struct protocol_text){p, strcspn(p, " ;&|<>)\"'\n")};
		return ret_name->len > 0 && !strchr(p, '<');
	}
	return false;
}

/* ---- libssh's callbacks --------------------------------------------------------------------- */

static void tell_text(struct protocol_io *io, void *arg)
{
	const struct run *r = arg;

	protocol_event(io, r->event);
	protocol_command(io, r->text, r->len);
}

void ssh_tell_command(struct ssh_conn *c, enum ssh_told event, const char *text, size_t len)
{
	struct run r = {NULL, event, text, len};

	ssh_speak(c, tell_text, &r);
}

static int on_pty(ssh_session session, ssh_channel channel, const char *term, int width,
    int height, int pixel_width, int pixel_height, void *arg)
{
	struct ssh_chan *ch = arg;

	(void)session;
	(void)channel;
	(void)term;
	(void)width;
	(void)height;
	(void)pixel_width;
	(void)pixel_height;
	ch->pty = true;
	return 0;
}

static int on_env(ssh_session session, ssh_channel channel, const char *name, const char *value,
    void *arg)
{
	(void)session;
	(void)channel;
	(void)name;
	(void)value;
	(void)arg;
	return 0;
}

static int on_shell(ssh_session session, ssh_channel channel, void *arg)
{
	struct ssh_chan *ch = arg;

	(void)session;
	(void)channel;
	if (ch->shell || ch->finished || ch->upload)
		return 1;
	ch->shell = true;
	ssh_speak(ch->conn, first_prompt, ch);
	return 0;
}

static int on_exec(ssh_session session, ssh_channel channel, const char *command, void *arg)
{
	struct ssh_chan *ch = arg;
	struct run r = {ch, SSH_TOLD_EXEC, command, strlen(command)};
	struct protocol_text name;

	(void)session;
	(void)channel;
	if (ch->shell || ch->finished || ch->upload)
		return 1;
	ssh_said(ch->conn, true, true, command, r.len);
	ssh_said(ch->conn, true, true, "\n", 1);
	if (is_scp(command)) {
		ssh_tell_command(ch->conn, SSH_TOLD_EXEC, command, r.len);
		ch->upload = SSH_UPLOAD_SCP_LINE;
		ssh_chan_put(ch, "", 1);
		return 0;
	}
	ssh_speak(ch->conn, run_text, &r);
	if (!is_cat(command, &name)) {
		ch->finished = true;
		return 0;
	}
	ch->finished = false;
	ch->upload = SSH_UPLOAD_CAT;
	ssh_upload_name(ch, name);
	return 0;
}

static int on_subsystem(ssh_session session, ssh_channel channel, const char *name, void *arg)
{
	struct ssh_chan *ch = arg;
	char text[PROTOCOL_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "subsystem %s", name);

	(void)session;
	(void)channel;
	if (n > 0)
		ssh_tell_command(ch->conn, SSH_TOLD_SUBSYSTEM, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	if (strcmp(name, "sftp") != 0 || ch->shell || ch->finished || ch->upload)
		return 1;
	ch->upload = SSH_UPLOAD_SFTP;
	return 0;
}

static int on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
    int is_stderr, void *arg)
{
	struct ssh_chan *ch = arg;
	struct run r = {.chan = ch, .text = data, .len = len};

	(void)session;
	(void)channel;
	if (is_stderr || ch->finished)
		return (int)len;
	ssh_said(ch->conn, true, true, data, len);
	if (ch->upload)
		ssh_speak(ch->conn, take_upload, &r);
	else if (ch->shell)
		ssh_speak(ch->conn, take_typed, &r);
	return (int)len;
}

static void on_eof(ssh_session session, ssh_channel channel, void *arg)
{
	struct ssh_chan *ch = arg;

	(void)session;
	(void)channel;
	if (ch->upload)
		ssh_speak(ch->conn, finish_upload, ch);
	ch->finished = ch->finished || ch->upload || ch->shell;
}

static void on_close(ssh_session session, ssh_channel channel, void *arg)
{
	struct ssh_chan *ch = arg;

	(void)session;
	(void)channel;
	if (ch->upload)
		ssh_speak(ch->conn, cut_upload, ch);
	ch->gone = true;
}

ssh_channel ssh_chan_open(ssh_session session, void *arg)
{
	struct ssh_conn *c = arg;
	struct ssh_chan *ch = NULL;

	for (unsigned i = 0; i < SSH_CHANNELS_MAX && !ch; i++)
		if (!c->channels[i].handle)
			ch = &c->channels[i];
	if (!ch)
		return NULL;
	memset(ch, 0, sizeof(*ch));
	ch->handle = ssh_channel_new(session);
	if (!ch->handle)
		return NULL;
	ch->conn = c;
	ch->callbacks.userdata = ch;
	ch->callbacks.channel_pty_request_function = on_pty;
	ch->callbacks.channel_env_request_function = on_env;
	ch->callbacks.channel_shell_request_function = on_shell;
	ch->callbacks.channel_exec_request_function = on_exec;
	ch->callbacks.channel_subsystem_request_function = on_subsystem;
	ch->callbacks.channel_data_function = on_data;
	ch->callbacks.channel_eof_function = on_eof;
	ch->callbacks.channel_close_function = on_close;
	ssh_callbacks_init(&ch->callbacks);
	(void)ssh_set_channel_callbacks(ch->handle, &ch->callbacks);
	return ch->handle;
}

static void end_shell(struct protocol_io *io, void *arg)
{
	struct ssh_conn *c = arg;

	for (unsigned i = 0; i < SSH_CHANNELS_MAX; i++) {
		struct ssh_chan *ch = &c->channels[i];

		/* A last line that was not ended is still a command. */
		if (ch->handle && ch->shell && !ch->finished && ch->line_len > 0)
			run_line(io, ch, ch->line, ch->line_len);
		if (ch->handle && ch->upload)
			ssh_upload_end(io, ch, PROTOCOL_PIECE_CUT);
	}
	shell_close(&c->shell, io);
}

void ssh_chans_end(struct ssh_conn *c)
{
	ssh_speak(c, end_shell, c);
}
