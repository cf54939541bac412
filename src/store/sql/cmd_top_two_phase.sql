-- Sources whose SYNs to a port were no ordinary ones (TTL above 200, no options, or ZMap's IP ID) and
-- who then opened that port like anybody and spoke (Hiesgen et al., "Spoki", USENIX Security 2022).
SELECT count(*) AS visits, uniqExact(spoken.src_hi, spoken.src_lo) AS sources
FROM (
	SELECT src_hi, src_lo, sensor, dport, time
	FROM session
	WHERE transport = 6 AND handshake > 0 AND time >= {now} AND time < {to} AND syn_signature > 0
		AND bitAnd(marks, 2) = 0
		AND syn_signature NOT IN (SELECT id FROM signature WHERE text LIKE '%,*::%')
) AS spoken
JOIN (
	SELECT src_hi, src_lo, sensor, port, min(time) AS first_time
	FROM flow
	WHERE class = 0 AND proto = 6 AND time >= {now} AND time < {to}
		AND (ttl > 200 OR bitAnd(marks, 2) > 0
			OR syn_signature IN (SELECT id FROM signature WHERE text LIKE '%,*::%'))
		AND (src_hi, src_lo) IN (SELECT src_hi, src_lo FROM session
			WHERE transport = 6 AND handshake > 0 AND time >= {now} AND time < {to})
	GROUP BY src_hi, src_lo, sensor, port
) AS probed ON probed.src_hi = spoken.src_hi AND probed.src_lo = spoken.src_lo
	AND probed.sensor = spoken.sensor AND probed.port = spoken.dport
WHERE probed.first_time <= spoken.time
