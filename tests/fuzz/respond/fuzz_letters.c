/*
 * A responder that has been taken over, against the courier's memory: any bytes as letters, answers
 * and the passing of time.
 *
 * Whatever it does, an answer goes to the ends of a datagram that was issued, at most once each, within
 * its time, and never with more bytes than that had.
 *
 * Input: steps of one byte what (0 a datagram comes, 1 time passes, 2 an answer to a token near the
 * last, 3 the rest as an answer's body, 4 the rest as a letter's) and two of how much.
 */
#include "base/rd.h"
#include "respond/letter.h"
#include "respond/tokens.h"

#include <stdlib.h>

#define REMEMBERED 65536u /* more than steps in any input */
#define SEED 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct asked {
	size_t len;
	int64_t us;
	bool answered;
};

struct played {
	struct tokens *tokens;
	struct asked asked[REMEMBERED];
	uint32_t count;
	int64_t now_us;
};

static void ask(struct played *p, size_t len)
{
	struct token_ends ends = {.peer = {0, p->count}, .local = {1, p->count}};

	if (p->count == REMEMBERED)
		return;
	if (tokens_issue(p->tokens, &ends, len, p->now_us) != SEED + 1 + p->count)
		abort();
	p->asked[p->count++] = (struct asked){.len = len, .us = p->now_us};
}

static void answer(struct played *p, uint64_t token, size_t len)
{
	struct token_ends ends;
	struct asked *asked;

	if (tokens_redeem(p->tokens, token, len, p->now_us, &ends) != TOKEN_GOOD)
		return;
	if (token <= SEED || token > SEED + p->count || ends.peer.lo != token - SEED - 1
	    || ends.local.lo != ends.peer.lo)
		abort();
	asked = &p->asked[ends.peer.lo];
	if (asked->answered || len == 0 || len > asked->len
	    || p->now_us - asked->us > TOKENS_AGE_US)
		abort();
	asked->answered = true;
}

static void answer_by(struct played *p, const uint8_t *body, size_t len)
{
	struct letter_answer a;

	if (letter_answer_read(body, len, &a))
		return;
	if (a.data + a.len != body + len || a.len > LETTER_DATA_MAX)
		abort();
	answer(p, a.token, a.len);
}

/* What is read is what would be written. */
static void read_letter(const uint8_t *body, size_t len)
{
	uint8_t head[LETTER_HEAD];
	struct wr w = wr_init(head, sizeof(head));
	struct letter letter;

	if (letter_read(body, len, &letter))
		return;
	if (letter.data + letter.len != body + len || letter.len > LETTER_DATA_MAX
	    || letter.len > letter.datagram.len)
		abort();
	letter_head_write(&letter, &w);
	if (w.bad || memcmp(head, body, sizeof(head)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct played p;
	struct rd r = rd_init(data, len);

	p = (struct played){.now_us = 1};
	if (tokens_new(SEED, &p.tokens))
		return 0;
	while (rd_left(&r) >= 3) {
		uint8_t what = rd_u8(&r);
		uint16_t much = rd_u16le(&r);

		switch (what % 5) {
		case 0:
			ask(&p, much);
			break;
		case 1:
			p.now_us += (int64_t)much * 100;
			break;
		case 2:
			answer(&p, SEED + p.count - much % (2 * TOKENS_MAX) + 4, what);
			break;
		case 3:
			answer_by(&p, r.pos, rd_left(&r));
			break;
		default:
			read_letter(r.pos, rd_left(&r));
			break;
		}
	}
	tokens_free(p.tokens);
	return 0;
}
