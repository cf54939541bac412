/*
 * teiten top from the inside: what top.c (options, packets) and top_records.c (what visitors
 * spoke and tried) share.
 */
#pragma once

#include "cmd/table.h"
#include "cmd/window.h"

#define TOP_MAX 100000
#define TOP_COLUMNS_MAX 20

struct top {
	const struct command *self;
	struct command_common common;
	struct publish_style style;
	struct window w;
	size_t n;
	bool all_roles;
	unsigned out;      /* enum ranked_out: whose access is left out */
	struct buf ranked; /* SQL: what is counted */
	struct table *table;
	struct table_column columns[TOP_COLUMNS_MAX]; /* of the table */
};

/* The cell 順位(前期) of people, " 2 (3) ↑"; rank_before 0 = outside, is_new = not seen at all. */
void top_show_rank(struct top *top, size_t column, unsigned rank, unsigned rank_before,
    bool is_new);

int top_sources(struct top *top);
int top_tools(struct top *top);

/* Rankings of records; each fills top->table and returns the exit status. */
int top_users(struct top *top);
int top_passwords(struct top *top);
int top_logins(struct top *top);
int top_protocols(struct top *top);
int top_urls(struct top *top);
int top_commands(struct top *top);
int top_payloads(struct top *top);
int top_events(struct top *top);
int top_signatures(struct top *top);
