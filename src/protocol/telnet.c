/*
 * Telnet: the negotiation, logins, the commands typed and the files dropped with them.
 *
 * Answers as an embedded device's login and BusyBox shell: bots wait for an IAC before anything
 * else, so the options go out first.  Bytes are taken one by one (a terminal echoes each); a line
 * at a time is run.  Captures: telnet_passive.c.
 * RFC 854, 855, 857 (echo), 858 (suppress go-ahead), 1073 (window size), 1091 (terminal type),
 * 1572 (environment).
 */
#include "protocol/accept.h"
#include "protocol/telnet_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const struct protocol_event_name events[] = {
	[TELNET_OPTIONS] = {"options", "the client negotiated; its request attribute says how"},
	[TELNET_LOGIN] = {"login", "a login was tried"},
	[TELNET_SHELL] = {"shell", "the first command was typed"},
	[TELNET_ENVIRON] = {"environ", "environment variables were sent (RFC 1572)"},
};

enum option {
	OPTION_TERMINAL_TYPE = 24,
	OPTION_WINDOW_SIZE = 31,
	OPTION_ENVIRON = 39,
};

#define ATTEMPTS_DEFAULT 3
#define INBOX 48
#define REPLY_MAX (SHELL_OUTPUT_MAX + 768)

/* ---- output --------------------------------------------------------------------------------- */

struct output {
	struct protocol_io *io;
	size_t left;
};

/* As a terminal and the protocol send it: LF as CR LF, 255 doubled. */
static void write_terminal(void *arg, const void *data, size_t len)
{
	struct output *out = arg;
	const char *bytes = data;

	for (size_t i = 0; i < len && out->left > 2; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char pair[2] = {bytes[i], bytes[i]};

		if (c == '\n')
			pair[0] = '\r';
		if (c == '\n' || c == IAC)
			protocol_reply(out->io, pair, 2);
		else
			protocol_reply(out->io, pair, 1);
		out->left -= c == '\n' || c == IAC ? 2 : 1;
	}
}

static void prompt(struct protocol_io *io)
{
	struct telnet_state *state = io->state;
	struct output out = {io, SHELL_OUTPUT_MAX};

	switch (state->phase) {
	case PHASE_USER:
		protocol_reply_text(io, protocol_persona(io, "telnet.login"));
		return;
	case PHASE_PASSWORD:
		protocol_reply_text(io, protocol_persona(io, "telnet.password"));
		return;
	case PHASE_SHELL:
		shell_prompt(&state->shell, io, write_terminal, &out);
		return;
	default:
		return;
	}
}

/* ---- negotiation ---------------------------------------------------------------------------- */

/* Is the option among those that the greeting offered or asked for?  Those are agreed already. */
static bool is_offered(const struct protocol_io *io, uint8_t option)
{
	const char *text = protocol_persona(io, "telnet.options");

	for (size_t len = strlen(text), i = 0; i + 2 < len; i += 3)
		if ((uint8_t)text[i + 2] == option)
			return true;
	return false;
}

/* What we do not know is declined, once; refusals are never answered (RFC 854: no loops). */
static void answer_option(struct protocol_io *io, uint8_t verb, uint8_t option)
{
	uint8_t reply[6] = {IAC, verb == WILL ? DONT : WONT, option};

	if (verb != WILL && verb != DO)
		return;
	if (!is_offered(io, option)) {
		protocol_reply(io, reply, 3);
	} else if (verb == WILL && (option == OPTION_TERMINAL_TYPE || option == OPTION_ENVIRON)) {
		reply[1] = SB;
		reply[3] = 1; /* SEND */
		reply[4] = IAC;
		reply[5] = SE;
		protocol_reply(io, reply, sizeof(reply));
	}
}

static void take_option(struct protocol_io *io, uint8_t verb, uint8_t option)
{
	struct telnet_state *state = io->state;

	if (!state->options_told && state->asked_count < TELNET_ASKED_MAX) {
		state->asked[state->asked_count][0] = verb;
		state->asked[state->asked_count][1] = option;
		state->asked_count++;
	}
	answer_option(io, verb, option);
}

/* NEW-ENVIRON IS: 0 VAR name 1 VALUE value …; told as a command, for it has carried exploits. */
static void take_environ(struct protocol_io *io, const uint8_t *sub, size_t len)
{
	char text[16 + TELNET_SUB_MAX];
	size_t n = 8;

	memcpy(text, "ENVIRON ", 8);
	for (size_t i = 0; i < len; i++) {
		if (sub[i] == 1)
			text[n++] = '=';
		else if (sub[i] >= ' ')
			text[n++] = (char)sub[i];
		else if (n > 8)
			text[n++] = ' ';
	}
	protocol_event(io, TELNET_ENVIRON);
	protocol_command(io, text, n);
}

static void take_sub(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	if (state->sub_len == 0)
		return;
	take_option(io, SB, state->sub[0]);
	if (state->sub[0] == OPTION_ENVIRON && state->sub_len > 3 && state->sub[1] == 0)
		take_environ(io, state->sub + 2, state->sub_len - 2u);
	if (state->sub[0] == OPTION_TERMINAL_TYPE && state->sub_len > 2 && state->sub[1] == 0)
		protocol_attribute(io, PROTOCOL_SOFTWARE, state->sub + 2, state->sub_len - 2u);
}

/* The negotiation as one line: a fingerprint of the client in itself. */
static void tell_options(struct protocol_io *io)
{
	static const char *const verbs[] = {"SB", "WILL", "WONT", "DO", "DONT"};
	struct telnet_state *state = io->state;
	char text[TELNET_ASKED_MAX * 10];
	size_t n = 0;

	if (state->options_told)
		return;
	state->options_told = true;
	for (unsigned i = 0; i < state->asked_count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s %u", i ? " " : "",
		    verbs[state->asked[i][0] - SB], state->asked[i][1]);
	if (n == 0)
		return;
	protocol_event(io, TELNET_OPTIONS);
	protocol_attribute(io, PROTOCOL_REQUEST, text, n);
}

/* ---- logins --------------------------------------------------------------------------------- */

void telnet_tell_login(struct protocol_io *io, enum protocol_outcome outcome)
{
	const struct telnet_state *state = io->state;

	protocol_event(io, TELNET_LOGIN);
	protocol_login(io, telnet_name_text(&state->user), telnet_name_text(&state->password),
	    PROTOCOL_SECRET_PASSWORD, "", outcome);
}

static void welcome(struct protocol_io *io)
{
	const char *text = protocol_persona(io, "telnet.welcome");
	const char *percent = strchr(text, '%');

	if (percent) {
		protocol_reply(io, text, (size_t)(percent - text));
		protocol_reply_text(io, protocol_persona(io, "shell.busybox"));
		text = percent + 1;
	}
	protocol_reply_text(io, text);
}

static void answer_password(struct protocol_io *io)
{
	struct telnet_state *state = io->state;
	long most = strtol(protocol_persona(io, "telnet.attempts"), NULL, 10);

	state->tries++;
	if (accept_login(io, "telnet.accepts", state->tries, telnet_name_text(&state->user),
	    telnet_name_text(&state->password))) {
		telnet_tell_login(io, PROTOCOL_ACCEPTED);
		state->phase = PHASE_SHELL;
		welcome(io);
		return;
	}
	telnet_tell_login(io, PROTOCOL_REFUSED);
	state->phase = PHASE_USER;
	protocol_reply_text(io, protocol_persona(io, "telnet.incorrect"));
	if (state->tries >= (most > 0 ? most : ATTEMPTS_DEFAULT))
		io->hang_up = true;
}

void telnet_run_line(struct protocol_io *io, const char *line, size_t len)
{
	struct telnet_state *state = io->state;
	struct output out = {io, SHELL_OUTPUT_MAX};

	if (!state->shell_told && line_trim((struct protocol_text){line, len}).len > 0) {
		state->shell_told = true;
		protocol_event(io, TELNET_SHELL);
	}
	shell_line(&state->shell, io, line, len, write_terminal, &out);
	if (io->answering && state->shell.over)
		io->hang_up = true;
	state->shell.over = false;
}

/* ---- a line of the client ------------------------------------------------------------------- */

static void answer_line(struct protocol_io *io, const char *line, size_t len)
{
	struct telnet_state *state = io->state;

	protocol_reply(io, "\r\n", 2);
	switch (state->phase) {
	case PHASE_USER:
		if (len > 0) {
			telnet_name_set(&state->user, line, len);
			state->phase = PHASE_PASSWORD;
		}
		break;
	case PHASE_PASSWORD:
		telnet_name_set(&state->password, line, len);
		answer_password(io);
		break;
	case PHASE_SHELL:
	default:
		telnet_run_line(io, line, len);
		break;
	}
	if (!io->hang_up)
		prompt(io);
}

static void end_line(struct protocol_io *io)
{
	struct telnet_state *state = io->state;
	size_t len = state->line_len;

	state->line_len = 0;
	tell_options(io);
	if (io->answering)
		answer_line(io, state->line, len);
	else
		telnet_passive_line(io, state->line, len);
	state->prompt.asks_password = false;
}

static bool is_echoed(const struct telnet_state *state)
{
	return state->phase != PHASE_PASSWORD;
}

/* A line of nothing but its end: Ctrl-C, IAC IP. */
static void interrupt(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	state->line_len = 0;
	if (!io->answering)
		return;
	protocol_reply_text(io, "^C\r\n");
	prompt(io);
}

static void erase(struct protocol_io *io, bool whole_line)
{
	struct telnet_state *state = io->state;

	while (state->line_len > 0) {
		state->line_len--;
		if (is_echoed(state))
			protocol_reply(io, "\b \b", 3);
		if (!whole_line)
			return;
	}
}

/* One byte of data; true when it ended a line (and that was acted on). */
static bool take_byte(struct protocol_io *io, uint8_t c)
{
	struct telnet_state *state = io->state;
	bool after_cr = state->after_cr;

	state->after_cr = false;
	if (after_cr && (c == '\n' || c == '\0'))
		return false;
	switch (c) {
	case '\r':
		state->after_cr = true;
		end_line(io);
		return true;
	case '\n':
		end_line(io);
		return true;
	case 3: /* Ctrl-C */
		interrupt(io);
		return true;
	case 4: /* Ctrl-D */
		if (io->answering && state->line_len == 0)
			io->hang_up = true;
		return true;
	case '\b':
	case 0x7f:
		erase(io, false);
		return false;
	case 21: /* Ctrl-U */
		erase(io, true);
		return true;
	default:
		break;
	}
	if (state->line_len < sizeof(state->line)) {
		state->line[state->line_len++] = (char)c;
		if (is_echoed(state))
			protocol_reply(io, &c, 1);
	}
	return false;
}

/* One byte behind an IAC. */
static bool take_command(struct protocol_io *io, uint8_t c)
{
	struct telnet_state *state = io->state;

	state->scan = SCAN_DATA;
	switch (c) {
	case IAC:
		return take_byte(io, c);
	case SB:
		state->scan = SCAN_SUB;
		state->sub_len = 0;
		return false;
	case WILL:
	case WONT:
	case DO:
	case DONT:
		state->scan = SCAN_OPTION;
		state->verb = c;
		return false;
	case INTERRUPT:
		interrupt(io);
		return true;
	case ERASE_CHARACTER:
		erase(io, false);
		return false;
	case ERASE_LINE:
		erase(io, true);
		return true;
	case ARE_YOU_THERE:
		protocol_reply_text(io, "\r\n[Yes]\r\n");
		return false;
	default:
		return false;
	}
}

/* One byte of the client; true when what is behind should wait for another call. */
static bool take_client(struct protocol_io *io, uint8_t c)
{
	struct telnet_state *state = io->state;

	switch (state->scan) {
	case SCAN_IAC:
		return take_command(io, c);
	case SCAN_OPTION:
		state->scan = SCAN_DATA;
		take_option(io, state->verb, c);
		return false;
	case SCAN_SUB:
		if (c == IAC)
			state->scan = SCAN_SUB_IAC;
		else if (state->sub_len < TELNET_SUB_MAX)
			state->sub[state->sub_len++] = c;
		return false;
	case SCAN_SUB_IAC:
		state->scan = c == IAC ? SCAN_SUB : SCAN_DATA;
		if (c == SE)
			take_sub(io);
		else if (c == IAC && state->sub_len < TELNET_SUB_MAX)
			state->sub[state->sub_len++] = c;
		return c == SE;
	default:
		if (c != IAC)
			return take_byte(io, c);
		state->scan = SCAN_IAC;
		return false;
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	/* A call does one thing that replies much, so that replies keep within their bound. */
	for (size_t i = 0; i < len; i++)
		if (take_client(io, data[i]) || io->hang_up)
			return i + 1;
	return len;
}

/* ---- the module ----------------------------------------------------------------------------- */

static void open_session(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	state->phase = PHASE_USER;
	protocol_reply_text(io, protocol_persona(io, "telnet.options"));
	protocol_reply_text(io, protocol_persona(io, "telnet.banner"));
	prompt(io);
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct telnet_state *state = io->state;

	(void)bytes;
	if (side == PROTOCOL_SERVER) {
		state->server_scan = SCAN_DATA;
		return;
	}
	state->line_len = 0;
	state->scan = SCAN_DATA;
	state->after_cr = false;
}

static void close_session(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	tell_options(io);
	telnet_passive_close(io);
	shell_close(&state->shell, io);
}

static enum protocol_verdict probe_options(const uint8_t *data, size_t len)
{
	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] != IAC)
		return PROTOCOL_NO;
	if (len < 2)
		return PROTOCOL_MORE;
	return data[1] >= SB && data[1] <= DONT ? PROTOCOL_YES : PROTOCOL_NO;
}

/* Text on one of its ports is taken for telnet; binary is not.  The first byte decides, so that it
 * is the same however the bytes come. */
static enum protocol_verdict probe_hinted(const struct protocol_start *start)
{
	const uint8_t *data = start->client_len ? start->client : start->server;
	size_t len = start->client_len ? start->client_len : start->server_len;

	if (len == 0 || (data[0] >= 0x80 && data[0] != IAC))
		return PROTOCOL_NO;
	return data[0] >= ' ' || (data[0] >= '\b' && data[0] <= '\r') || data[0] == 3
	    ? PROTOCOL_YES : PROTOCOL_NO;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	enum protocol_verdict client_says = probe_options(start->client, start->client_len);
	enum protocol_verdict server_says = probe_options(start->server, start->server_len);

	if (start->hinted)
		return probe_hinted(start);
	if (client_says == PROTOCOL_YES || server_says == PROTOCOL_YES)
		return PROTOCOL_YES;
	/* Bytes that are no negotiation, before the server has said anything. */
	if (client_says == PROTOCOL_NO || server_says == PROTOCOL_NO)
		return PROTOCOL_NO;
	return PROTOCOL_MORE;
}

const struct protocol_module protocol_telnet = {
	.name = "telnet",
	.title = "Telnet",
	.spec = "RFC 854, 855, 857, 858, 1073, 1091, 1572",
	.doc = "Option negotiation (as the request attribute), every user and password in order, "
	       "commands, and what loaders write into files, put together again.  Answers as an "
	       "embedded device's login and BusyBox shell; default passwords get in at once, "
	       "others at the second or third try.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_SERVER,
	.tcp_ports = {23, 2323, 23231, 26, 6789, 2332, 9527, 5523, 2223, 60023},
	.state_size = sizeof(struct telnet_state),
	.client_inbox = INBOX,
	.server_inbox = INBOX,
	.reply_max = REPLY_MAX,
	.idle_s = 120,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.open = open_session,
	.client = client,
	.server = telnet_server,
	.gap = gap,
	.close = close_session,
};

_Static_assert(sizeof(struct telnet_state) + 2 * INBOX <= PROTOCOL_ROOM_MAX,
    "state and inboxes fit");
