-- Sources whose address was probably forged, on the days of rises.
SELECT date, src_hi, src_lo
FROM role
WHERE {days} AND role.role = 'victim-reflection'
