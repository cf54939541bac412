-- Sources whose address was probably forged, on the days of rises.
SELECT date, src_hi, src_lo
FROM role
WHERE date IN ({days}) AND role = 'victim-reflection'
