SELECT {week} AS week, {target} AS target, sum(packets) AS packets_week
FROM {ranked_ports}
WHERE date >= {weeks_from} AND date < {weeks_to}
GROUP BY week, target
