-- SYNs that no kernel sends (no options, or a TTL that began at 255), of sources without a known
-- tool: one and the same header again and again, by the number of its signature.
SELECT shapes.syn_signature, max(signature.text) AS shape_text, max(packets_now) AS packets_shape,
	max(packets_before) AS packets_shape_before, max(sources_now) AS sources
FROM (
	SELECT syn_signature,
		sum(CASE WHEN time >= {now} THEN packets ELSE 0 END) AS packets_now,
		sum(CASE WHEN time < {now} THEN packets ELSE 0 END) AS packets_before,
		uniqExactIf(src_hi, src_lo, time >= {now}) AS sources_now
	FROM flow
	WHERE class = 0 AND proto = 6 AND marks = 0 AND time >= {from} AND time < {to}
		AND syn_signature IN (SELECT id FROM signature
			WHERE text LIKE '%,*::%' OR text LIKE '_:255:%')
		AND (date, src_hi, src_lo) IN (SELECT date, src_hi, src_lo FROM role
			WHERE date >= {from_day} AND date < {to_day} AND tool = '')
	GROUP BY syn_signature
) AS shapes
JOIN signature ON signature.id = shapes.syn_signature
WHERE packets_now >= {least}
GROUP BY shapes.syn_signature
ORDER BY packets_shape DESC, shapes.syn_signature
LIMIT {n}
