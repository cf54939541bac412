/* A simulated site: what the manifest says is in the captures, packet by packet. */
#include "simulate/simulate.h"

#include "reader.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SENSORS 4u
#define SITE_HASH 0x9e7745b4e7e832aeull
#define DAYS 14u
#define DAY_US 86400000000ll
#define HOUR_US 3600000000ll

struct made {
	struct simulate_sensor sensor;
	struct file_bytes file;
	struct simulate_totals totals;
	struct simulate_event events[SIMULATE_EVENTS_MAX];
	size_t event_count;
};

static struct made made[SENSORS];

static struct simulate_site site_options(unsigned sensor)
{
	struct simulate_site options = {.seed = 1,
	    .start_us = SIMULATE_SITE_START_US,
	    .days = DAYS,
	    .sensor = sensor,
	    .sensor_count = SENSORS,
	    .scale_permille = 100};
	return options;
}

static int make_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SENSORS; i++) {
		struct simulate_site options = site_options(i);

		if (simulate_site_sensor(SENSORS, i, &made[i].sensor)
		    || simulate_site(&options, file_write, &made[i].file, &made[i].totals,
		        made[i].events, &made[i].event_count))
			return -1;
	}
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SENSORS; i++)
		free(made[i].file.data);
	return 0;
}

static const struct simulate_event *find_event(const struct made *m, const char *kind)
{
	for (size_t i = 0; i < m->event_count; i++)
		if (strcmp(m->events[i].kind, kind) == 0)
			return &m->events[i];
	return NULL;
}

static bool sound(const struct seen *s)
{
	return s->ethertype == 0x0800 && s->header_words == 5 && !s->fragment
	    && s->caplen == s->wirelen;
}

static void totals_and_checksums(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SENSORS; i++) {
		const struct made *m = &made[i];
		struct simulate_totals t = {0};
		uint64_t bad_sums = 0;
		struct seen s;
		size_t pos = 0;
		bool bad = false;

		while (file_next(&m->file, &pos, &s, &bad)) {
			bool v6 = s.ethertype == 0x86dd;
			bool in = v6 || s.dst - m->sensor.base < m->sensor.addresses;

			t.packets++;
			bad_sums += !s.checksums_good && s.header_words == 5;
			if (!v6 && !sound(&s)) {
				t.damaged++;
				continue;
			}
			t.outbound += !in;
			if (!in)
				continue;
			t.udp += s.proto == 17;
			t.icmp += s.proto == 1 || s.proto == 58;
			if (s.proto != 6 || s.flags != 2)
				continue;
			t.syn++;
			t.mirai += !v6 && s.seq == s.dst;
			t.zmap += !v6 && s.id == 54321;
			t.masscan += !v6 && s.id == ((s.dst ^ s.dport ^ s.seq) & 0xffff);
		}
		assert_false(bad);
		assert_int_equal(bad_sums, 0);
		assert_int_equal(m->file.len, m->totals.bytes);
		assert_int_equal(t.packets, m->totals.packets);
		assert_int_equal(t.damaged, m->totals.damaged);
		assert_int_equal(t.outbound, m->totals.outbound);
		assert_int_equal(t.udp, m->totals.udp);
		assert_int_equal(t.icmp, m->totals.icmp);
		assert_int_equal(t.syn, m->totals.syn);
		assert_int_equal(t.mirai, m->totals.mirai);
		assert_int_equal(t.zmap, m->totals.zmap);
		assert_int_equal(t.masscan, m->totals.masscan);
		/* 660 a day and address of background, and the events on top of it. */
		assert_in_range(t.packets, 600ull * DAYS * m->sensor.addresses,
		    1700ull * DAYS * m->sensor.addresses);
	}
}

enum who {
	WHO_SOURCE,
	WHO_VICTIM_SENDS,
	WHO_VICTIM_QUOTED,
};

static bool matches(const struct seen *s, const struct simulate_event *e, enum who who)
{
	if (!sound(s))
		return false;
	if (who == WHO_SOURCE)
		return s->src == e->source && s->proto == 6 && s->flags == 2;
	if (who == WHO_VICTIM_SENDS)
		return s->src == e->victim
		    && ((s->proto == 6 && s->flags == 0x12 && s->sport == 80)
		        || (s->proto == 17 && s->dport == 53));
	return s->proto == 1 && s->payload_len >= 28 && be32(s->payload + 16) == e->victim
	    && be16(s->payload + 22) == 53 && be32(s->payload + 12) == s->dst;
}

static void one_address_events_are_exact(void **state)
{
	static const struct {
		const char *kind;
		enum who who;
	} rows[] = {
	    {"zmap-sweep", WHO_SOURCE},
	    {"masscan-sweep", WHO_SOURCE},
	    {"slow-scan", WHO_SOURCE},
	    {"reflection-victim", WHO_VICTIM_SENDS},
	    {"synack-backscatter", WHO_VICTIM_SENDS},
	    {"unreachable-backscatter", WHO_VICTIM_QUOTED},
	};

	(void)state;
	for (unsigned i = 0; i < SENSORS * sizeof rows / sizeof rows[0]; i++) {
		const struct made *m = &made[i % SENSORS];
		const struct simulate_event *e = find_event(m, rows[i / SENSORS].kind);
		uint64_t count = 0;
		uint64_t outside = 0;
		struct seen s;
		size_t pos = 0;
		bool bad = false;

		if (!e) {
			/* Only the reflection spares a sensor. */
			assert_string_equal(rows[i / SENSORS].kind, "reflection-victim");
			assert_int_equal(i % SENSORS, 3);
			continue;
		}
		while (file_next(&m->file, &pos, &s, &bad))
			if (matches(&s, e, rows[i / SENSORS].who)) {
				count++;
				outside += s.time_us < e->start_us || s.time_us >= e->end_us;
			}
		assert_true(count > 0);
		assert_int_equal(count, e->packets);
		assert_int_equal(outside, 0);
	}
}

static void sweeps_touch_every_address(void **state)
{
	const struct made *m = &made[2];
	const struct simulate_event *e = find_event(m, "zmap-sweep");
	uint32_t touched[16] = {0};
	struct seen s;
	size_t pos = 0;
	bool bad = false;

	(void)state;
	assert_non_null(e);
	assert_int_equal(e->packets, 20 * 16);
	while (file_next(&m->file, &pos, &s, &bad))
		if (matches(&s, e, WHO_SOURCE)) {
			assert_int_equal(s.id, 54321);
			touched[s.dst - m->sensor.base]++;
		}
	for (int i = 0; i < 16; i++)
		assert_int_equal(touched[i], 20);
}

static void slow_scan_is_one_an_hour(void **state)
{
	uint8_t hours[DAYS * 24] = {0};
	unsigned silent = 0;

	(void)state;
	for (unsigned i = 0; i < SENSORS; i++) {
		const struct simulate_event *e = find_event(&made[i], "slow-scan");
		struct seen s;
		size_t pos = 0;
		bool bad = false;

		assert_non_null(e);
		while (file_next(&made[i].file, &pos, &s, &bad))
			if (matches(&s, e, WHO_SOURCE))
				hours[(s.time_us - SIMULATE_SITE_START_US) / HOUR_US]++;
	}
	for (unsigned i = 0; i < DAYS * 24; i++) {
		assert_in_range(hours[i], 0, 1);
		silent += hours[i] == 0;
	}
	/* Only the outage may swallow some. */
	assert_in_range(silent, 0, 5);
}

static void growth_grows(void **state)
{
	uint64_t days[DAYS] = {0};

	(void)state;
	for (unsigned i = 0; i < SENSORS; i++) {
		struct seen s;
		size_t pos = 0;
		bool bad = false;

		while (file_next(&made[i].file, &pos, &s, &bad)) {
			int64_t day = (s.time_us - SIMULATE_SITE_START_US) / DAY_US;

			if (sound(&s) && s.proto == 6 && s.flags == 2 && s.seq == s.dst
			    && (s.dport == 23 || s.dport == 2323) && day < DAYS)
				days[day]++;
		}
	}
	assert_true(days[13] > 3 * days[6]);
	for (unsigned i = 8; i < DAYS; i++)
		assert_true(days[i] > days[i - 1]);
}

static void burst_is_at_one_sensor(void **state)
{
	uint64_t counts[SENSORS] = {0};
	const struct simulate_event *e = find_event(&made[1], "one-sensor-burst");

	(void)state;
	assert_non_null(e);
	assert_int_equal(e->packets, 10000);
	for (unsigned i = 0; i < SENSORS; i++) {
		struct seen s;
		size_t pos = 0;
		bool bad = false;

		if (i != 1)
			assert_null(find_event(&made[i], "one-sensor-burst"));
		while (file_next(&made[i].file, &pos, &s, &bad))
			if (sound(&s) && s.proto == 17 && s.dport == 1900 && s.payload_len > 8
			    && memcmp(s.payload, "M-SEARCH", 8) == 0 && s.time_us >= e->start_us
			    && s.time_us < e->end_us)
				counts[i]++;
	}
	assert_in_range(counts[1], e->packets, e->packets + 60);
	assert_true(counts[0] + counts[2] + counts[3] < 60);
}

static void outage_is_silent(void **state)
{
	const struct made *m = &made[3];
	const struct simulate_event *e = find_event(m, "outage");
	uint64_t during = 0;
	uint64_t around = 0;
	struct seen s;
	size_t pos = 0;
	bool bad = false;

	(void)state;
	assert_non_null(e);
	assert_null(find_event(&made[0], "outage"));
	assert_true(e->end_us - e->start_us == 5 * HOUR_US);
	while (file_next(&m->file, &pos, &s, &bad)) {
		during += s.time_us >= e->start_us && s.time_us < e->end_us;
		around += s.time_us >= e->start_us - HOUR_US && s.time_us < e->end_us + HOUR_US;
	}
	assert_int_equal(during, 0);
	assert_true(around > 0);
}

/* Eight packets each; the request is in the fourth, and sequence numbers follow the bytes. */
static void dialogues_are_complete(void **state)
{
	const struct made *m = &made[0];
	const struct simulate_event *mqtt = find_event(m, "mqtt-connect");
	const struct simulate_event *http = find_event(m, "http-basic");
	uint64_t connects = 0;
	uint64_t anonymous = 0;
	uint64_t basics = 0;
	uint64_t refused = 0;
	uint64_t outbound = 0;
	struct seen s;
	size_t pos = 0;
	bool bad = false;

	(void)state;
	assert_non_null(mqtt);
	assert_non_null(http);
	while (file_next(&m->file, &pos, &s, &bad)) {
		if (!sound(&s) || s.proto != 6)
			continue;
		outbound += s.src == m->sensor.base;
		if (s.payload_len == 0)
			continue;
		if (s.dport == 1883) {
			assert_int_equal(s.payload[0], 0x10);
			assert_int_equal(s.payload[1], s.payload_len - 2);
			connects++;
			anonymous += (s.payload[9] & 0xc0) == 0;
		} else if (s.dport == 80) {
			const char *needle = "Authorization: Basic ";

			basics += memmem(s.payload, s.payload_len, needle, strlen(needle)) != NULL;
		} else if (s.sport == 80) {
			refused += memcmp(s.payload, "HTTP/1.1 401", 12) == 0;
		}
	}
	assert_int_equal(connects * 8, mqtt->packets);
	assert_int_equal(basics * 8, http->packets);
	assert_int_equal(basics, refused);
	assert_in_range(anonymous, connects / 3, connects * 2 / 3);
	assert_int_equal(outbound, m->totals.outbound);
	assert_int_equal(outbound, (connects + basics) * 3);
}

static void order_is_nearly_that_of_time(void **state)
{
	uint64_t backwards = 0;
	int64_t last = 0;
	struct seen s;
	size_t pos = 0;
	bool bad = false;

	(void)state;
	while (file_next(&made[1].file, &pos, &s, &bad)) {
		if (s.time_us < last) {
			backwards++;
			assert_true(last - s.time_us <= 5000000);
		}
		if (s.time_us > last)
			last = s.time_us;
	}
	assert_true(backwards > 50);
	assert_true(backwards < made[1].totals.packets / 50);
}

static void one_seed_one_file(void **state)
{
	struct simulate_site options = site_options(3);
	struct simulate_totals totals;
	struct simulate_event events[SIMULATE_EVENTS_MAX];
	struct file_bytes file = {0};
	size_t count;

	(void)state;
	/* The bytes of seed 1 are the same on every machine, or this number changes. */
	assert_int_equal(file_hash(&made[3].file), SITE_HASH);
	options.seed = 2;
	assert_int_equal(simulate_site(&options, file_write, &file, &totals, events, &count),
	    ST_OK);
	assert_true(file_hash(&file) != SITE_HASH);
	free(file.data);
}

static void limits(void **state)
{
	struct simulate_site good = site_options(0);
	struct simulate_site options;
	struct simulate_sensor a;
	struct simulate_totals totals;
	struct simulate_event events[SIMULATE_EVENTS_MAX];
	struct file_bytes file = {0};
	size_t count = 99;

	(void)state;
	options = good;
	options.days = 0;
	assert_int_equal(simulate_site(&options, file_write, &file, &totals, events, &count),
	    ST_USAGE);
	options = good;
	options.sensor = 4;
	assert_int_equal(simulate_site(&options, file_write, &file, &totals, events, &count),
	    ST_USAGE);
	options = good;
	options.scale_permille = 0;
	assert_int_equal(simulate_site(&options, file_write, &file, &totals, events, &count),
	    ST_USAGE);
	assert_int_equal(count, 99);
	assert_int_equal(file.len, 0);
	options = good;
	options.days = 1;
	options.sensor_count = 1;
	options.scale_permille = 1;
	assert_int_equal(simulate_site(&options, file_write, &file, &totals, events, &count),
	    ST_OK);
	assert_true(totals.packets > 0);
	free(file.data);
	/* No two of sixteen sensors share an address. */
	for (unsigned i = 0; i < SIMULATE_SENSORS_MAX; i++) {
		assert_int_equal(simulate_site_sensor(SIMULATE_SENSORS_MAX, i, &a), ST_OK);
		assert_int_equal(a.base % a.addresses, 0);
		for (unsigned j = 0; j < i; j++) {
			struct simulate_sensor b;

			assert_int_equal(simulate_site_sensor(SIMULATE_SENSORS_MAX, j, &b), ST_OK);
			assert_true(a.base + a.addresses <= b.base
			    || b.base + b.addresses <= a.base);
			assert_string_not_equal(a.name, b.name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(totals_and_checksums),
	    cmocka_unit_test(one_address_events_are_exact),
	    cmocka_unit_test(sweeps_touch_every_address),
	    cmocka_unit_test(slow_scan_is_one_an_hour),
	    cmocka_unit_test(growth_grows),
	    cmocka_unit_test(burst_is_at_one_sensor),
	    cmocka_unit_test(outage_is_silent),
	    cmocka_unit_test(dialogues_are_complete),
	    cmocka_unit_test(order_is_nearly_that_of_time),
	    cmocka_unit_test(one_seed_one_file),
	    cmocka_unit_test(limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_all, free_all);
}
