/*
 * What a report says of rises: what became of those of the week before, whether Mirai's mark is
 * worth a word, and how a burst of logins was tried.
 */
#include "site.h"

#include "report/rises.h"
#include "sentences.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define SENSORS 3
#define FIRST_DAY (SITE_WEEK_A - 10)
#define QUIET 4   /* sources of a day */
#define LOUD 48
#define TRIES_MAX 60

static struct site site;
static uint16_t sensors[SENSORS];

static void begin(void)
{
	static const char *const names[SENSORS] = {"alpha", "beta", "gamma"};

	site_new(&site, "Asia/Tokyo");
	for (size_t s = 0; s < SENSORS; s++) {
		sensors[s] = site_sensor(&site, names[s]);
		site_begin(&site, sensors[s]);
		for (int32_t day = FIRST_DAY; day < SITE_WEEK_B + 7; day++)
			site_observe(&site, sensors[s], day, 0, 24, 4);
		site_commit(&site);
	}
}

/* A port that is asked by few every day, and by many from the one day to the other. */
struct course {
	uint16_t port;
	uint16_t marks;
	int32_t from[2];
	int32_t to[2]; /* included; 0 = there is no second time */
};

static bool is_loud(const struct course *c, int32_t day)
{
	for (size_t i = 0; i < 2; i++)
		if (c->to[i] && day >= c->from[i] && day <= c->to[i])
			return true;
	return false;
}

static void ask_port(const struct course *c)
{
	for (size_t s = 0; s < SENSORS; s++) {
		site_begin(&site, sensors[s]);
		for (int32_t day = FIRST_DAY; day < SITE_WEEK_B + 7; day++) {
			bool loud = is_loud(c, day);

			for (unsigned i = 0; i < (loud ? LOUD : QUIET); i++)
				site_access(&site, sensors[s], &(const struct site_packets){
				    day, IP(10 + i % 7, (unsigned)day % 251, i, c->port % 251), 6,
				    c->port, 4, i % 2 ? "CN" : "BR", loud ? c->marks : 0});
		}
		site_commit(&site);
	}
}

static struct report_document *week_b(void)
{
	struct report_options options = site_week(SITE_WEEK_B);
	struct report_document *doc = NULL;

	OK(report_build(site.store, &options, &doc, &err));
	return doc;
}

/* The sentence of that message about that port, or NULL. */
static const struct report_sentence *followed(const struct report_document *doc,
    const char *message, uint16_t port)
{
	for (const struct report_block *b = doc->blocks; b; b = b->next) {
		for (size_t i = 0; i < b->sentence_count; i++) {
			const struct report_sentence *s = &b->sentences[i];

			if (strcmp(s->message, message) == 0 && s->values[0].values
			    && s->values[0].values[0].integer == port)
				return s;
		}
	}
	return NULL;
}

static void assert_followed(const struct report_document *doc, const char *message, uint16_t port,
    int32_t from, int32_t to)
{
	const struct report_sentence *s = followed(doc, message, port);

	if (!s)
		fail_msg("%s is not said of port %u", message, port);
	for (size_t i = 0; s && i < s->value_count; i++) {
		if (strcmp(s->values[i].name, "from") == 0)
			assert_int_equal(s->values[i].integer, from);
		if (to && strcmp(s->values[i].name, "to") == 0)
			assert_int_equal(s->values[i].integer, to);
	}
}

static unsigned count_about(const struct report_document *doc, uint16_t port)
{
	static const char *const all[] = {"followup.on", "followup.over", "followup.again",
		"followup.on-fall", "followup.over-fall", "followup.again-fall"};
	unsigned count = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		count += followed(doc, all[i], port) != NULL;
	return count;
}

static void test_what_became_of_them(void **state)
{
	static const struct course courses[] = {
		{8728, 0, {SITE_WEEK_A + 2}, {SITE_WEEK_B + 6}},              /* goes on */
		{9000, 0, {SITE_WEEK_A + 3}, {SITE_WEEK_B + 1}},              /* ends in B */
		{5555, 0, {SITE_WEEK_A + 1, SITE_WEEK_B + 3},                 /* comes again */
		    {SITE_WEEK_A + 2, SITE_WEEK_B + 4}},
		{7547, 0, {SITE_WEEK_A + 1}, {SITE_WEEK_A + 2}},              /* was over in A */
		{2222, RECORD_MARK_MIRAI, {SITE_WEEK_B + 2}, {SITE_WEEK_B + 6}}, /* is new */
		{22, 0, {0}, {0}},
	};
	struct report_document *doc;

	(void)state;
	begin();
	for (size_t i = 0; i < sizeof(courses) / sizeof(courses[0]); i++)
		ask_port(&courses[i]);
	doc = week_b();
	assert_followed(doc, "followup.on", 8728, SITE_WEEK_A + 2, 0);
	assert_followed(doc, "followup.over", 9000, SITE_WEEK_A + 3, SITE_WEEK_B + 1);
	assert_followed(doc, "followup.again", 5555, SITE_WEEK_A + 1, SITE_WEEK_A + 2);
	assert_int_equal(count_about(doc, 8728), 1);
	assert_int_equal(count_about(doc, 9000), 1);
	assert_int_equal(count_about(doc, 5555), 1);
	assert_int_equal(count_about(doc, 7547), 0);
	assert_int_equal(count_about(doc, 2222), 0);
	assert_int_equal(count_about(doc, 22), 0);
	assert_false(says(doc, "followup.none"));
	/* What began this week is told, with the mark that its packets carried. */
	assert_true(says(doc, "rise.mirai"));
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

static void test_nothing_to_follow(void **state)
{
	static const struct course courses[] = {
		{22, 0, {0}, {0}},
		{8728, 0, {SITE_WEEK_B + 2}, {SITE_WEEK_B + 6}},
	};
	struct report_document *doc;

	(void)state;
	begin();
	ask_port(&courses[0]);
	ask_port(&courses[1]);
	doc = week_b();
	assert_true(says(doc, "followup.none"));
	assert_int_equal(count_about(doc, 8728), 0);
	assert_true(says(doc, "rise.global"));
	/* None of its packets carried the mark: no word of it. */
	assert_false(says(doc, "rise.mirai"));
	sentences_check(doc);
	report_document_free(doc);
	site_free(&site);
}

/* ---- logins ---------------------------------------------------------------------------------- */

struct attempt {
	char user[24];
	char password[24];
};

struct burst {
	const char *protocol;
	const char *secret;
	enum rises_guess guess;
	const char *message; /* NULL: nothing is said */
	void (*make)(unsigned i, struct attempt *a);
	unsigned users, passwords;
};

static void make_brute(unsigned i, struct attempt *a)
{
	(void)snprintf(a->user, sizeof(a->user), "root");
	(void)snprintf(a->password, sizeof(a->password), "%04u", 7 * i);
}

static void make_dictionary(unsigned i, struct attempt *a)
{
	(void)snprintf(a->user, sizeof(a->user), "%s", i % 2 ? "root" : "admin");
	(void)snprintf(a->password, sizeof(a->password), "password%u", i / 2);
}

static void make_list(unsigned i, struct attempt *a)
{
	(void)snprintf(a->user, sizeof(a->user), "person%u", i);
	(void)snprintf(a->password, sizeof(a->password), "secret-of-%u", i / 2 * 2);
}

static void make_spray(unsigned i, struct attempt *a)
{
	(void)snprintf(a->user, sizeof(a->user), "person%u", i / 2);
	(void)snprintf(a->password, sizeof(a->password), "%s", i % 2 ? "Summer2026" : "Passw0rd");
}

static void make_one(unsigned i, struct attempt *a)
{
	(void)i;
	(void)snprintf(a->user, sizeof(a->user), "root");
	(void)snprintf(a->password, sizeof(a->password), "xc3511");
}

static void make_users(unsigned i, struct attempt *a)
{
	(void)snprintf(a->user, sizeof(a->user), "person%u", i);
	a->password[0] = '\0';
}

static const struct burst bursts[] = {
	{"telnet", "password", RISES_GUESS_BRUTE, "rise.guess.brute", make_brute, 1, 60},
	{"ssh", "password", RISES_GUESS_DICTIONARY, "rise.guess.dictionary", make_dictionary, 2, 30},
	{"imap", "password", RISES_GUESS_LIST, "rise.guess.list", make_list, 60, 30},
	{"smtp", "password", RISES_GUESS_SPRAY, "rise.guess.spray", make_spray, 30, 2},
	{"ftp", "password", RISES_GUESS_NONE, NULL, make_one, 1, 1},
	{"rdp", "none", RISES_GUESS_NONE, NULL, make_users, 0, 0},
};

#define TEXT(s) {s, (uint32_t)strlen(s)}

static void try_login(uint16_t sensor, int32_t day, uint32_t source, const struct burst *burst,
    const struct attempt *a)
{
	static uint64_t id = 1;
	struct record_login row = {
		.time = (int64_t)day * CIVIL_US_PER_DAY + 60 * SITE_MINUTE + (int64_t)id,
		.sensor = sensor,
		.session = id,
		.protocol = TEXT(burst->protocol),
		.src_lo = IP_V4_PREFIX | source,
		.user = TEXT(a->user),
		.password = TEXT(a->password),
		.secret = TEXT(burst->secret),
		.country = {'C', 'N'},
	};

	id++;
	OK(store_ingest_rows(site.ingest, RECORD_TABLE_login, &row, 1, &err));
}

/* One quiet login a day from a few, then a day of the burst: each attempt from its address. */
static void put_burst(const struct burst *burst, unsigned number)
{
	const struct attempt quiet = {"guest", "guest"};

	for (size_t s = 0; s < SENSORS; s++) {
		site_begin(&site, sensors[s]);
		for (int32_t day = FIRST_DAY; day < SITE_WEEK_B + 3; day++) {
			for (unsigned i = 0; day < SITE_WEEK_B + 2 && i < 3; i++)
				try_login(sensors[s], day, IP(10, number, i, 9), burst, &quiet);
			for (unsigned i = 0; day >= SITE_WEEK_B + 2 && i < TRIES_MAX; i++) {
				struct attempt a;

				burst->make(i, &a);
				try_login(sensors[s], day, IP(20, number, i, 1), burst, &a);
			}
		}
		site_commit(&site);
	}
}

static const struct rise *find_login(const struct rises *rises, const char *protocol)
{
	for (size_t i = 0; i < rises->count; i++)
		if (rises->items[i].kind == RISES_LOGIN
		    && strcmp(rises->items[i].key, protocol) == 0)
			return &rises->items[i];
	fail_msg("logins of %s did not rise", protocol);
	return NULL;
}

static void check_burst(const struct rises *rises, const struct burst *burst)
{
	const struct rise *rise = find_login(rises, burst->protocol);
	struct report_sentence sentences[RISES_SENTENCES];
	struct report_document *doc = NULL;
	unsigned guesses = 0;
	bool said = false;
	size_t count;

	if (rise->guess != burst->guess)
		fail_msg("%s: guess %d, not %d (%u users, %u passwords)", burst->protocol,
		    (int)rise->guess, (int)burst->guess, (unsigned)rise->users,
		    (unsigned)rise->passwords);
	assert_int_equal(rise->users, burst->users);
	assert_int_equal(rise->passwords, burst->passwords);
	OK(report_document_new(&doc));
	count = rises_sentences(rise, doc, sentences);
	for (size_t i = 0; i < count; i++) {
		guesses += strncmp(sentences[i].message, "rise.guess.", 11) == 0;
		said |= burst->message && strcmp(sentences[i].message, burst->message) == 0;
	}
	assert_int_equal(guesses, burst->message ? 1 : 0);
	assert_true(said == (burst->message != NULL));
	report_document_free(doc);
}

static void test_how_logins_were_tried(void **state)
{
	const struct rises_options options = {
		.period = {REPORT_PERIOD_WEEK, SITE_WEEK_B, SITE_WEEK_B + 7},
		.kinds = 1u << RISES_LOGIN,
		.evidence = true,
	};
	struct rises rises = {0};

	(void)state;
	begin();
	for (unsigned i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		put_burst(&bursts[i], i);
	OK(rises_find(site.store, &options, &rises, &err));
	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		check_burst(&rises, &bursts[i]);
	rises_fini(&rises);
	site_free(&site);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_became_of_them),
		cmocka_unit_test(test_nothing_to_follow),
		cmocka_unit_test(test_how_logins_were_tried),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
