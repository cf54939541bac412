SELECT DISTINCT sha256
FROM payload
WHERE date >= {from_day}
ORDER BY sha256
