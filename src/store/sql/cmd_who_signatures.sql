SELECT syn_signature, sum(packets) AS packets_signature
FROM flow
WHERE src_hi = {hi} AND src_lo = {lo} AND syn_signature > 0
GROUP BY syn_signature
ORDER BY packets_signature DESC, syn_signature
LIMIT 10
