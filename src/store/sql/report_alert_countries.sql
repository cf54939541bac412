SELECT sensor, country,
	sum(CASE WHEN time >= {now} THEN 1 ELSE 0 END) AS matches_now,
	sum(CASE WHEN time < {now} THEN 1 ELSE 0 END) AS matches_before
FROM alert
WHERE time >= {from} AND time < {to}
GROUP BY sensor, country
ORDER BY sensor, country
