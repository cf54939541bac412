/*
 * NTLMSSP messages, wherever they travel: SMB session setup, HTTP "Authorization: NTLM", RDP's
 * CredSSP, SMTP AUTH; and the little SPNEGO and DER that they are wrapped in.
 *
 * The three messages are NEGOTIATE (client), CHALLENGE (server) and AUTHENTICATE (client).  The
 * last one says who logs in and holds a response that can be cracked together with the server's
 * challenge.  Written in the forms that hashcat reads: 5600 (NetNTLMv2) and 5500 (NetNTLMv1).
 * MS-NLMP 2.2.1, MS-SPNG, RFC 4178, MS-CSSP 2.2.1.
 */
#pragma once

#include "protocol/protocol.h"

#define NTLM_CHALLENGE_LEN 8
#define NTLM_NAME_MAX 128      /* a user, domain or workstation as UTF-8; longer ones are cut */
#define NTLM_HASH_MAX PROTOCOL_TEXT_MAX
#define NTLM_CHALLENGE_MESSAGE_MAX 512

enum ntlm_type {
	NTLM_NEGOTIATE = 1,
	NTLM_CHALLENGE = 2,
	NTLM_AUTHENTICATE = 3,
};

struct ntlm_field { /* bytes inside the message; len 0 when it points outside */
	const uint8_t *data;
	size_t len;
};

struct ntlm_message {
	enum ntlm_type type;
	uint32_t flags;
	uint8_t challenge[NTLM_CHALLENGE_LEN]; /* CHALLENGE */
	struct ntlm_field target;              /* CHALLENGE */
	struct ntlm_field lm;                  /* AUTHENTICATE, this and those below */
	struct ntlm_field nt;
	struct ntlm_field domain;      /* NEGOTIATE too, always OEM there */
	struct ntlm_field user;
	struct ntlm_field workstation; /* NEGOTIATE too */
};

/* Where in a blob (SPNEGO, TSRequest, raw) a message begins: NULL when there is none. */
const uint8_t *ntlm_find(const void *data, size_t len);

/* Reads the message that begins at data; fields point into it.  ST_MALFORMED. */
ST_MUST_CHECK int ntlm_parse(const void *data, size_t len, struct ntlm_message *ret);

/* A field as UTF-8 (the message's flags say how it is written), with a NUL; returns its length. */
size_t ntlm_text(const struct ntlm_message *message, struct ntlm_field field,
    char out[NTLM_NAME_MAX]);

/* No user and no response: an anonymous logon. */
bool ntlm_is_anonymous(const struct ntlm_message *message);

/*
 * The response as a cracker reads it, with a NUL; returns its length, 0 when the message holds
 * none or it does not fit.  challenge may be NULL (the server was not heard): its place is empty.
 */
size_t ntlm_hash(const struct ntlm_message *message, const uint8_t *challenge,
    char out[NTLM_HASH_MAX]);

/*
 * The facts of an AUTHENTICATE message that is not anonymous: the login (user without domain,
 * because clients fill in the server's own name, and user names are counted), and the command
 * "NTLM DOMAIN\USER WORKSTATION".
 */
void ntlm_login(struct protocol_io *io, const struct ntlm_message *message,
    const uint8_t *challenge, const char *method, enum protocol_outcome outcome);

/* Who a CHALLENGE says it comes from; texts of the persona.  NetBIOS names are upper-cased. */
struct ntlm_server {
	const char *computer;
	const char *domain; /* the computer's name when it is in none */
	const char *dns;    /* of the computer */
	uint8_t major, minor;
	uint16_t build;     /* Windows version, for instance 6.1.7601 */
};

/* The server's names and version of the persona's texts SERVER.computer, .domain, .dns, .version. */
struct ntlm_server ntlm_server_persona(const struct protocol_io *io, const char *module);

void ntlm_write_challenge(struct wr *w, const struct ntlm_server *server,
    const uint8_t challenge[NTLM_CHALLENGE_LEN], int64_t now_us);

/* Windows' time: 100 ns since 1601-01-01. */
uint64_t ntlm_filetime(int64_t unix_us);

/* ASCII as UTF-16LE. */
void ntlm_write_utf16(struct wr *w, const char *text);

/* The server's first token, offering NTLMSSP alone (30 bytes). */
void spnego_write_init(struct wr *w);

/* NegTokenResp accept-incomplete around a CHALLENGE message. */
void spnego_write_challenge(struct wr *w, const void *message, size_t len);

/* Identifier and length octets (X.690 8.1), for lengths below 65536. */
void der_write_head(struct wr *w, uint8_t tag, size_t len);
size_t der_head_size(size_t len);
