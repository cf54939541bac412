/*
 * The lines of a persona's text: all that one product says, chosen as a whole.
 *
 * A banner of one product with the error texts of another gives a responder away, so a module keeps
 * everything a product says in one persona key, one line per occasion.  In a line `|` stands for a
 * line end (replies of several lines) and `%` for the argument (a user name, a command).
 */
#pragma once

#include "protocol/protocol.h"

/* Line `number` of the key's text; empty when there is none, or when not answering. */
struct protocol_text phrase_line(const struct protocol_io *io, const char *key, unsigned number);

/* Replies with that line and CR LF.  The argument's control characters become blanks, as real
 * servers never send them back; it is cut so that the reply stays a line. */
void phrase_reply(struct protocol_io *io, const char *key, unsigned number,
    struct protocol_text argument);
