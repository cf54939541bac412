-- Access that is no sign of somebody who asks, per port, site day and sensor.  Many victims of one
-- port at one sensor are no chance: they stay in the series.
SELECT {target} AS target, date, sensor, sum(packets) AS counted
FROM role_day
WHERE date >= {from_day} AND date < {to_day}
  AND role IN ('victim-reflection', 'victim-backscatter', 'reflector', 'misconfigured')
GROUP BY target, date, sensor
HAVING sum(sources) < {few}
ORDER BY target, date, sensor
