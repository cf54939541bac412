-- All rows of a part of the sources of a date, in no order.  Where it was a reply for another address
-- that was attacked, country and AS are not the source's.
SELECT src_hi, src_lo, class, proto, victim_proto, port, tcp_flags, marks, syn_signature, packets,
	dsts, toUInt64(coalesce(dst_bits, 0)) AS bits, ttl, sensor, time, country, asn,
	toUInt8(class = 2 AND (victim_hi <> src_hi OR victim_lo <> src_lo)) AS for_another
FROM judge_flow
WHERE {of_part}
