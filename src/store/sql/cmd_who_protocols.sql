SELECT protocol, count(*) AS sessions, max(software) AS software_named
FROM session
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY protocol
ORDER BY sessions DESC, protocol
LIMIT {n}
