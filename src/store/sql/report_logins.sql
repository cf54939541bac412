SELECT sensor,
	sum(CASE WHEN time >= {now} THEN 1 ELSE 0 END) AS logins_now,
	sum(CASE WHEN time < {now} THEN 1 ELSE 0 END) AS logins_before
FROM login
WHERE time >= {from} AND time < {to}
GROUP BY sensor
ORDER BY sensor
