-- What the detector of attacks reads of a date: per minute, sensor, victim and attacked port, in
-- order of time; only of addresses that may have enough packets.
SELECT toInt64(seconds) AS minute, sensor, class, hi, lo, transport, proto, port,
	toUInt64(sum(packets)) AS packets_minute,
	min(first_second) AS first, max(last_second) AS last,
	toUInt64(multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), 0)) AS bits,
	toUInt64(multiIf(count(dst_bits) = count(), bitCount(groupBitOr(dst_bits)), max(dsts))) AS addresses
FROM (
	SELECT toUnixTimestamp(time) AS seconds, sensor, class, victim_hi AS hi, victim_lo AS lo,
		victim_proto AS transport, proto, port, packets, first_second, last_second, dst_bits, dsts
	FROM judge_flow
	WHERE class = 2 AND (victim_hi, victim_lo) IN (SELECT victim_hi, victim_lo FROM judge_flow
		WHERE class = 2 GROUP BY victim_hi, victim_lo HAVING sum(packets) >= {least})
	UNION ALL
	SELECT toUnixTimestamp(time) AS seconds, sensor, toUInt8(0) AS class, src_hi AS hi, src_lo AS lo,
		proto AS transport, proto, port, packets, first_second, last_second, dst_bits, dsts
	FROM judge_flow
	WHERE class < 2 AND proto = 17 AND (src_hi, src_lo) IN (SELECT src_hi, src_lo FROM judge_flow
		WHERE class < 2 AND proto = 17 GROUP BY src_hi, src_lo
		HAVING sum(packets) >= {least_reflection})
) AS samples
GROUP BY minute, sensor, class, hi, lo, transport, proto, port
ORDER BY minute, sensor, class, hi, lo, transport, proto, port
