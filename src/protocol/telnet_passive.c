/*
 * Telnet in captures: which of a client's lines is a user, a password, a command.
 *
 * The server's prompts say it where they were captured; lines typed ahead of them wait.  With the
 * client's side alone the first two lines are taken for a login unless they read like commands.
 */
#include "protocol/telnet_internal.h"

/* ---- a line of the client, passively -------------------------------------------------------- */

/* Nobody asked for these lines as far as the capture shows: are they a login? */
static bool is_login_guess(const struct telnet_state *state)
{
	return !state->server_spoke && telnet_is_name(telnet_name_text(&state->user));
}

/* The lines that waited were no login. */
static void run_waiting(struct protocol_io *io)
{
	struct telnet_state *state = io->state;
	unsigned lines = state->lines;

	state->lines = 0;
	state->phase = PHASE_SHELL;
	if (lines > 0)
		telnet_run_line(io, state->user.text, state->user.len);
	if (lines > 1)
		telnet_run_line(io, state->password.text, state->password.len);
}

/* A third line, or the end: the waiting lines are a login or commands. */
static void settle_waiting(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	if (state->lines == 0)
		return;
	if (!is_login_guess(state)) {
		run_waiting(io);
		return;
	}
	protocol_event(io, TELNET_LOGIN);
	protocol_login(io, telnet_name_text(&state->user),
	    state->lines > 1 ? telnet_name_text(&state->password) : (struct protocol_text){"", 0},
	    state->lines > 1 ? PROTOCOL_SECRET_PASSWORD : PROTOCOL_SECRET_NONE, "",
	    PROTOCOL_OUTCOME_UNKNOWN);
	state->lines = 0;
}

/* A line before any prompt. */
static void wait_line(struct protocol_io *io, const char *line, size_t len)
{
	struct telnet_state *state = io->state;

	if (state->lines == 2)
		settle_waiting(io);
	if (state->phase == PHASE_SHELL
	    || (state->lines == 0 && !telnet_is_name((struct protocol_text){line, len}))) {
		if (len > 0 || state->phase == PHASE_SHELL) {
			state->phase = PHASE_SHELL;
			telnet_run_line(io, line, len);
		}
		return;
	}
	telnet_name_set(state->lines++ == 0 ? &state->user : &state->password, line, len);
}

void telnet_passive_line(struct protocol_io *io, const char *line, size_t len)
{
	struct telnet_state *state = io->state;

	switch (state->phase) {
	case PHASE_USER:
		if (len == 0)
			return;
		telnet_name_set(&state->user, line, len);
		state->phase = PHASE_GIVEN;
		return;
	case PHASE_GIVEN: /* typed ahead of the prompt */
	case PHASE_PASSWORD:
		telnet_name_set(&state->password, line, len);
		state->phase = PHASE_VERDICT;
		state->spoke_since = false;
		return;
	case PHASE_VERDICT:
		telnet_tell_login(io, state->spoke_since ? PROTOCOL_ACCEPTED
		                                         : PROTOCOL_OUTCOME_UNKNOWN);
		state->phase = PHASE_SHELL;
		telnet_run_line(io, line, len);
		return;
	case PHASE_SHELL:
		/* su, enable: the server asks for a password again. */
		if (state->prompt.asks_password) {
			state->user.len = 0;
			telnet_name_set(&state->password, line, len);
			state->phase = PHASE_VERDICT;
			state->spoke_since = false;
		} else {
			telnet_run_line(io, line, len);
		}
		return;
	case PHASE_START:
	default:
		wait_line(io, line, len);
		return;
	}
}

/* ---- the server's side ---------------------------------------------------------------------- */

static void server_asks_user(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	switch (state->phase) {
	case PHASE_START:
		/* The line was there before the prompt. */
		state->phase = state->lines == 0 ? PHASE_USER
		    : state->lines == 1          ? PHASE_GIVEN
		                                 : PHASE_VERDICT;
		state->lines = 0;
		return;
	case PHASE_VERDICT:
		telnet_tell_login(io, PROTOCOL_REFUSED);
		state->phase = PHASE_USER;
		return;
	case PHASE_SHELL:
		return;
	default:
		state->phase = PHASE_USER;
		return;
	}
}

static void server_asks_password(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	switch (state->phase) {
	case PHASE_START:
		if (state->lines == 0)
			state->user.len = 0;
		state->phase = state->lines == 2 ? PHASE_VERDICT : PHASE_PASSWORD;
		state->lines = 0;
		return;
	case PHASE_USER:
		state->user.len = 0;
		state->phase = PHASE_PASSWORD;
		return;
	case PHASE_VERDICT:
		/* Typed ahead, and only now asked for; or asked for again, as what the server has
		 * said in between shows. */
		if (state->spoke_since && state->prompt.asked_passwords > 1) {
			telnet_tell_login(io, PROTOCOL_REFUSED);
			state->phase = PHASE_PASSWORD;
		}
		return;
	case PHASE_SHELL:
		state->prompt.asks_password = true;
		return;
	default:
		state->phase = PHASE_PASSWORD;
		return;
	}
}

static void server_refuses(struct protocol_io *io)
{
	struct telnet_state *state = io->state;

	if (state->phase != PHASE_VERDICT)
		return;
	telnet_tell_login(io, PROTOCOL_REFUSED);
	state->phase = PHASE_START;
	state->lines = 0;
}

static void take_server(struct protocol_io *io, uint8_t c)
{
	struct telnet_state *state = io->state;

	if (c > ' ') {
		state->server_spoke = true;
		state->spoke_since = true;
	}
	switch (telnet_prompt_take(&state->prompt, c)) {
	case TELNET_ASKS_USER:
		state->prompt.asked_passwords = 0;
		server_asks_user(io);
		return;
	case TELNET_ASKS_PASSWORD:
		state->prompt.asked_passwords++;
		server_asks_password(io);
		return;
	case TELNET_REFUSES:
		server_refuses(io);
		return;
	case TELNET_SAYS_NOTHING:
		return;
	}
}

size_t telnet_server(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct telnet_state *state = io->state;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = data[i];

		switch (state->server_scan) {
		case SCAN_IAC:
			state->server_scan = c == SB ? SCAN_SUB
			    : c >= WILL && c <= DONT ? SCAN_OPTION
			                             : SCAN_DATA;
			break;
		case SCAN_OPTION:
			state->server_scan = SCAN_DATA;
			break;
		case SCAN_SUB:
			if (c == IAC)
				state->server_scan = SCAN_SUB_IAC;
			break;
		case SCAN_SUB_IAC:
			state->server_scan = c == SE ? SCAN_DATA : SCAN_SUB;
			break;
		default:
			if (c == IAC)
				state->server_scan = SCAN_IAC;
			else
				take_server(io, c);
			break;
		}
	}
	return len;
}

void telnet_passive_close(struct protocol_io *io)
{
	struct telnet_state *state = io->state;
	bool in_shell = telnet_prompt_is_shell(&state->prompt);

	if (state->phase == PHASE_START && state->lines > 0)
		settle_waiting(io);
	else if (state->phase == PHASE_VERDICT)
		telnet_tell_login(io, state->spoke_since && in_shell ? PROTOCOL_ACCEPTED
		                                                     : PROTOCOL_OUTCOME_UNKNOWN);
	else if (state->phase == PHASE_GIVEN
	    || (state->phase == PHASE_PASSWORD && state->user.len > 0))
		protocol_login(io, telnet_name_text(&state->user), (struct protocol_text){"", 0},
		    PROTOCOL_SECRET_NONE, "", PROTOCOL_OUTCOME_UNKNOWN);
}
