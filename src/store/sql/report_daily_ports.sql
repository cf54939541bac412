SELECT date, sensor, {target} AS target, sum(packets) AS packets_day
FROM {ranked_port_days}
WHERE date >= {from_day} AND date < {to_day} AND {ports}
  AND {target} IN ({targets})
GROUP BY date, sensor, target
ORDER BY date, sensor, target
