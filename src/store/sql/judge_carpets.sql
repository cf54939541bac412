-- Sources of a few SYN-ACKs: the quarter of an hour and port of the first, and all their replies.
SELECT src_hi, src_lo, toUInt64(first) AS first, toUInt64(replies) AS replies
FROM (
	SELECT src_hi, src_lo, min(quarter_and_port) AS first, sum(packets) AS replies
	FROM (
		SELECT src_hi, src_lo, packets,
			CASE WHEN proto = 6 AND bitAnd(tcp_flags, 63) = 18
				THEN intDiv(toUnixTimestamp(time), 900) * 65536 + port ELSE NULL END AS quarter_and_port
		FROM judge_flow
		WHERE class = 2 AND NOT (proto = 17 AND victim_proto = 17 AND port <> 443)
	) AS replying
	GROUP BY src_hi, src_lo
) AS sources
WHERE first IS NOT NULL AND replies <= {most}
