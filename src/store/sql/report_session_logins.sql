SELECT protocol,
	count(*) AS logins,
	sum(CASE WHEN secret = 'none' THEN 0 ELSE 1 END) AS logins_with
FROM login
WHERE time >= {now} AND time < {to}
GROUP BY protocol
ORDER BY protocol
