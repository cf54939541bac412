SELECT sensor, protocol,
	sum(CASE WHEN time >= {now} THEN 1 ELSE 0 END) AS sessions_now,
	sum(CASE WHEN time < {now} THEN 1 ELSE 0 END) AS sessions_before
FROM session
WHERE time >= {from} AND time < {to}
GROUP BY sensor, protocol
ORDER BY protocol, sensor
