SELECT {target} AS target,
	uniqExact(CASE WHEN src_hi = 0 THEN src_lo ELSE src_hi END) AS sources
FROM flow
WHERE class = 0 AND time >= {now} AND time < {to} AND {target} IN ({targets})
GROUP BY target
