/*
 * An alert as a row of the store: whose it is, where they are, and nothing of the observed address.
 *
 * The source of a row is the visitor, also when the rule matched what was said to them.
 */
#pragma once

#include "detect/signatures.h"
#include "geo/geo.h"
#include "record/record.h"
#include "tally/destinations.h"

#define ALERT_TEXT_MAX 2048 /* of a message or class in a row; longer ones are cut */

struct alert_row_of {
	uint16_t sensor;
	struct destinations *destinations; /* the observed addresses; indices are handed out here */
	const struct geo *geo;             /* may be NULL */
};

/* The texts that the row points to. */
struct alert_row_texts {
	char class[ALERT_TEXT_MAX];
	char msg[ALERT_TEXT_MAX];
};

/* False: neither end is observed, there is no row. */
bool alert_row(const struct alert_row_of *of, const struct signatures_alert *alert,
    struct alert_row_texts *texts, struct record_alert *ret_row);
