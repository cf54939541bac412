-- As report_ports, of packets with Mirai's mark.
SELECT date, sensor, proto, port, packets
FROM {ranked_ports}
WHERE date >= {from_day} AND date < {to_day} AND mirai = 1
