-- Sources that ask both ports, without any mark and hardly any other port, now and before.
SELECT sum(packets_now) AS packets_all, sum(packets_before) AS packets_all_before,
	sum(CASE WHEN packets_now > 0 THEN 1 ELSE 0 END) AS sources
FROM (
	SELECT src_hi, src_lo,
		sum(CASE WHEN time >= {now} THEN packets ELSE 0 END) AS packets_now,
		sum(CASE WHEN time < {now} THEN packets ELSE 0 END) AS packets_before
	FROM flow
	WHERE class = 0 AND proto = 6 AND port IN ({first}, {second}) AND time >= {from} AND time < {to}
		AND (src_hi, src_lo) NOT IN (SELECT src_hi, src_lo FROM source_day
			WHERE date >= {from_day} AND date < {to_day} AND ports > {ports})
	GROUP BY src_hi, src_lo
	HAVING sum(CASE WHEN port = {first} THEN 1 ELSE 0 END) > 0
		AND sum(CASE WHEN port = {second} THEN 1 ELSE 0 END) > 0 AND max(marks) = 0
) AS pairs
