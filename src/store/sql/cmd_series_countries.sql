SELECT date AS day, sensor, country AS split, sum(packets) AS packets_day
FROM country_day
WHERE date >= {now_day} AND date < {to_day} AND {chosen}
GROUP BY day, sensor, split
