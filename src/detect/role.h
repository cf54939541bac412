/*
 * Roles: what a source is, judged once per source and span (a capture, a site day) from what is
 * known about it, always with its reason.
 *
 * The first that fits, in the order of enum role: who only seems to ask because an attacker forged
 * its address, or only answers, must never count among those who ask.
 */
#pragma once

#include "detect/attack.h"
#include "tally/tally.h"

#define ROLE_REASON_MAX 160
#define ROLE_MISCONFIGURED_PACKETS 10 /* to one port of one address, of several observed */

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

/* May it count as somebody who asks (report.ranking_roles: attackers)? */
bool role_is_attacker(enum role role);

struct role_evidence {
	uint64_t access;      /* request packets */
	uint64_t replies;     /* backscatter packets other than the next */
	uint64_t responses;   /* of services that reflect */
	uint64_t spoken;      /* packets with data in conversations that were answered */
	uint64_t other;
	uint32_t ports;       /* distinct, of access */
	bool several_addresses; /* observed addresses asked */
	const struct attack *reflection;  /* of which it is the victim */
	const struct attack *backscatter; /* likewise */
	const char *tool;     /* judged; NULL: none */
	const char *research; /* who is known for this address; NULL: nobody */
	uint64_t observed;    /* observed addresses */
};

/* ret_reason: ROLE_REASON_MAX bytes, or NULL. */
enum role role_judge(const struct role_evidence *evidence, char *ret_reason);

/* ---- what sources do besides asking --------------------------------------------------------- */

#define ROLE_TALKS_MAX (1u << 22)

struct role_talk {
	struct ip ip;
	uint64_t replies;
	uint64_t responses;
	uint64_t spoken;
	uint64_t other;
};

/* Sources of rows that are not access. */
struct role_talks;

ST_MUST_CHECK int role_talks_new(struct role_talks **ret_talks);
void role_talks_free(struct role_talks *talks);

/* Rows of access are passed over.  -ENOMEM. */
ST_MUST_CHECK int role_talks_add(struct role_talks *talks, const struct record_flow *flow);
const struct role_talk *role_talks_find(const struct role_talks *talks, struct ip ip);

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
void research_free(struct research *research);

/* The organisation, valid as long as research; NULL: nobody. */
const char *research_find(const struct research *research, struct ip ip, int32_t day);
