SELECT country, max(packets_port * 16777216 + 16777215 - target) AS packets_and_target
FROM (
	SELECT country, {target} AS target, toUInt64(sum(packets)) AS packets_port
	FROM {ranked}
	WHERE date >= {now_day} AND date < {to_day}
	GROUP BY country, target
) AS ports_of_countries
GROUP BY country
