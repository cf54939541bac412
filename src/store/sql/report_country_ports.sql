-- Access by country (its two letters in one number) and port: summed up where it is read.
SELECT ascii(country) * 256 + ascii(substring(country, 2, 1)) AS code, proto, port, packets
FROM {ranked}
WHERE date >= {now_day} AND date < {to_day}
