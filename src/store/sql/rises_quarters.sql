SELECT time, sum(packets) AS counted
FROM port_quarter
WHERE class = 0 AND date = {day} AND {target} = {chosen}
GROUP BY time
ORDER BY time
