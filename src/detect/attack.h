/*
 * DoS attacks inferred from what their victims send to us by mistake: rows of flow in, one row per
 * attacked address and transport out.
 *
 * Backscatter: a victim answers packets whose source was forged to be ours.  After Moore, Voelker,
 * Savage, "Inferring Internet Denial-of-Service Activity" (2001) and CAIDA's corsaro
 * (plugins/corsaro_dos.c), with thresholds that follow the number of observed addresses: those of
 * a telescope can never be met at a small sensor.  Reflection: reflection.h.
 *
 * It never sees packets, keeps a bounded number of victims at a time, and reads no clock.  The same
 * code serves a capture and a store, so both find the same.
 */
#pragma once

#include "base/ip.h"
#include "detect/settings.h"
#include "record/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTACK_VICTIMS_MAX (1u << 18) /* followed at a time */
#define ATTACK_LIST_MAX (1u << 20)    /* found */
#define ATTACK_PORTS 4                /* attacked ports told apart per victim */
#define ATTACK_MINUTES 4              /* minutes whose rows may come mixed */
#define ATTACK_SENSORS 8              /* sensors whose addresses are told apart per victim */

#define ATTACK_TELESCOPE 65536u /* from so many addresses on corsaro's rule holds as it is */
#define ATTACK_SMALL 64u        /* up to so many no rate is estimated */

enum attack_kind {
	ATTACK_BACKSCATTER,
	ATTACK_REFLECTION,
	ATTACK_KIND_COUNT,
};

/* What a victim must have sent to count as attacked. */
struct attack_rule {
	uint64_t packets;
	uint64_t packets_asked; /* enough where what was asked is known to be answered at length */
	uint32_t destinations;  /* distinct observed addresses */
	uint64_t ppm;           /* in the busiest minute of the clock */
	uint32_t repeats;       /* packets to the same address */
	int64_t duration_us;
	int64_t gap_us;         /* silence that ends an attack */
};

/*
 * The rule for backscatter at so many observed addresses.  With the default settings, from
 * ATTACK_TELESCOPE on: 25 packets over at least 60 s, 30 of them in a minute (corsaro slides its
 * window, we have minutes of the clock).  Below: 25·√(N/65536) packets, at least 5: two or three
 * replies are what every address gets now and then.  Always at 2 addresses (1 if there is only
 * one), ended by 300 s of silence.
 */
struct attack_rule attack_rule_backscatter(const struct detect_settings *settings,
    uint64_t addresses);

enum attack_confidence { /* how large an attack must be to be seen here */
	ATTACK_CONFIDENCE_LOW,    /* 100 000 replies a second: less than one packet a minute */
	ATTACK_CONFIDENCE_MEDIUM, /* less than 30 */
	ATTACK_CONFIDENCE_HIGH,
};

struct attack_port {
	uint16_t port;
	uint64_t packets; /* at least */
};

struct attack {
	enum attack_kind kind;
	struct ip victim;
	uint8_t proto; /* of the attack */
	uint16_t port; /* with the most packets; 0 when the transport has none */
	bool many_ports; /* more than ATTACK_PORTS */
	struct attack_port ports[ATTACK_PORTS]; /* most packets first; ends with packets 0 */
	int64_t start_us;
	int64_t end_us; /* second of the last packet */
	uint64_t packets;
	uint64_t max_ppm;
	uint32_t destinations; /* distinct observed addresses, at least; exact up to 64 of a sensor */
	bool repeated; /* reflection: the same addresses again and again */
	const char *vector; /* reflection: what was asked (reflection.h), NULL: not known */
};

/* Rows of flow, or sums of them that have the same minute. */
struct attack_sample {
	enum attack_kind kind;
	struct ip victim;
	uint8_t proto;
	uint16_t port;
	uint16_t sensor;
	int64_t minute_us;
	uint8_t first_second;
	uint8_t last_second;
	uint64_t packets;
	uint64_t dsts;     /* distinct observed addresses, 0 = not counted */
	uint64_t dst_bits; /* of those with an index below 64 */
	bool has_bits;     /* dst_bits has all of them */
	uint32_t first_dst; /* index + 1 of the first of them, for rows without bits; 0: unknown */
};

/* What the row says about an attack; false: nothing. */
bool attack_sample_of(const struct record_flow *flow, struct attack_sample *ret_sample);

/* The same from a row's class, protocols and port, before more of it is read. */
bool attack_is_sample(uint8_t class, uint8_t proto, uint8_t attack_proto, uint16_t port);

struct attacks;

/* settings: NULL are the defaults.  addresses: observed, as far as is known.  -ENOMEM. */
ST_MUST_CHECK int attacks_new(const struct detect_settings *settings, uint64_t addresses,
    struct attacks **ret_attacks);
void attacks_free(struct attacks *attacks);

/* The number of observed addresses has grown to this. */
void attacks_observe(struct attacks *attacks, uint64_t addresses);

/* Rows of about the same time; minutes may be mixed a little.  -ENOMEM. */
ST_MUST_CHECK int attacks_add(struct attacks *attacks, const struct attack_sample *sample);

/* Victims are too many for the cache: of several samples that are at hand, the index can be asked
 * for first, then the victims, so that they come together.  Both change nothing. */
void attacks_prefetch_index(const struct attacks *attacks, const struct attack_sample *sample);
void attacks_prefetch_victim(const struct attacks *attacks, const struct attack_sample *sample);

/*
 * What was heard of a source's requests to a service that reflects: `vector` as reflection_vector
 * gives it (static).  May come before or after the rows, in any order; the first one stays.
 */
ST_MUST_CHECK int attacks_heard(struct attacks *attacks, struct ip source, uint16_t port,
    const char *vector);

/* Ends all; then the list is complete: most packets first.  -ENOMEM. */
ST_MUST_CHECK int attacks_finish(struct attacks *attacks);

const struct attack *attacks_list(const struct attacks *attacks, size_t *ret_count);

/* Packets of victims that could not be followed, and attacks that the list had no room for. */
uint64_t attacks_untracked(const struct attacks *attacks);
uint64_t attacks_unlisted(const struct attacks *attacks);

/*
 * The victim's own rate of replies, packets per second, if sources were forged uniformly over all
 * IPv4 addresses, each packet got one reply and none was lost.  0: not to be said (IPv6,
 * reflection, ATTACK_SMALL addresses or fewer).
 */
double attack_rate(const struct attack *attack, uint64_t addresses);

enum attack_confidence attack_confidence(uint64_t addresses);
const char *attack_confidence_name(enum attack_confidence confidence);
const char *attack_kind_name(enum attack_kind kind);

/* Takes attacks out of the finished list: those for which `drop` says so. */
void attacks_drop(struct attacks *attacks, bool (*drop)(void *arg, const struct attack *attack),
    void *arg);
