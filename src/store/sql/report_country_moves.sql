SELECT country, target, packets_now, packets_before
FROM (
	SELECT country, {target} AS target,
		sum(CASE WHEN date >= {now_day} THEN packets ELSE 0 END) AS packets_now,
		sum(CASE WHEN date < {now_day} THEN packets ELSE 0 END) AS packets_before
	FROM {ranked}
	WHERE date >= {from_day} AND date < {to_day} AND sensor IN ({panel})
		AND country IN ({countries})
	GROUP BY country, target
) AS moves
WHERE packets_now >= packets_before + {least} OR packets_before >= packets_now + {least}
ORDER BY country, target
