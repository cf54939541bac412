-- Distinct sources (IPv6 by /64) of some ports on some days, named by port × 1024 + day.
SELECT target, count(*) AS sources
FROM (SELECT {target} AS target, date, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low
  FROM flow
  WHERE class = 0 AND date >= {from_day} AND date < {to_day}
    AND toInt64({target}) * 1024 + (date - {from_day}) IN ({pairs})
  GROUP BY target, date, src_hi, low) AS asked
GROUP BY target, date
HAVING count(*) >= 3
ORDER BY target, date
