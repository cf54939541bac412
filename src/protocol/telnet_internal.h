/* What the files of telnet share: the state, and what is done with a login or a command. */
#pragma once

#include "protocol/line.h"
#include "protocol/shell.h"
#include "protocol/telnet_prompt.h"

enum telnet_event {
	TELNET_OPTIONS,
	TELNET_LOGIN,
	TELNET_SHELL,
	TELNET_ENVIRON,
};

enum command_byte {
	SE = 240,
	INTERRUPT = 244,
	ARE_YOU_THERE = 246,
	ERASE_CHARACTER = 247,
	ERASE_LINE = 248,
	SB = 250,
	WILL = 251,
	WONT = 252,
	DO = 253,
	DONT = 254,
	IAC = 255,
};

enum scan { /* where in a command the byte stream is */
	SCAN_DATA,
	SCAN_IAC,
	SCAN_OPTION,
	SCAN_SUB,
	SCAN_SUB_IAC,
};

enum phase {
	PHASE_START,    /* passive: no prompt seen yet */
	PHASE_USER,     /* a user is asked for */
	PHASE_GIVEN,    /* passive: the user came, no password prompt yet */
	PHASE_PASSWORD,
	PHASE_VERDICT,  /* passive: both are there */
	PHASE_SHELL,
};

#define TELNET_NAME_MAX 64 /* of users and passwords; longer ones are cut */
#define TELNET_SUB_MAX 32
#define TELNET_ASKED_MAX 20

struct telnet_name {
	uint8_t len;
	char text[TELNET_NAME_MAX];
};

struct telnet_state {
	uint8_t phase;
	uint8_t tries;
	uint8_t lines;       /* passive: lines that wait for a prompt, in user and password */
	bool after_cr;       /* an LF or NUL now belongs to the line end */
	bool server_spoke;
	bool spoke_since;    /* the server said something after the password */
	bool shell_told;
	bool options_told;
	uint8_t scan;        /* of the client's side */
	uint8_t verb;
	uint8_t server_scan;
	uint8_t asked_count;
	uint8_t sub_len;
	uint16_t line_len;
	struct telnet_prompt prompt; /* of the server's side */
	uint8_t asked[TELNET_ASKED_MAX][2]; /* the client's first negotiation: verb, option */
	uint8_t sub[TELNET_SUB_MAX];
	struct telnet_name user;
	struct telnet_name password;
	struct shell shell;
	char line[SHELL_LINE_MAX];
};

static inline void telnet_name_set(struct telnet_name *name, const char *text, size_t len)
{
	name->len = (uint8_t)(len < TELNET_NAME_MAX ? len : TELNET_NAME_MAX);
	if (name->len)
		memcpy(name->text, text, name->len);
}

static inline struct protocol_text telnet_name_text(const struct telnet_name *name)
{
	return (struct protocol_text){name->text, name->len};
}

/* The login of the state's user and password. */
void telnet_tell_login(struct protocol_io *io, enum protocol_outcome outcome);

/* A line typed into a shell. */
void telnet_run_line(struct protocol_io *io, const char *line, size_t len);

/* ---- passively (telnet_passive.c) ----------------------------------------------------------- */

/* A line of the client, of which only the server's prompts say what it is. */
void telnet_passive_line(struct protocol_io *io, const char *line, size_t len);

/* Bytes of the server. */
size_t telnet_server(struct protocol_io *io, const uint8_t *data, size_t len);

/* The end: lines and logins that still wait. */
void telnet_passive_close(struct protocol_io *io);
