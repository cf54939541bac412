-- Distinct sources of some countries, without those of ports whose rises are listed.
SELECT target, date, count(*) AS sources
FROM (SELECT country AS target, date, src_hi, multiIf(src_hi = 0, src_lo, 0) AS low
  FROM flow
  WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND {suspects} AND NOT {explained}
  GROUP BY target, date, src_hi, low) AS asked
GROUP BY target, date
ORDER BY target, date
