/*
 * Request lines, status lines, header fields and their Authorization, as HTTP, SIP and RTSP share
 * them.
 *
 * Lenient where bots are sloppy: a target may hold blanks, a field may have blanks before its
 * colon.  Nothing here keeps state; texts returned point into the line they came from.
 * RFC 9112 3, RFC 9110 5, RFC 3261 7, RFC 2326 6, RFC 7617, RFC 7616, RFC 2617.
 */
#pragma once

#include "protocol/protocol.h"

struct headers_request {
	struct protocol_text method;
	struct protocol_text target;
	struct protocol_text version; /* "HTTP/1.1"; empty when the line has none */
};

/* "METHOD TARGET PROTOCOL/x.y"; protocol is "HTTP/" or the like.  False when the line has no token
 * first; a line without a version gives an empty one. */
bool headers_request(struct protocol_text line, const char *protocol,
    struct headers_request *ret_request);

/* The three digits of "PROTOCOL/x.y 401 …", 0 when it is no status line of that protocol. */
unsigned headers_status(struct protocol_text line, const char *protocol);

/* "Name: value", blanks around the value trimmed.  False without a colon. */
bool headers_field(struct protocol_text line, struct protocol_text *ret_name,
    struct protocol_text *ret_value);

/* Only characters that RFC 9110 5.6.2 allows in a method, and at least one. */
bool headers_is_token(struct protocol_text text);

/* Decimal digits at the text's start; UINT64_MAX when there are too many, 0 when there are none. */
uint64_t headers_number(struct protocol_text text);

/* Does the text hold the word, whatever the case of ASCII letters? */
bool headers_contains(struct protocol_text text, const char *word);

/* The text behind "Scheme " of an Authorization value when it is of that scheme. */
bool headers_scheme(struct protocol_text value, const char *scheme,
    struct protocol_text *ret_rest);

#define HEADERS_BASIC_MAX 512 /* longer user:password texts are cut */

/* The base64 of a Basic Authorization; texts point into buffer. */
void headers_basic(struct protocol_text rest, uint8_t buffer[HEADERS_BASIC_MAX],
    struct protocol_text *ret_user, struct protocol_text *ret_password);

struct headers_digest {
	struct protocol_text user;
	struct protocol_text realm;
	struct protocol_text nonce;
	struct protocol_text uri;
	struct protocol_text response;
	struct protocol_text cnonce;
	struct protocol_text nc;
	struct protocol_text qop;
	struct protocol_text algorithm;
};

/* The parameters of a Digest Authorization; what is absent is empty.  False without a response. */
bool headers_digest(struct protocol_text rest, struct headers_digest *ret_digest);

/*
 * The response as hashcat reads it (mode 11400, $sip$*…); returns its length, 0 when it does not
 * fit.  The mode computes MD5(user:realm:password), nonces and MD5(method:uri), so it serves HTTP
 * and RTSP as well: a URI without a scheme has an empty first part.
 */
size_t headers_digest_hash(const struct protocol_io *io, const struct headers_digest *digest,
    struct protocol_text method, char out[PROTOCOL_TEXT_MAX]);
