SELECT bit AS target, date, uniqExact(src_hi, multiIf(src_hi = 0, src_lo, 0)) AS sources
FROM source_day,
  (SELECT 1 AS bit UNION ALL SELECT 2 UNION ALL SELECT 4 UNION ALL SELECT 8) AS bits
WHERE date >= {from_day} AND date < {to_day} AND bitAnd(marks, bit) > 0
GROUP BY target, date
ORDER BY target, date
