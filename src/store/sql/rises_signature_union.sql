SELECT concat(toString(gid), ':', toString(sid)) AS target, date, uniqExact(src_hi, multiIf(src_hi = 0, src_lo, 0)) AS sources
FROM alert
WHERE date >= {from_day} AND date < {to_day}
GROUP BY target, date
ORDER BY target, date
