SELECT sensor, country, target, packets_now, packets_before
FROM (
	SELECT sensor, country, {target} AS target,
		sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
		sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
	FROM country_day
	WHERE date >= {from_day} AND date < {to_day} AND sensor IN ({panel})
	GROUP BY sensor, country, target
) AS cells
ORDER BY abs(packets_now * {weight_now} - packets_before * {weight_before}) DESC,
	target, country, sensor
LIMIT {limit}
