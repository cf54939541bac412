SELECT sensor, {target} AS target,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
FROM {ranked_ports}
WHERE date >= {from_day} AND date < {to_day} AND country = {home}
GROUP BY sensor, target
ORDER BY sensor, target
