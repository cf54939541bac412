SELECT date, count(*) AS victims, sum(in_panel) AS victims_panel
FROM (
	SELECT date, victim_hi, victim_lo, {in_panel} AS in_panel
	FROM victim_day
	WHERE date >= {from_day} AND date < {to_day}
	GROUP BY date, victim_hi, victim_lo
) AS distinct_victims
GROUP BY date
