/*
 * SASL as mail protocols carry it: base64 lines each way, whatever stands around them.
 *
 * Mechanisms PLAIN (RFC 4616), LOGIN (draft-murchison-sasl-login), CRAM-MD5 (RFC 2195), XOAUTH2 and
 * OAUTHBEARER (RFC 7628).  The result is an attempt (attempt.h) that waits for its verdict.
 * CRAM-MD5 gives the form that hashcat mode 10200 reads.  NTLM (MS-SMTPNTLM and its like) is read
 * in captures and not offered when answering; its login is told at once, without an outcome.
 */
#pragma once

#include "protocol/attempt.h"

#define SASL_CHALLENGE_MAX 128 /* base64 of CRAM-MD5's; a longer one is cut and cracks nothing */
#define SASL_PROMPT_MAX (SASL_CHALLENGE_MAX + 1)

enum sasl_mechanism {
	SASL_UNKNOWN,
	SASL_PLAIN,
	SASL_LOGIN,
	SASL_CRAM_MD5,
	SASL_BEARER,
	SASL_NTLM,
};

enum sasl_result {
	SASL_MORE, /* prompt again */
	SASL_DONE, /* the attempt waits for its verdict */
	SASL_TOLD, /* complete, and already emitted */
	SASL_BAD,  /* cancelled (*) or not decodable */
};

struct sasl {
	uint8_t mechanism; /* enum sasl_mechanism */
	bool have_user;    /* LOGIN: the next line is the password */
	uint8_t challenge_len;
	char challenge[SASL_CHALLENGE_MAX]; /* NTLM: its eight bytes */
};

/* Begins; SASL_UNKNOWN when the mechanism is none of these.  When answering CRAM-MD5 makes its
 * challenge (the host is the persona's text for host_key, up to its first blank). */
enum sasl_mechanism sasl_begin(struct protocol_io *io, struct sasl *sasl,
    struct protocol_text mechanism, const char *host_key);

/* What the server asks next, base64 text for after "334 " or "+ ". */
void sasl_prompt(const struct sasl *sasl, char prompt[SASL_PROMPT_MAX]);

/* One line of the client, or the initial response. */
enum sasl_result sasl_client(struct protocol_io *io, struct sasl *sasl, struct attempt *attempt,
    struct protocol_text line);

/* Passive: what the server asked, without "334 " or "+ ". */
void sasl_server(struct sasl *sasl, struct protocol_text prompt);
