/* The courier's memory; the contract is in tokens.h. */
#include "respond/tokens.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	uint64_t token; /* TOKENS_NONE: nothing was ever here */
	struct token_ends ends;
	int64_t issued_us;
	uint32_t len;
	bool used;
};

struct tokens {
	uint64_t last;
	uint64_t pushed_out;
	struct entry ring[TOKENS_MAX];
};

int tokens_new(uint64_t seed, struct tokens **ret_tokens)
{
	struct tokens *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->last = seed;
	*ret_tokens = t;
	return ST_OK;
}

void tokens_free(struct tokens *t)
{
	free(t);
}

static bool is_late(const struct entry *e, int64_t now_us)
{
	return now_us < e->issued_us || now_us - e->issued_us > TOKENS_AGE_US;
}

uint64_t tokens_issue(struct tokens *t, const struct token_ends *ends, size_t len, int64_t now_us)
{
	struct entry *e;

	if (++t->last == TOKENS_NONE)
		t->last++;
	e = &t->ring[t->last % TOKENS_MAX];
	if (e->token != TOKENS_NONE && !e->used && !is_late(e, now_us))
		t->pushed_out++;
	*e = (struct entry){
		.token = t->last,
		.ends = *ends,
		.issued_us = now_us,
		.len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX,
	};
	return t->last;
}

enum token_verdict tokens_redeem(struct tokens *t, uint64_t token, size_t len, int64_t now_us,
    struct token_ends *ret_ends)
{
	struct entry *e = &t->ring[token % TOKENS_MAX];

	if (token == TOKENS_NONE || e->token != token)
		return TOKEN_UNKNOWN;
	if (e->used)
		return TOKEN_USED;
	if (is_late(e, now_us))
		return TOKEN_LATE;
	if (len == 0 || len > e->len)
		return TOKEN_LENGTH;
	e->used = true;
	*ret_ends = e->ends;
	return TOKEN_GOOD;
}

uint64_t tokens_pushed_out(const struct tokens *t)
{
	return t->pushed_out;
}
