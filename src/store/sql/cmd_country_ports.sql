SELECT country, {target} AS target, sum(packets) AS packets_port
FROM {ranked}
WHERE date >= {now_day} AND date < {to_day} AND country IN ({countries})
GROUP BY country, target
ORDER BY country, packets_port DESC, target
