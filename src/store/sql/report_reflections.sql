SELECT target,
	sum(CASE WHEN date >= {now_day} THEN 1 ELSE 0 END) AS victims_now,
	sum(CASE WHEN date < {now_day} THEN 1 ELSE 0 END) AS victims_before,
	sum(CASE WHEN date >= {now_day} THEN packets_victim ELSE 0 END) AS packets_now
FROM (
	SELECT date, {target} AS target, victim_hi, victim_lo, sum(packets) AS packets_victim
	FROM attack
	WHERE kind = 'reflection' AND date >= {from_day} AND date < {to_day}
	GROUP BY date, target, victim_hi, victim_lo
) AS victims
GROUP BY target
ORDER BY target
