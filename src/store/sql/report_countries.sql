SELECT sensor, country,
	sum(CASE WHEN date >= {now_day} AND mark = 0 THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} AND mark = 0 THEN packets ELSE 0 END) AS packets_before,
	sum(CASE WHEN date >= {now_day} AND mark = 1 THEN packets ELSE 0 END) AS mirai_now,
	sum(CASE WHEN date < {now_day} AND mark = 1 THEN packets ELSE 0 END) AS mirai_before
FROM {ranked_origins}
WHERE date >= {from_day} AND date < {to_day}
GROUP BY sensor, country
ORDER BY sensor, country
