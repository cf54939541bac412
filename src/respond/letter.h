/*
 * What the courier and the responder write to each other (bodies of WIRE_DATAGRAM and WIRE_ANSWER,
 * daemon/wire.h).  Each takes the other for hostile: every field is checked where it is read.
 */
#pragma once

#include "base/status.h"
#include "base/wr.h"
#include "os/listen.h"

#include <stddef.h>
#include <stdint.h>

#define LETTER_HEAD 48 /* bytes before a datagram's */
#define LETTER_ANSWER_HEAD 8
#define LETTER_DATA_MAX (16u << 10) /* what is longer comes cut */

/* Courier → responder: a datagram and the token that its answer is to name. */
struct letter {
	uint64_t token; /* TOKENS_NONE: it will not be answered */
	struct os_datagram datagram; /* its length as it was; data may be cut */
	const uint8_t *data;
	size_t len;
};

/* Responder → courier. */
struct letter_answer {
	uint64_t token;
	const uint8_t *data;
	size_t len;
};

/* The head only: what is received can lie behind it already. */
void letter_head_write(const struct letter *letter, struct wr *w);
void letter_answer_head_write(uint64_t token, struct wr *w);

/* ST_MALFORMED when it is not what the other program writes; what is read points into body. */
ST_MUST_CHECK int letter_read(const uint8_t *body, size_t len, struct letter *ret_letter);
ST_MUST_CHECK int letter_answer_read(const uint8_t *body, size_t len,
    struct letter_answer *ret_answer);
