/*
 * Transcripts: conversations as people read them, with the replies and facts they must give.
 *
 *   # comment
 *   mode: answering | passive      transport: tcp | udp      port: 1883
 *   C: what the client sends, \r \n \t \\ \xHH
 *   S: answering: the expected reply, a line per \n; passive: what the server sends
 *   F: an expected fact
 *   --                             ends a piece (datagrams)
 *   end:                           the connection ends; the facts of the end follow
 *
 * Each is played whole and in splits, and must give the same.  With TEITEN_TRANSCRIPTS_UPDATE set
 * the S: and F: lines are rewritten from what the code does.
 */
#include "conversation.h"
#include "escape.h"

#include <libgen.h>

#define PIECES_MAX 256
#define FILE_MAX (1u << 20)
#define FEWER "fewer-than-three-transcripts-of-" /* what meson.build gives instead of a file */

struct piece {
	enum protocol_side side;
	bool is_end;
	struct buf head;     /* lines that are kept: comments and input */
	struct buf bytes;
	struct buf expected; /* lines */
};

struct transcript {
	const char *path;
	bool passive;
	bool udp;
	uint16_t port;
	const struct protocol_module *module;
	struct piece pieces[PIECES_MAX]; /* the first is the beginning: headers, greeting */
	size_t count;
};

static void fail_line(const struct transcript *t, unsigned line, const char *why)
{
	(void)printf("Bail out! %s line %u: %s\n", t->path, line, why);
	exit(1);
}

static void unescape(const struct transcript *t, unsigned line, struct buf *b, const char *text,
    size_t len)
{
	const char *why = unescape_text(b, text, len);

	if (why)
		fail_line(t, line, why);
}

static struct piece *new_piece(struct transcript *t, unsigned line)
{
	if (t->count == PIECES_MAX)
		fail_line(t, line, "too many pieces");
	return &t->pieces[t->count++];
}

static void header(struct transcript *t, const char *text)
{
	char value[64];

	if (sscanf(text, "mode: %63s", value) == 1)
		t->passive = strcmp(value, "passive") == 0;
	if (sscanf(text, "transport: %63s", value) == 1)
		t->udp = strcmp(value, "udp") == 0;
	if (sscanf(text, "port: %63s", value) == 1)
		t->port = (uint16_t)atoi(value);
}

/* Does this line continue the input of the piece, or does a new piece begin? */
static bool begins_piece(const struct piece *p, enum protocol_side side, size_t count)
{
	return count == 1 || p->is_end || p->expected.len > 0 || p->side != side;
}

static void parse_line(struct transcript *t, const char *text, size_t len, unsigned line)
{
	struct piece *p = &t->pieces[t->count - 1];
	char whole[256];
	bool is_client = len >= 2 && memcmp(text, "C:", 2) == 0;
	bool is_server = len >= 2 && memcmp(text, "S:", 2) == 0;
	bool is_fact = len >= 2 && memcmp(text, "F:", 2) == 0;

	if (is_client || (is_server && t->passive)) {
		enum protocol_side side = is_client ? PROTOCOL_CLIENT : PROTOCOL_SERVER;
		const char *dashes = "--\n";

		if (begins_piece(p, side, t->count)
		    || (p->head.len >= 3 && memcmp(buf_text(&p->head) + p->head.len - 3, dashes, 3) == 0))
			p = new_piece(t, line);
		p->side = side;
		buf_append(&p->head, text, len);
		buf_putc(&p->head, '\n');
		unescape(t, line, &p->bytes, text + (len > 2 && text[2] == ' ' ? 3 : 2),
		    len - (len > 2 && text[2] == ' ' ? 3 : 2));
	} else if (is_server || is_fact) {
		buf_append(&p->expected, text, len);
		buf_putc(&p->expected, '\n');
	} else if (len == 4 && memcmp(text, "end:", 4) == 0) {
		p = new_piece(t, line);
		p->is_end = true;
		buf_puts(&p->head, "end:\n");
	} else if (len == 2 && memcmp(text, "--", 2) == 0) {
		buf_puts(&p->head, "--\n");
	} else if (len == 0 || *text == '#' || t->count == 1) {
		(void)snprintf(whole, sizeof(whole), "%.*s", (int)len, text);
		header(t, whole);
		if (p->expected.len == 0)
			buf_printf(&p->head, "%s\n", whole);
	} else {
		fail_line(t, line, "none of C: S: F: -- end: #");
	}
}

static void load(struct transcript *t, const char *path)
{
	static char text[FILE_MAX];
	FILE *f = fopen(path, "rb");
	size_t len = f ? fread(text, 1, sizeof(text), f) : 0;
	char copy[4096];
	char *dash;
	unsigned line = 0;

	memset(t, 0, sizeof(*t));
	t->path = path;
	t->count = 1;
	if (!f && strncmp(path, FEWER, strlen(FEWER)) == 0) {
		(void)printf("Bail out! write at least three conversations tests/transcripts/%s-*.txt "
		             "(CONTRIBUTING.md, A protocol), then meson setup --reconfigure build\n",
		    path + strlen(FEWER));
		exit(1);
	}
	if (!f)
		fail_line(t, 0, "cannot be read");
	(void)fclose(f);
	(void)snprintf(copy, sizeof(copy), "%s", path);
	dash = basename(copy);
	if (strchr(dash, '-'))
		*strchr(dash, '-') = '\0';
	t->module = protocol_module_find(dash);
	if (!t->module)
		fail_line(t, 0, "the file's name begins with no protocol");
	t->port = t->module->tcp_ports[0];
	for (size_t at = 0; at < len;) {
		const char *eol = memchr(text + at, '\n', len - at);
		size_t n = eol ? (size_t)(eol - (text + at)) : len - at;

		parse_line(t, text + at, n, ++line);
		at += n + 1;
	}
	if (t->pieces[t->count - 1].is_end)
		return;
	t->pieces[t->count].is_end = true;
	t->count++;
}

static void free_transcript(struct transcript *t)
{
	for (size_t i = 0; i < t->count; i++) {
		buf_fini(&t->pieces[i].head);
		buf_fini(&t->pieces[i].bytes);
		buf_fini(&t->pieces[i].expected);
	}
}

/* What a piece gave, as the lines that a transcript has for it. */
static void take_trace(struct conversation *c, struct buf *lines)
{
	const char *at = buf_text(&c->trace.reply);
	const char *end = at + c->trace.reply.len;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		size_t n = eol ? (size_t)(eol - at) + 1 : (size_t)(end - at);

		buf_puts(lines, "S: ");
		trace_text(lines, at, n);
		buf_putc(lines, '\n');
		at += n;
	}
	buf_puts(lines, buf_text(&c->trace.facts));
	buf_reset(&c->trace.reply);
	buf_reset(&c->trace.facts);
}

/* Plays it in parts of that size; ret_lines[i] gets what piece i gave. */
static void play(const struct transcript *t, size_t part, struct buf *ret_lines)
{
	struct conversation c;

	conversation_begin(&c, !t->passive, t->udp, t->port);
	if (!t->passive && !t->udp && t->module->speaks_first == PROTOCOL_SERVER)
		conversation_open(&c, t->module);
	take_trace(&c, &ret_lines[0]);
	for (size_t i = 1; i < t->count; i++) {
		const struct piece *p = &t->pieces[i];

		if (p->is_end)
			conversation_close(&c);
		else
			conversation_give(&c, p->side, (const uint8_t *)buf_text(&p->bytes),
			    p->bytes.len, t->udp ? p->bytes.len : part);
		take_trace(&c, &ret_lines[i]);
	}
	conversation_free(&c);
}

static void update(const struct transcript *t, const struct buf *lines)
{
	FILE *f = fopen(t->path, "wb");

	if (!f)
		abort();
	for (size_t i = 0; i < t->count; i++) {
		const struct buf *head = &t->pieces[i].head;
		bool dashes = head->len >= 3
		    && strcmp(buf_text(head) + head->len - 3, "--\n") == 0;

		if (i + 1 == t->count && head->len == 0 && lines[i].len > 0)
			(void)fputs("end:\n", f);
		(void)fwrite(buf_text(head), 1, head->len - (dashes ? 3 : 0), f);
		(void)fwrite(buf_text(&lines[i]), 1, lines[i].len, f);
		if (dashes)
			(void)fputs("--\n", f);
	}
	(void)fclose(f);
}

static bool same(const struct transcript *t, const struct buf *lines, size_t part)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(buf_text(&lines[i]), buf_text(&t->pieces[i].expected)) == 0)
			continue;
		(void)printf("# %s, in parts of %zu bytes, after\n# %s# expected\n%s# but got\n%s",
		    t->path, part, buf_text(&t->pieces[i].head),
		    buf_text(&t->pieces[i].expected), buf_text(&lines[i]));
		return false;
	}
	return true;
}

static bool check(const struct transcript *t)
{
	static const size_t parts[] = {FILE_MAX, 1, 2, 3, 7, 64, 255, 1000};
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(parts) / sizeof(parts[0]); i++) {
		static struct buf lines[PIECES_MAX];

		play(t, parts[i], lines);
		if (i == 0 && getenv("TEITEN_TRANSCRIPTS_UPDATE"))
			update(t, lines);
		else if (!getenv("TEITEN_TRANSCRIPTS_UPDATE"))
			ok = same(t, lines, parts[i]);
		for (size_t j = 0; j < t->count; j++)
			buf_fini(&lines[j]);
		memset(lines, 0, sizeof(lines));
	}
	return ok;
}

int main(int argc, char **argv)
{
	static struct transcript t;
	int failed = 0;

	(void)printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		bool ok;

		load(&t, argv[i]);
		ok = check(&t);
		failed += !ok;
		(void)printf("%sok %d - %s\n", ok ? "" : "not ", i, argv[i]);
		free_transcript(&t);
	}
	return failed != 0;
}
