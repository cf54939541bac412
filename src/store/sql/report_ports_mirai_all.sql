-- As report_ports_mirai, of everybody.
SELECT date, sensor, proto, port, packets
FROM country_day
WHERE date >= {from_day} AND date < {to_day} AND mirai = 1
