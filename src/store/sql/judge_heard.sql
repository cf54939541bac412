-- What sources asked of services that reflect, where it was heard; the beginning tells.
SELECT DISTINCT src_hi, src_lo, dport, protocol, substr(request, 1, 48) AS asked
FROM judge_session
WHERE transport = 17
	AND protocol IN ('dns', 'ntp', 'ssdp', 'cldap', 'memcached', 'snmp', 'coap')
	AND (src_hi, src_lo) IN (SELECT src_hi, src_lo FROM judge_flow
		WHERE class < 2 AND proto = 17 GROUP BY src_hi, src_lo
		HAVING sum(packets) >= {least_reflection})
ORDER BY src_hi, src_lo, dport, protocol, asked
