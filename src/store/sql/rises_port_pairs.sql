-- Distinct sources (IPv6 by /64) of some ports on some days, named by port × 1024 + day.
SELECT {target} AS target, sum(sources) AS seen
FROM port_day
WHERE sensor = 0 AND (sources >= 3 OR proto IN (1, 58)) AND date >= {from_day} AND date < {to_day}
  AND toInt64({target}) * 1024 + (date - {from_day}) IN ({pairs})
GROUP BY target, date
HAVING sum(sources) >= 3
ORDER BY target, date
