SELECT date, count(*) AS victims
FROM (
	SELECT date, victim_hi, victim_lo
	FROM attack
	WHERE kind = 'reflection' AND date >= {from_day} AND date < {to_day}
	GROUP BY date, victim_hi, victim_lo
) AS distinct_victims
GROUP BY date
