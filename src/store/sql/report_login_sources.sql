SELECT count(*) AS logins,
	uniqExact(src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) AS sources
FROM login
WHERE time >= {now} AND time < {to}
