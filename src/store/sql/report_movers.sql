SELECT sensor, country, {target} AS target,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
FROM {ranked_ports}
WHERE date >= {from_day} AND date < {to_day} AND sensor IN ({panel}) AND {ports}
  AND {target} IN ({targets})
GROUP BY sensor, country, target
ORDER BY sensor, country, target
