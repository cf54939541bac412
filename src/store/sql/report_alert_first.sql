SELECT gid, sid, count(*) AS matches
FROM alert
WHERE sid IN ({sids}) AND time < {until}
GROUP BY gid, sid
