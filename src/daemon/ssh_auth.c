/*
 * Logins by password, keyboard-interactive and public key; the contract is in ssh.h.
 *
 * Every attempt is told.  Passwords get in by the rule that telnet has (protocol/accept.h); keys
 * never do, and do not count as a try, for clients offer all that their agent holds.  The request
 * without any method that clients begin with is told only when nothing follows it.  RFC 4252, 4256.
 */
#include "daemon/ssh.h"

#include "protocol/accept.h"

#include <stdio.h>
#include <string.h>

#define OFFERS_MAX 32u /* of keys that are told */

struct attempt {
	struct ssh_conn *conn;
	struct protocol_text password;
	enum protocol_secret secret;
	const char *method;
	bool may_enter;
	bool accepted;
};

static struct protocol_text text_of(const char *text)
{
	return (struct protocol_text){text, strlen(text)};
}

static void keep_user(struct ssh_conn *c, const char *user)
{
	size_t len = user ? strlen(user) : 0;

	c->user_len = (uint16_t)(len < sizeof(c->user) ? len : sizeof(c->user));
	memcpy(c->user, user ? user : "", c->user_len);
	c->in_clear = false;
}

static void tell_attempt(struct protocol_io *io, void *arg)
{
	struct attempt *a = arg;
	struct protocol_text user = {a->conn->user, a->conn->user_len};

	a->accepted = a->may_enter
	    && accept_login(io, "ssh.accepts", a->conn->tries, user, a->password);
	protocol_event(io, SSH_TOLD_LOGIN);
	protocol_login(io, user, a->password, a->secret, a->method,
	    a->accepted ? PROTOCOL_ACCEPTED : PROTOCOL_REFUSED);
}

static int try_password(struct ssh_conn *c, const char *password, const char *method)
{
	struct attempt a = {
		.conn = c,
		.password = text_of(password ? password : ""),
		.secret = PROTOCOL_SECRET_PASSWORD,
		.method = method,
		.may_enter = true,
	};

	if (c->tries < SSH_TRIES_MAX)
		c->tries++;
	c->login_told = true;
	ssh_speak(c, tell_attempt, &a);
	if (a.accepted) {
		c->authenticated = true;
		return SSH_AUTH_SUCCESS;
	}
	if (c->tries >= SSH_TRIES_MAX)
		c->hang_up = true;
	return SSH_AUTH_DENIED;
}

static int on_password(ssh_session session, const char *user, const char *password, void *arg)
{
	struct ssh_conn *c = arg;

	(void)session;
	keep_user(c, user);
	return try_password(c, password, "password");
}

static int on_none(ssh_session session, const char *user, void *arg)
{
	(void)session;
	keep_user(arg, user);
	return SSH_AUTH_DENIED;
}

/* An offer comes without a signature first; one that is signed was told then. */
static int on_key(ssh_session session, const char *user, struct ssh_key_struct *key,
    char signature, void *arg)
{
	struct ssh_conn *c = arg;
	struct attempt a = {.conn = c, .secret = PROTOCOL_SECRET_KEY, .method = "publickey"};
	unsigned char *hash = NULL;
	char *print = NULL;
	size_t len;

	(void)session;
	(void)signature;
	keep_user(c, user);
	if (c->offers >= OFFERS_MAX) {
		c->hang_up = true;
		return SSH_AUTH_DENIED;
	}
	c->offers++;
	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len) == SSH_OK)
		print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	a.password = text_of(print ? print : "");
	c->login_told = true;
	ssh_speak(c, tell_attempt, &a);
	ssh_string_free_char(print);
	ssh_clean_pubkey_hash(&hash);
	return SSH_AUTH_DENIED;
}

/* One question, "Password: ", as OpenSSH asks it with PAM. */
static int on_interactive(struct ssh_conn *c, ssh_message message)
{
	const char *prompts[] = {"Password: "};
	char echo[] = {0};

	if (!ssh_message_auth_kbdint_is_response(message)) {
		keep_user(c, ssh_message_auth_user(message));
		(void)ssh_message_auth_interactive_request(message, "", "", 1, prompts, echo);
		return 0;
	}
	if (ssh_userauth_kbdint_getnanswers(c->session) < 1)
		return 1;
	if (try_password(c, ssh_userauth_kbdint_getanswer(c->session, 0), "keyboard-interactive")
	    != SSH_AUTH_SUCCESS)
		return 1; /* libssh refuses */
	(void)ssh_message_auth_reply_success(message, 0);
	return 0;
}

static void tell_forward(struct ssh_conn *c, const char *what, const char *host, int port)
{
	char text[PROTOCOL_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%s %s:%d", what, host ? host : "", port);

	if (n > 0)
		ssh_tell_command(c, SSH_TOLD_FORWARD, text,
		    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

/* What no callback of libssh's own takes; 1: libssh refuses. */
static int on_message(ssh_session session, ssh_message message, void *arg)
{
	struct ssh_conn *c = arg;
	int subtype = ssh_message_subtype(message);

	(void)session;
	switch (ssh_message_type(message)) {
	case SSH_REQUEST_AUTH:
		return subtype == SSH_AUTH_METHOD_INTERACTIVE ? on_interactive(c, message) : 1;
	case SSH_REQUEST_CHANNEL_OPEN:
		if (subtype == SSH_CHANNEL_DIRECT_TCPIP)
			tell_forward(c, "direct-tcpip",
			    ssh_message_channel_request_open_destination(message),
			    ssh_message_channel_request_open_destination_port(message));
		return 1;
	case SSH_REQUEST_GLOBAL:
		if (subtype == SSH_GLOBAL_REQUEST_TCPIP_FORWARD)
			tell_forward(c, "tcpip-forward", ssh_message_global_request_address(message),
			    ssh_message_global_request_port(message));
		return 1;
	default:
		return 1;
	}
}

void ssh_auth_init(struct ssh_conn *c)
{
	c->callbacks.userdata = c;
	c->callbacks.auth_password_function = on_password;
	c->callbacks.auth_none_function = on_none;
	c->callbacks.auth_pubkey_function = on_key;
	c->callbacks.channel_open_request_session_function = ssh_chan_open;
	ssh_callbacks_init(&c->callbacks);
	(void)ssh_set_server_callbacks(c->session, &c->callbacks);
	ssh_set_message_callback(c->session, on_message, c);
	ssh_set_auth_methods(c->session, SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_PASSWORD
	    | SSH_AUTH_METHOD_INTERACTIVE);
}

void ssh_auth_end(struct ssh_conn *c)
{
	struct attempt a = {.conn = c, .secret = PROTOCOL_SECRET_NONE, .method = "none"};

	if (c->login_told || c->user_len == 0)
		return;
	c->login_told = true;
	ssh_speak(c, tell_attempt, &a);
}
