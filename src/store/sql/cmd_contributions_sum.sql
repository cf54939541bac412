SELECT sensor,
	sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
FROM country_day
WHERE date >= {from_day} AND date < {to_day} AND sensor IN ({panel})
GROUP BY sensor
