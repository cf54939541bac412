-- What the detector of scans reads, source by source: access in buckets of so many seconds, by
-- port, or with the number of ports for sources that ask more of them in a day.  Sources that may
-- be scanners only; never the days of one in whose name others were asked (reflection).
SELECT src_hi AS hi, src_lo AS lo, proto AS protocol, port AS target, 1 AS ports_asked,
	sensor AS place, intDiv(toUnixTimestamp(time), {bucket}) AS bucket,
	sum(packets) AS packets_bucket,
	min(toUnixTimestamp(time) + first_second) AS first_seen,
	max(toUnixTimestamp(time) + last_second) AS last_seen,
	multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), 0) AS bits,
	multiIf(count(dst_bits) = count(), 1, 0) AS has_bits,
	max(dsts) AS addresses, sum(dsts) AS addresses_most, max(multiIf(marks > 0, 1, 0)) AS marked,
	max(country) AS code, max(asn) AS network
FROM flow
WHERE class = 0 AND time >= {since} AND time < {to} AND {target}
	AND (src_hi, src_lo) IN ({candidates} AND max(ports) <= {ports})
	AND (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo FROM role
		WHERE date >= {since_day} AND date < {to_day} AND role = 'victim-reflection')
GROUP BY hi, lo, protocol, target, place, bucket
UNION ALL
SELECT src_hi AS hi, src_lo AS lo, 0 AS protocol, 0 AS target,
	uniqExact(proto * 65536 + port) AS ports_asked,
	sensor AS place, intDiv(toUnixTimestamp(time), {bucket}) AS bucket,
	sum(packets) AS packets_bucket,
	min(toUnixTimestamp(time) + first_second) AS first_seen,
	max(toUnixTimestamp(time) + last_second) AS last_seen,
	multiIf(count(dst_bits) = count(), groupBitOr(dst_bits), 0) AS bits,
	multiIf(count(dst_bits) = count(), 1, 0) AS has_bits,
	max(dsts) AS addresses, sum(dsts) AS addresses_most, max(multiIf(marks > 0, 1, 0)) AS marked,
	max(country) AS code, max(asn) AS network
FROM flow
WHERE class = 0 AND time >= {since} AND time < {to} AND {target}
	AND (src_hi, src_lo) IN ({candidates} AND max(ports) > {ports})
	AND (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo FROM role
		WHERE date >= {since_day} AND date < {to_day} AND role = 'victim-reflection')
GROUP BY hi, lo, protocol, target, place, bucket
ORDER BY hi, lo, first_seen, protocol, target, place
