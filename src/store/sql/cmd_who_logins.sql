SELECT protocol, "user", password, secret, count(*) AS tries
FROM login
WHERE src_hi = {hi} AND src_lo = {lo}
GROUP BY protocol, "user", password, secret
ORDER BY tries DESC, protocol, "user", password
LIMIT {n}
