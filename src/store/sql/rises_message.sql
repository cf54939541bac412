SELECT max(msg) AS message, uniqExact(src_hi, src_lo) AS sources
FROM alert
WHERE time >= {begin} AND time < {end} AND concat(toString(gid), ':', toString(sid)) = {key}
