-- Other ports that the sources of a rise asked on the same days, by number of those sources.
SELECT {target} AS other, uniqExact(src_hi, multiIf(src_hi = 0, src_lo, 0)) AS sources
FROM flow
WHERE class = 0 AND date >= {begin_day} AND date < {end_day} AND (src_hi, src_lo) IN (
  SELECT (src_hi, src_lo)
  FROM flow
  WHERE class = 0 AND date >= {begin_day} AND date < {end_day}
    AND time >= {begin} AND time < {end} AND {key})
GROUP BY other
ORDER BY sources DESC, other
LIMIT 6
