/*
 * Logins in HTTP requests: Basic, Digest and NTLM Authorization; forms, queries, JSON and XML with
 * fields that are called like a user and a password.
 *
 * A login waits in the state for the response to its request (or for our own reply); the next login
 * or the connection's end tells it with an unknown outcome.  What does not fit is told at once.
 * RFC 7617, RFC 7616, RFC 4559, MS-NLMP; WordPress' XML-RPC.
 */
#include "protocol/encoding.h"
#include "protocol/headers.h"
#include "protocol/http_state.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"

#define FIELD_MAX 256 /* longer user names and passwords are cut */
#define NTLM_BLOB_MAX 700
#define NTLM_CHALLENGE_AT 24 /* in the CHALLENGE message */

static const char *const methods[] = {
	[HTTP_LOGIN_BASIC] = "basic",
	[HTTP_LOGIN_DIGEST] = "digest",
	[HTTP_LOGIN_FORM] = "form",
	[HTTP_LOGIN_QUERY] = "query",
	[HTTP_LOGIN_JSON] = "json",
	[HTTP_LOGIN_XML] = "xml",
	[HTTP_LOGIN_XMLRPC] = "xmlrpc",
};

/* ---- the waiting login ---------------------------------------------------------------------- */

void http_login_settle(struct protocol_io *io, enum protocol_outcome outcome)
{
	struct http_state *state = io->state;
	const size_t len = (size_t)state->login_user_len + state->login_password_len;
	const struct protocol_text user = {state->text, state->login_user_len};
	const struct protocol_text password = {state->text + state->login_user_len,
		state->login_password_len};

	if (state->login_request == 0)
		return;
	protocol_login(
	    io, user, password, state->login_secret, methods[state->login_method], outcome);
	memmove(state->text, state->text + len, (size_t)state->body_len + state->partial_len);
	state->login_request = 0;
	state->login_user_len = 0;
	state->login_password_len = 0;
}

static void hold(struct protocol_io *io, struct protocol_text user, struct protocol_text password,
    enum protocol_secret secret, enum http_login_method method)
{
	struct http_state *state = io->state;
	const size_t len = user.len + password.len;

	http_login_settle(io, PROTOCOL_OUTCOME_UNKNOWN);
	state->has_login = true;
	state->tries += state->tries < UINT8_MAX;
	if (io->answering && secret == PROTOCOL_SECRET_PASSWORD)
		state->login_known = http_answer_accepts(io, state->tries, user, password);
	if (len + state->body_len > HTTP_TEXT / 2) {
		protocol_login(io, user, password, secret, methods[method],
		    !io->answering ? PROTOCOL_OUTCOME_UNKNOWN
		    : state->login_known ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
		return;
	}
	memmove(state->text + len, state->text, state->body_len);
	if (user.len)
		memcpy(state->text, user.data, user.len);
	if (password.len)
		memcpy(state->text + user.len, password.data, password.len);
	state->login_user_len = (uint16_t)user.len;
	state->login_password_len = (uint16_t)password.len;
	state->login_secret = (uint8_t)secret;
	state->login_method = (uint8_t)method;
	state->login_request = state->requests;
}

void http_login_status(struct protocol_io *io, unsigned status)
{
	const struct http_state *state = io->state;
	enum protocol_outcome outcome = PROTOCOL_OUTCOME_UNKNOWN;

	if (state->login_request == 0 || state->out_of_step
	    || state->responses != state->login_request)
		return;
	if (status == 401 || status == 403 || status == 407)
		outcome = PROTOCOL_REFUSED;
	else if (status >= 200 && status < 400 && state->login_method <= HTTP_LOGIN_DIGEST)
		outcome = PROTOCOL_ACCEPTED; /* a form's 200 may be the form again */
	http_login_settle(io, outcome);
}

/* ---- Authorization -------------------------------------------------------------------------- */

static void ntlm(struct protocol_io *io, struct protocol_text rest)
{
	struct http_state *state = io->state;
	uint8_t blob[NTLM_BLOB_MAX];
	const size_t len = encoding_base64(rest.data, rest.len, blob, sizeof(blob));
	const uint8_t *at = ntlm_find(blob, len);
	struct ntlm_message message;

	if (!at || ntlm_parse(at, len - (size_t)(at - blob), &message) != ST_OK)
		return;
	if (message.type == NTLM_NEGOTIATE)
		state->ntlm_begun = true;
	if (message.type != NTLM_AUTHENTICATE)
		return;
	state->has_login = true;
	ntlm_login(io, &message, state->has_challenge ? state->challenge : NULL, "ntlm",
	    io->answering ? PROTOCOL_REFUSED : PROTOCOL_OUTCOME_UNKNOWN);
}

void http_login_challenge(struct protocol_io *io, struct protocol_text value)
{
	struct http_state *state = io->state;
	uint8_t blob[HTTP_SERVER_INBOX];
	struct protocol_text rest;
	const uint8_t *at;
	size_t len;

	if (!headers_scheme(value, "NTLM", &rest) && !headers_scheme(value, "Negotiate", &rest))
		return;
	len = encoding_base64(rest.data, rest.len, blob, sizeof(blob));
	at = ntlm_find(blob, len);
	/* The line may be cut, so the message is not parsed as a whole. */
	if (!at || len - (size_t)(at - blob) < NTLM_CHALLENGE_AT + sizeof(state->challenge)
	    || at[8] != NTLM_CHALLENGE)
		return;
	memcpy(state->challenge, at + NTLM_CHALLENGE_AT, sizeof(state->challenge));
	state->has_challenge = true;
}

void http_login_authorization(struct protocol_io *io, struct protocol_text value)
{
	struct http_state *state = io->state;
	const struct protocol_text method = {state->method, strlen(state->method)};
	uint8_t buffer[HEADERS_BASIC_MAX];
	char hash[PROTOCOL_TEXT_MAX];
	struct headers_digest digest;
	struct protocol_text rest;
	struct protocol_text user;
	struct protocol_text password;

	state->was_login = true;
	if (headers_scheme(value, "Basic", &rest)) {
		headers_basic(rest, buffer, &user, &password);
		hold(io, user, password, PROTOCOL_SECRET_PASSWORD, HTTP_LOGIN_BASIC);
	} else if (headers_scheme(value, "Digest", &rest)) {
		if (!headers_digest(rest, &digest))
			return;
		password.data = hash;
		password.len = headers_digest_hash(io, &digest, method, hash);
		hold(io, digest.user, password, PROTOCOL_SECRET_HASH, HTTP_LOGIN_DIGEST);
	} else if (headers_scheme(value, "NTLM", &rest)
	           || headers_scheme(value, "Negotiate", &rest)) {
		ntlm(io, rest);
	}
}

/* ---- fields --------------------------------------------------------------------------------- */

/* What a form, a document or a query told so far. */
struct found {
	char user[FIELD_MAX];
	char password[FIELD_MAX];
	size_t user_len;
	size_t password_len;
	unsigned user_rank; /* 0: none yet; surer names win over vague ones */
	bool has_password;
};

enum {
	RANK_VAGUE = 1,
	RANK_LIKE,
	RANK_SURE,
};

static bool in_list(struct protocol_text key, const char *const *list)
{
	for (size_t i = 0; list[i]; i++)
		if (line_is(key, list[i]))
			return true;
	return false;
}

static unsigned user_rank(struct protocol_text key)
{
	static const char *const sure[] = {"username", "user", "uname", "usr", "user_name",
	    "userid", "user_id", "loginname", "login_name", "j_username", "luci_username",
	    "pma_username", "loginuser", "userName1", NULL};
	static const char *const vague[] = {"login", "name", "email", "log", "account", "uid", "id",
		"un", "u", "admin", "mail", NULL};

	if (in_list(key, sure))
		return RANK_SURE;
	if (headers_contains(key, "user") && !headers_contains(key, "agent"))
		return RANK_LIKE;
	return in_list(key, vague) ? RANK_VAGUE : 0;
}

static bool is_password(struct protocol_text key)
{
	static const char *const names[] = {"psd", "pass", "pwd", "pw", "pswd", "psw", "passphrase",
		"userpass", "loginpass", "user_pass", NULL};

	return in_list(key, names) || headers_contains(key, "passw")
	       || headers_contains(key, "pwd");
}

static size_t copy_field(char out[FIELD_MAX], struct protocol_text value)
{
	const size_t n = value.len < FIELD_MAX ? value.len : FIELD_MAX;

	if (n)
		memcpy(out, value.data, n);
	return n;
}

static void offer(struct found *found, struct protocol_text key, struct protocol_text value)
{
	const unsigned rank = user_rank(key);

	if (is_password(key)) {
		if (!found->has_password)
			found->password_len = copy_field(found->password, value);
		found->has_password = true;
	} else if (rank > found->user_rank) {
		found->user_len = copy_field(found->user, value);
		found->user_rank = rank;
	}
}

static void tell(struct protocol_io *io, const struct found *found, enum http_login_method method)
{
	const struct protocol_text user = {found->user, found->user_len};
	const struct protocol_text password = {found->password, found->password_len};
	uint8_t plain[FIELD_MAX];

	/* A command in the password's place, with no user, is an injection and no login. */
	if (found->user_len == 0 && (http_exploit_is_shell(password)
	    || http_exploit_unwrap(password, plain, sizeof(plain)) > 0))
		return;
	if (found->has_password && found->user_len + found->password_len > 0)
		hold(io, user, password, PROTOCOL_SECRET_PASSWORD, method);
}

/* Takes the text up to one of two separators off; the separator goes too. */
static struct protocol_text take_until(struct protocol_text *text, char a, char b)
{
	struct protocol_text part = {text->data, 0};

	while (part.len < text->len && text->data[part.len] != a && text->data[part.len] != b)
		part.len++;
	text->data += part.len;
	text->len -= part.len;
	if (text->len > 0) {
		text->data++;
		text->len--;
	}
	return part;
}

void http_login_pairs(struct protocol_io *io, struct protocol_text text,
    enum http_login_method method)
{
	struct found found = {.user_len = 0};
	uint8_t name[FIELD_MAX];
	uint8_t value[FIELD_MAX];

	while (text.len > 0) {
		struct protocol_text rest = take_until(&text, '&', '&');
		struct protocol_text key = take_until(&rest, '=', '=');

		key.len = encoding_percent(key.data, key.len, 1, name, sizeof(name));
		key.data = (const char *)name;
		rest.len = encoding_percent(rest.data, rest.len, 1, value, sizeof(value));
		rest.data = (const char *)value;
		offer(&found, line_trim(key), rest);
	}
	tell(io, &found, method);
}

/* A JSON string behind its opening quote, without its simple escapes; moves past the closing one.
 */
static struct protocol_text take_string(struct protocol_text *text, char out[FIELD_MAX])
{
	struct protocol_text string = {out, 0};
	size_t at = 0;

	while (at < text->len && text->data[at] != '"') {
		if (text->data[at] == '\\' && at + 1 < text->len)
			at++;
		if (string.len < FIELD_MAX)
			out[string.len++] = text->data[at];
		at++;
	}
	at += at < text->len;
	text->data += at;
	text->len -= at;
	return string;
}

/* All members of all objects, whatever their depth. */
static void json(struct protocol_io *io, struct protocol_text text)
{
	struct found found = {.user_len = 0};
	char name[FIELD_MAX];
	char value[FIELD_MAX];

	for (;;) {
		struct protocol_text key;

		(void)take_until(&text, '"', '"');
		if (text.len == 0)
			break;
		key = take_string(&text, name);
		text = line_trim(text);
		if (text.len == 0 || *text.data != ':')
			continue;
		text.data++;
		text.len--;
		text = line_trim(text);
		if (text.len > 0 && *text.data == '"') {
			text.data++;
			text.len--;
			const struct protocol_text string = take_string(&text, value);

			offer(&found, key, string);
			http_answer_member(io, key, string);
		} else if (text.len > 0 && *text.data != '{' && *text.data != '[') {
			struct protocol_text bare = text;

			bare = line_trim(take_until(&bare, ',', '}'));
			offer(&found, key, bare);
			http_answer_member(io, key, bare);
		}
	}
	tell(io, &found, HTTP_LOGIN_JSON);
}

/* Takes one `<name …>text` off; an end tag has a name that begins with '/'.  False at the end. */
static bool take_element(struct protocol_text *text, struct protocol_text *ret_name,
    struct protocol_text *ret_value)
{
	struct protocol_text tag;
	struct protocol_text value;
	const char *colon;

	(void)take_until(text, '<', '<');
	if (text->len == 0)
		return false;
	tag = take_until(text, '>', '>');
	value.data = text->data;
	value.len = 0;
	while (value.len < text->len && text->data[value.len] != '<')
		value.len++;
	text->data += value.len;
	text->len -= value.len;
	tag = line_word(&tag);
	colon = tag.len ? memchr(tag.data, ':', tag.len) : NULL;
	if (colon) {
		tag.len -= (size_t)(colon + 1 - tag.data);
		tag.data = colon + 1;
	}
	*ret_name = tag;
	*ret_value = line_trim(value);
	return true;
}

static void xml(struct protocol_io *io, struct protocol_text text)
{
	const bool wordpress = headers_contains(text, "<methodName>wp.");
	struct found found = {.user_len = 0};
	struct protocol_text name;
	struct protocol_text value;
	unsigned strings = 0;

	while (take_element(&text, &name, &value)) {
		if (!wordpress) {
			offer(&found, name, value);
		} else if ((line_is(name, "string") || line_is(name, "value")) && value.len > 0) {
			offer(&found,
			    strings == 0 ? PROTOCOL_LITERAL("user") : PROTOCOL_LITERAL("password"),
			    value);
			strings++;
		}
	}
	tell(io, &found, wordpress ? HTTP_LOGIN_XMLRPC : HTTP_LOGIN_XML);
}

void http_login_body(struct protocol_io *io, struct protocol_text body)
{
	while (body.len > 0 && memchr(" \t\r\n\xef\xbb\xbf", *body.data, 7)) {
		body.data++;
		body.len--;
	}
	while (body.len > 0 && memchr(" \t\r\n", body.data[body.len - 1], 4))
		body.len--;
	if (body.len == 0)
		return;
	if (*body.data == '<')
		xml(io, body);
	else if (*body.data == '{' || *body.data == '[')
		json(io, body);
	else
		http_login_pairs(io, body, HTTP_LOGIN_FORM);
}
