SELECT sum(packets) AS packets_victim
FROM victim_day
WHERE date >= {now_day} AND date < {to_day}
GROUP BY victim_hi, victim_lo
ORDER BY packets_victim DESC
LIMIT {victims}
