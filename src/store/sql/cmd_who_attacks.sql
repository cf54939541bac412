-- Attacks on an address.
SELECT kind, proto, port, toUnixTimestamp(start) AS first, toUnixTimestamp("end") AS last, packets,
	max_ppm, destinations, vector
FROM attack AS judged
WHERE victim_hi = {hi} AND victim_lo = {lo}
ORDER BY start, kind, proto, port
