/* Lines and fields of HTTP-like protocols; the contract is in headers.h. */
#include "protocol/headers.h"

#include "base/wr.h"
#include "protocol/encoding.h"
#include "protocol/line.h"

#define VERSION_DIGITS 3 /* "1.1" */

bool headers_is_token(struct protocol_text text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
			continue;
		if (!memchr(others, c, sizeof(others) - 1))
			return false;
	}
	return text.len > 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Cuts " PROTOCOL/x.y" off the end of the text; empty when it does not end so. */
static struct protocol_text take_version(struct protocol_text *text, const char *protocol)
{
	const size_t len = strlen(protocol) + VERSION_DIGITS;
	struct protocol_text version = {"", 0};
	const char *end;

	*text = line_trim(*text);
	if (text->len < len + 1)
		return version;
	end = text->data + text->len;
	if (!is_digit(end[-3]) || end[-2] != '.' || !is_digit(end[-1]))
		return version;
	if (end[-(ptrdiff_t)len - 1] != ' ' && end[-(ptrdiff_t)len - 1] != '\t')
		return version;
	version = (struct protocol_text){end - len, len};
	if (!line_begins(version, protocol))
		return (struct protocol_text){"", 0};
	text->len -= len;
	*text = line_trim(*text);
	return version;
}

bool headers_request(struct protocol_text line, const char *protocol,
    struct headers_request *ret_request)
{
	struct headers_request request;

	request.method = line_word(&line);
	if (!headers_is_token(request.method))
		return false;
	request.version = take_version(&line, protocol);
	request.target = line_trim(line);
	*ret_request = request;
	return true;
}

unsigned headers_status(struct protocol_text line, const char *protocol)
{
	struct protocol_text code;

	if (!line_begins(line, protocol))
		return 0;
	(void)line_word(&line);
	code = line_word(&line);
	if (code.len != 3 || !is_digit(code.data[0]) || !is_digit(code.data[1])
	    || !is_digit(code.data[2]))
		return 0;
	return (unsigned)headers_number(code);
}

bool headers_field(struct protocol_text line, struct protocol_text *ret_name,
    struct protocol_text *ret_value)
{
	const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
	struct protocol_text name;

	if (!colon)
		return false;
	name = line_trim((struct protocol_text){line.data, (size_t)(colon - line.data)});
	*ret_value = line_trim(
	    (struct protocol_text){colon + 1, line.len - (size_t)(colon - line.data) - 1});
	*ret_name = name;
	return true;
}

uint64_t headers_number(struct protocol_text text)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.len && is_digit(text.data[i]); i++) {
		if (value > (UINT64_MAX - 9) / 10)
			return UINT64_MAX;
		value = value * 10 + (uint64_t)(text.data[i] - '0');
	}
	return value;
}

bool headers_contains(struct protocol_text text, const char *word)
{
	const size_t len = strlen(word);
	const char first = word[0];
	const char other = first >= 'a' && first <= 'z' ? (char)(first - 32)
	                   : first >= 'A' && first <= 'Z' ? (char)(first + 32) : first;

	for (size_t i = 0; i + len <= text.len; i++) {
		if (text.data[i] != first && text.data[i] != other)
			continue;
		if (strncasecmp(text.data + i, word, len) == 0)
			return true;
	}
	return false;
}

bool headers_scheme(struct protocol_text value, const char *scheme,
    struct protocol_text *ret_rest)
{
	struct protocol_text rest = value;

	if (!line_is(line_word(&rest), scheme))
		return false;
	*ret_rest = line_trim(rest);
	return true;
}

void headers_basic(struct protocol_text rest, uint8_t buffer[HEADERS_BASIC_MAX],
    struct protocol_text *ret_user, struct protocol_text *ret_password)
{
	const size_t n = encoding_base64(rest.data, rest.len, buffer, HEADERS_BASIC_MAX);
	const char *text = (const char *)buffer;
	const char *colon = n ? memchr(text, ':', n) : NULL;

	ret_user->data = text;
	ret_user->len = colon ? (size_t)(colon - text) : n;
	ret_password->data = colon ? colon + 1 : "";
	ret_password->len = colon ? n - ret_user->len - 1 : 0;
}

/* Takes `name=value` or `name="value"` off the text; false at its end. */
static bool take_parameter(struct protocol_text *text, struct protocol_text *ret_name,
    struct protocol_text *ret_value)
{
	const char *data;
	size_t at = 0;
	size_t end;

	while (text->len > 0 && memchr(", \t", *text->data, 3)) {
		text->data++;
		text->len--;
	}
	data = text->data;
	while (at < text->len && data[at] != '=' && data[at] != ',')
		at++;
	if (at >= text->len || data[at] != '=')
		return false;
	*ret_name = line_trim((struct protocol_text){data, at});
	at++;
	while (at < text->len && (data[at] == ' ' || data[at] == '\t'))
		at++;
	if (at < text->len && data[at] == '"') {
		end = ++at;
		while (end < text->len && data[end] != '"')
			end += data[end] == '\\' && end + 1 < text->len ? 2 : 1;
	} else {
		end = at;
		while (end < text->len && data[end] != ',')
			end++;
	}
	*ret_value = line_trim((struct protocol_text){data + at, end - at});
	if (end < text->len && data[end] == '"')
		end++;
	text->data += end;
	text->len -= end;
	return true;
}

bool headers_digest(struct protocol_text rest, struct headers_digest *ret_digest)
{
	static const struct headers_digest nothing = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0},
		{"", 0}, {"", 0}, {"", 0}, {"", 0}};
	struct headers_digest digest = nothing;
	const struct {
		const char *name;
		struct protocol_text *text;
	} known[] = {
		{"username", &digest.user},
		{"realm", &digest.realm},
		{"nonce", &digest.nonce},
		{"uri", &digest.uri},
		{"response", &digest.response},
		{"cnonce", &digest.cnonce},
		{"nc", &digest.nc},
		{"qop", &digest.qop},
		{"algorithm", &digest.algorithm},
	};
	struct protocol_text name;
	struct protocol_text value;

	while (take_parameter(&rest, &name, &value))
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (line_is(name, known[i].name))
				*known[i].text = value;
	if (digest.response.len == 0)
		return false;
	*ret_digest = digest;
	return true;
}

static void put(struct wr *w, struct protocol_text text)
{
	wr_bytes(w, text.data, text.len);
	wr_u8(w, '*');
}

/* The text up to the separator, which goes too; all of it when there is none. */
static struct protocol_text until(struct protocol_text *text, char separator)
{
	const char *end = text->len ? memchr(text->data, separator, text->len) : NULL;
	struct protocol_text part = {text->data, end ? (size_t)(end - text->data) : text->len};

	if (text->len == 0)
		return (struct protocol_text){"", 0};
	text->data += part.len + (end != NULL);
	text->len -= part.len + (end != NULL);
	return part;
}

size_t headers_digest_hash(const struct protocol_io *io, const struct headers_digest *digest,
    struct protocol_text method, char out[PROTOCOL_TEXT_MAX])
{
	struct wr w = wr_init(out, PROTOCOL_TEXT_MAX);
	struct protocol_text uri = digest->uri;
	struct protocol_text scheme = {"", 0};
	struct protocol_text resource;
	char address[IP_TEXT_MAX];

	/* hashcat joins the three parts with colons again: scheme:resource:suffix. */
	if (uri.len > 0 && uri.data[0] != '/' && memchr(uri.data, ':', uri.len))
		scheme = until(&uri, ':');
	resource = until(&uri, ':');
	wr_bytes(&w, "$sip$*", 6);
	ip_format(io->server, address);
	put(&w, (struct protocol_text){address, strlen(address)});
	ip_format(io->client, address);
	put(&w, (struct protocol_text){address, strlen(address)});
	put(&w, digest->user);
	put(&w, digest->realm);
	put(&w, method);
	put(&w, scheme);
	put(&w, resource);
	put(&w, uri);
	put(&w, digest->nonce);
	put(&w, digest->cnonce);
	put(&w, digest->nc);
	put(&w, digest->qop);
	put(&w, digest->algorithm.len ? digest->algorithm : PROTOCOL_LITERAL("MD5"));
	wr_bytes(&w, digest->response.data, digest->response.len);
	return w.bad ? 0 : wr_len(&w);
}
