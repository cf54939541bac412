SELECT day, count(*) AS sources
FROM (
	SELECT {day} AS day, CASE WHEN src_hi = 0 THEN src_lo ELSE src_hi END AS source
	FROM flow
	WHERE class = 0 AND time >= {now} AND time < {to} AND proto = {proto} AND port = {port}
	GROUP BY day, source
) AS distinct_sources
GROUP BY day
