SELECT sensor, name, country, kind
FROM sensor
ORDER BY sensor, valid_from
