-- As judge_heard, of a period.
SELECT DISTINCT src_hi, src_lo, dport, protocol, substr(request, 1, 48) AS asked
FROM session
WHERE transport = 17 AND time >= {now} AND time < {to}
	AND protocol IN ('dns', 'ntp', 'ssdp', 'cldap', 'memcached', 'snmp', 'coap')
	AND (src_hi, src_lo) IN (SELECT src_hi, src_lo FROM flow
		WHERE class < 2 AND proto = 17 AND time >= {now} AND time < {to}
		GROUP BY src_hi, src_lo HAVING sum(packets) >= {least_reflection})
ORDER BY src_hi, src_lo, dport, protocol, asked
