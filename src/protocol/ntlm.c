/* NTLMSSP and its wrappings; the contract is in ntlm.h. */
#include "protocol/ntlm.h"

#include "base/rd.h"
#include "protocol/encoding.h"

#include <stdio.h>
#include <string.h>

#define SIGNATURE "NTLMSSP"
#define SIGNATURE_LEN 8 /* with its NUL */

#define FLAG_UNICODE 0x00000001u
#define FLAGS_CHALLENGE 0xe28a8215u /* what Windows 7 and later offer */

#define NTPROOF_LEN 16
#define V1_LEN 24
#define NETBIOS_NAME_MAX 15

enum { /* attribute-value pairs of a CHALLENGE (MS-NLMP 2.2.2.1) */
	AV_END,
	AV_COMPUTER,
	AV_DOMAIN,
	AV_DNS_COMPUTER,
	AV_DNS_DOMAIN,
	AV_TIME = 7,
};

static const uint8_t oid_ntlmssp[] = {
	0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a,
};

const uint8_t *ntlm_find(const void *data, size_t len)
{
	return len ? memmem(data, len, SIGNATURE, SIGNATURE_LEN) : NULL;
}

/* Length, allocated length, offset from the message's begin; nothing when it points outside. */
static struct ntlm_field take_field(struct rd *r, const uint8_t *start, size_t len)
{
	struct ntlm_field field = {NULL, 0};
	uint16_t field_len = rd_u16le(r);
	uint32_t offset;

	rd_skip(r, 2);
	offset = rd_u32le(r);
	if (!r->bad && field_len > 0 && offset <= len && field_len <= len - offset) {
		field.data = start + offset;
		field.len = field_len;
	}
	return field;
}

int ntlm_parse(const void *data, size_t len, struct ntlm_message *ret)
{
	struct rd r = rd_init(data, len);
	struct ntlm_message message = {0};
	const uint8_t *signature = rd_take(&r, SIGNATURE_LEN);
	const uint8_t *challenge;
	uint32_t type = rd_u32le(&r);

	if (!signature || memcmp(signature, SIGNATURE, SIGNATURE_LEN) != 0)
		return ST_MALFORMED;
	switch (type) {
	case NTLM_NEGOTIATE:
		message.type = NTLM_NEGOTIATE;
		message.flags = rd_u32le(&r);
		if (!r.bad && rd_left(&r) >= 16) {
			message.domain = take_field(&r, data, len);
			message.workstation = take_field(&r, data, len);
		}
		break;
	case NTLM_CHALLENGE:
		message.type = NTLM_CHALLENGE;
		message.target = take_field(&r, data, len);
		message.flags = rd_u32le(&r);
		challenge = rd_take(&r, NTLM_CHALLENGE_LEN);
		if (challenge)
			memcpy(message.challenge, challenge, NTLM_CHALLENGE_LEN);
		break;
	case NTLM_AUTHENTICATE:
		message.type = NTLM_AUTHENTICATE;
		message.lm = take_field(&r, data, len);
		message.nt = take_field(&r, data, len);
		message.domain = take_field(&r, data, len);
		message.user = take_field(&r, data, len);
		message.workstation = take_field(&r, data, len);
		(void)take_field(&r, data, len); /* session key */
		/* Old clients end the header here, and are Unicode (MS-NLMP 2.2.1.3). */
		message.flags = rd_left(&r) >= 4 ? rd_u32le(&r) : FLAG_UNICODE;
		break;
	default:
		return ST_MALFORMED;
	}
	if (r.bad)
		return ST_MALFORMED;
	*ret = message;
	return ST_OK;
}

size_t ntlm_text(const struct ntlm_message *message, struct ntlm_field field,
    char out[NTLM_NAME_MAX])
{
	size_t len = field.len;

	if (message->type != NTLM_NEGOTIATE && message->flags & FLAG_UNICODE) {
		len = encoding_utf16le(field.data, len, out, NTLM_NAME_MAX - 1);
	} else {
		if (len > NTLM_NAME_MAX - 1)
			len = NTLM_NAME_MAX - 1;
		if (len)
			memcpy(out, field.data, len);
	}
	out[len] = '\0';
	return len;
}

bool ntlm_is_anonymous(const struct ntlm_message *message)
{
	return message->user.len == 0 && message->nt.len == 0;
}

/* Appends hex, or makes the writer bad. */
static void write_hex(struct wr *w, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		wr_u8(w, (uint8_t)digits[p[i] >> 4]);
		wr_u8(w, (uint8_t)digits[p[i] & 15]);
	}
}

size_t ntlm_hash(const struct ntlm_message *message, const uint8_t *challenge,
    char out[NTLM_HASH_MAX])
{
	struct wr w = wr_init(out, NTLM_HASH_MAX);
	size_t challenge_len = challenge ? NTLM_CHALLENGE_LEN : 0;
	char name[NTLM_NAME_MAX];

	if (message->type != NTLM_AUTHENTICATE || message->nt.len < NTPROOF_LEN)
		return 0;
	wr_bytes(&w, name, ntlm_text(message, message->user, name));
	wr_bytes(&w, "::", 2);
	wr_bytes(&w, name, ntlm_text(message, message->domain, name));
	wr_u8(&w, ':');
	if (message->nt.len == V1_LEN) {
		write_hex(&w, message->lm.data, message->lm.len);
		wr_u8(&w, ':');
		write_hex(&w, message->nt.data, V1_LEN);
		wr_u8(&w, ':');
		write_hex(&w, challenge, challenge_len);
	} else {
		write_hex(&w, challenge, challenge_len);
		wr_u8(&w, ':');
		write_hex(&w, message->nt.data, NTPROOF_LEN);
		wr_u8(&w, ':');
		write_hex(&w, message->nt.data + NTPROOF_LEN, message->nt.len - NTPROOF_LEN);
	}
	wr_u8(&w, 0);
	return w.bad ? 0 : wr_len(&w) - 1;
}

void ntlm_login(struct protocol_io *io, const struct ntlm_message *message,
    const uint8_t *challenge, const char *method, enum protocol_outcome outcome)
{
	char user[NTLM_NAME_MAX];
	char domain[NTLM_NAME_MAX];
	char workstation[NTLM_NAME_MAX];
	char hash[NTLM_HASH_MAX];
	char line[3 * NTLM_NAME_MAX + 8];
	size_t user_len;
	size_t hash_len;
	size_t workstation_len;

	if (message->type != NTLM_AUTHENTICATE || ntlm_is_anonymous(message))
		return;
	user_len = ntlm_text(message, message->user, user);
	hash_len = ntlm_hash(message, challenge, hash);
	(void)ntlm_text(message, message->domain, domain);
	workstation_len = ntlm_text(message, message->workstation, workstation);
	protocol_login(io, (struct protocol_text){user, user_len},
	    (struct protocol_text){hash, hash_len},
	    hash_len ? PROTOCOL_SECRET_HASH : PROTOCOL_SECRET_NONE, method, outcome);
	(void)snprintf(line, sizeof(line), "NTLM %s\\%s%s%s", domain, user,
	    workstation_len ? " " : "", workstation);
	protocol_command(io, line, strnlen(line, sizeof(line)));
}

/* ---- the server's side ---------------------------------------------------------------------- */

uint64_t ntlm_filetime(int64_t unix_us)
{
	return ((uint64_t)unix_us + 11644473600000000ull) * 10;
}

void ntlm_write_utf16(struct wr *w, const char *text)
{
	for (; *text; text++) {
		wr_u8(w, (uint8_t)*text);
		wr_u8(w, 0);
	}
}

static const char *persona_key(const struct protocol_io *io, const char *module, const char *key,
    const char *otherwise)
{
	char name[48];
	const char *text;

	(void)snprintf(name, sizeof(name), "%s.%s", module, key);
	text = protocol_persona(io, name);
	return text[0] ? text : otherwise;
}

struct ntlm_server ntlm_server_persona(const struct protocol_io *io, const char *module)
{
	struct ntlm_server server = {.major = 6, .minor = 1, .build = 7601};
	const char *version = persona_key(io, module, "version", "6.1.7601");
	unsigned number[3] = {0};
	unsigned i = 0;

	server.computer = persona_key(io, module, "computer", "SERVER");
	server.domain = persona_key(io, module, "domain", server.computer);
	server.dns = persona_key(io, module, "dns", server.computer);
	for (; *version && i < 3; version++) {
		if (*version == '.')
			i++;
		else if (*version >= '0' && *version <= '9' && number[i] < 6553)
			number[i] = number[i] * 10 + (unsigned)(*version - '0');
	}
	if (number[0]) {
		server.major = (uint8_t)number[0];
		server.minor = (uint8_t)number[1];
		server.build = (uint16_t)number[2];
	}
	return server;
}

/* A NetBIOS name: the first label, upper case, 15 characters at most (RFC 1001 14). */
static size_t netbios_name(const char *text, char out[NETBIOS_NAME_MAX + 1])
{
	size_t n = 0;

	for (; text[n] && text[n] != '.' && n < NETBIOS_NAME_MAX; n++)
		out[n] = text[n] >= 'a' && text[n] <= 'z' ? (char)(text[n] - 'a' + 'A') : text[n];
	out[n] = '\0';
	return n;
}

static void write_pair(struct wr *w, uint16_t id, const char *text)
{
	wr_u16le(w, id);
	wr_u16le(w, (uint16_t)(2 * strlen(text)));
	ntlm_write_utf16(w, text);
}

void ntlm_write_challenge(struct wr *w, const struct ntlm_server *server,
    const uint8_t challenge[NTLM_CHALLENGE_LEN], int64_t now_us)
{
	enum { HEADER_LEN = 56 };
	uint8_t info[NTLM_CHALLENGE_MESSAGE_MAX];
	struct wr pairs = wr_init(info, sizeof(info));
	char computer[NETBIOS_NAME_MAX + 1];
	char domain[NETBIOS_NAME_MAX + 1];
	const char *dot = strchr(server->dns, '.');
	size_t target_len;

	(void)netbios_name(server->computer, computer);
	target_len = 2 * netbios_name(server->domain, domain);
	write_pair(&pairs, AV_DOMAIN, domain);
	write_pair(&pairs, AV_COMPUTER, computer);
	write_pair(&pairs, AV_DNS_DOMAIN, dot ? dot + 1 : server->dns);
	write_pair(&pairs, AV_DNS_COMPUTER, server->dns);
	wr_u16le(&pairs, AV_TIME);
	wr_u16le(&pairs, 8);
	wr_u64le(&pairs, ntlm_filetime(now_us));
	wr_u32le(&pairs, AV_END);

	wr_bytes(w, SIGNATURE, SIGNATURE_LEN);
	wr_u32le(w, NTLM_CHALLENGE);
	wr_u16le(w, (uint16_t)target_len);
	wr_u16le(w, (uint16_t)target_len);
	wr_u32le(w, HEADER_LEN);
	wr_u32le(w, FLAGS_CHALLENGE);
	wr_bytes(w, challenge, NTLM_CHALLENGE_LEN);
	wr_u64le(w, 0);
	wr_u16le(w, (uint16_t)wr_len(&pairs));
	wr_u16le(w, (uint16_t)wr_len(&pairs));
	wr_u32le(w, (uint32_t)(HEADER_LEN + target_len));
	wr_u8(w, server->major);
	wr_u8(w, server->minor);
	wr_u16le(w, server->build);
	wr_bytes(w, "\0\0\0\x0f", 4); /* NTLMSSP revision 15 */
	ntlm_write_utf16(w, domain);
	wr_bytes(w, info, wr_len(&pairs));
	if (pairs.bad)
		w->bad = true;
}

/* ---- wrappings ------------------------------------------------------------------------------ */

size_t der_head_size(size_t len)
{
	return len < 0x80 ? 2 : len < 0x100 ? 3 : 4;
}

void der_write_head(struct wr *w, uint8_t tag, size_t len)
{
	wr_u8(w, tag);
	if (len >= 0x10000) {
		w->bad = true;
	} else if (len >= 0x100) {
		wr_u8(w, 0x82);
		wr_u16be(w, (uint16_t)len);
	} else if (len >= 0x80) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)len);
	} else {
		wr_u8(w, (uint8_t)len);
	}
}

void spnego_write_init(struct wr *w)
{
	static const uint8_t head[] = {
		0x60, 0x1c, 0x06, 0x06, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, /* SPNEGO */
		0xa0, 0x12, 0x30, 0x10, 0xa0, 0x0e, 0x30, 0x0c, /* NegTokenInit, mechTypes */
	};

	wr_bytes(w, head, sizeof(head));
	wr_bytes(w, oid_ntlmssp, sizeof(oid_ntlmssp));
}

void spnego_write_challenge(struct wr *w, const void *message, size_t len)
{
	static const uint8_t state[] = {0xa0, 0x03, 0x0a, 0x01, 0x01}; /* accept-incomplete */
	size_t octets = der_head_size(len) + len;
	size_t token = der_head_size(octets) + octets;
	size_t inside = sizeof(state) + 2 + sizeof(oid_ntlmssp) + token;

	der_write_head(w, 0xa1, der_head_size(inside) + inside);
	der_write_head(w, 0x30, inside);
	wr_bytes(w, state, sizeof(state));
	der_write_head(w, 0xa1, sizeof(oid_ntlmssp));
	wr_bytes(w, oid_ntlmssp, sizeof(oid_ntlmssp));
	der_write_head(w, 0xa2, octets);
	der_write_head(w, 0x04, len);
	wr_bytes(w, message, len);
}
