/*
 * What a question about a store looks through: the store, a period, the sensors that observed in
 * it and what one packet of each is worth.
 *
 * Subcommands that ask the store share its options (-s, --last, --from, --to, --period, --basis)
 * and its arithmetic, which is report/rate.h's: the numbers of `top` are the report's numbers.
 */
#pragma once

#include "cmd/command.h"
#include "report/period.h"
#include "report/rate.h"
#include "store/store.h"

/* Put first in a subcommand's option names, so that their index is enum window_option. */
#define WINDOW_OPTIONS "-s=", "--last=", "--from=", "--to=", "--period=", "--basis="

/* For the help text. */
#define WINDOW_HELP                                                                            \
	"  -s STORE        directory of the store (default: store.path)\n"                     \
	"  --last 7d       the last days of the store: 7d, 4w (7d is the default); a newest\n" \
	"                  day of less than an hour is left out\n"                             \
	"  --from --to     site days, both included: --from 2026-10-01 --to 2026-10-07\n"      \
	"  --period P      2026-10, 2026-W41, 2026-10-05, 2026Q3, 2026, R8.10,\n"              \
	"                  2026-10-01..2026-10-07\n"

enum window_option {
	WINDOW_STORE,
	WINDOW_LAST,
	WINDOW_FROM,
	WINDOW_TO,
	WINDOW_PERIOD,
	WINDOW_BASIS,
	WINDOW_OPTION_COUNT,
};

struct window_options {
	const char *store;
	const char *last;
	const char *from;
	const char *to;
	const char *period;
	enum report_basis basis;
	bool basis_given;
	const char *write_path; /* a folder that must stay writable, or NULL */
	const char *read_path;  /* a file that must stay readable, or NULL */
};

/* Takes one option; false after it has printed what is wrong. */
bool window_option(
    const struct command *self, struct window_options *options, int option, const char *value);

/* Takes all arguments of a command that has no options of its own and names nothing.  COMMAND_OK, or
 * COMMAND_USAGE with its error said. */
int window_options_only(const struct command *self, struct command_common *common,
    struct window_options *options, int argc, char **argv);

struct window_sensor {
	uint16_t id;
	char name[64];
	char country[3];
	char kind[16];
	struct report_span *spans; /* sorted, both periods */
	size_t span_count;
	size_t span_cap;
	struct report_observed now;
	struct report_observed before;
};

struct window {
	struct store *store;
	struct report_period now;
	struct report_period before;
	int64_t from_us; /* begin of `before`, of `now`, and the end */
	int64_t now_us;
	int64_t to_us;
	enum report_basis basis;
	struct window_sensor *sensors;
	size_t sensor_count;
	bool *panel;
	struct report_weight *weights; /* of the basis */
	size_t sensors_now;
	size_t panel_count;
	double addresses;  /* mean number observed at a time, now */
	double coverage;   /* 0 to 1: observed ÷ nominal time of the sensors of now */
	struct buf target; /* SQL for proto × 65536 + port, ICMP as configured */
};

/*
 * Opens the store for reading, in the sandbox, without choosing a period.  Returns COMMAND_OK, or
 * the exit status after it has printed what is wrong.  The caller calls window_close always.
 */
int window_open_store(
    const struct command *self, const struct window_options *options, struct window *w);

/* The same with a period, its sensors and their weights.  COMMAND_NOT_FOUND: nothing observed. */
int window_open(const struct command *self, const struct window_options *options, struct window *w);
/* After "nothing was observed": the days that could have been asked for. */
void window_say_held(const struct command *self, struct store *store);

void window_close(struct window *w);

/*
 * Asks cmd_NAME.  Parameters named from, now, to (moments), from_day, now_day, to_day (dates) and
 * target are filled in from the window; others come as they are.
 */
ST_MUST_CHECK int window_ask(struct window *w, const char *question,
    const struct store_param *params, size_t count, struct store_result **ret_result,
    struct err *err);

/* Index of the sensor with that number, or SIZE_MAX. */
size_t window_sensor_find(const struct window *w, uint16_t id);

/* Observed time of a sensor in one site day. */
struct report_observed window_observed_day(const struct window *w, size_t sensor, int32_t day);

/* Appends the line that says period, coverage, addresses and basis. */
void window_describe(const struct window *w, const struct publish_style *style, struct buf *b);

/* "packets/day/address" in the style's language: heading of a rate column. */
const char *window_rate_heading(enum report_basis basis, enum publish_language language);
const char *window_basis_name(enum report_basis basis);

/* Parses "23/tcp", "53/udp", "8/icmp", "23" (tcp) into proto × 65536 + port; false if it is none.
 */
bool window_port_parse(const char *text, uint32_t *ret_key);

/* "23/tcp" for programs. */
void window_port_text(uint32_t key, char text[24]);
