-- The same by sensor.
SELECT proto, port, date, sensor, packets, sources
FROM port_day
WHERE sensor > 0 AND date >= {from_day} AND date < {to_day}
