SELECT sha256, max(kind) AS what, max(cpu) AS machine, max(size) AS bytes, count(*) AS times
FROM payload
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY sha256
ORDER BY times DESC, sha256
LIMIT {n}
