/*
 * What the courier remembers of datagrams that it has passed on: who asked, where, how much, and the
 * token by which the answer will be known.
 *
 * Whoever answers may have been taken over.  It names a token and brings bytes, nothing else: the
 * ends are those remembered here, and an answer counts once, soon, and no longer than what it
 * answers.  A fixed ring: the newest push out the oldest, since most are never answered.
 */
#pragma once

#include "base/ip.h"
#include "base/status.h"

#include <stdint.h>

#define TOKENS_MAX 4096u
#define TOKENS_AGE_US 3000000ll
#define TOKENS_NONE 0 /* is never issued */

struct tokens;

/* The ends of a datagram, as the visitor sees them turned round. */
struct token_ends {
	struct ip peer;
	struct ip local;
	uint16_t peer_port;
	uint16_t local_port;
};

enum token_verdict {
	TOKEN_GOOD,
	TOKEN_UNKNOWN, /* never issued, or pushed out */
	TOKEN_USED,
	TOKEN_LATE,
	TOKEN_LENGTH,  /* longer than what it answers, or empty */
	TOKEN_VERDICTS,
};

/* `seed`: any number; tokens of two that were seeded at random are not the same. */
ST_MUST_CHECK int tokens_new(uint64_t seed, struct tokens **ret_tokens);
void tokens_free(struct tokens *tokens);

/* Remembers a datagram of so many bytes. */
uint64_t tokens_issue(struct tokens *tokens, const struct token_ends *ends, size_t len,
    int64_t now_us);

/* May these bytes answer that token?  Only TOKEN_GOOD sets *ret_ends, and uses the token up. */
enum token_verdict tokens_redeem(struct tokens *tokens, uint64_t token, size_t len,
    int64_t now_us, struct token_ends *ret_ends);

/* Those pushed out though they could still have been answered. */
uint64_t tokens_pushed_out(const struct tokens *tokens);
