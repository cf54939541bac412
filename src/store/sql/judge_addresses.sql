-- Observed addresses of a date: the largest number of each sensor.
SELECT toInt64(coalesce(sum(n), 0)) AS addresses
FROM (SELECT sensor, max(addresses) AS n FROM judge_coverage GROUP BY sensor) AS sensors
