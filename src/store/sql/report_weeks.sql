-- Access of every port by site day, all sensors together.
SELECT date, proto, port, packets
FROM {ranked_together}
WHERE date >= {weeks_from} AND date < {weeks_to}
