/*
 * What a telnet server's text says: asks for a user, for a password, refuses, waits in a shell.
 *
 * Devices word their prompts as they like; what they share is "ogin:", "assword:" and the end of
 * the line, which is also all that bots look for.
 */
#pragma once

#include "protocol/protocol.h"

#define TELNET_PROMPT_TAIL 24

/* The end of the server's last line, lower case.  Zero is a fresh one. */
struct telnet_prompt {
	char tail[TELNET_PROMPT_TAIL];
	uint8_t len;
	bool asks_password;      /* the last thing said; the caller clears it */
	uint8_t asked_passwords; /* since the last user prompt; the caller counts */
};

enum telnet_says {
	TELNET_SAYS_NOTHING,
	TELNET_ASKS_USER,
	TELNET_ASKS_PASSWORD,
	TELNET_REFUSES,
};

enum telnet_says telnet_prompt_take(struct telnet_prompt *prompt, uint8_t byte);

/* Does the line so far end as a shell's prompt? */
bool telnet_prompt_is_shell(const struct telnet_prompt *prompt);

/* May the line be a user name, when no prompt is there to tell? */
bool telnet_is_name(struct protocol_text line);
