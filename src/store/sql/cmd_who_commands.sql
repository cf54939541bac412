SELECT protocol, text, count(*) AS times
FROM command
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY protocol, text
ORDER BY times DESC, min(time), protocol, text
LIMIT {n}
