/*
 * Probes are monotone: once a module said YES or NO to the beginning of a stream, more bytes do not
 * change it, or what a stream is called would depend on how its packets were cut.
 *
 * Proved on every prefix of the client bytes of all transcripts and fuzz inputs, and of variants of
 * them (bytes changed, lines cut short, the end of one behind the beginning of another), for every
 * module that knows TCP, hinted and not.  A datagram is always looked at whole.
 */
#include "base/hash.h"
#include "escape.h"
#include "protocol/protocol.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define INPUTS_MAX 4096
#define INPUT_FILE_MAX (64u << 10)
#define VARIANTS 8
#define FLAG_PIECES 4 /* tests/fuzz/protocol/fuzz_module.c */
#define NAME_SHOWN 120

struct input {
	char name[NAME_SHOWN];
	uint8_t bytes[PROTOCOL_PREFIX_MAX];
	size_t len;
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;

static void add_input(const char *name, const void *bytes, size_t len)
{
	struct input *input = &inputs[input_count];

	assert_true(input_count < INPUTS_MAX);
	(void)snprintf(input->name, sizeof(input->name), "%s", name);
	input->len = len < sizeof(input->bytes) ? len : sizeof(input->bytes);
	if (input->len)
		memcpy(input->bytes, bytes, input->len);
	input_count++;
}

static void add_transcript(const char *name, const char *text, size_t len)
{
	struct buf bytes = {0};

	for (size_t at = 0; at < len;) {
		const char *eol = memchr(text + at, '\n', len - at);
		size_t n = eol ? (size_t)(eol - (text + at)) : len - at;

		if (n > 3 && memcmp(text + at, "C: ", 3) == 0)
			assert_null(unescape_text(&bytes, text + at + 3, n - 3));
		at += n + 1;
	}
	add_input(name, buf_text(&bytes), bytes.len);
	buf_fini(&bytes);
}

/* As fuzz_module.c reads it; pieces from the server are left out. */
static void add_seed(const char *name, const char *text, size_t len)
{
	const uint8_t *data = (const uint8_t *)text;
	struct buf bytes = {0};

	if (len == 0)
		return;
	if (!(data[0] & FLAG_PIECES)) {
		add_input(name, data + 1, len - 1);
		return;
	}
	for (size_t at = 1; at < len;) {
		size_t n = data[at] & 127;
		bool server = data[at] & 128;

		at++;
		n = n < len - at ? n : len - at;
		if (!server)
			buf_append(&bytes, data + at, n);
		at += n;
	}
	add_input(name, buf_text(&bytes), bytes.len);
	buf_fini(&bytes);
}

static void add_folder(const char *folder, void (*add)(const char *, const char *, size_t))
{
	static char text[INPUT_FILE_MAX];
	char path[4096];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/%s", getenv("TEITEN_SOURCE"), folder);
	dir = opendir(path);
	if (!dir)
		fail_msg("%s: no such folder (make one with at least one input)", folder);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
		char name[NAME_SHOWN];
		size_t len;
		FILE *f;

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/%s", getenv("TEITEN_SOURCE"), folder,
		    entry->d_name);
		(void)snprintf(name, sizeof(name), "%.40s/%.70s", folder, entry->d_name);
		f = fopen(path, "rb");
		assert_non_null(f);
		len = fread(text, 1, sizeof(text), f);
		(void)fclose(f);
		add(name, text, len);
	}
	(void)closedir(dir);
}

static int load(void **unused)
{
	(void)unused;
	add_folder("tests/transcripts", add_transcript);
	for (unsigned i = 0; i < protocol_module_count; i++) {
		char folder[80];

		(void)snprintf(folder, sizeof(folder), "tests/fuzz/corpus/protocol-%s",
		    protocol_modules[i]->name);
		add_folder(folder, add_seed);
	}
	return 0;
}

static enum protocol_verdict probe_as(const struct protocol_module *module,
    enum protocol_transport transport, const struct input *input, size_t len, bool hinted)
{
	const uint16_t *ports = transport == PROTOCOL_TCP ? module->tcp_ports : module->udp_ports;
	/* A copy of just that length, so that a sanitizer sees a byte read beyond it. */
	uint8_t *bytes = malloc(len ? len : 1);
	struct protocol_start start = {
		.transport = transport,
		.port = hinted ? ports[0] : 40000,
		.hinted = hinted,
		.client = bytes,
		.client_len = len,
	};
	enum protocol_verdict verdict;

	assert_non_null(bytes);
	if (len)
		memcpy(bytes, input->bytes, len);
	verdict = module->probe(&start);
	free(bytes);
	return verdict;
}

static enum protocol_verdict probe_at(const struct protocol_module *module,
    const struct input *input, size_t len, bool hinted)
{
	return probe_as(module, PROTOCOL_TCP, input, len, hinted);
}

static void print_bytes(const struct input *input, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t c = input->bytes[i];

		print_message(c >= 0x20 && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
	}
	print_message("\n");
}

/* Tells whether it is monotone on the input, and says where not. */
static bool monotone(const struct protocol_module *module, const struct input *input, bool hinted)
{
	static const char *const names[] = {"NO", "MORE", "YES"};
	enum protocol_verdict before = PROTOCOL_MORE;

	/* Whether a port alone is enough, before any byte, is another question. */
	for (size_t len = hinted ? 1 : 0; len <= input->len; len++) {
		enum protocol_verdict verdict = probe_at(module, input, len, hinted);

		if (before != PROTOCOL_MORE && verdict != before) {
			print_message("# %s%s said %s to the first %zu bytes of %s and %s to one more: ",
			    module->name, hinted ? " (hinted)" : "", names[before], len - 1, input->name,
			    names[verdict]);
			print_bytes(input, len);
			return false;
		}
		before = verdict;
	}
	return true;
}

static uint32_t next(uint64_t *random, uint32_t below)
{
	*random += 0x9e3779b97f4a7c15ull;
	return (uint32_t)((hash_u64(*random) >> 32) * below >> 32);
}

/* A byte more, less or other, a line that ends early, the end of another input. */
static struct input vary(const struct input *input, uint64_t *random)
{
	static const uint8_t bytes[] = {0, ' ', '\r', '\n', ':', '/', '1', 'A', 0x80, 0xff};
	struct input v = *input;
	const struct input *other = &inputs[next(random, (uint32_t)input_count)];
	unsigned changes = 1 + next(random, 3);

	while (changes-- > 0 && v.len > 0) {
		/* Near the beginning, where probes look. */
		uint32_t at = next(random, next(random, (uint32_t)v.len) + 1);
		uint8_t byte = bytes[next(random, sizeof(bytes))];

		switch (next(random, 4)) {
		case 0:
			v.bytes[at] = byte;
			break;
		case 1:
			v.bytes[at] ^= (uint8_t)(1u << next(random, 8));
			break;
		case 2:
			memmove(v.bytes + at, v.bytes + at + 1, v.len - at - 1);
			v.len--;
			break;
		default:
			if (other->len > at) {
				memcpy(v.bytes + at, other->bytes + at, other->len - at);
				v.len = other->len;
			}
			break;
		}
	}
	return v;
}

static void check(bool hinted)
{
	unsigned wrong = 0;

	assert_true(input_count > 2 * protocol_module_count);
	for (unsigned m = 0; m < protocol_module_count; m++) {
		const struct protocol_module *module = protocol_modules[m];
		uint64_t random = 1;
		bool ok = true;

		if (!(module->transports & PROTOCOL_TCP) || !module->probe)
			continue;
		for (size_t i = 0; ok && i < input_count; i++) {
			ok = monotone(module, &inputs[i], hinted);
			for (unsigned n = 0; ok && n < VARIANTS; n++) {
				struct input v = vary(&inputs[i], &random);

				ok = monotone(module, &v, hinted);
			}
		}
		wrong += !ok;
	}
	if (wrong)
		fail_msg("%u modules' probes are not monotone: see above", wrong);
}

static void test_monotone(void **unused)
{
	(void)unused;
	check(false);
}

static void test_monotone_hinted(void **unused)
{
	(void)unused;
	check(true);
}

static bool begins_as(const struct protocol_module *module, const struct input *input)
{
	static const struct protocol_begin none;

	for (unsigned i = 0; i < PROTOCOL_BEGINS_MAX; i++) {
		const struct protocol_begin *begin = &module->udp_begins[i];
		bool fits = true;

		if (i > 0 && memcmp(begin, &none, sizeof(none)) == 0)
			break;
		for (unsigned k = 0; k < PROTOCOL_BEGIN_LEN; k++)
			fits = fits && (input->bytes[k] & begin->mask[k]) == begin->value[k];
		if (fits)
			return true;
	}
	return false;
}

/* Tells whether the module knows nothing that udp_begins leaves out, and counts what it knows. */
static bool begins_hold(const struct protocol_module *module, const struct input *input,
    unsigned *known)
{
	if (input->len < PROTOCOL_BEGIN_LEN
	    || probe_as(module, PROTOCOL_UDP, input, input->len, false) != PROTOCOL_YES)
		return true;
	(*known)++;
	if (begins_as(module, input))
		return true;
	print_message("# %s knows what udp_begins leaves out, from %s: ", module->name, input->name);
	print_bytes(input, input->len);
	return false;
}

static void test_begins(void **unused)
{
	unsigned wrong = 0;

	(void)unused;
	for (unsigned m = 0; m < protocol_module_count; m++) {
		const struct protocol_module *module = protocol_modules[m];
		uint64_t random = 1;
		unsigned known = 0;
		bool ok = true;

		if (!(module->transports & PROTOCOL_UDP) || !module->probe)
			continue;
		for (size_t i = 0; ok && i < input_count; i++) {
			ok = begins_hold(module, &inputs[i], &known);
			for (unsigned n = 0; ok && n < VARIANTS; n++) {
				struct input v = vary(&inputs[i], &random);

				ok = begins_hold(module, &v, &known);
			}
			/* Each byte of the beginning with every value, where the module knew it. */
			if (probe_as(module, PROTOCOL_UDP, &inputs[i], inputs[i].len, false) != PROTOCOL_YES)
				continue;
			for (unsigned n = 0; ok && n < PROTOCOL_BEGIN_LEN * 256u; n++) {
				struct input v = inputs[i];

				v.bytes[n / 256] = (uint8_t)n;
				ok = begins_hold(module, &v, &known);
			}
		}
		if (known == 0)
			print_message("# %s was never recognised over UDP\n", module->name);
		wrong += !ok || known == 0;
	}
	if (wrong)
		fail_msg("%u modules: see above", wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begins),
		cmocka_unit_test(test_monotone),
		cmocka_unit_test(test_monotone_hinted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, load, NULL);
}
