-- All rows of a part of the sources of a date, source by source.
SELECT src_hi, src_lo, class, proto, victim_proto, port, tcp_flags, marks, syn_signature, packets,
	dsts, toUInt64(coalesce(dst_bits, 0)) AS bits, ttl, sensor, toUnixTimestamp(time) AS seconds,
	CASE WHEN class = 2 AND (victim_hi <> src_hi OR victim_lo <> src_lo) THEN '' ELSE country END
		AS country_source,
	toUInt32(CASE WHEN class = 2 AND (victim_hi <> src_hi OR victim_lo <> src_lo) THEN 0 ELSE asn
		END) AS asn_source
FROM judge_flow
WHERE src_lo % {parts} = {part}
ORDER BY src_hi, src_lo, proto, port
