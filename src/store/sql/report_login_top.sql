SELECT *
FROM (
	SELECT {key},
		count(*) AS tries,
		uniqExact(src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) AS sources,
		uniqExact(sensor) AS sensors,
		uniqExact(date) AS days,
		uniqExact(asn) AS asns,
		max(asn) AS asn_known
	FROM login
	WHERE time >= {begin} AND time < {end} AND {which}
	GROUP BY {key}
) AS grouped
WHERE {published}
ORDER BY tries DESC, sources DESC, {key}
{limit}
