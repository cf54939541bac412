-- Access per mark (a bit), site day and sensor.
SELECT bit AS target, date, sensor, sum(packets) AS counted
FROM port_quarter,
  (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8) AS bits
WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND bitAnd(marks, bit) > 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
