SELECT sensor, marks,
	sum(CASE WHEN time >= {now} THEN packets ELSE 0 END) AS packets_now,
	sum(CASE WHEN time < {now} THEN packets ELSE 0 END) AS packets_before
FROM port_quarter
WHERE class = 0 AND time >= {from} AND time < {to} AND {target} = {port}
GROUP BY sensor, marks
