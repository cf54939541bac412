SELECT time, sum(packets) AS counted
FROM port_quarter
WHERE class = 0 AND date = {day} AND proto = {proto} AND port = {port}
GROUP BY time
ORDER BY time
