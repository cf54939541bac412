-- The ports that some sources ask.
SELECT src_hi AS hi, src_lo AS lo, proto AS protocol, port AS target,
	sum(packets) AS packets_port
FROM flow
WHERE class = 0 AND time >= {since} AND time < {to} AND (src_hi, src_lo) IN ({sources})
GROUP BY hi, lo, protocol, target
ORDER BY hi, lo, packets_port DESC, protocol, target
