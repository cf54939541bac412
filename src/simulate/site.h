/*
 * The inside of a simulated site: one sensor's day that is being filled, and who fills it.
 *
 * Generators append packets of one day in any order; the day is then sorted and written.  Every
 * generator draws from its own stream (seed, sensor, day, generator), so one more event changes
 * no other packet.
 */
#pragma once

#include "simulate/mix.h"
#include "simulate/packet.h"

#define SITE_SECOND 1000000ll
#define SITE_MINUTE (60 * SITE_SECOND)
#define SITE_HOUR (60 * SITE_MINUTE)
#define SITE_DAY (24 * SITE_HOUR)

enum site_event {
	SITE_BACKGROUND,
#define EVENT(id, kind, ports, note) SITE_##id,
#include "simulate/events.def"
#undef EVENT
	SITE_EVENT_COUNT,
};

struct site {
	struct simulate_site options;
	struct simulate_sensor sensor;
	struct mix mix;
	struct pick sources; /* ranks within a pool */
	struct packet *packets;
	size_t count;
	size_t cap;
	bool failed; /* out of memory */
	unsigned day;
	int64_t day_start;
	int64_t outage_start; /* this sensor's; 0 = none */
	int64_t outage_end;
	uint64_t event_packets[SITE_EVENT_COUNT];
};

/* Appends a packet unless the sensor is out; the packet's event is counted when it is written. */
void site_add(struct site *site, const struct packet *packet);

/* The stream of one generator for the current day. */
struct rng site_rng(const struct site *site, enum site_event generator);

/* Key of a thing that is the same at all sensors: a source, a victim. */
uint64_t site_key(const struct site *site, enum site_event generator, uint64_t index);

/* One of the sensor's addresses. */
uint32_t site_address(const struct site *site, uint64_t noise);

/* `count` at full scale → at this scale, rounded up so that nothing planted vanishes. */
uint64_t site_scaled(const struct site *site, uint64_t count);

/* When an event is planned: in fourteenths of the span, so that longer spans keep the order. */
void site_event_window(const struct site *site, enum site_event event, int64_t *ret_start,
    int64_t *ret_end);
uint32_t site_event_source(const struct site *site, enum site_event event);
uint32_t site_event_victim(const struct site *site, enum site_event event);

/* Whether this sensor takes part in the event. */
bool site_event_here(const struct site *site, enum site_event event);

/* Generators: each adds what falls into the current day. */
void site_background(struct site *site);
void site_events(struct site *site);

/* One small complete TCP conversation with a host of ours that answers and is captured. */
struct site_dialogue {
	int64_t time_us;
	uint32_t client;
	uint32_t server;
	uint16_t port;
	uint16_t event;
	uint8_t request; /* enum payload_kind */
	uint8_t reply;
	uint64_t request_key;
	uint64_t reply_key;
};
void site_add_dialogue(struct site *site, const struct site_dialogue *dialogue, struct rng *rng);
