SELECT sensor, {target} AS target,
	sum(CASE WHEN time >= {now} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN time < {now} THEN packets ELSE 0 END) AS packets_before,
	sum(CASE WHEN time >= {now} AND marks % 2 = 1 THEN packets ELSE 0 END) AS mirai_now
FROM port_quarter
WHERE class = 0 AND time >= {from} AND time < {to}
GROUP BY sensor, target
ORDER BY sensor, target
