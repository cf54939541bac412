-- One row per rule that was raised; matches are counted before the rule's own threshold.
SELECT gid, sid, max(rev) AS newest, max(msg) AS message, max(class) AS kind,
	min(severity) AS worst,
	sum(CASE WHEN suppressed = 0 THEN 1 ELSE 0 END) AS raised,
	count(*) AS matched,
	uniqExact(src_hi, CASE WHEN src_hi = 0 THEN src_lo ELSE 0 END) AS sources,
	uniqExact(sensor) AS sensors,
	uniqExact(CASE WHEN session = 0 THEN NULL ELSE session END) AS sessions,
	min(time) AS first_match, max(time) AS last_match
FROM alert
WHERE time >= {now} AND time < {to}
GROUP BY gid, sid
HAVING sum(CASE WHEN suppressed = 0 THEN 1 ELSE 0 END) > 0
ORDER BY raised DESC, matched DESC, gid, sid
