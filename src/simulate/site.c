/*
 * The site: its sensors, the day that is filled, sorted and written, and the manifest.
 */
#include "simulate/site.h"

#include "base/ip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define POOL_RANKS 4096
#define PACKETS_INITIAL 8192
/* One neighbouring pair in 50 is exchanged, when the two are close in time, as capture rings do. */
#define DISORDER_ONE_IN 50
#define DISORDER_US (2 * SITE_SECOND)
#define DISORDER_STREAM 0x0dd0

struct event_text {
	const char *kind;
	const char *ports;
	const char *note;
};

static const struct event_text event_texts[SITE_EVENT_COUNT] = {
#define EVENT(id, kind_, ports_, note_) \
	[SITE_##id] = {.kind = kind_, .ports = ports_, .note = note_},
#include "simulate/events.def"
#undef EVENT
};

_Static_assert(SITE_EVENT_COUNT <= SIMULATE_EVENTS_MAX, "raise SIMULATE_EVENTS_MAX");

struct sensor_row {
	const char *country;
	uint8_t addresses;
	bool answers;
	bool v6;
};

/*
 * Two at home and two abroad, then the pattern repeats.  IPv6 is at the largest only: its one
 * address hardly hears anything and would halve the rate of a sensor with one IPv4 address.
 */
static const struct sensor_row sensor_rows[4] = {
    {.country = "JP", .addresses = 4, .answers = true},
    {.country = "JP", .addresses = 8},
    {.country = "US", .addresses = 16, .answers = true, .v6 = true},
    {.country = "DE", .addresses = 1},
};

/* The three documentation networks, /24 each (RFC 5737). */
static const uint32_t sensor_nets[4] = {0xc0000200, 0xc6336400, 0xcb007100, 0xc0000200};

int simulate_site_sensor(unsigned sensor_count, unsigned sensor,
    struct simulate_sensor *ret_sensor)
{
	const struct sensor_row *row = &sensor_rows[sensor % 4];
	struct simulate_sensor s = {.addresses = row->addresses, .answers = row->answers};
	char text[IP_TEXT_MAX];
	unsigned plen = 32;

	if (sensor_count == 0 || sensor_count > SIMULATE_SENSORS_MAX || sensor >= sensor_count)
		return ST_USAGE;
	while ((1u << (32 - plen)) < s.addresses)
		plen--;
	/* Sixteen addresses apart, so that no two sensors share any. */
	s.base = sensor_nets[sensor % 4] + 16 + 32 * (sensor / 4) + (sensor % 4 == 3 ? 128 : 0);
	(void)snprintf(s.country, sizeof s.country, "%s", row->country);
	(void)snprintf(s.name, sizeof s.name, "sim-%c%c-%u", row->country[0] | 0x20,
	    row->country[1] | 0x20, sensor + 1);
	(void)snprintf(s.net, sizeof s.net, "%s/%u", ip_format(ip_from_v4(s.base), text), plen);
	if (row->v6) {
		struct ip base = {.hi = 0x20010db800000000ull | (sensor + 1), .lo = 0};

		s.base6_hi = base.hi;
		(void)snprintf(s.net6, sizeof s.net6, "%s/64", ip_format(base, text));
	}
	*ret_sensor = s;
	return ST_OK;
}

struct rng site_rng(const struct site *site, enum site_event generator)
{
	return rng_new(site->options.seed, (uint64_t)(site->options.sensor + 1) << 40
	    | (uint64_t)site->day << 16 | (uint64_t)generator);
}

uint64_t site_key(const struct site *site, enum site_event generator, uint64_t index)
{
	return rng_mix2(site->options.seed, (uint64_t)generator << 48 | index);
}

uint32_t site_address(const struct site *site, uint64_t noise)
{
	return site->sensor.base + rng_scale(noise, site->sensor.addresses);
}

uint64_t site_scaled(const struct site *site, uint64_t count)
{
	return (count * site->options.scale_permille + SIMULATE_SCALE_FULL - 1)
	    / SIMULATE_SCALE_FULL;
}

void site_add(struct site *site, const struct packet *packet)
{
	if (packet->time_us >= site->outage_start && packet->time_us < site->outage_end)
		return;
	if (site->count == site->cap) {
		size_t cap = site->cap ? site->cap * 2 : PACKETS_INITIAL;
		struct packet *packets = realloc(site->packets, cap * sizeof *packets);

		if (!packets) {
			site->failed = true;
			return;
		}
		site->packets = packets;
		site->cap = cap;
	}
	site->packets[site->count] = *packet;
	site->packets[site->count].order = (uint32_t)site->count;
	site->count++;
}

/* A total order, so that every C library sorts alike. */
static int site_compare(const void *a, const void *b)
{
	const struct packet *x = a;
	const struct packet *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void site_disorder(struct site *site)
{
	struct rng rng = site_rng(site, (enum site_event)DISORDER_STREAM);

	for (size_t i = 0; i + 1 < site->count; i++) {
		struct packet first = site->packets[i];

		if (rng_below(&rng, DISORDER_ONE_IN) != 0
		    || site->packets[i + 1].time_us - first.time_us > DISORDER_US)
			continue;
		site->packets[i] = site->packets[i + 1];
		site->packets[i + 1] = first;
		i++;
	}
}

static int site_write_day(struct site *site, struct packet_writer *writer)
{
	int rc = site->failed ? -ENOMEM : ST_OK;

	qsort(site->packets, site->count, sizeof *site->packets, site_compare);
	site_disorder(site);
	for (size_t i = 0; !rc && i < site->count; i++) {
		site->event_packets[site->packets[i].event]++;
		rc = packet_writer_put(writer, &site->packets[i]);
	}
	site->count = 0;
	return rc;
}

static size_t site_manifest(const struct site *site, struct simulate_event *events)
{
	size_t count = 0;

	for (unsigned e = SITE_BACKGROUND + 1; e < SITE_EVENT_COUNT; e++) {
		enum site_event event = (enum site_event)e;

		if (!site_event_here(site, event))
			continue;
		events[count] = (struct simulate_event){
		    .kind = event_texts[e].kind,
		    .note = event_texts[e].note,
		    .ports = event_texts[e].ports,
		    .packets = site->event_packets[e],
		    .source = site_event_source(site, event),
		    .victim = site_event_victim(site, event),
		};
		site_event_window(site, event, &events[count].start_us, &events[count].end_us);
		count++;
	}
	return count;
}

static int site_prepare(struct site *site)
{
	const struct simulate_site *o = &site->options;
	int rc;

	if (o->days == 0 || o->days > SIMULATE_DAYS_MAX || o->scale_permille == 0
	    || o->scale_permille > SIMULATE_SCALE_MAX || o->start_us < 0)
		return ST_USAGE;
	rc = simulate_site_sensor(o->sensor_count, o->sensor, &site->sensor);
	if (!rc)
		rc = mix_init(&site->mix);
	if (!rc)
		rc = pick_new_zipf(POOL_RANKS, 0, &site->sources);
	if (!rc && site_event_here(site, SITE_OUTAGE))
		site_event_window(site, SITE_OUTAGE, &site->outage_start, &site->outage_end);
	return rc;
}

int simulate_site(const struct simulate_site *options, simulate_write_fn write, void *arg,
    struct simulate_totals *ret_totals, struct simulate_event *ret_events,
    size_t *ret_event_count)
{
	struct site site = {.options = *options};
	struct packet_writer writer = {0};
	int rc = site_prepare(&site);

	if (!rc)
		rc = packet_writer_init(&writer, write, arg);
	for (unsigned day = 0; !rc && day < options->days; day++) {
		site.day = day;
		site.day_start = options->start_us + day * SITE_DAY;
		site_background(&site);
		site_events(&site);
		rc = site_write_day(&site, &writer);
	}
	if (!rc)
		rc = packet_writer_flush(&writer);
	if (!rc) {
		*ret_totals = writer.totals;
		*ret_event_count = site_manifest(&site, ret_events);
	}
	packet_writer_fini(&writer);
	mix_fini(&site.mix);
	pick_fini(&site.sources);
	free(site.packets);
	return rc;
}
