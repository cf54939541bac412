/*
 * TLS and SSL: what a ClientHello says of the client: server name, JA3 and JA4.
 *
 * The hello is read byte by byte through any division into records and segments; of its lists the
 * numbers are kept, not the bytes, so a hello of any length (post-quantum key shares) fits.  When a
 * list is longer than its place the fingerprints are left out, because they would be wrong.  After
 * the hello only record headers are followed (a heartbeat that lies about its length is told).
 * Answers nothing but an alert: TLS is the responder's engine's.
 * RFC 8446 4.1.2, RFC 5246 appendix E.2, RFC 8701 (GREASE), RFC 6520; JA3 (Salesforce) and JA4
 * (FoxIO, the TLS client fingerprint).
 */
#include "base/rd.h"
#include "protocol/encoding.h"
#include "protocol/line.h"

#include <stdio.h>

enum {
	EVENT_HELLO,
	EVENT_SSL2,
	EVENT_HEARTBLEED,
	EVENT_MALFORMED,
};

static const struct protocol_event_name events[] = {
	[EVENT_HELLO] = {"hello", "a ClientHello"},
	[EVENT_SSL2] = {"hello.sslv2", "a ClientHello in the form of SSL 2.0"},
	[EVENT_HEARTBLEED] = {"exploit.heartbleed",
		"a heartbeat longer than its record, CVE-2014-0160"},
	[EVENT_MALFORMED] = {"malformed", "a handshake that contradicts the standard"},
};

#define INBOX 512 /* views are never longer: bytes behind the hello are passed over in these */
#define CIPHERS_MAX 320
#define EXTENSIONS_MAX 96
#define GROUPS_MAX 96
#define ALGORITHMS_MAX 64
#define FORMATS_MAX 16
#define NAME_MAX_LEN 255 /* RFC 1035 2.3.4 */
#define RECORD_HEADER 5
#define RECORD_MAX (16384 + 2048)
#define HANDSHAKE_MAX 65536
#define JA3_TEXT_MAX 4096
#define JA4_PART 12

enum record {
	RECORD_HANDSHAKE = 22,
	RECORD_HEARTBEAT = 24,
};

enum extension {
	EXTENSION_NAME = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_FORMATS = 11,
	EXTENSION_ALGORITHMS = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
};

/* Where in the hello the next byte belongs. */
enum place {
	AT_TYPE,
	AT_LENGTH,
	AT_VERSION,
	AT_RANDOM,
	AT_SESSION_LENGTH,
	AT_SESSION,
	AT_CIPHERS_LENGTH,
	AT_CIPHERS,
	AT_METHODS_LENGTH,
	AT_METHODS,
	AT_EXTENSIONS_LENGTH,
	AT_EXTENSION_TYPE,
	AT_EXTENSION_LENGTH,
	AT_EXTENSION,
	AT_END,   /* bytes behind the hello */
	AT_SSL2,
};

struct state {
	uint32_t record_left;    /* bytes of the record that are to come */
	uint32_t hello_left;     /* bytes of the handshake message that are to come */
	uint16_t version;        /* of the hello */
	uint16_t best_version;   /* of supported_versions */
	uint16_t left;           /* of the field at `place` */
	uint16_t extensions_left;
	uint16_t extension_left;
	uint16_t extension;      /* its type */
	uint16_t at;             /* bytes of this extension, or of an SSL2 hello, that are behind */
	uint16_t ciphers;
	uint16_t extensions;
	uint16_t groups;
	uint16_t algorithms;
	uint16_t formats;
	uint16_t name_len;
	uint16_t alpn_len;       /* of the first protocol name */
	uint16_t number;         /* of two bytes: the first one */
	uint16_t beat_record;    /* length of a heartbeat record */
	uint8_t place;
	uint8_t record;          /* type of the record that is being read */
	uint8_t beat_at;
	bool begun;              /* the first record was looked at */
	bool ssl2;
	bool done;               /* the hello was told, or given up */
	bool cut;                /* a list was longer than its place */
	uint8_t alpn[2];         /* the first name's first and last byte */
	uint8_t format[FORMATS_MAX];
	uint16_t cipher[CIPHERS_MAX];
	uint16_t extension_type[EXTENSIONS_MAX];
	uint16_t group[GROUPS_MAX];
	uint16_t algorithm[ALGORITHMS_MAX];
	char name[NAME_MAX_LEN];
};
_Static_assert(sizeof(struct state) + INBOX <= PROTOCOL_ROOM_MAX, "a room holds it all");

/* ---- fingerprints --------------------------------------------------------------------------- */

static bool is_grease(uint16_t value)
{
	return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

struct text {
	char *data;
	size_t cap;
	size_t len;
};

static void put(struct text *text, const char *fmt, unsigned value)
{
	const int n = snprintf(text->data + text->len, text->cap - text->len, fmt, value);

	if (n > 0 && text->len + (size_t)n < text->cap)
		text->len += (size_t)n;
}

static void put_text(struct text *text, const char *string)
{
	const size_t len = strlen(string);

	if (len < text->cap - text->len) {
		memcpy(text->data + text->len, string, len);
		text->len += len;
	}
}

static void put_list(struct text *text, const uint16_t *list, size_t count)
{
	const char *fmt = ",%u";

	for (size_t i = 0; i < count; i++) {
		if (is_grease(list[i]))
			continue;
		put(text, fmt, list[i]);
		fmt = "-%u";
	}
	if (*fmt == ',')
		put_text(text, ",");
}

static void tell_ja3(struct protocol_io *io)
{
	const struct state *state = io->state;
	char data[JA3_TEXT_MAX];
	struct text text = {data, sizeof(data), 0};
	char hash[ENCODING_MD5_TEXT];

	put(&text, "%u", state->version);
	put_list(&text, state->cipher, state->ciphers);
	put_list(&text, state->extension_type, state->extensions);
	put_list(&text, state->group, state->groups);
	put_text(&text, ",");
	for (unsigned i = 0; i < state->formats; i++)
		put(&text, i == 0 ? "%u" : "-%u", state->format[i]);
	encoding_md5_hex(data, text.len, hash);
	protocol_attribute(io, PROTOCOL_JA3, hash, strlen(hash));
}

static void sort(uint16_t *list, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const uint16_t value = list[i];
		size_t at = i;

		for (; at > 0 && list[at - 1] > value; at--)
			list[at] = list[at - 1];
		list[at] = value;
	}
}

/* Those that count, in order; returns how many. */
static size_t without_grease(const uint16_t *list, size_t count, uint16_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (!is_grease(list[i]))
			out[n++] = list[i];
	return n;
}

/* The first twelve digits of the SHA-256 of a text; zeros for an empty one. */
static void put_hash(struct text *out, const struct text *text)
{
	char hash[ENCODING_SHA256_TEXT];

	if (text->len == 0) {
		put_text(out, "_000000000000");
		return;
	}
	encoding_sha256_hex(text->data, text->len, hash);
	put_text(out, "_");
	if (out->cap - out->len > JA4_PART) {
		memcpy(out->data + out->len, hash, JA4_PART);
		out->len += JA4_PART;
	}
}

static const char *version_text(uint16_t version)
{
	switch (version) {
	case 0x0304: return "13";
	case 0x0303: return "12";
	case 0x0302: return "11";
	case 0x0301: return "10";
	case 0x0300: return "s3";
	case 0x0002: return "s2";
	default: return "00";
	}
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* The ALPN's two characters; of its hexadecimal form when they are not printable. */
static void put_alpn(struct text *out, const struct state *state)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t first = state->alpn[0];
	uint8_t last = state->alpn[1];

	if (state->alpn_len == 0) {
		put_text(out, "00");
		return;
	}
	if (!is_alphanumeric(first) || !is_alphanumeric(last)) {
		first = (uint8_t)digits[first >> 4];
		last = (uint8_t)digits[last & 0x0f];
	}
	put(out, "%c", first);
	put(out, "%c", last);
}

static unsigned at_most_99(size_t n)
{
	return n < 99 ? (unsigned)n : 99;
}

static void tell_ja4(struct protocol_io *io)
{
	const struct state *state = io->state;
	uint16_t list[CIPHERS_MAX];
	char data[JA3_TEXT_MAX];
	char ja4[48];
	struct text out = {ja4, sizeof(ja4), 0};
	struct text text = {data, sizeof(data), 0};
	size_t n = without_grease(state->cipher, state->ciphers, list);
	const size_t extensions = without_grease(state->extension_type, state->extensions,
	    (uint16_t[EXTENSIONS_MAX]){0});
	bool has_name = false;

	for (size_t i = 0; i < state->extensions; i++)
		has_name |= state->extension_type[i] == EXTENSION_NAME;
	put_text(&out, "t");
	put_text(&out, version_text(state->best_version ? state->best_version : state->version));
	put_text(&out, has_name ? "d" : "i");
	put(&out, "%02u", at_most_99(n));
	put(&out, "%02u", at_most_99(extensions));
	put_alpn(&out, state);
	sort(list, n);
	for (size_t i = 0; i < n; i++)
		put(&text, i == 0 ? "%04x" : ",%04x", list[i]);
	put_hash(&out, &text);
	n = without_grease(state->extension_type, state->extensions, list);
	sort(list, n);
	text.len = 0;
	for (size_t i = 0; i < n; i++)
		if (list[i] != EXTENSION_NAME && list[i] != EXTENSION_ALPN)
			put(&text, text.len == 0 ? "%04x" : ",%04x", list[i]);
	n = without_grease(state->algorithm, state->algorithms, list);
	for (size_t i = 0; text.len > 0 && i < n; i++)
		put(&text, i == 0 ? "_%04x" : ",%04x", list[i]);
	put_hash(&out, &text);
	protocol_attribute(io, PROTOCOL_JA4, ja4, out.len);
}

/* The hello is over, or what there is of it. */
static void tell_hello(struct protocol_io *io)
{
	struct state *state = io->state;

	state->done = true;
	protocol_event(io, EVENT_HELLO);
	if (state->name_len > 0)
		protocol_attribute(io, PROTOCOL_SNI, state->name, state->name_len);
	if (state->cut || !protocol_texts(io))
		return;
	tell_ja3(io);
	tell_ja4(io);
}

static void refuse(struct protocol_io *io)
{
	static const uint8_t handshake_failure[] = {21, 3, 1, 0, 2, 2, 40};

	protocol_reply(io, handshake_failure, sizeof(handshake_failure));
	io->hang_up = true;
}

static void malformed(struct protocol_io *io)
{
	struct state *state = io->state;

	protocol_event(io, EVENT_MALFORMED);
	state->done = true;
	refuse(io);
}

/* ---- the hello, byte by byte ---------------------------------------------------------------- */

static void keep_number(struct state *state, uint16_t *list, uint16_t *count, size_t cap,
    uint16_t value)
{
	if (*count == cap)
		state->cut = true;
	else
		list[(*count)++] = value;
}

/* A byte of a list of two-byte numbers; at counts from 0. */
static void list_byte(struct state *state, uint16_t *list, uint16_t *count, size_t cap,
    uint16_t at, uint8_t byte)
{
	if (at % 2 == 0)
		state->number = byte;
	else
		keep_number(state, list, count, cap, (uint16_t)(state->number << 8 | byte));
}

/* server_name: list length, then type 0, length, name (RFC 6066 3). */
static void name_byte(struct state *state, uint8_t byte)
{
	if (state->at == 3)
		state->number = byte;
	else if (state->at == 4)
		state->number = (uint16_t)(state->number << 8 | byte);
	else if (state->at >= 5 && state->at - 5u < state->number && state->name_len < NAME_MAX_LEN)
		state->name[state->name_len++] = (char)byte;
}

/* supported_versions: a length, then versions; the highest counts. */
static void versions_byte(struct state *state, uint8_t byte)
{
	uint16_t version;

	if (state->at % 2 == 1) {
		state->number = byte;
		return;
	}
	version = (uint16_t)(state->number << 8 | byte);
	if (state->at > 0 && !is_grease(version) && version > state->best_version)
		state->best_version = version;
}

/* ALPN: list length, then names with a length; the first one counts (RFC 7301 3.1). */
static void alpn_byte(struct state *state, uint8_t byte)
{
	if (state->at == 2)
		state->alpn_len = byte;
	else if (state->at == 3)
		state->alpn[0] = byte;
	if (state->at >= 3 && state->at - 3u < state->alpn_len)
		state->alpn[1] = byte;
}

static void extension_byte(struct state *state, uint8_t byte)
{
	switch (state->extension) {
	case EXTENSION_NAME:
		name_byte(state, byte);
		break;
	case EXTENSION_GROUPS:
		if (state->at >= 2)
			list_byte(state, state->group, &state->groups, GROUPS_MAX, state->at, byte);
		break;
	case EXTENSION_FORMATS:
		if (state->at >= 1 && state->formats < FORMATS_MAX)
			state->format[state->formats++] = byte;
		break;
	case EXTENSION_ALGORITHMS:
		if (state->at >= 2)
			list_byte(state, state->algorithm, &state->algorithms, ALGORITHMS_MAX,
			    state->at, byte);
		break;
	case EXTENSION_ALPN:
		alpn_byte(state, byte);
		break;
	case EXTENSION_VERSIONS:
		versions_byte(state, byte);
		break;
	default:
		break;
	}
	state->at++;
}

static void go(struct state *state, enum place place, unsigned left)
{
	state->place = (uint8_t)place;
	state->left = (uint16_t)left;
	state->at = 0;
}

/* A field of known length gives its next byte; true when it was the last one. */
static bool number_byte(struct state *state, uint8_t byte)
{
	state->number = (uint16_t)(state->number << 8 | byte);
	return --state->left == 0;
}

/* The next extension, or the end. */
static void next_extension(struct state *state)
{
	if (state->extensions_left >= 4)
		go(state, AT_EXTENSION_TYPE, 2);
	else
		go(state, AT_END, 0);
}

static void extension_header_byte(struct state *state, uint8_t byte)
{
	state->extensions_left--;
	if (!number_byte(state, byte))
		return;
	if (state->place == AT_EXTENSION_TYPE) {
		state->extension = state->number;
		keep_number(state, state->extension_type, &state->extensions, EXTENSIONS_MAX,
		    state->extension);
		go(state, AT_EXTENSION_LENGTH, 2);
		return;
	}
	go(state, AT_EXTENSION, state->number);
	if (state->left > state->extensions_left)
		state->left = state->extensions_left;
	if (state->left == 0)
		next_extension(state);
}

/* Lengths and what they announce, up to the extensions. */
static void front_byte(struct state *state, uint8_t byte)
{
	switch ((enum place)state->place) {
	case AT_VERSION:
		if (number_byte(state, byte)) {
			state->version = state->number;
			go(state, AT_RANDOM, 32);
		}
		break;
	case AT_RANDOM:
		if (--state->left == 0)
			go(state, AT_SESSION_LENGTH, 1);
		break;
	case AT_SESSION_LENGTH:
		go(state, byte ? AT_SESSION : AT_CIPHERS_LENGTH, byte ? byte : 2);
		break;
	case AT_SESSION:
		if (--state->left == 0)
			go(state, AT_CIPHERS_LENGTH, 2);
		break;
	case AT_CIPHERS_LENGTH:
		if (number_byte(state, byte))
			go(state, state->number ? AT_CIPHERS : AT_METHODS_LENGTH,
			    state->number ? state->number : 1);
		break;
	case AT_CIPHERS:
		list_byte(state, state->cipher, &state->ciphers, CIPHERS_MAX, state->at++, byte);
		if (--state->left == 0)
			go(state, AT_METHODS_LENGTH, 1);
		break;
	case AT_METHODS_LENGTH:
		go(state, byte ? AT_METHODS : AT_EXTENSIONS_LENGTH, byte ? byte : 2);
		break;
	case AT_METHODS:
		if (--state->left == 0)
			go(state, AT_EXTENSIONS_LENGTH, 2);
		break;
	case AT_EXTENSIONS_LENGTH:
		if (number_byte(state, byte)) {
			state->extensions_left = state->number;
			next_extension(state);
		}
		break;
	case AT_TYPE:
	case AT_LENGTH:
	case AT_EXTENSION_TYPE:
	case AT_EXTENSION_LENGTH:
	case AT_EXTENSION:
	case AT_END:
	case AT_SSL2:
		break;
	}
}

static void hello_byte(struct protocol_io *io, uint8_t byte)
{
	struct state *state = io->state;

	switch ((enum place)state->place) {
	case AT_TYPE:
		if (byte != 1) {
			malformed(io);
			return;
		}
		go(state, AT_LENGTH, 3);
		return;
	case AT_LENGTH:
		state->hello_left = state->hello_left << 8 | byte;
		if (--state->left > 0)
			return;
		if (state->hello_left > HANDSHAKE_MAX || state->hello_left < 38)
			malformed(io);
		go(state, AT_VERSION, 2);
		return;
	case AT_EXTENSION_TYPE:
	case AT_EXTENSION_LENGTH:
		extension_header_byte(state, byte);
		break;
	case AT_EXTENSION:
		extension_byte(state, byte);
		state->extensions_left--;
		if (--state->left == 0)
			next_extension(state);
		break;
	case AT_VERSION:
	case AT_RANDOM:
	case AT_SESSION_LENGTH:
	case AT_SESSION:
	case AT_CIPHERS_LENGTH:
	case AT_CIPHERS:
	case AT_METHODS_LENGTH:
	case AT_METHODS:
	case AT_EXTENSIONS_LENGTH:
	case AT_END:
	case AT_SSL2:
		front_byte(state, byte);
		break;
	}
	if (--state->hello_left > 0)
		return;
	/* A hello without extensions ends after its compression methods. */
	if (state->place < AT_EXTENSIONS_LENGTH) {
		malformed(io);
		return;
	}
	tell_hello(io);
	refuse(io);
}

/* ---- records -------------------------------------------------------------------------------- */

/* RFC 6520 4: type 1, payload length; with at least 16 bytes of padding it must fit its record. */
static void heartbeat_byte(struct protocol_io *io, uint8_t byte)
{
	struct state *state = io->state;

	if (state->beat_at == 0 && byte != 1)
		state->beat_at = 3;
	if (state->beat_at == 1 || state->beat_at == 2)
		state->number = (uint16_t)(state->number << 8 | byte);
	if (state->beat_at == 2 && state->number + 3u > state->beat_record)
		protocol_event(io, EVENT_HEARTBLEED);
	if (state->beat_at < 3)
		state->beat_at++;
}

static void record_bytes(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	for (size_t i = 0; i < len; i++) {
		if (state->record == RECORD_HANDSHAKE && !state->done)
			hello_byte(io, data[i]);
		else if (state->record == RECORD_HEARTBEAT)
			heartbeat_byte(io, data[i]);
		else
			break;
	}
	state->record_left -= (uint32_t)len;
}

static size_t record_header(struct protocol_io *io, const uint8_t *data)
{
	struct state *state = io->state;

	state->record = data[0];
	state->record_left = rd_at_u16be(data + 3);
	state->beat_record = (uint16_t)state->record_left;
	state->beat_at = 0;
	if (data[1] != 3 || state->record_left > RECORD_MAX) {
		if (!state->done)
			malformed(io);
		state->record_left = UINT32_MAX; /* not followed any further */
		state->record = 0;
	}
	return RECORD_HEADER;
}

/* SSL 2.0: two bytes of length, 1, version, lengths of ciphers, session id and challenge. */
static void ssl2_bytes(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;

	for (size_t i = 0; i < len && !state->done; i++) {
		switch (state->at++) {
		case 3:
		case 5:
			state->number = data[i];
			break;
		case 4:
			state->version = (uint16_t)(state->number << 8 | data[i]);
			break;
		case 6:
			state->left = (uint16_t)(state->number << 8 | data[i]);
			break;
		case 10:
			protocol_event(io, EVENT_HELLO);
			protocol_event(io, EVENT_SSL2);
			state->done = true;
			refuse(io);
			break;
		default:
			break;
		}
	}
}

static size_t client(struct protocol_io *io, const uint8_t *data, size_t len)
{
	struct state *state = io->state;
	size_t n = len;

	if (!state->begun) {
		state->begun = true;
		state->ssl2 = (data[0] & 0x80) != 0;
	}
	if (state->ssl2) {
		ssl2_bytes(io, data, len);
		return len;
	}
	if (state->record_left == 0)
		return len < RECORD_HEADER ? 0 : record_header(io, data);
	if (n > state->record_left)
		n = state->record_left;
	if (state->record_left == UINT32_MAX)
		return len;
	record_bytes(io, data, n);
	return n;
}

static void gap(struct protocol_io *io, enum protocol_side side, uint64_t bytes)
{
	struct state *state = io->state;

	(void)bytes;
	if (side != PROTOCOL_CLIENT)
		return;
	state->begun = true;
	state->done = true;
	state->record = 0;
	state->record_left = UINT32_MAX;
}

/* ---- identification ------------------------------------------------------------------------- */

static enum protocol_verdict probe_ssl2(const uint8_t *data, size_t len)
{
	if (len > 2 && data[2] != 1)
		return PROTOCOL_NO;
	if (len > 3 && data[3] != 3 && data[3] != 0)
		return PROTOCOL_NO;
	if (len < 5)
		return PROTOCOL_MORE;
	return (data[3] == 3 && data[4] <= 4) || (data[3] == 0 && data[4] == 2) ? PROTOCOL_YES
	                                                                        : PROTOCOL_NO;
}

static enum protocol_verdict probe(const struct protocol_start *start)
{
	const uint8_t *data = start->client;
	const size_t len = start->client_len;

	if (len == 0)
		return PROTOCOL_MORE;
	if (data[0] & 0x80)
		return probe_ssl2(data, len);
	if (data[0] != RECORD_HANDSHAKE || (len > 1 && data[1] != 3) || (len > 2 && data[2] > 4))
		return PROTOCOL_NO;
	if (len <= RECORD_HEADER)
		return PROTOCOL_MORE;
	return data[RECORD_HEADER] == 1 ? PROTOCOL_YES : PROTOCOL_NO;
}

const struct protocol_module protocol_tls = {
	.name = "tls",
	.title = "TLS",
	.spec = "RFC 8446, 5246, 6066, 7301, 8701",
	.doc = "ClientHello: server name, JA3, JA4; SSL 2.0 hellos; heartbeats that "
	       "lie.  Answers with an alert only.",
	.transports = PROTOCOL_TCP,
	.speaks_first = PROTOCOL_CLIENT,
	.tcp_ports = {443, 8443, 9443, 4443, 10443, 993, 995, 465, 990, 5061, 8883, 6443, 2376},
	.state_size = sizeof(struct state),
	.client_inbox = INBOX,
	.reply_max = 16,
	.idle_s = 30,
	PROTOCOL_EVENTS(events),
	.probe = probe,
	.client = client,
	.gap = gap,
};
