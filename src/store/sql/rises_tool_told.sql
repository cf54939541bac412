-- What of it belongs to ports whose rises are listed.
SELECT bit AS target, date, sensor, sum(packets) AS told
FROM port_quarter,
  (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8) AS bits
WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND bitAnd(marks, bit) > 0
  AND {explained}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
