/*
 * Signatures inside a worker: rules as the supervisor passed them, what they match becomes rows of
 * alert on their way to the store.
 *
 * Everything that needs memory in bulk or could fail is done before the worker confines itself.
 * Without rules there is no inspector and it costs nothing.
 */
#pragma once

#include "base/buf.h"
#include "config/config.h"
#include "daemon/outbox.h"
#include "detect/alert_row.h"
#include "respond/said.h"

#define INSPECTOR_TELL_US 300000000ll      /* how often the store hears which rules are at work */
#define INSPECTOR_ALERTS_PER_SECOND 10000u /* what is beyond is counted and not kept */

struct inspector_options {
	const char *program; /* for messages */
	int fd;              /* of the rules */
	bool says;           /* what is wrong with rules; one worker of several does */
	const struct config *config;
	struct alert_row_of rows;
	struct outbox *outbox;
};

struct inspector;

/* Reads and compiles.  Rules that cannot be used are no error; *ret_inspector is NULL when none can. */
ST_MUST_CHECK int inspector_new(const struct inspector_options *options,
    struct inspector **ret_inspector, struct err *err);
void inspector_free(struct inspector *inspector);

/* As engine_options.said; with a struct inspector. */
void inspector_said(void *inspector, const struct said *said);

/* Packets as decode_batch made them. */
void inspector_packets(struct inspector *inspector, const struct decode_packet *packets,
    size_t count);

/* What is held back is matched: the end of the worker. */
void inspector_flush(struct inspector *inspector);

/* Tells the store now and then, and at the end, which rules are at work; NULL is allowed. */
void inspector_tell(struct inspector *inspector, int64_t wall_us, bool last);

/* Rules in use; 0 for NULL. */
uint32_t inspector_rules(const struct inspector *inspector);

/* "\"rules\":5,\"alerts\":3,…," for a status; as zeroes for NULL. */
void inspector_status(const struct inspector *inspector, struct buf *b);
