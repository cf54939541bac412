-- Distinct sources (IPv6 by /64) per port, site day and sensor.
SELECT target, date, sensor, count(*) AS sources
FROM (SELECT {target} AS target, date, sensor, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low
  FROM flow
  WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
  GROUP BY target, date, sensor, src_hi, low) AS asked
GROUP BY target, date, sensor
ORDER BY target, date, sensor
