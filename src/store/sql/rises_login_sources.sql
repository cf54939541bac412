SELECT protocol AS target, date, sensor,
  uniqExact(src_hi, multiIf(src_hi = 0, src_lo, 0)) AS sources
FROM login
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date, sensor
ORDER BY target, date, sensor
