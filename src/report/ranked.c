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

void ranked_put(struct buf *sql, enum ranked_of of, unsigned out)
{
	const char *table = of == RANKED_COUNTRY_DAY ? "country_day" : "source_day";
	const char *columns = of == RANKED_COUNTRY_DAY
	    ? "date, sensor, country, proto, port, mirai" : "date, sensor, asn";

	if (!out) {
		buf_printf(sql, "%s AS ranked", table);
		return;
	}
	buf_printf(sql, "(SELECT %s, toInt64(packets) AS packets FROM %s "
	    "UNION ALL SELECT %s, -toInt64(packets) AS packets FROM role_day "
	    "WHERE role_day.role IN (", columns, table, columns);
	ranked_put_roles(sql, out);
	buf_puts(sql, ")) AS ranked");
}
