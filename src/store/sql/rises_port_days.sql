-- Access per port and site day: what says which ports are worth asking more about.
SELECT {target} AS target, date, sum(packets) AS counted
FROM port_day
WHERE sensor = 0 AND date >= {from_day} AND date < {to_day}
GROUP BY target, date
ORDER BY target, date
