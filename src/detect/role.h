/*
 * Roles: what a source is, judged once per source and span (a capture, a site day) from what is
 * known about it, always with its reason.
 *
 * The first that fits, in the order of enum role: who only seems to ask because an attacker forged
 * its address, or only answers, must never count among those who ask.
 */
#pragma once

#include "detect/attack.h"
#include "detect/carpet.h"
#include "tally/tally.h"

#define ROLE_REASON_MAX 160

/* Of attacks and roles together.  Another number has the stored judgements made again: raise it
 * with every change of what is judged. */
#define ROLE_DETECTOR 1

enum role {
	ROLE_VICTIM_REFLECTION,
	ROLE_VICTIM_BACKSCATTER,
	ROLE_REFLECTOR,
	ROLE_INFECTED,
	ROLE_RESEARCH,
	ROLE_ACTOR,
	ROLE_SCANNER,
	ROLE_MISCONFIGURED,
	ROLE_UNKNOWN,
	ROLE_COUNT,
};

/* "victim-reflection" … "unknown". */
const char *role_name(enum role role);

/* The role of that name; ROLE_COUNT: none. */
enum role role_find(const char *name, size_t len);

/* May it count as somebody who asks (report.ranking_roles: attackers)?  Victims, reflectors and
 * those who are mistaken may not. */
bool role_is_attacker(enum role role);

/* Is its access counted apart (table role_day), for rankings without it? */
bool role_is_apart(enum role role);

struct role_evidence {
	uint64_t access;      /* request packets */
	uint64_t replies;     /* backscatter packets other than the next */
	uint64_t responses;   /* of services that reflect */
	uint64_t spoken;      /* packets with data in conversations that were answered */
	uint64_t other;
	uint32_t ports;       /* distinct, of access */
	bool several_addresses; /* observed addresses asked */
	unsigned hours;       /* in which it asked; 0: not known */
	const struct attack *reflection;  /* of which it is the victim */
	const struct attack *backscatter; /* likewise */
	const char *tool;     /* judged; NULL: none */
	const char *research; /* who is known for this address; NULL: nobody */
	uint32_t carpet;      /* networks that sent SYN-ACKs at the same time (carpet.h) */
	uint64_t observed;    /* observed addresses */
	const struct detect_settings *settings; /* NULL: the defaults */
};

/* ret_reason: ROLE_REASON_MAX bytes, or NULL. */
enum role role_judge(const struct role_evidence *evidence, char *ret_reason);

/* ---- victims by address --------------------------------------------------------------------- */

/* The attacks of a finished list (which must outlive it) by victim. */
#define ROLE_VICTIMS_BITS 16384u

struct role_victims {
	const struct attack **list; /* by address, kind, packets */
	size_t count;
	uint64_t maybe[ROLE_VICTIMS_BITS / 64]; /* a bit by hash: hardly any source is a victim */
};

ST_MUST_CHECK int role_victims_init(struct role_victims *victims, const struct attacks *attacks);
void role_victims_fini(struct role_victims *victims);

/* Puts the largest attack of each kind on the address into the evidence. */
void role_victims_find(const struct role_victims *victims, struct ip ip,
    struct role_evidence *evidence);

/* ---- what sources do besides asking --------------------------------------------------------- */

#define ROLE_TALKS_MAX (1u << 22)

struct role_talk {
	struct ip ip;
	uint64_t replies;
	uint64_t responses;
	uint64_t spoken;
	uint64_t other;
	uint64_t carpet; /* the smallest carpet_key of its rows, 0: none */
};

/* Counts a row that is not access. */
void role_talk_count(struct role_talk *talk, const struct record_flow *flow);

/* Sources of rows that are not access. */
struct role_talks;

ST_MUST_CHECK int role_talks_new(struct role_talks **ret_talks);
void role_talks_free(struct role_talks *talks);

/* Rows of access are passed over.  -ENOMEM. */
ST_MUST_CHECK int role_talks_add(struct role_talks *talks, const struct record_flow *flow);

/* As with attacks_prefetch_index and attacks_prefetch_victim. */
void role_talks_prefetch_index(const struct role_talks *talks, struct ip ip);
void role_talks_prefetch_talk(const struct role_talks *talks, struct ip ip);
const struct role_talk *role_talks_find(const struct role_talks *talks, struct ip ip);

/* All of them, in no order. */
const struct role_talk *role_talks_list(const struct role_talks *talks, size_t *ret_count);

/* Packets of sources there was no room for: their roles are unknown. */
uint64_t role_talks_untracked(const struct role_talks *talks);

/* ---- research ------------------------------------------------------------------------------- */

/*
 * Who is known to scan for research from an address: networks with the dates they are valid for,
 * from text in the format of data/research.tsv.
 */
struct research;

/* text NULL: the built-in file.  An error names the line. */
ST_MUST_CHECK int research_new(const char *text, struct research **ret_research, struct err *err);

/* More networks; the later one wins where networks of the same day overlap.  On an error nothing
 * of the text is kept. */
ST_MUST_CHECK int research_add(struct research *research, const char *text, struct err *err);
void research_free(struct research *research);

/* The organisation, valid as long as research; NULL: nobody. */
const char *research_find(const struct research *research, struct ip ip, int32_t day);
