SELECT protocol, uniqExact(src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) AS sources
FROM session
WHERE time >= {now} AND time < {to}
GROUP BY protocol
ORDER BY protocol
