SELECT seen.syn_signature, signature.text, seen.packets_signature
FROM (
	SELECT syn_signature, sum(packets) AS packets_signature
	FROM flow
	WHERE src_hi = {hi} AND src_lo = {lo} AND syn_signature > 0
	GROUP BY syn_signature
) AS seen
LEFT JOIN signature ON signature.id = seen.syn_signature
ORDER BY packets_signature DESC, syn_signature
LIMIT 10
