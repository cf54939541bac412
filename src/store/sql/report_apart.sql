-- Access that rankings leave out or tell apart, by role.
SELECT sensor, role_day.role AS kind,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
FROM role_day
WHERE date >= {from_day} AND date < {to_day}
GROUP BY sensor, kind
ORDER BY sensor, kind
