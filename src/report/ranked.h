/*
 * Whose access a ranking counts: the rollups, or the rollups less what the table role_day counts
 * apart (victims, reflectors, those who are mistaken; research scanners).
 */
#pragma once

#include "base/buf.h"

enum ranked_out { /* bit set: what is left out */
	RANKED_ALL = 0,
	RANKED_WITHOUT_VICTIMS = 1 << 0, /* and reflectors and the mistaken: report.ranking_roles */
	RANKED_WITHOUT_RESEARCH = 1 << 1,
};

enum ranked_of {
	RANKED_COUNTRY_DAY, /* columns date, sensor, country, proto, port, mirai, packets */
	RANKED_SOURCE_DAY,  /* date, sensor, asn, packets */
	RANKED_PORT_DAY,    /* date, sensor, proto, port, packets */
	RANKED_PORT_TOGETHER, /* date, proto, port, packets: of all sensors */
	RANKED_ORIGIN_DAY,  /* date, sensor, country, mark (0: all packets, 1: Mirai's), packets */
};

/* Appends SQL for behind FROM.  Sums of packets may be 0 where all was left out. */
void ranked_put(struct buf *sql, enum ranked_of of, unsigned out);

/* Appends the roles that are left out, as a list of SQL texts. */
void ranked_put_roles(struct buf *sql, unsigned out);
