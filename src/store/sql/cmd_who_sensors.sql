SELECT sensor, sum(packets_sensor) AS packets_both
FROM (
	SELECT sensor, sum(packets) AS packets_sensor
	FROM flow
	WHERE src_hi = {hi} AND src_lo = {lo}
	GROUP BY sensor
	UNION ALL
	SELECT sensor, 0 AS packets_sensor
	FROM session
	WHERE src_hi = {hi} AND src_lo = {lo}
	GROUP BY sensor
) AS seen
GROUP BY sensor
ORDER BY sensor
