/*
 * SASL exchanges of mail protocols; see sasl.h.  The password or response of one exchange ends in
 * an attempt, nothing else is kept.
 */
#include "protocol/sasl.h"

#include "protocol/encoding.h"
#include "protocol/line.h"
#include "protocol/ntlm.h"

#include <stdio.h>

#define DECODED_MAX 1024
#define NTLM_CHALLENGE_AT 24 /* in a CHALLENGE message (MS-NLMP 2.2.1.2) */

static const struct {
	const char *name;
	enum sasl_mechanism mechanism;
} mechanisms[] = {
	{"PLAIN", SASL_PLAIN},
	{"LOGIN", SASL_LOGIN},
	{"CRAM-MD5", SASL_CRAM_MD5},
	{"XOAUTH2", SASL_BEARER},
	{"OAUTHBEARER", SASL_BEARER},
	{"NTLM", SASL_NTLM},
};

static const char method_names[][12] = {
	[SASL_PLAIN] = "PLAIN",
	[SASL_LOGIN] = "LOGIN",
	[SASL_CRAM_MD5] = "CRAM-MD5",
	[SASL_BEARER] = "XOAUTH2",
};

static void make_challenge(struct protocol_io *io, struct sasl *sasl, const char *host_key)
{
	const char *host = protocol_persona(io, host_key);
	char text[SASL_CHALLENGE_MAX];
	char base64[SASL_PROMPT_MAX];
	int n = snprintf(text, 80, "<%u.%u@%.*s>", (unsigned)(protocol_random(io) % 100000000u),
	    (unsigned)(io->now_us / 1000000), (int)strcspn(host, " "), host);

	if (n <= 0 || n >= 80)
		n = 79;
	sasl->challenge_len =
	    (uint8_t)encoding_base64_write(text, (size_t)n, base64, sizeof(base64));
	memcpy(sasl->challenge, base64, sasl->challenge_len);
}

enum sasl_mechanism sasl_begin(struct protocol_io *io, struct sasl *sasl,
    struct protocol_text mechanism, const char *host_key)
{
	*sasl = (struct sasl){.mechanism = SASL_UNKNOWN};
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (line_is(mechanism, mechanisms[i].name))
			sasl->mechanism = (uint8_t)mechanisms[i].mechanism;
	if (sasl->mechanism == SASL_NTLM && io->answering)
		sasl->mechanism = SASL_UNKNOWN;
	if (sasl->mechanism == SASL_CRAM_MD5 && io->answering)
		make_challenge(io, sasl, host_key);
	return (enum sasl_mechanism)sasl->mechanism;
}

void sasl_prompt(const struct sasl *sasl, char prompt[SASL_PROMPT_MAX])
{
	size_t len = 0;

	if (sasl->mechanism == SASL_LOGIN) {
		memcpy(prompt, sasl->have_user ? "UGFzc3dvcmQ6" : "VXNlcm5hbWU6", 12);
		len = 12;
	} else if (sasl->mechanism == SASL_CRAM_MD5) {
		memcpy(prompt, sasl->challenge, sasl->challenge_len);
		len = sasl->challenge_len;
	}
	prompt[len] = '\0';
}

void sasl_server(struct sasl *sasl, struct protocol_text prompt)
{
	uint8_t decoded[NTLM_CHALLENGE_AT + NTLM_CHALLENGE_LEN];

	prompt = line_trim(prompt);
	if (sasl->mechanism == SASL_NTLM &&
	    encoding_base64(prompt.data, prompt.len, decoded, sizeof(decoded)) == sizeof(decoded)) {
		memcpy(sasl->challenge, decoded + NTLM_CHALLENGE_AT, NTLM_CHALLENGE_LEN);
		sasl->challenge_len = NTLM_CHALLENGE_LEN;
		return;
	}
	if (sasl->mechanism != SASL_CRAM_MD5 || sasl->challenge_len > 0)
		return;
	if (prompt.len > sizeof(sasl->challenge))
		prompt.len = sizeof(sasl->challenge);
	if (prompt.len)
		memcpy(sasl->challenge, prompt.data, prompt.len);
	sasl->challenge_len = (uint8_t)prompt.len;
}

/* The text up to a separator; *rest is what follows it. */
static struct protocol_text split(struct protocol_text text, char separator,
    struct protocol_text *rest)
{
	const char *at = text.len ? memchr(text.data, separator, text.len) : NULL;
	size_t len = at ? (size_t)(at - text.data) : text.len;

	rest->data = text.data + len + (at != NULL);
	rest->len = text.len - len - (at != NULL);
	return (struct protocol_text){text.data, len};
}

/* [authzid] NUL authcid NUL password */
static enum sasl_result plain(struct protocol_io *io, struct attempt *attempt,
    struct protocol_text text)
{
	struct protocol_text rest;
	struct protocol_text password;
	struct protocol_text user;

	(void)split(text, '\0', &rest);
	user = split(rest, '\0', &password);
	if (user.len == 0 && password.len == 0)
		return SASL_BAD;
	attempt_user(io, attempt, user);
	attempt_password(io, attempt, password, PROTOCOL_SECRET_PASSWORD, method_names[SASL_PLAIN]);
	return SASL_DONE;
}

static enum sasl_result login(struct protocol_io *io, struct sasl *sasl, struct attempt *attempt,
    struct protocol_text text)
{
	if (!sasl->have_user) {
		attempt_user(io, attempt, text);
		sasl->have_user = true;
		return SASL_MORE;
	}
	if (text.len == 0 && attempt->user_len == 0)
		return SASL_BAD;
	attempt_password(io, attempt, text, PROTOCOL_SECRET_PASSWORD, method_names[SASL_LOGIN]);
	return SASL_DONE;
}

/* "user hexdigest"; the whole response goes into the hash, as crackers want it. */
static enum sasl_result cram_md5(struct protocol_io *io, const struct sasl *sasl,
    struct attempt *attempt, struct protocol_text line, struct protocol_text text)
{
	char hash[ATTEMPT_PASSWORD_MAX];
	struct protocol_text rest;
	size_t user_len = text.len;
	int n;

	while (user_len > 0 && text.data[user_len - 1] != ' ')
		user_len--;
	if (user_len == 0)
		return SASL_BAD;
	rest = line_trim(line);
	n = snprintf(hash, sizeof(hash), "$cram_md5$%.*s$%.*s", (int)sasl->challenge_len,
	    sasl->challenge, (int)rest.len, rest.data);
	if (n < 0)
		return SASL_BAD;
	if ((size_t)n >= sizeof(hash))
		n = sizeof(hash) - 1;
	attempt_user(io, attempt, (struct protocol_text){text.data, user_len - 1});
	attempt_password(io, attempt, (struct protocol_text){hash, (size_t)n}, PROTOCOL_SECRET_HASH,
	    method_names[SASL_CRAM_MD5]);
	return SASL_DONE;
}

/* "user=U^Aauth=Bearer T^A^A", or "n,a=U,^A…auth=Bearer T^A^A" (^A is 0x01) */
static enum sasl_result bearer(struct protocol_io *io, struct attempt *attempt,
    struct protocol_text text)
{
	struct protocol_text user = PROTOCOL_LITERAL("");
	struct protocol_text token = PROTOCOL_LITERAL("");
	struct protocol_text rest = text;

	while (rest.len > 0) {
		struct protocol_text part = split(rest, 1, &rest);

		if (line_begins(part, "user="))
			user = (struct protocol_text){part.data + 5, part.len - 5};
		else if (line_begins(part, "n,a="))
			user =
			    split((struct protocol_text){part.data + 4, part.len - 4}, ',', &part);
		else if (line_begins(part, "auth=Bearer "))
			token = (struct protocol_text){part.data + 12, part.len - 12};
	}
	if (user.len == 0 && token.len == 0)
		return SASL_BAD;
	attempt_user(io, attempt, user);
	attempt_password(io, attempt, token, PROTOCOL_SECRET_PASSWORD, method_names[SASL_BEARER]);
	return SASL_DONE;
}

static enum sasl_result ntlm(struct protocol_io *io, const struct sasl *sasl,
    struct protocol_text text)
{
	struct ntlm_message message;

	if (ntlm_parse(text.data, text.len, &message) != ST_OK)
		return SASL_BAD;
	if (message.type != NTLM_AUTHENTICATE)
		return SASL_MORE;
	if (!ntlm_is_anonymous(&message))
		ntlm_login(io, &message,
		    sasl->challenge_len == NTLM_CHALLENGE_LEN ? (const uint8_t *)sasl->challenge
		                                              : NULL,
		    "NTLM", PROTOCOL_OUTCOME_UNKNOWN);
	return SASL_TOLD;
}

enum sasl_result sasl_client(struct protocol_io *io, struct sasl *sasl, struct attempt *attempt,
    struct protocol_text line)
{
	uint8_t decoded[DECODED_MAX];
	struct protocol_text text = {(const char *)decoded, 0};

	line = line_trim(line);
	if (line_is(line, "*"))
		return SASL_BAD;
	if (!line_is(line, "=")) /* RFC 4954: an empty initial response */
		text.len = encoding_base64(line.data, line.len, decoded, sizeof(decoded));
	switch ((enum sasl_mechanism)sasl->mechanism) {
	case SASL_PLAIN:
		return plain(io, attempt, text);
	case SASL_LOGIN:
		return login(io, sasl, attempt, text);
	case SASL_CRAM_MD5:
		return cram_md5(io, sasl, attempt, line, text);
	case SASL_BEARER:
		return bearer(io, attempt, text);
	case SASL_NTLM:
		return ntlm(io, sasl, text);
	case SASL_UNKNOWN:
		break;
	}
	return SASL_BAD;
}
