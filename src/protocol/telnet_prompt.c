/* Prompts of telnet servers; the contract is in telnet_prompt.h. */
#include "protocol/telnet_prompt.h"

#include "protocol/line.h"

#include <ctype.h>

static bool ends_with(const struct telnet_prompt *p, const char *word)
{
	size_t n = strlen(word);

	return p->len >= n && memcmp(p->tail + p->len - n, word, n) == 0;
}

static bool has(const struct telnet_prompt *p, const char *word)
{
	return memmem(p->tail, p->len, word, strlen(word)) != NULL;
}

static enum telnet_says at_colon(const struct telnet_prompt *p)
{
	static const char *const users[] = {"ogin:", "ogin name:", "ogin as:", "ogin :",
		"username:", "user name:", "user:", "user :", "username :", "account:", "userid:"};

	if (has(p, "assword") || ends_with(p, "passwd:") || ends_with(p, "passcode:")
	    || ends_with(p, "pass:"))
		return TELNET_ASKS_PASSWORD;
	if (ends_with(p, "last login:"))
		return TELNET_SAYS_NOTHING;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (ends_with(p, users[i]))
			return TELNET_ASKS_USER;
	return TELNET_SAYS_NOTHING;
}

static bool refuses(const struct telnet_prompt *p)
{
	static const char *const words[] = {"incorrect", "invalid", "denied", "failed", "failure",
		"bad password", "wrong", "not valid", "could not log you", "unauthorized",
		"unknown user"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ends_with(p, words[i]))
			return true;
	return false;
}

enum telnet_says telnet_prompt_take(struct telnet_prompt *p, uint8_t byte)
{
	if (byte == '\r' || byte == '\n') {
		p->len = 0;
		p->asks_password = false;
		return TELNET_SAYS_NOTHING;
	}
	if (byte < ' ')
		return TELNET_SAYS_NOTHING;
	if (p->len == TELNET_PROMPT_TAIL) {
		memmove(p->tail, p->tail + 1, TELNET_PROMPT_TAIL - 1);
		p->len--;
	}
	p->tail[p->len++] = (char)tolower(byte);
	if (byte == ':')
		return at_colon(p);
	return refuses(p) ? TELNET_REFUSES : TELNET_SAYS_NOTHING;
}

bool telnet_prompt_is_shell(const struct telnet_prompt *p)
{
	size_t len = p->len;

	while (len > 0 && p->tail[len - 1] == ' ')
		len--;
	return len > 0 && strchr("#$>%", p->tail[len - 1]) && p->tail[len - 1];
}

/* First lines of bots that are already in, or believe so. */
static bool is_command_word(struct protocol_text line)
{
	static const char *const words[] = {"enable", "en", "system", "shell", "sh", "bash",
		"linuxshell", "ls", "help", "show", "exit", "quit", "ps", "id", "uname", "wget",
		"tftp", "busybox", "ping", "config", "development", "start", "whoami",
		"pwd", "free", "q"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (line_is(line, words[i]))
			return true;
	return false;
}

bool telnet_is_name(struct protocol_text line)
{
	if (line.len == 0 || line.len > 32 || is_command_word(line))
		return false;
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if (c <= ' ' || c >= 0x7f || strchr("/;|&`$(){}<>\"'*=:?", c))
			return false;
	}
	return true;
}
