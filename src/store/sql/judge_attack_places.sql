-- The attacks found, with country and AS of their victims.
INSERT INTO judged_attack
SELECT found.date, found.kind, found.victim_hi, found.victim_lo, found.proto, found.port,
	found.start, found."end", found.packets, found.max_ppm, found.destinations, found.vector,
	coalesce(places.country, 'ZZ') AS country, coalesce(places.asn, 0) AS asn, found.detector
FROM judged_found AS found
LEFT JOIN (
	SELECT hi, lo, max(country) AS country, max(asn) AS asn
	FROM (
		SELECT victim_hi AS hi, victim_lo AS lo, country, asn FROM judge_flow WHERE class = 2
		UNION ALL
		SELECT src_hi AS hi, src_lo AS lo, country, asn FROM judge_flow WHERE class < 2 AND proto = 17
	) AS seen
	WHERE (hi, lo) IN (SELECT victim_hi, victim_lo FROM judged_found)
	GROUP BY hi, lo
) AS places ON places.hi = found.victim_hi AND places.lo = found.victim_lo
