-- As of ports: access that is no sign of somebody who asks.
SELECT country AS target, date, sensor, sum(few) AS counted
FROM (SELECT country, date, sensor, {target} AS port_target, sum(packets) AS few
  FROM role_day
  WHERE date >= {from_day} AND date < {to_day}
    AND role IN ('victim-reflection', 'victim-backscatter', 'reflector', 'misconfigured')
  GROUP BY country, date, sensor, port_target
  HAVING sum(sources) < {few}) AS victims
GROUP BY target, date, sensor
ORDER BY target, date, sensor
