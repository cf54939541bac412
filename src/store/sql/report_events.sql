SELECT sensor, protocol, event,
	sum(CASE WHEN time >= {now} THEN "count" ELSE 0 END) AS events_now,
	sum(CASE WHEN time < {now} THEN "count" ELSE 0 END) AS events_before
FROM event
WHERE time >= {from} AND time < {to}
GROUP BY sensor, protocol, event
ORDER BY protocol, event, sensor
