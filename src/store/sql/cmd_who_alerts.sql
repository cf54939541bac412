SELECT sid, max(msg) AS message, max(class) AS kind, count(*) AS times,
	uniqExact(CASE WHEN session = 0 THEN NULL ELSE session END) AS sessions
FROM alert
WHERE src_hi = {hi} AND src_lo = {lo} AND suppressed = 0
GROUP BY gid, sid
ORDER BY times DESC, min(time), sid
LIMIT {n}
