/*
 * A login that waits for the server's verdict.
 *
 * Passive captures show a user, then a password, then perhaps what the server thought of them.  The
 * attempt keeps the first two until the verdict, the next attempt or the end of the connection.
 * Lives in a module's state; zero is empty.
 */
#pragma once

#include "protocol/protocol.h"

#define ATTEMPT_USER_MAX 192     /* longer ones are cut */
#define ATTEMPT_PASSWORD_MAX 320 /* a CRAM-MD5 line with its challenge fits */

struct attempt {
	const char *method; /* static; NULL: "" */
	uint16_t user_len;
	uint16_t password_len;
	uint8_t secret; /* enum protocol_secret */
	bool waiting;   /* complete; the verdict is to come */
	char user[ATTEMPT_USER_MAX];
	char password[ATTEMPT_PASSWORD_MAX];
};

/* Remembers the user.  A login that still waits is emitted first, its outcome unknown. */
void attempt_user(struct protocol_io *io, struct attempt *attempt, struct protocol_text user);

struct protocol_text attempt_user_text(const struct attempt *attempt);

/* The attempt is complete.  One that still waits is emitted first, its outcome unknown.  When
 * answering it waits for attempt_verdict like any other: the module calls that with its reply. */
void attempt_password(struct protocol_io *io, struct attempt *attempt,
    struct protocol_text password, enum protocol_secret secret, const char *method);

/* Emits the waiting login, if there is one.  The user stays known. */
void attempt_verdict(struct protocol_io *io, struct attempt *attempt,
    enum protocol_outcome outcome);
