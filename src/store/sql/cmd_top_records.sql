SELECT {key},
	count(*) AS records,
	uniqExact(src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) AS sources,
	uniqExact(sensor) AS sensors{more}
FROM {table}
WHERE time >= {begin} AND time < {end} AND sensor IN ({among}) AND {which}
GROUP BY {key}
ORDER BY records DESC, sources DESC, {key}
LIMIT {n}
