/* URLs in commands and requests; the contract is in urls.h. */
#include "protocol/urls.h"

#include "base/digit.h"
#include "base/hash.h"
#include "protocol/line.h"

#include <ctype.h>

struct finder {
	urls_fn fn;
	void *arg;
	uint64_t seen[URLS_MAX];
	unsigned count;
};

/* ---- decoding ------------------------------------------------------------------------------- */

/* One round of percent decoding in place; a byte that is not printable becomes a blank. */
static size_t decode_percent(char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && len - i > 2 ? digit_hex(text[i + 1]) : -1;
		int low = high >= 0 ? digit_hex(text[i + 2]) : -1;

		if (low < 0) {
			text[n++] = text[i];
			continue;
		}
		text[n++] = (char)(high << 4 | low);
		i += 2;
	}
	return n;
}

/* ${IFS}, $IFS and $IFS$9 are blanks; \/ is JSON's slash. */
static size_t decode_shell(char *text, size_t len)
{
	static const char *const blanks[] = {"${IFS}", "$IFS$9", "$IFS", "$@"};
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		struct protocol_text rest = {text + i, len - i};
		size_t taken = 0;

		for (size_t b = 0; text[i] == '$' && b < sizeof(blanks) / sizeof(blanks[0]) && !taken; b++)
			if (line_begins(rest, blanks[b]))
				taken = strlen(blanks[b]);
		if (taken) {
			text[n++] = ' ';
			i += taken - 1;
		} else if (text[i] == '\\' && len - i > 1 && text[i + 1] == '/') {
			continue;
		} else {
			text[n++] = text[i];
		}
	}
	return n;
}

static bool contains(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* A plus is a blank where a form or a query carries a command: "wget+http://…", "cd+/tmp". */
static void decode_plus(char *text, size_t len)
{
	static const char *const signs[] = {"wget+", "curl+", "tftp+", "ftpget+", "cd+/", "rm+-",
		"+http://", "+https://", "+ftp://", "busybox+"};
	bool is_blank = false;

	if (!memchr(text, '+', len))
		return;
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]) && !is_blank; i++)
		is_blank = contains(text, len, signs[i]);
	for (size_t i = 0; is_blank && i < len; i++)
		if (text[i] == '+')
			text[i] = ' ';
}

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(struct finder *f, const char *url, size_t len)
{
	uint64_t hash;

	if (len > URLS_LEN_MAX)
		len = URLS_LEN_MAX;
	hash = (uint64_t)hash_fnv32(url, len) << 32 | hash_crc32c(0, url, len);
	for (unsigned i = 0; i < f->count; i++)
		if (f->seen[i] == hash)
			return;
	if (f->count == URLS_MAX)
		return;
	f->seen[f->count++] = hash;
	f->fn(f->arg, (struct protocol_text){url, len});
}

/* Characters that end a URL in a command, a request, markup or a string. */
static bool ends_url(char c)
{
	return (unsigned char)c <= ' ' || (unsigned char)c >= 0x7f || strchr("\"'`<>;|\\^{}()$", c);
}

/* An ampersand goes on with the query, or ends the command. */
static bool ampersand_ends(const char *url, size_t at, size_t len)
{
	size_t i = at + 1;

	if (!memchr(url, '?', at))
		return true;
	while (i < len && (isalnum((unsigned char)url[i]) || url[i] == '_' || url[i] == '-'))
		i++;
	return i == at + 1 || i == len || url[i] != '=';
}

static size_t url_len(const char *url, size_t len)
{
	size_t n = 0;

	while (n < len && !ends_url(url[n]) && !(url[n] == '&' && ampersand_ends(url, n, len)))
		n++;
	while (n > 0 && strchr(".,:!", url[n - 1]))
		n--;
	return n;
}

/* ---- with a scheme -------------------------------------------------------------------------- */

static size_t scheme_len(const char *text, size_t len)
{
	static const char *const schemes[] = {"http://", "https://", "ftp://", "tftp://"};

	if (len == 0 || !strchr("hftHFT", text[0]) || text[0] == '\0')
		return 0;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (line_begins((struct protocol_text){text, len}, schemes[i]))
			return strlen(schemes[i]);
	return 0;
}

static void find_schemes(struct finder *f, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t scheme = scheme_len(text + i, len - i);
		size_t n;

		if (!scheme || (i > 0 && isalnum((unsigned char)text[i - 1])))
			continue;
		n = url_len(text + i, len - i);
		if (n > scheme)
			tell(f, text + i, n);
		i += n > scheme ? n - 1 : scheme - 1;
	}
}

/* ---- loaders' arguments --------------------------------------------------------------------- */

#define WORDS_MAX 24

struct words {
	struct protocol_text list[WORDS_MAX];
	unsigned count;
};

static bool ends_command(char c)
{
	return c == ';' || c == '|' || c == '&' || c == '\n' || c == '\r' || c == '`' || c == '('
	    || c == ')' || c == '{' || c == '}' || c == '\0';
}

/* The words of the command at text; returns its length with what ends it. */
static size_t take_words(struct words *w, const char *text, size_t len)
{
	size_t at = 0;

	w->count = 0;
	while (at < len && !ends_command(text[at])) {
		size_t start;

		if (strchr(" \t'\"<>", text[at])) {
			at++;
			continue;
		}
		start = at;
		while (at < len && !ends_command(text[at]) && !strchr(" \t'\"<>", text[at]))
			at++;
		if (w->count < WORDS_MAX)
			w->list[w->count++] = (struct protocol_text){text + start, at - start};
	}
	return at < len ? at + 1 : at;
}

static struct protocol_text base_name(struct protocol_text path)
{
	const char *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;

	if (slash) {
		path.len -= (size_t)(slash + 1 - path.data);
		path.data = slash + 1;
	}
	return path;
}

/* Does it look like HOST, HOST:PORT or HOST/path?  A file name such as a.sh does not. */
static bool is_host(struct protocol_text word)
{
	size_t host = 0;
	unsigned dots = 0;
	bool numeric = true;

	while (host < word.len && word.data[host] != '/' && word.data[host] != ':') {
		char c = word.data[host++];

		dots += c == '.';
		numeric = numeric && (c == '.' || isdigit((unsigned char)c));
		if (!isalnum((unsigned char)c) && c != '.' && c != '-' && c != '_')
			return false;
	}
	if (host < 4 || dots == 0)
		return false;
	return numeric ? dots == 3 : host < word.len || dots > 1;
}

struct url {
	char text[URLS_LEN_MAX];
	size_t len;
};

static void add(struct url *u, struct protocol_text part)
{
	size_t room = sizeof(u->text) - u->len;
	size_t n = part.len < room ? part.len : room;

	if (n)
		memcpy(u->text + u->len, part.data, n);
	u->len += n;
}

static void tell_parts(struct finder *f, const char *scheme, struct protocol_text host,
    struct protocol_text port, struct protocol_text path)
{
	struct url u = {.len = 0};

	add(&u, (struct protocol_text){scheme, strlen(scheme)});
	add(&u, host);
	if (port.len) {
		add(&u, PROTOCOL_LITERAL(":"));
		add(&u, port);
	}
	if (path.len && path.data[0] != '/')
		add(&u, PROTOCOL_LITERAL("/"));
	add(&u, path);
	tell(f, u.text, u.len);
}

/* wget and curl: what is not an option or an option's value is a URL, its scheme may be missing. */
static void web_loader(struct finder *f, const struct words *w, unsigned at, const char *valued)
{
	const struct protocol_text none = {"", 0};

	for (; at < w->count; at++) {
		struct protocol_text word = w->list[at];

		if (word.data[0] == '-') {
			/* A bundle's last letter may take the next word: -qO -, -fsSLo x. */
			if (word.len >= 2 && word.data[1] != '-'
			    && strchr(valued, word.data[word.len - 1]))
				at++;
			continue;
		}
		if (scheme_len(word.data, word.len) == 0 && is_host(word))
			tell_parts(f, "http://", (struct protocol_text){word.data,
			    url_len(word.data, word.len)}, none, none);
	}
}

static void tftp_loader(struct finder *f, const struct words *w, unsigned at)
{
	struct protocol_text host = {"", 0};
	struct protocol_text port = {"", 0};
	struct protocol_text file = {"", 0};

	for (; at < w->count; at++) {
		struct protocol_text word = w->list[at];

		if ((line_is(word, "-r") || line_is(word, "get")) && at + 1 < w->count)
			file = w->list[++at];
		else if ((line_is(word, "-l") || line_is(word, "-b")) && at + 1 < w->count)
			at++;
		else if (word.data[0] == '-')
			continue;
		else if (host.len == 0 && is_host(word))
			host = word;
		else if (host.len && port.len == 0 && isdigit((unsigned char)word.data[0])
		    && word.len <= 5)
			port = word;
	}
	if (host.len && file.len)
		tell_parts(f, "tftp://", host, port, file);
}

/* ftpget [-v] [-u USER] [-p PASSWORD] [-P PORT] HOST LOCAL [REMOTE] */
static void ftpget_loader(struct finder *f, const struct words *w, unsigned at)
{
	struct protocol_text plain[3] = {{"", 0}, {"", 0}, {"", 0}};
	struct protocol_text port = {"", 0};
	unsigned count = 0;

	for (; at < w->count; at++) {
		struct protocol_text word = w->list[at];

		if (word.data[0] == '-' && word.len == 2 && strchr("upP", word.data[1])) {
			at++;
			if (word.data[1] == 'P' && at < w->count)
				port = w->list[at];
		} else if (word.data[0] != '-' && count < 3) {
			plain[count++] = word;
		}
	}
	if (port.len == 2 && memcmp(port.data, "21", 2) == 0)
		port.len = 0;
	if (count >= 2 && is_host(plain[0]))
		tell_parts(f, "ftp://", plain[0], port, plain[count == 3 ? 2 : 1]);
}

static void find_loaders(struct finder *f, const char *text, size_t len)
{
	struct words w;

	for (size_t at = 0; at < len;) {
		at += take_words(&w, text + at, len - at);
		/* The loader is not always the first word: busybox, sudo, then, GET /shell?… */
		for (unsigned i = 0; i + 1 < w.count; i++) {
			struct protocol_text name = base_name(w.list[i]);

			if (line_is(name, "wget"))
				web_loader(f, &w, i + 1, "OoPUTtYe");
			else if (line_is(name, "curl"))
				web_loader(f, &w, i + 1, "oAHdXumebTwr");
			else if (line_is(name, "tftp"))
				tftp_loader(f, &w, i + 1);
			else if (line_is(name, "ftpget"))
				ftpget_loader(f, &w, i + 1);
			else
				continue;
			break;
		}
	}
}

unsigned urls_find(const void *text, size_t len, urls_fn fn, void *arg)
{
	struct finder f = {.fn = fn, .arg = arg};
	char plain[URLS_TEXT_MAX];

	if (len > sizeof(plain))
		len = sizeof(plain);
	if (len)
		memcpy(plain, text, len);
	/* Twice, because a URL inside a URL is encoded twice. */
	len = decode_percent(plain, len);
	len = decode_percent(plain, len);
	len = decode_shell(plain, len);
	decode_plus(plain, len);
	find_schemes(&f, plain, len);
	find_loaders(&f, plain, len);
	return f.count;
}
