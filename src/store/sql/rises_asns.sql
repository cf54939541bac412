-- Sources and packets of a rise by autonomous system, most sources first.
SELECT asn, uniqExact(src_hi, multiIf(src_hi = 0, src_lo, 0)) AS sources,
  sum(packets) AS counted, sumIf(packets, bitAnd(marks, 1) > 0) AS mirai
FROM flow
WHERE class = 0 AND date >= {begin_day} AND date < {end_day} AND time >= {begin} AND time < {end}
  AND {key}
GROUP BY asn
ORDER BY sources DESC, asn
