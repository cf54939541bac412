/*
 * What the parts of the http module share: the state of one connection and the steps of a request.
 *
 * http.c frames requests and responses and calls, in this order for each request: http_head_line,
 * http_head_field for each field, http_body_take, http_request_end.  A login that waits for the
 * server's verdict and the beginning of the body share one buffer (state->text): logins first.
 */
#pragma once

#include "protocol/http_exploit.h"
#include "protocol/protocol.h"

#define HTTP_CLIENT_INBOX 896  /* an NTLM response in one header line fits */
#define HTTP_SERVER_INBOX 128  /* a status line, a length, the challenge of NTLM */
#define HTTP_TEXT 800
#define HTTP_NAME 40
#define HTTP_METHOD 16
#define HTTP_RPC_ID 12
#define HTTP_REPLY_MAX 8192

enum http_event {
	HTTP_EVENT_REQUEST,
	HTTP_EVENT_SIMPLE,
	HTTP_EVENT_H2,
	HTTP_EVENT_CONNECT,
	HTTP_EVENT_PROXY,
	HTTP_EVENT_MALFORMED,
	HTTP_EVENT_EXPLOIT, /* + enum http_exploit */
	HTTP_EVENT_COUNT = HTTP_EVENT_EXPLOIT + HTTP_EXPLOIT_COUNT,
};

enum http_phase {
	HTTP_LINE,       /* a request line is to come */
	HTTP_LINE_REST,  /* what the inbox could not hold of it */
	HTTP_HEAD,
	HTTP_HEAD_REST,
	HTTP_BODY,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_LOST,       /* looking for the next request line */
	HTTP_TUNNEL,     /* passive, after CONNECT: the verdict is to come, or another protocol */
	HTTP_IGNORE,     /* HTTP/2 frames, an upgraded connection */
};

/* What a framing header said, of a request or a response. */
struct http_framing {
	uint64_t left;   /* of the body, or of the chunk */
	uint8_t phase;   /* enum http_phase; a status line counts as HTTP_LINE */
	bool chunked;
	bool has_length;
};

struct http_state {
	struct http_framing client;
	struct http_framing server;
	struct http_exploit_state exploit;
	uint32_t requests;         /* request lines seen */
	uint32_t headers;          /* FNV-1a of the first head's field names, a line each */
	uint32_t responses;        /* final responses begun; meaningless after a gap */
	uint32_t login_request; /* the request that the waiting login belongs to; 0: none waits */
	uint16_t status;           /* of the response that is being read */
	uint8_t answer;            /* a row of http_answer.c */
	uint8_t tries;             /* logins of this session */
	uint8_t rpc;               /* JSON-RPC method, of http_answer.c */
	char rpc_id[HTTP_RPC_ID];  /* JSON-RPC id as it came, with a NUL */
	char method[HTTP_METHOD];  /* of the request, with a NUL; longer ones are cut */
	char name[HTTP_NAME];      /* its path, for the payload's name; longer ones are cut */
	uint8_t challenge[8];      /* NTLM, of the server */
	bool has_challenge : 1;
	bool out_of_step : 1;      /* a gap: responses do not match requests any more */
	bool simple : 1;           /* no version: no head, no body, a reply without a head */
	bool old : 1;              /* HTTP/1.0 or older */
	bool close : 1;            /* Connection: close, or what the version implies */
	bool expects : 1;          /* Expect: 100-continue */
	bool in_payload : 1;
	bool has_login : 1;        /* this request carried a login */
	bool login_known : 1;      /* … that the persona's device accepts */
	bool was_login : 1;        /* Authorization came, of whatever kind */
	bool form_read : 1;        /* logins were looked for in this body */
	uint8_t body_kind;         /* of http_body.c */
	bool is_proxy : 1;         /* an absolute URI: another host is meant */
	bool told_request : 1;     /* the session's first request was told */
	bool ntlm_begun : 1;       /* NTLM's first message: a challenge is the answer */
	uint8_t login_secret;      /* of the waiting login: enum protocol_secret */
	uint8_t login_method;      /* index into http_login_methods */
	uint16_t login_user_len;
	uint16_t login_password_len;
	uint16_t body_len;         /* bytes of the body in text, behind the waiting login */
	uint16_t body_told;        /* of them, told as commands already */
	uint16_t partial_len;      /* or: bytes of a request line whose end is still to come */
	char text[HTTP_TEXT];
};

/* ---- http_head.c ---------------------------------------------------------------------------- */

/* A request line (without its end); cut says that it was longer.  False when it is none. */
bool http_head_line(struct protocol_io *io, struct protocol_text line, bool cut);

/* A header line of a request. */
void http_head_field(struct protocol_io *io, struct protocol_text line);

/* The head is over: the first one's header-order hash is told. */
void http_head_end(struct protocol_io *io);

/* Framing fields, of either side. */
void http_head_framing(struct http_framing *framing, struct protocol_text name,
    struct protocol_text value);

/* ---- http_body.c ---------------------------------------------------------------------------- */

void http_body_take(struct protocol_io *io, const uint8_t *data, size_t len);

/* The body is over: whole, or cut short. */
void http_body_over(struct protocol_io *io, bool whole);

/* ---- http_login.c --------------------------------------------------------------------------- */

enum http_login_method {
	HTTP_LOGIN_BASIC,
	HTTP_LOGIN_DIGEST,
	HTTP_LOGIN_FORM,
	HTTP_LOGIN_QUERY,
	HTTP_LOGIN_JSON,
	HTTP_LOGIN_XML,
	HTTP_LOGIN_XMLRPC,
};

/* The value of an Authorization or Proxy-Authorization field. */
void http_login_authorization(struct protocol_io *io, struct protocol_text value);

/* name=value&… of a query or a form. */
void http_login_pairs(struct protocol_io *io, struct protocol_text text,
    enum http_login_method method);

/* A body of any kind. */
void http_login_body(struct protocol_io *io, struct protocol_text body);

/* The server's WWW-Authenticate, for NTLM's challenge. */
void http_login_challenge(struct protocol_io *io, struct protocol_text value);

/* The waiting login's outcome by the response's status. */
void http_login_status(struct protocol_io *io, unsigned status);

/* Tells the waiting login, if there is one. */
void http_login_settle(struct protocol_io *io, enum protocol_outcome outcome);

/* ---- http_answer.c -------------------------------------------------------------------------- */

/* What is asked for, from the port and the decoded path; remembered in state->answer. */
void http_answer_choose(struct protocol_io *io, struct protocol_text path);

/* A member of a JSON document in the body: JSON-RPC's method and id are wanted. */
void http_answer_member(struct protocol_io *io, struct protocol_text key,
    struct protocol_text value);

/* Replies to the request that is complete now, and tells its login; nothing while passive. */
void http_answer(struct protocol_io *io, bool is_exploit);

/* 400, for what is no HTTP. */
void http_answer_malformed(struct protocol_io *io);

/* Is it the login that the persona's product accepts, or one that the rules of accept.h let in?
 * try counts the logins of this session from 1. */
bool http_answer_accepts(const struct protocol_io *io, unsigned try, struct protocol_text user,
    struct protocol_text password);
