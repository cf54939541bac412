/* Pattern files: parsing and matching; the contract is in patterns.h, the format in the data. */
#include "protocol/patterns.h"

#include "base/digit.h"
#include "base/embed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORTS_MAX 4
#define ATOMS_MAX 16384   /* bytes of all patterns together */
#define SEGMENTS_MAX 4096 /* parts between skips, of all patterns together */
#define LINE_ATOMS_MAX PROTOCOL_PREFIX_MAX
#define SKIP_DEFAULT 64
#define SIDES 2
#define TRANSPORTS 2

extern const struct embed_file pattern_files[];

struct atom { /* one byte of the payload: low ≤ (byte & mask) ≤ high */
	uint8_t mask;
	uint8_t low;
	uint8_t high;
};

#define MASK_ALL 0xff
#define MASK_LETTER 0xdf /* upper and lower case of a letter differ in one bit */
#define MASK_LOW 0x0f

struct segment { /* bytes that follow each other, somewhere in the `skip` bytes behind the last */
	uint16_t atom;
	uint16_t count;
	uint16_t skip;
	uint16_t any; /* of its atoms, so many at the front fit every byte */
};

struct line {
	uint16_t name;
	uint16_t segment;
	uint16_t segment_count;
	uint8_t transports;
	uint8_t side;
	bool ends; /* the datagram ends there */
	uint8_t port_count;
	uint16_t ports[PORTS_MAX];
};

/* What bits of the first sixteen bytes must be, as far as they are the same in all that match;
 * most lines end here. */
#define QUICK_WORDS 2u
#define QUICK_LEN (QUICK_WORDS * sizeof(uint64_t))
struct quick {
	uint64_t mask[QUICK_WORDS];
	uint64_t value[QUICK_WORDS];
};

struct patterns {
	unsigned name_count;
	unsigned line_count;
	unsigned segment_count;
	unsigned atom_count;
	char names[PATTERNS_NAMES_MAX][PATTERNS_NAME_MAX];
	struct line lines[PATTERNS_LINES_MAX];
	struct quick quick[PATTERNS_LINES_MAX]; /* of each line */
	struct segment segments[SEGMENTS_MAX];
	struct atom atoms[ATOMS_MAX];
	/* Lines by transport, side and first byte: index[first[…] … first[… + 1]). */
	uint32_t first[TRANSPORTS * SIDES * 256 + 1];
	uint16_t *index;
};

const char *patterns_builtin(void)
{
	const struct embed_file *f = embed_find(pattern_files, "protocols.patterns");

	return f ? f->data : "";
}

int patterns_new(struct patterns **ret_patterns)
{
	return patterns_parse(patterns_builtin(), ret_patterns, NULL);
}

void patterns_free(struct patterns *patterns)
{
	if (!patterns)
		return;
	free(patterns->index);
	free(patterns);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static void skip_blanks(const char **pos)
{
	while (**pos == ' ' || **pos == '\t')
		(*pos)++;
}

/* The next word of the line; false at its end or when it is longer than cap. */
static bool take_word(const char **pos, char *word, size_t cap)
{
	size_t n = 0;

	skip_blanks(pos);
	while (**pos && !strchr(" \t\n#", **pos)) {
		if (n + 1 >= cap)
			return false;
		word[n++] = *(*pos)++;
	}
	word[n] = '\0';
	return n > 0;
}

/* A decimal number up to max; moves past it. */
static bool take_number(const char **pos, unsigned max, unsigned *ret)
{
	unsigned v = 0;
	const char *p = *pos;

	for (; *p >= '0' && *p <= '9' && v <= max; p++)
		v = v * 10 + (unsigned)(*p - '0');
	if (p == *pos || v > max)
		return false;
	*pos = p;
	*ret = v;
	return true;
}

/* "-" or up to four ports with commas. */
static bool parse_ports(const char *word, struct line *line)
{
	unsigned port;

	if (strcmp(word, "-") == 0)
		return true;
	while (line->port_count < PORTS_MAX && take_number(&word, UINT16_MAX, &port)) {
		line->ports[line->port_count++] = (uint16_t)port;
		if (*word != ',')
			return *word == '\0';
		word++;
	}
	return false;
}

static bool parse_transport(const char *word, struct line *line)
{
	if (strcmp(word, "tcp") == 0)
		line->transports = PROTOCOL_TCP;
	else if (strcmp(word, "udp") == 0)
		line->transports = PROTOCOL_UDP;
	else if (strcmp(word, "any") == 0)
		line->transports = PROTOCOL_TCP | PROTOCOL_UDP;
	else
		return false;
	return true;
}

static bool parse_side(const char *word, struct line *line)
{
	line->side = strcmp(word, "server") == 0 ? PROTOCOL_SERVER : PROTOCOL_CLIENT;
	return line->side == PROTOCOL_SERVER || strcmp(word, "client") == 0;
}

static bool find_name(struct patterns *p, const char *name, uint16_t *ret)
{
	for (unsigned i = 0; i < p->name_count; i++) {
		if (strcmp(p->names[i], name) == 0) {
			*ret = (uint16_t)i;
			return true;
		}
	}
	if (p->name_count == PATTERNS_NAMES_MAX)
		return false;
	*ret = (uint16_t)p->name_count++;
	memcpy(p->names[*ret], name, strlen(name) + 1);
	return true;
}

static bool add_atom(struct patterns *p, struct segment *segment, struct atom atom)
{
	if (p->atom_count == ATOMS_MAX || segment->count == LINE_ATOMS_MAX)
		return false;
	p->atoms[p->atom_count++] = atom;
	segment->count++;
	return true;
}

/* The byte once, or as often as the `*N` behind it says. */
static bool add_atoms(struct patterns *p, struct segment *segment, struct atom atom,
    const char **pos)
{
	unsigned times = 1;

	if (**pos == '*') {
		(*pos)++;
		if (!take_number(pos, LINE_ATOMS_MAX, &times))
			return false;
	}
	while (times-- > 0)
		if (!add_atom(p, segment, atom))
			return false;
	return true;
}

/* "text", or 'text' whose letters match in either case; the quote itself is written as hex. */
static bool parse_text(struct patterns *p, const char **pos, struct segment *segment)
{
	char quote = *(*pos)++;

	for (; **pos && **pos != '\n' && **pos != quote; (*pos)++) {
		uint8_t c = (uint8_t)**pos;
		bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		uint8_t mask = letter && quote == '\'' ? MASK_LETTER : MASK_ALL;
		struct atom atom = {.mask = mask, .low = c & mask, .high = c & mask};

		if (!add_atom(p, segment, atom))
			return false;
	}
	if (**pos != quote)
		return false;
	(*pos)++;
	return true;
}

/* Two digits, lower-case hex or `?` for any. */
static bool parse_byte(const char **pos, struct atom *ret)
{
	const char *s = *pos;
	int high = digit_hex(s[0]);
	int low = s[0] ? digit_hex(s[1]) : -1;
	uint8_t mask;
	uint8_t value;

	if ((high < 0 && s[0] != '?') || (low < 0 && s[1] != '?'))
		return false;
	mask = (uint8_t)((high >= 0 ? 0xf0 : 0) | (low >= 0 ? MASK_LOW : 0));
	value = (uint8_t)((high >= 0 ? high << 4 : 0) | (low >= 0 ? low : 0));
	*ret = (struct atom){.mask = mask, .low = value, .high = value};
	*pos += 2;
	return true;
}

/* `[00-04]` */
static bool parse_range(const char **pos, struct atom *ret)
{
	struct atom low;
	struct atom high;

	(*pos)++;
	if (!parse_byte(pos, &low) || *(*pos)++ != '-' || !parse_byte(pos, &high)
	    || *(*pos)++ != ']' || low.low > high.low
	    || low.mask != MASK_ALL || high.mask != MASK_ALL)
		return false;
	*ret = (struct atom){.mask = MASK_ALL, .low = low.low, .high = high.low};
	return true;
}

/* `..` or `..N`: the next segment begins within that many bytes. */
static bool parse_skip(struct patterns *p, const char **pos, struct line *line)
{
	unsigned skip = SKIP_DEFAULT;

	*pos += 2;
	if (**pos >= '0' && **pos <= '9' && !take_number(pos, PATTERNS_SKIP_MAX, &skip))
		return false;
	if (p->segments[p->segment_count - 1].count == 0 || p->segment_count == SEGMENTS_MAX)
		return false;
	p->segments[p->segment_count++] = (struct segment){
		.atom = (uint16_t)p->atom_count, .skip = (uint16_t)skip};
	line->segment_count++;
	return true;
}

/* The next part of a pattern. */
static bool parse_part(struct patterns *p, const char **pos, struct line *line)
{
	struct segment *segment = &p->segments[p->segment_count - 1];
	struct atom atom;

	if (**pos == '$') {
		/* A stream's end says nothing about its beginning. */
		line->ends = true;
		(*pos)++;
		return line->transports == PROTOCOL_UDP;
	}
	if (**pos == '"' || **pos == '\'')
		return parse_text(p, pos, segment);
	if ((*pos)[0] == '.' && (*pos)[1] == '.')
		return parse_skip(p, pos, line);
	return (**pos == '[' ? parse_range(pos, &atom) : parse_byte(pos, &atom))
	    && add_atoms(p, segment, atom, pos);
}

/* The pattern of a line, until its end or a comment. */
static bool parse_pattern(struct patterns *p, const char *pos, struct line *line)
{
	if (p->segment_count == SEGMENTS_MAX)
		return false;
	line->segment = (uint16_t)p->segment_count;
	line->segment_count = 1;
	p->segments[p->segment_count++] = (struct segment){.atom = (uint16_t)p->atom_count};
	for (skip_blanks(&pos); *pos && *pos != '\n' && *pos != '#'; skip_blanks(&pos)) {
		if (line->ends || !parse_part(p, &pos, line))
			return false;
	}
	return p->segments[p->segment_count - 1].count > 0;
}

/* NULL, or what is wrong with the line. */
static const char *parse_line(struct patterns *p, const char *pos)
{
	struct line line = {0};
	char name[PATTERNS_NAME_MAX];
	char word[32];

	if (p->line_count == PATTERNS_LINES_MAX)
		return "too many lines";
	if (!take_word(&pos, name, sizeof(name)))
		return "the name is missing or too long";
	if (!take_word(&pos, word, sizeof(word)) || !parse_transport(word, &line))
		return "the transport is tcp, udp or any";
	if (!take_word(&pos, word, sizeof(word)) || !parse_side(word, &line))
		return "the side is client or server";
	if (!take_word(&pos, word, sizeof(word)) || !parse_ports(word, &line))
		return "the ports are - or up to four numbers with commas";
	if (!find_name(p, name, &line.name))
		return "too many names";
	if (!parse_pattern(p, pos, &line))
		return "the pattern is bytes like 0f, ?? or c?, [00-04], \"text\", 'text', ..N, $ for udp";
	p->lines[p->line_count++] = line;
	return NULL;
}

static bool atom_matches(const struct atom *atom, uint8_t byte)
{
	uint8_t value = byte & atom->mask;

	return value >= atom->low && value <= atom->high;
}

/* The bits at the front in which all numbers of the range agree. */
static uint8_t same_bits(uint8_t low, uint8_t high)
{
	unsigned differ = low ^ high;

	differ |= differ >> 1;
	differ |= differ >> 2;
	differ |= differ >> 4;
	return (uint8_t)~differ;
}

static struct quick quick_of(const struct patterns *p, const struct line *line)
{
	const struct segment *segment = &p->segments[line->segment];
	uint8_t mask[QUICK_LEN] = {0};
	uint8_t value[QUICK_LEN] = {0};
	struct quick quick;

	for (unsigned i = 0; i < segment->count && i < sizeof(mask); i++) {
		const struct atom *atom = &p->atoms[segment->atom + i];

		mask[i] = atom->mask & same_bits(atom->low, atom->high);
		value[i] = atom->low & mask[i];
	}
	memcpy(quick.mask, mask, sizeof(mask));
	memcpy(quick.value, value, sizeof(value));
	return quick;
}

/* there: which bits of the words there are bytes for. */
static bool may_match(const struct quick *quick, const uint64_t words[QUICK_WORDS],
    const uint64_t there[QUICK_WORDS])
{
	return ((((words[0] & quick->mask[0]) ^ quick->value[0]) & there[0])
	    | (((words[1] & quick->mask[1]) ^ quick->value[1]) & there[1])) == 0;
}

static uint16_t any_of(const struct patterns *p, const struct segment *segment)
{
	uint16_t any = 0;

	while (any < segment->count && p->atoms[segment->atom + any].mask == 0)
		any++;
	return any;
}

static size_t bucket(unsigned transport, unsigned side, unsigned byte)
{
	return ((size_t)(transport == PROTOCOL_UDP) * SIDES + side) * 256 + byte;
}

/* Fills first[] and, when there is memory for it already, index[]; returns the entries. */
static uint32_t index_lines(struct patterns *p, uint16_t *index)
{
	uint32_t n = 0;

	for (unsigned b = 0; b < TRANSPORTS * SIDES * 256; b++) {
		uint8_t transport = b / (SIDES * 256) ? PROTOCOL_UDP : PROTOCOL_TCP;

		p->first[b] = n;
		for (unsigned i = 0; i < p->line_count; i++) {
			const struct line *line = &p->lines[i];
			const struct segment *segment = &p->segments[line->segment];

			if (!(line->transports & transport) || line->side != b / 256 % SIDES
			    || !atom_matches(&p->atoms[segment->atom], (uint8_t)b))
				continue;
			if (index)
				index[n] = (uint16_t)i;
			n++;
		}
	}
	p->first[TRANSPORTS * SIDES * 256] = n;
	return n;
}

int patterns_parse(const char *text, struct patterns **ret_patterns, struct err *err)
{
	struct patterns *p = calloc(1, sizeof(*p));
	unsigned number = 1;
	const char *wrong;
	int ret;

	if (!p)
		return err_set(err, -ENOMEM, "protocol patterns: not enough memory");
	for (const char *pos = text; *pos; number++) {
		const char *end = strchr(pos, '\n');

		skip_blanks(&pos);
		if (*pos && *pos != '\n' && *pos != '#') {
			wrong = parse_line(p, pos);
			if (wrong) {
				ret = err_set(err, ST_MALFORMED, "line %u: %s", number, wrong);
				goto out;
			}
		}
		pos = end ? end + 1 : pos + strlen(pos);
	}
	p->index = calloc(index_lines(p, NULL) + 1, sizeof(*p->index));
	if (!p->index) {
		ret = err_set(err, -ENOMEM, "protocol patterns: not enough memory");
		goto out;
	}
	(void)index_lines(p, p->index);
	for (unsigned i = 0; i < p->line_count; i++)
		p->quick[i] = quick_of(p, &p->lines[i]);
	for (unsigned i = 0; i < p->segment_count; i++)
		p->segments[i].any = any_of(p, &p->segments[i]);
	*ret_patterns = p;
	p = NULL;
	ret = ST_OK;
out:
	patterns_free(p);
	return ret;
}

/* ---- matching ------------------------------------------------------------------------------- */

/* A segment at one place. */
static enum protocol_verdict match_here(const struct patterns *p, const struct segment *segment,
    const uint8_t *data, size_t len)
{
	size_t n = len < segment->count ? len : segment->count;

	for (size_t i = segment->any; i < n; i++)
		if (!atom_matches(&p->atoms[segment->atom + i], data[i]))
			return PROTOCOL_NO;
	return n == segment->count ? PROTOCOL_YES : PROTOCOL_MORE;
}

static bool line_wants_port(const struct line *line, uint16_t port)
{
	for (unsigned i = 0; i < line->port_count; i++)
		if (line->ports[i] == port)
			return true;
	return line->port_count == 0;
}

/*
 * Segments are found one after the other, each at the first place where it fits; a place where the
 * bytes end too early stops the search, because more of them could still make it fit.
 */
static enum protocol_verdict match_line(const struct patterns *p, const struct line *line,
    const uint8_t *data, size_t len)
{
	size_t at = 0;

	for (unsigned s = 0; s < line->segment_count; s++) {
		const struct segment *segment = &p->segments[line->segment + s];
		enum protocol_verdict verdict = PROTOCOL_NO;
		size_t last = at + segment->skip;

		for (; at <= last && verdict == PROTOCOL_NO; at++) {
			/* What would end behind the bytes that are looked at never comes. */
			if (at + segment->count > PROTOCOL_PREFIX_MAX)
				return PROTOCOL_NO;
			verdict = match_here(p, segment, data + at, at < len ? len - at : 0);
		}
		if (verdict != PROTOCOL_YES)
			return verdict;
		at += segment->count - 1u;
	}
	return line->ends && at != len ? PROTOCOL_NO : PROTOCOL_YES;
}

static enum protocol_verdict match_side(const struct patterns *p,
    const struct protocol_start *start, unsigned side, bool final, unsigned *ret_number)
{
	const uint8_t *data = side == PROTOCOL_CLIENT ? start->client : start->server;
	size_t len = side == PROTOCOL_CLIENT ? start->client_len : start->server_len;
	uint64_t words[QUICK_WORDS] = {0};
	const uint64_t there[QUICK_WORDS] = {
		len >= sizeof(uint64_t) ? UINT64_MAX : 0, len >= QUICK_LEN ? UINT64_MAX : 0,
	};
	size_t b;

	if (len == 0)
		return PROTOCOL_NO;
	memcpy(words, data, len < QUICK_LEN ? len : QUICK_LEN);
	b = bucket(start->transport, side, data[0]);
	for (uint32_t i = p->first[b]; i < p->first[b + 1]; i++) {
		const struct line *line = &p->lines[p->index[i]];
		enum protocol_verdict verdict;

		if (!may_match(&p->quick[p->index[i]], words, there))
			continue;
		if (!line_wants_port(line, start->port))
			continue;
		verdict = match_line(p, line, data, len);
		/* A datagram is whole. */
		if (verdict == PROTOCOL_MORE && (final || start->transport == PROTOCOL_UDP))
			continue;
		if (verdict == PROTOCOL_YES)
			*ret_number = line->name;
		if (verdict != PROTOCOL_NO)
			return verdict;
	}
	return PROTOCOL_NO;
}

enum protocol_verdict patterns_match(const struct patterns *patterns,
    const struct protocol_start *start, bool final, unsigned *ret_number)
{
	enum protocol_verdict verdict;

	if (start->client_len == 0 && start->server_len == 0)
		return final ? PROTOCOL_NO : PROTOCOL_MORE;
	verdict = match_side(patterns, start, PROTOCOL_CLIENT, final, ret_number);
	if (verdict != PROTOCOL_NO)
		return verdict;
	return match_side(patterns, start, PROTOCOL_SERVER, final, ret_number);
}

unsigned patterns_count(const struct patterns *patterns)
{
	return patterns->name_count;
}

const char *patterns_name(const struct patterns *patterns, unsigned number)
{
	return number < patterns->name_count ? patterns->names[number] : "";
}
