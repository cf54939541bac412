SELECT bit AS target, date, sensor, count(*) AS sources
FROM source_day,
  (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8) AS bits
WHERE date >= {from_day} AND date < {to_day} AND bitAnd(marks, bit) > 0
GROUP BY target, date, sensor
ORDER BY target, date, sensor
