-- Sources of a rise whose address was probably forged.
SELECT uniqExact(src_hi, src_lo) AS victims
FROM role
WHERE date >= {begin_day} AND date < {end_day} AND role = 'victim-reflection'
  AND (src_hi, src_lo) IN (
  SELECT (src_hi, src_lo)
  FROM flow
  WHERE class = 0 AND date >= {begin_day} AND date < {end_day}
    AND time >= {begin} AND time < {end} AND {key})
