-- Observed addresses of a period: the largest number of each sensor.
SELECT toInt64(coalesce(sum(n), 0)) AS addresses
FROM (
	SELECT sensor, max(addresses) AS n FROM coverage
	WHERE time >= {now} AND time < {to} GROUP BY sensor
) AS sensors
