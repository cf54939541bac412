/*
 * Rows in memory as a DuckDB table: `SELECT * FROM feed()` gives the rows of the struct feed that
 * the engine points at.  One loop over the record descriptors serves every table.
 */
#pragma once

#include "record/record.h"
#include "store/engine.h"

struct feed {
	const struct record_table *table;
	const void *rows; /* array of the table's C structs */
	size_t count;
	size_t position;
};

/* Makes feed() known to the engine's connection. */
ST_MUST_CHECK int feed_register(struct engine *engine, struct err *err);
