-- As judge_carpets, of a period.
SELECT src_hi, src_lo, first, replies
FROM (
	SELECT src_hi, src_lo, min(quarter_and_port) AS first, sum(packets) AS replies
	FROM (
		SELECT src_hi, src_lo, packets,
			CASE WHEN proto = 6 AND bitAnd(tcp_flags, 63) = 18
				THEN intDiv(toUnixTimestamp(time), 900) * 65536 + port ELSE NULL END
				AS quarter_and_port
		FROM flow
		WHERE class = 2 AND time >= {now} AND time < {to}
			AND NOT (proto = 17 AND victim_proto = 17 AND port <> 443)
	) AS replying
	GROUP BY src_hi, src_lo, intDiv(coalesce(quarter_and_port, 0), 65536 * 96)
) AS sources
WHERE first IS NOT NULL AND replies <= {most}
