-- What is kept of the SYNs of some sources: packets by marks and by the
-- signatures that a rule names (0: any other).
SELECT src_hi AS hi, src_lo AS lo, marks AS marked,
	multiIf(syn_signature IN ({signatures}), syn_signature, 0) AS named,
	min(ttl) AS ttl_low, max(ttl) AS ttl_high, sum(packets) AS packets_marked
FROM flow
WHERE class = 0 AND proto = 6 AND time >= {since} AND time < {to}
	AND (marks > 0 OR syn_signature IN ({signatures}))
	AND (src_hi, src_lo) IN ({sources})
GROUP BY hi, lo, marked, named
ORDER BY hi, lo, marked, named
