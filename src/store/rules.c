/*
 * Which rule set a sensor matched with, and when: what tells "no alert" from "no rules".
 *
 * Rows live in the catalogue.  One rule set of one sensor over time is one row as long as its
 * times touch.
 */
#include "store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Times of one rule set that are nearer than this are one time. */
#define RULES_TOUCH_US (15 * 60 * 1000000ll)
#define RULES_MAX 10000

int store_rules_put(struct store *store, const struct store_rules *rules, struct err *err)
{
	struct catalogue *cat = &store->cat;
	int64_t from = rules->from;
	int64_t to = rules->to;
	sqlite3_stmt *stmt = NULL;
	int ret = catalogue_begin(cat, err);

	if (ret)
		return ret;
	ret = catalogue_prepare(cat, &stmt, err,
	    "SELECT min(time_from), max(time_to) FROM rules WHERE sensor = ? AND digest = ? "
	    "AND time_from <= ? AND time_to >= ?", "isii", (int64_t)rules->sensor, rules->digest,
	    to + RULES_TOUCH_US, from - RULES_TOUCH_US);
	if (!ret && (ret = catalogue_step(cat, stmt, err)) == 1) {
		ret = ST_OK;
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
			int64_t low = sqlite3_column_int64(stmt, 0);
			int64_t high = sqlite3_column_int64(stmt, 1);

			from = low < from ? low : from;
			to = high > to ? high : to;
		}
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (!ret)
		ret = catalogue_run(cat, err, "DELETE FROM rules WHERE sensor = ? AND digest = ? "
		    "AND time_from >= ? AND time_to <= ?", "isii", (int64_t)rules->sensor,
		    rules->digest, from, to);
	if (!ret)
		ret = catalogue_run(cat, err, "INSERT INTO rules VALUES (?, ?, ?, ?, ?, ?)",
		    "isiiii", (int64_t)rules->sensor, rules->digest, from, to,
		    (int64_t)rules->rules, (int64_t)rules->updated);
	return catalogue_end(cat, ret, err);
}

static void take(sqlite3_stmt *stmt, struct store_rules *ret_rules)
{
	*ret_rules = (struct store_rules){
		.sensor = (uint16_t)sqlite3_column_int(stmt, 0),
		.from = sqlite3_column_int64(stmt, 2),
		.to = sqlite3_column_int64(stmt, 3),
		.rules = (uint32_t)sqlite3_column_int64(stmt, 4),
		.updated = (int32_t)sqlite3_column_int64(stmt, 5),
	};
	(void)snprintf(ret_rules->digest, sizeof(ret_rules->digest), "%s", catalogue_text(stmt, 1));
}

int store_rules_list(struct store *store, int64_t from, int64_t to,
    struct store_rules **ret_rules, size_t *ret_count, struct err *err)
{
	struct store_rules *rules = NULL;
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int64_t there = 0;
	int ret = catalogue_int(&store->cat, &there, err,
	    "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'rules'", "");

	if (ret)
		return ret;
	rules = calloc(RULES_MAX, sizeof(*rules));
	if (!rules)
		return err_set(err, -ENOMEM, "out of memory");
	/* A store that nobody has written since knows of no rules. */
	if (there)
		ret = catalogue_prepare(&store->cat, &stmt, err,
		    "SELECT sensor, digest, time_from, time_to, rules, updated FROM rules "
		    "WHERE time_from < ? AND time_to >= ? ORDER BY sensor, time_from, digest", "ii",
		    to, from);
	while (there && !ret && (ret = catalogue_step(&store->cat, stmt, err)) == 1) {
		ret = ST_OK;
		if (count == RULES_MAX)
			break;
		take(stmt, &rules[count++]);
	}
	(void)sqlite3_finalize(stmt); /* its code is the step's */
	if (ret) {
		free(rules);
		return ret;
	}
	*ret_rules = rules;
	*ret_count = count;
	return ST_OK;
}
