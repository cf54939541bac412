/*
 * Rises and falls of a store: series of ports, countries, tools, signatures and logins up to a
 * period's end, judged by detect/rise.h, told in sentences.
 *
 * Access only, by those who ask: packets of victims (forged sources), reflectors and misconfigured
 * sources are taken out first, as far as the store's roles say so.  A country or a tool whose
 * change is that of a port that is listed already is told there and not listed again (explained).
 * Addresses of sources never leave this file.
 */
#pragma once

#include "detect/rise.h"
#include "report/document.h"
#include "report/period.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RISES_PARTS 5    /* countries, overlapping ports, that are told per rise */
#define RISES_SENTENCES 16
#define RISES_SCARCE 0.005 /* prints as 0.00: no multiple of it says anything */
#define RISES_HISTORY_DAYS 56 /* looked at before the period */

enum rises_kind {
	RISES_PORT,      /* key "8728/tcp" */
	RISES_COUNTRY,   /* key "JP" */
	RISES_TOOL,      /* key "mirai", "zmap", "masscan", "synful" */
	RISES_SIGNATURE, /* key "1:2017918" (gid:sid), name = its message */
	RISES_LOGIN,     /* key "telnet" (protocol) */
	RISES_KIND_COUNT,
};

/* "port", "country", "tool", "signature", "login" */
const char *rises_kind_name(enum rises_kind kind);
ST_MUST_CHECK int rises_kind_find(const char *name, enum rises_kind *ret_kind);

/* Of a burst of logins: how it was tried, by distinct users ÷ distinct passwords. */
enum rises_guess {
	RISES_GUESS_NONE,
	RISES_GUESS_BRUTE,      /* 総当たり: few users, generated passwords */
	RISES_GUESS_DICTIONARY, /* 辞書: few users, many known passwords */
	RISES_GUESS_LIST,       /* リスト型: each user with a password of its own */
	RISES_GUESS_SPRAY,      /* リバースブルートフォース: many users, few passwords */
};

struct rises_part {
	char name[32]; /* "CN", "22/tcp" */
	uint32_t key;  /* of ports: proto << 16 | port */
	double share;  /* 0 … 1: of the increase, or of the sources */
};

struct rise {
	enum rises_kind kind;
	char key[48];
	char *name;          /* of a signature: its message; else NULL */
	uint32_t port_key;   /* of ports: proto << 16 | port */
	enum rise_direction direction;
	enum rise_state state;
	int64_t start_us;    /* UTC; to the quarter of an hour for ports, else a site day */
	int64_t end_us;      /* end so far while it is going on */
	int32_t first_day;   /* site days, both included */
	int32_t last_day;
	bool going_on;
	bool slow;
	bool novel;
	bool short_history;  /* fewer than 7 days to compare with */
	unsigned baseline_days;
	double observed;     /* 件/日・IPアドレス, mean of the rise's days within its span */
	double expected;
	double ratio;        /* observed ÷ expected; INFINITY when nothing was expected */
	double sources;      /* mean per day; NAN unknown */
	double sources_expected;
	double log10_p;

	enum rise_locality locality;
	unsigned sensors;    /* n */
	unsigned risen;      /* k */
	char top_sensor[64];
	double top_share;
	double effective;
	double without_top;

	/* The earlier rise of the same key, when state is recurred: else 0. */
	int64_t earlier_start_us;
	int64_t earlier_end_us;
	int32_t earlier_first_day;
	int32_t earlier_last_day;

	/* Evidence, of the rise's sources; counts are 0 and shares NAN when not known. */
	uint64_t source_count;       /* distinct, over all of it */
	double mirai_share;          /* of its packets: 0 … 1 */
	double asn_share;            /* of its sources, in the three largest AS */
	struct rises_part countries[RISES_PARTS];
	size_t country_count;
	struct rises_part overlaps[RISES_PARTS]; /* other ports of the same sources, most first */
	size_t overlap_count;
	uint64_t victims;            /* of its sources, those whose address was probably forged */
	enum rises_guess guess;      /* logins */
	uint64_t users;
	uint64_t passwords;

	char explained_by[48]; /* "1900/udp": not listed by default; "" = stands for itself */
};

struct rises {
	struct rise *items; /* most telling first: global before single-sensor, then by ratio */
	size_t count;
	size_t explained;   /* that were left out because a port says it already */
	unsigned history_days; /* observed before the period */
};

struct rises_options {
	struct report_period period;
	unsigned kinds;         /* bit set of 1 << enum rises_kind; 0 = all */
	bool all;               /* explained ones too */
	bool evidence;          /* countries, overlaps, AS: asks flow, only of what was found */
	bool evidence_all;      /* of what is explained as well */
	const struct rise_rule *rule; /* NULL = defaults */
};

/* Rises and falls that overlap the period.  The caller calls rises_fini in any case. */
ST_MUST_CHECK int rises_find(struct store *store, const struct rises_options *options,
    struct rises *ret_rises, struct err *err);
/* The same of several periods at once, which read what they share of the store only once:
 * options[count] → ret_rises[count]. */
ST_MUST_CHECK int rises_find_all(struct store *store, const struct rises_options *options,
    size_t count, struct rises *ret_rises, struct err *err);
void rises_fini(struct rises *rises);

/*
 * The sentences for people, of both languages (data/messages, rise.*), made into the document's
 * memory and facts: what rose and how much, locality, states, overlap.  Facts are named
 * rise.KIND.KEY.START.  At most RISES_SENTENCES; returns their number.  The first is the headline,
 * the second the locality.
 */
size_t rises_sentences(const struct rise *rise, struct report_document *document,
    struct report_sentence *ret_sentences);
