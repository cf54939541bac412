-- What the detector of attacks reads: per minute, sensor, victim and attacked port, in order of
-- time; only of addresses that may have enough packets in the period.
SELECT time AS minute, sensor, class, victim_hi AS hi, victim_lo AS lo,
	victim_proto AS transport, proto, port, sum(packets) AS packets_minute,
	min(first_second) AS first, max(last_second) AS last,
	multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), 0) AS bits,
	multiIf(count(dst_bits) = count(), bitCount(groupBitOr(dst_bits)), max(dsts)) AS addresses
FROM flow
WHERE class = 2 AND time >= {now} AND time < {to}
	AND (victim_hi, victim_lo) IN (SELECT victim_hi, victim_lo FROM victim_day
		WHERE date >= {now_day} AND date < {to_day}
		GROUP BY victim_hi, victim_lo HAVING sum(packets) >= {least})
GROUP BY minute, sensor, class, hi, lo, transport, proto, port
UNION ALL
SELECT time AS minute, sensor, toUInt8(0) AS class, src_hi AS hi, src_lo AS lo,
	proto AS transport, proto, port, sum(packets) AS packets_minute,
	min(first_second) AS first, max(last_second) AS last,
	multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), 0) AS bits,
	multiIf(count(dst_bits) = count(), bitCount(groupBitOr(dst_bits)), max(dsts)) AS addresses
FROM flow
WHERE class < 2 AND proto = 17 AND time >= {now} AND time < {to}
	AND (src_hi, src_lo) IN (SELECT src_hi, src_lo FROM flow
		WHERE class < 2 AND proto = 17 AND time >= {now} AND time < {to}
		GROUP BY src_hi, src_lo HAVING sum(packets) >= {least_reflection})
GROUP BY minute, sensor, class, hi, lo, transport, proto, port
ORDER BY minute, sensor, class, hi, lo, transport, proto, port
