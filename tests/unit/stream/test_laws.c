/*
 * Laws, on seeded random conversations: however bytes are cut into segments, reordered within the
 * bound, repeated and overlapped, the same bytes come out; with losses, what comes out and the gaps
 * add up and every byte is in its place.
 */
#include "talk.h"

#define CONVERSATIONS 400
#define SEGMENTS_MAX 2000
#define BYTES_MAX 60000u

struct rng {
	uint64_t state;
};

static uint32_t draw(struct rng *r, uint32_t below)
{
	r->state += 0x9e3779b97f4a7c15ull;
	return below ? (uint32_t)(hash_u64(r->state) >> 32) % below : 0;
}

/* A packet of the plan; sorted by key it is what the capture holds. */
struct planned {
	uint64_t key;
	struct say say;
};

struct plan {
	struct rng rng;
	uint32_t isn[2];
	uint8_t bytes[2][BYTES_MAX];
	uint32_t len[2];
	uint32_t sent[2];
	struct planned packets[SEGMENTS_MAX];
	size_t count;
	/* how */
	uint32_t chunk;   /* longest segment */
	uint32_t shuffle; /* packets that one may be late by */
	uint32_t repeat;  /* percent */
	uint32_t loss;    /* percent */
	bool v6;
};

static void plan_packet(struct plan *p, bool server, uint32_t from, uint32_t len, uint8_t flags)
{
	uint32_t i = (uint32_t)p->count;

	assert_true(p->count < SEGMENTS_MAX);
	if (draw(&p->rng, 100) < p->loss)
		return;
	p->packets[p->count++] = (struct planned){
		.key = ((uint64_t)i + draw(&p->rng, p->shuffle + 1)) << 32 | i,
		.say = {
			.server = server, .v6 = p->v6, .flags = (uint8_t)(ACK | flags),
			.seq = p->isn[server] + 1 + from,
			.ack = p->isn[!server] + 1 + p->sent[!server],
			.data = p->bytes[server] + from, .len = len,
		},
	};
}

/* Sends a part of what was sent lately once more, cut otherwise. */
static void plan_repeat(struct plan *p, bool server)
{
	uint32_t end = p->sent[server] < p->len[server] ? p->sent[server] : p->len[server];
	uint32_t back = draw(&p->rng, 3 * p->chunk < end ? 3 * p->chunk : end);
	uint32_t ahead = p->len[server] - end;
	uint32_t len;

	if (p->sent[server] > p->len[server])
		ahead = 0;
	/* It may also bring new bytes: they are then sent again by the ordinary segments. */
	len = draw(&p->rng, back + (ahead < p->chunk ? ahead : p->chunk) + 1);
	if (len > 0)
		plan_packet(p, server, end - back, len, 0);
}

static void plan_make(struct plan *p, uint64_t seed, uint32_t shuffle, uint32_t repeat, uint32_t loss)
{
	static const uint32_t chunks[] = {1, 7, 100, 536, 1460, 4000};

	memset(p, 0, sizeof(*p));
	p->rng.state = seed;
	p->chunk = chunks[draw(&p->rng, 6)];
	p->shuffle = shuffle;
	p->repeat = repeat;
	p->loss = loss;
	p->v6 = draw(&p->rng, 4) == 0;
	for (int i = 0; i < 2; i++) {
		uint32_t most = p->chunk * 300 < BYTES_MAX ? p->chunk * 300 : BYTES_MAX;

		/* Half of the conversations cross the wrap. */
		p->isn[i] = draw(&p->rng, 2) ? 0u - draw(&p->rng, most) : draw(&p->rng, UINT32_MAX);
		p->len[i] = 1 + draw(&p->rng, most);
		for (uint32_t k = 0; k < p->len[i]; k++)
			p->bytes[i][k] = (uint8_t)(draw(&p->rng, 256) | 1); /* never the mark of a gap */
		for (uint32_t k = 0; k < p->len[i]; k++)
			if (p->bytes[i][k] == '?')
				p->bytes[i][k] = '!';
	}
	while (p->sent[0] <= p->len[0] || p->sent[1] <= p->len[1]) {
		bool server = p->sent[1] <= p->len[1] && (p->sent[0] > p->len[0] || draw(&p->rng, 2));
		uint32_t left = p->len[server] - p->sent[server];
		uint32_t len = 1 + draw(&p->rng, p->chunk);

		if (len > left)
			len = left;
		if (left == 0 || (len == left && draw(&p->rng, 2))) {
			plan_packet(p, server, p->sent[server], len, FIN);
			p->sent[server] = p->len[server] + 1;
		} else {
			plan_packet(p, server, p->sent[server], len, PSH);
			p->sent[server] += len;
		}
		if (draw(&p->rng, 100) < p->repeat)
			plan_repeat(p, draw(&p->rng, 2));
	}
}

static int compare_keys(const void *a, const void *b)
{
	const struct planned *pa = a;
	const struct planned *pb = b;

	return pa->key < pb->key ? -1 : pa->key > pb->key;
}

static void plan_play(struct plan *p, struct talk *t)
{
	t->gather = draw(&p->rng, 2);
	qsort(p->packets, p->count, sizeof(p->packets[0]), compare_keys);
	SAY(t, .v6 = p->v6, .flags = SYN, .seq = p->isn[0]);
	SAY(t, .v6 = p->v6, .server = true, .flags = SYN | ACK, .seq = p->isn[1], .ack = p->isn[0] + 1);
	SAY(t, .v6 = p->v6, .flags = ACK, .seq = p->isn[0] + 1, .ack = p->isn[1] + 1);
	for (size_t i = 0; i < p->count; i++)
		talk_say(t, &p->packets[i].say);
	talk_flush_batch(t);
}

static void fail_of(uint64_t seed, const char *what)
{
	print_error("seed %llu: %s\n", (unsigned long long)seed, what);
	fail();
}

static void prop_same_bytes(void **state)
{
	struct plan *p = malloc(sizeof(*p));
	struct talk *t = malloc(sizeof(*t));

	(void)state;
	assert_true(p && t);
	for (uint64_t seed = 1; seed <= CONVERSATIONS; seed++) {
		const struct stream_counters *c;
		struct heard *h = &t->heard[0];

		/* A segment may be late by 12 others of at most 4000 bytes: within the default. */
		plan_make(p, seed, (uint32_t)seed % 12, (uint32_t)seed % 3 * 20, 0);
		talk_begin(t, NULL);
		plan_play(p, t);
		c = streams_counters(t->streams);
		if (t->heard_count != 1 || h->ends != 1 || h->end != STREAM_END_FIN)
			fail_of(seed, "one stream that ends by FIN");
		for (int i = 0; i < 2; i++)
			if (h->len[i] != p->len[i] || memcmp(h->bytes[i], p->bytes[i], p->len[i]) != 0)
				fail_of(seed, "the bytes");
		if (c->gaps || c->overlaps || c->ignored || c->no_room || c->truncated || c->midstream)
			fail_of(seed, "counters");
		if (h->last.bytes[0] != p->len[0] || h->last.bytes[1] != p->len[1])
			fail_of(seed, "stream.bytes");
		talk_end(t);
	}
	free(t);
	free(p);
}

static void check_losses(const struct plan *p, const struct talk *t, uint64_t seed)
{
	const struct heard *h = &t->heard[0];
	uint64_t gap_bytes = 0;

	for (int i = 0; i < 2; i++) {
		/* A FIN that was lost but acknowledged is a byte that nobody can tell from one. */
		if (h->len[i] > p->len[i] + 1)
			fail_of(seed, "more than was sent");
		if (h->last.bytes[i] + h->last.gap_bytes[i] > h->len[i])
			fail_of(seed, "sum");
		for (uint32_t k = 0; k < h->len[i] && k < p->len[i]; k++)
			if (h->bytes[i][k] != '?' && h->bytes[i][k] != p->bytes[i][k])
				fail_of(seed, "a byte in a wrong place");
		gap_bytes += h->gap_bytes[i];
	}
	if (gap_bytes != streams_counters(t->streams)->gap_bytes)
		fail_of(seed, "counted gaps");
}

/* Bytes of a side that the capture has. */
static uint32_t count_captured(const struct plan *p, int side)
{
	static uint8_t seen[BYTES_MAX];
	uint32_t n = 0;

	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < p->count; i++) {
		const struct say *s = &p->packets[i].say;

		if (s->server == side)
			memset(seen + (s->seq - p->isn[side] - 1), 1, s->len);
	}
	for (uint32_t k = 0; k < p->len[side]; k++)
		n += seen[k];
	return n;
}

static void prop_losses_add_up(void **state)
{
	struct plan *p = malloc(sizeof(*p));
	struct talk *t = malloc(sizeof(*t));

	(void)state;
	assert_true(p && t);
	for (uint64_t seed = 1; seed <= CONVERSATIONS; seed++) {
		struct stream_options options = {.hold_max = seed % 5 ? 0 : 2048};

		plan_make(p, seed + 7777, seed % 2 ? 12 : 0, (uint32_t)seed % 4 * 10, 5 + (uint32_t)seed % 30);
		talk_begin(t, &options);
		plan_play(p, t);
		streams_flush(t->streams);
		if (t->heard_count > 1)
			fail_of(seed, "one stream");
		if (t->heard_count == 1) {
			check_losses(p, t, seed);
			for (int i = 0; seed % 2 == 0 && seed % 4 == 0 && seed % 5 && i < 2; i++)
				if (t->heard[0].last.bytes[i] != count_captured(p, i))
					fail_of(seed, "all that was captured comes out");
		}
		talk_end(t);
	}
	free(t);
	free(p);
}

/* What was remembered of a SYN gives the signature and marks that the SYN itself gives. */
static void prop_signature_survives(void **state)
{
	static const char option_bytes[] = "\x02\x04\x05\xb4\x01\x03\x03\x08\x04\x02\x08\x0a";
	struct rng rng = {99};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct talk *t = malloc(sizeof(*t));
		struct say syn = {
			.flags = (uint8_t)(SYN | (draw(&rng, 4) ? 0 : 0x40) | (draw(&rng, 8) ? 0 : PSH)),
			.seq = draw(&rng, 8) ? draw(&rng, UINT32_MAX) : draw(&rng, 2) ? 0 : 0xc0000201,
			.ack = draw(&rng, 8) ? 0 : draw(&rng, UINT32_MAX),
			.v6 = draw(&rng, 3) == 0,
			.ip_id = (uint16_t)(draw(&rng, 4) ? draw(&rng, 65536) : draw(&rng, 2) ? 54321 : 0),
			.ttl = (uint8_t)(1 + draw(&rng, 255)),
			.window = (uint16_t)draw(&rng, 65536),
			.options_len = draw(&rng, 11) * 4,
			.ip_options_len = (uint8_t)(draw(&rng, 5) ? 0 : 8),
			.urgent = (uint16_t)(draw(&rng, 5) ? 0 : 256 << draw(&rng, 2)),
			.bad_offset = draw(&rng, 8) == 0,
		};
		char options[40];
		struct decode_packet packet;
		struct capture_packet view;
		uint8_t bytes[200] = {0};
		struct syn expected;
		uint8_t expected_marks;

		for (size_t i = 0; i < sizeof(options); i++)
			options[i] = draw(&rng, 20) ? option_bytes[i % 12] : (char)draw(&rng, 256);
		syn.options = options;
		talk_begin(t, NULL);
		/* The same packet, kept by us before the batch is destroyed. */
		t->gather = true;
		talk_say(t, &syn);
		memcpy(bytes, t->views[0].data, t->views[0].len);
		view = t->views[0];
		view.data = bytes;
		decode_batch(&view, 1, &packet);
		syn_parse(&packet, &expected);
		expected_marks = (uint8_t)marks_of_tcp(&packet);
		talk_flush_batch(t);
		SAY(t, .flags = ACK, .v6 = syn.v6, .seq = syn.seq + 1, .ack = 77, .data = "x", .len = 1);
		talk_flush_batch(t);
		assert_int_equal(t->heard_count, 1);
		assert_true(t->heard[0].opened.has_syn);
		assert_int_equal(t->heard[0].opened.syn_signature, syn_id(&expected));
		assert_int_equal(t->heard[0].opened.syn_marks, expected_marks);
		talk_end(t);
		free(t);
	}
}

static int count_texts(void *arg, uint32_t id, const char *text)
{
	uint32_t *wanted = arg;

	if (id == *wanted && strcmp(text, "4:64:0:*:1234,*:::0") == 0)
		*wanted = 0;
	return 0;
}

static void test_text_of_a_signature(void **state)
{
	struct talk *t = malloc(sizeof(*t));
	struct stream_options options = {0};
	uint32_t wanted;

	(void)state;
	assert_int_equal(tools_new(NULL, &options.tools, NULL), ST_OK);
	talk_begin(t, &options);
	SAY(t, .flags = SYN, .seq = 5, .ip_id = 1, .window = 1234);
	SAY(t, .flags = ACK, .seq = 6, .ack = 77, .data = "x", .len = 1);
	wanted = t->heard[0].opened.syn_signature;
	assert_int_not_equal(wanted, 0);
	assert_int_equal(tools_signatures(options.tools, count_texts, &wanted), 0);
	assert_int_equal(wanted, 0);
	talk_end(t);
	tools_free(options.tools);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prop_same_bytes),
		cmocka_unit_test(prop_losses_add_up),
		cmocka_unit_test(prop_signature_survives),
		cmocka_unit_test(test_text_of_a_signature),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
