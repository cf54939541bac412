-- Packets of a rise by source: who asked, from which autonomous system and country.
SELECT asn, country, src_hi, src_lo, sum(packets) AS counted,
  sumIf(packets, bitAnd(marks, 1) > 0) AS mirai
FROM flow
WHERE class = 0 AND date >= {begin_day} AND date < {end_day} AND time >= {begin} AND time < {end}
  AND {key}
GROUP BY asn, country, src_hi, src_lo
