-- What neighbours (IPv4 /24, IPv6 /48) asked of each port, source by source: only where at least so
-- many sources of a network were seen, and only at sensors whose addresses are told apart.
SELECT proto AS protocol, port AS target, intDiv(src_hi, 65536) AS block_hi,
	CASE WHEN src_hi = 0 THEN intDiv(src_lo, 256) ELSE 0 END AS block_lo,
	src_hi AS hi, src_lo AS lo, sensor AS place, groupBitOr(dst_bits) AS bits,
	sum(packets) AS packets_source,
	min(toUnixTimestamp(time) + first_second) AS first_seen,
	max(toUnixTimestamp(time) + last_second) AS last_seen
FROM flow
WHERE class = 0 AND time >= {now} AND time < {to} AND bitCount(dst_bits) > 0
	AND (intDiv(src_hi, 65536), CASE WHEN src_hi = 0 THEN intDiv(src_lo, 256) ELSE 0 END) IN (
		SELECT intDiv(src_hi, 65536), CASE WHEN src_hi = 0 THEN intDiv(src_lo, 256) ELSE 0 END
		FROM source_day
		WHERE date >= {now_day} AND date < {to_day}
		GROUP BY intDiv(src_hi, 65536), CASE WHEN src_hi = 0 THEN intDiv(src_lo, 256) ELSE 0 END
		HAVING uniqExact(src_hi, src_lo) >= {sources})
	AND (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo FROM role
		WHERE date >= {now_day} AND date < {to_day} AND role = 'victim-reflection')
GROUP BY protocol, target, block_hi, block_lo, hi, lo, place
ORDER BY protocol, target, block_hi, block_lo, hi, lo, place
LIMIT {limit}
