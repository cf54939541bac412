-- The same over all sensors: a source counts once.
SELECT target, date, count(*) AS sources
FROM (SELECT {target} AS target, date, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low
  FROM flow
  WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {target} IN ({targets})
  GROUP BY target, date, src_hi, low) AS asked
GROUP BY target, date
ORDER BY target, date
