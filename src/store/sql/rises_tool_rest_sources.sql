-- Distinct sources with some marks, without those of ports whose rises are listed.
SELECT target, date, sensor, count(*) AS sources
FROM (SELECT bit AS target, date, sensor, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low
  FROM flow,
    (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8) AS bits
  WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND bitAnd(marks, bit) > 0
    AND {suspects} AND NOT {explained}
  GROUP BY target, date, sensor, src_hi, low) AS asked
GROUP BY target, date, sensor
ORDER BY target, date, sensor
