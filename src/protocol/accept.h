/*
 * Which logins the answering side lets in.
 *
 * A responder that accepts everything is known for it; one that accepts nothing sees no second
 * stage.  Accepted are the default passwords that the persona's machine has (so that a loader with
 * the scanner's find gets in from another address), and from each network whatever it tries as its
 * k-th in a session, k being 2 or 3, decided by the installation's seed.
 */
#pragma once

#include "protocol/protocol.h"

/*
 * try: how many logins this session has tried, with this one (1 is the first).  key: the persona's
 * list of "user:password" pairs, blanks between them.  Only sensible while answering.
 */
bool accept_login(const struct protocol_io *io, const char *key, unsigned try,
    struct protocol_text user, struct protocol_text password);
