SELECT sensor, gid, sid, max(class) AS kind, max(msg) AS message,
	sum(CASE WHEN time >= {now} THEN 1 ELSE 0 END) AS matches_now,
	sum(CASE WHEN time < {now} THEN 1 ELSE 0 END) AS matches_before
FROM alert
WHERE time >= {from} AND time < {to}
GROUP BY sensor, gid, sid
ORDER BY gid, sid, sensor
