/* Logins that wait for their verdict; see attempt.h. */
#include "protocol/attempt.h"

#include <string.h>

static uint16_t keep(char *to, size_t cap, struct protocol_text text)
{
	size_t n = text.len < cap ? text.len : cap;

	if (n)
		memmove(to, text.data, n);
	return (uint16_t)n;
}

void attempt_user(struct protocol_io *io, struct attempt *attempt, struct protocol_text user)
{
	attempt_verdict(io, attempt, PROTOCOL_OUTCOME_UNKNOWN);
	attempt->user_len = keep(attempt->user, sizeof(attempt->user), user);
}

struct protocol_text attempt_user_text(const struct attempt *attempt)
{
	return (struct protocol_text){attempt->user, attempt->user_len};
}

void attempt_password(struct protocol_io *io, struct attempt *attempt,
    struct protocol_text password, enum protocol_secret secret, const char *method)
{
	attempt_verdict(io, attempt, PROTOCOL_OUTCOME_UNKNOWN);
	attempt->password_len = keep(attempt->password, sizeof(attempt->password), password);
	attempt->secret = (uint8_t)secret;
	attempt->method = method;
	attempt->waiting = true;
}

void attempt_verdict(struct protocol_io *io, struct attempt *attempt,
    enum protocol_outcome outcome)
{
	if (!attempt->waiting)
		return;
	attempt->waiting = false;
	protocol_login(io, attempt_user_text(attempt),
	    (struct protocol_text){attempt->password, attempt->password_len},
	    (enum protocol_secret)attempt->secret, attempt->method ? attempt->method : "", outcome);
}
