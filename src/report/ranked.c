/* SQL of what rankings count; the contract is in ranked.h. */
#include "report/ranked.h"

#include "detect/role.h"

void ranked_put_roles(struct buf *sql, unsigned out)
{
	const char *separator = "";

	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		enum role role = (enum role)i;
		unsigned why = role_is_attacker(role) ? RANKED_WITHOUT_RESEARCH
		                                      : RANKED_WITHOUT_VICTIMS;

		if (!role_is_apart(role) || !(out & why))
			continue;
		buf_printf(sql, "%s'%s'", separator, role_name(role));
		separator = ", ";
	}
	if (!separator[0])
		buf_puts(sql, "NULL");
}

static void put_minus(struct buf *sql, const char *columns, const char *where, unsigned out)
{
	buf_printf(sql, " UNION ALL SELECT %s, -toInt64(packets) AS packets FROM role_day "
	    "WHERE %srole_day.role IN (", columns, where);
	ranked_put_roles(sql, out);
	buf_putc(sql, ')');
}

void ranked_put(struct buf *sql, enum ranked_of of, unsigned out)
{
	static const struct {
		const char *table;
		const char *where;
		const char *columns;
	} rollups[] = {
		[RANKED_COUNTRY_DAY] = {"country_day", "",
		    "date, sensor, country, proto, port, mirai"},
		[RANKED_SOURCE_DAY] = {"source_day", "", "date, sensor, asn"},
		[RANKED_PORT_DAY] = {"port_day", " WHERE sensor > 0", "date, sensor, proto, port"},
		[RANKED_PORT_TOGETHER] = {"port_day", " WHERE sensor = 0", "date, proto, port"},
		[RANKED_ORIGIN_DAY] = {"origin_day", " WHERE sensor > 0 AND mark <= 1",
		    "date, sensor, country, mark"},
	};
	const char *columns = rollups[of].columns;

	if (!out && !rollups[of].where[0]) {
		buf_printf(sql, "%s AS ranked", rollups[of].table);
		return;
	}
	buf_printf(sql, "(SELECT %s, toInt64(packets) AS packets FROM %s%s", columns,
	    rollups[of].table, rollups[of].where);
	if (out && of == RANKED_ORIGIN_DAY) {
		put_minus(sql, "date, sensor, country, 0 AS mark", "", out);
		put_minus(sql, "date, sensor, country, 1 AS mark", "mirai = 1 AND ", out);
	} else if (out) {
		put_minus(sql, columns, "", out);
	}
	buf_puts(sql, ") AS ranked");
}
