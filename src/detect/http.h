/*
 * HTTP as signatures see it.  Private to detect/.
 *
 * Evasions live in what servers and browsers forgive, so the parser forgives in the way libhtp
 * does, which is what rules were written against: lone line ends, folding, chunk lengths with
 * junk, bodies without headers, wrong encodings.  A message is matched once: when it is complete,
 * when HTTP_BODY_MAX bytes of its body have come, or when the session ends.
 */
#pragma once

#include "detect/engine.h"
#include "detect/events.h"

#define HTTP_LINE_MAX 18000u
#define HTTP_HEADERS_MAX 256u
#define HTTP_RAW_MAX (64u << 10)
#define HTTP_BODY_MAX 102400u
#define HTTP_PIPELINE_MAX 64u
#define HTTP_FILES_MAX 32u /* of one message */
#define HTTP_DECODERS_MAX 2 /* words of content-encoding that count */

struct http_span {
	uint32_t at;
	uint32_t len;
};

struct http_header {
	struct http_span name;
	struct http_span value;
};

struct http_decoder; /* http_body.c */

struct http_message {
	struct bytes line; /* without its end */
	struct bytes raw;  /* of the headers, the empty line included */
	struct bytes text; /* names and values, where the spans point */
	struct bytes body; /* without chunks; of an answer, without its encoding */
	struct http_decoder *decoder; /* while the body comes */
	struct http_span part[3]; /* of line: method, URI, protocol; protocol, status, message */
	struct http_header *headers;
	uint32_t header_count;
	uint32_t header_room;
	bool begun;
	bool headers_done;
	bool headers_whole; /* of a request: the empty line behind them came */
	bool complete;
	bool inspected;
	bool body_full;
	bool broken; /* of a request: what came was no body as declared */
	bool encoded; /* there is or was a decoder */
	unsigned status;
	uint32_t events; /* bit per enum http_event */
};

struct http_tx {
	struct http_tx *next;
	struct http_message side[2]; /* by enum flow_side */
	bool continued; /* a 100 was seen */
	bool h2;
	uint32_t stream; /* of HTTP/2 */
};

enum http_state {
	HTTP_LINE,
	HTTP_HEADERS,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CLOSE, /* until the end of the stream */
	HTTP_CHUNK_LENGTH,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END,
	HTTP_TRAILERS,
	HTTP_FINISH, /* what still comes may be more of the body */
	HTTP_WAIT,   /* behind CONNECT, for the answer */
	HTTP_PROBE,  /* behind its answer */
	HTTP_IGNORE, /* a tunnel, or nonsense */
};

struct http_parser {
	enum http_state state;
	struct bytes pending; /* what is not a whole line yet */
	struct bytes folded;  /* header that may go on in the next line */
	uint64_t left;        /* of the body or chunk */
	bool lfcr;            /* the line before ended with LF CR */
	bool has_folded;
};

struct http {
	struct http_parser parser[2];
	struct http_tx *first;  /* oldest that is not done */
	struct http_tx *last;
	struct http_tx *request; /* whose request is being read */
	struct http_tx *response;
	unsigned count;
};

static inline void http_event(struct http_message *m, enum http_event event)
{
	m->events |= 1u << event;
}

static inline const uint8_t *http_text(const struct http_message *m, struct http_span s)
{
	return m->text.data ? m->text.data + s.at : (const uint8_t *)"";
}

/* Bytes that are being looked at; more may come unless eof. */
struct http_input {
	const uint8_t *p;
	size_t len;
	bool eof;
};

struct http_work {
	struct signatures *s;
	struct flow *flow;
	struct http *http;
	enum flow_side side;
	int64_t time_us;
};

/* http.c */
/* Matches the work's side of it, once. */
void http_inspect(struct http_work *w, struct http_tx *tx);
struct http_tx *http_new_tx(struct http_work *w);
/* The transaction whose message is being read on this side; NULL: none. */
struct http_tx *http_current(struct http_work *w);
void http_complete(struct http_work *w);
/* Neither side is understood any more. */
void http_give_up(struct http_work *w);
/* The body is over although the message may not be. */
void http_body_end(struct http_work *w);
void http_body_bytes(struct http_work *w, const uint8_t *p, size_t len);
bool http_method_is(const struct http_message *m, const char *name);
void http_end_folded(struct http_work *w, struct http_message *m);
size_t http_chomp(const uint8_t *p, size_t len);

/* http_response.c: one step of the server's side each; the bytes used, 0 when more are needed. */
size_t http_response_first(struct http_work *w, const struct http_input *in);
size_t http_response_header(struct http_work *w, const struct http_input *in);
size_t http_response_finish(struct http_work *w, const struct http_input *in);

/* http_message.c */
void http_message_fini(struct budget *budget, struct http_message *m);
/* Splits the first line into its three parts. */
void http_request_line(struct http_message *m);
void http_response_line(struct http_message *m);
bool http_is_blank_line(const uint8_t *line, size_t len);
/* A line whose first word is a known method. */
bool http_begins_request(const uint8_t *line, size_t len);
bool http_looks_like_response(const uint8_t *data, size_t len);
/* Adds a header line; what repeats is joined with ", ". In a request a zero ends the name's line. */
void http_add_header(struct budget *budget, struct http_message *m, const uint8_t *line,
    size_t len, bool request);
/* The same of a name and a value, as HTTP/2 has them. */
void http_keep_header(struct budget *budget, struct http_message *m, const uint8_t *name,
    size_t name_len, const uint8_t *value, size_t value_len);
/* The value of a header, whatever zeros are in its name; false: there is none. */
bool http_find_header(const struct http_message *m, const char *name, const uint8_t **ret_value,
    size_t *ret_len);
/* The same without forgiveness. */
bool http_find_exact(const struct http_message *m, const char *name, const uint8_t **ret_value,
    size_t *ret_len);
/* Looks for a word (lower case) in a value, zeros left out. */
bool http_contains(const uint8_t *value, size_t len, const char *word);
/* The first number in a Content-Length; false: none. */
bool http_content_length(const uint8_t *value, size_t len, uint64_t *ret);
/* -1 nonsense, -2 nothing but blanks. */
int64_t http_chunk_length(const uint8_t *data, size_t len);

/* http_buffers.c */
bool http_buffer(const void *tx, enum buffer_id buffer, uint8_t direction, unsigned index,
    const uint8_t **ret_data, size_t *ret_len);
struct http_file {
	const uint8_t *name; /* NULL: none */
	size_t name_len;
	const uint8_t *data;
	size_t len;
};

/* What the buffers are made in; one transaction at a time. */
struct http_view {
	const struct http_tx *tx;
	struct signatures *s;
	struct bytes made[BUFFER_COUNT];
	uint8_t state[BUFFER_COUNT]; /* 0 not made, 1 there, 2 absent */
	struct bytes path; /* name of a file that has no other */
	struct http_file files[HTTP_FILES_MAX];
	unsigned file_count;
	bool files_known;
	char size[24];
};

/* http_files.c: file.data, file.name and the size of the index-th file; false: no more. */
bool http_files_buffer(struct http_view *v, const struct http_message *m, bool response,
    enum buffer_id buffer, unsigned index, const uint8_t **ret_data, size_t *ret_len);

/* http_uri.c */
struct http_uri {
	const uint8_t *host;
	size_t host_len;
	const uint8_t *path; /* with query and fragment */
	size_t path_len;
};
struct http_uri http_uri_split(const uint8_t *uri, size_t len);
/* Decodes and cleans a path with its query; out holds len bytes.  Returns the length. */
size_t http_uri_normalise(const uint8_t *path, size_t len, uint8_t *out);

/* http_body.c: undoes Content-Encoding of what is fed, into the message's body. */
void http_decoder_begin(struct budget *budget, struct http_message *m, bool request);
void http_decoder_feed(struct budget *budget, struct http_message *m, const uint8_t *data,
    size_t len);
void http_decoder_end(struct budget *budget, struct http_message *m);
void http_decoder_free(struct budget *budget, struct http_decoder *decoder);
