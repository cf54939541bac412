-- Sources that asked a port at a sensor again and again, on days that stood out (the rows say which):
-- how many there were.  Who is no sign of somebody who asks is left out.
SELECT target, date, sensor, sum(1) AS heavy
FROM (
	SELECT proto * 65536 + port AS target, date, sensor, src_hi, src_lo
	FROM ({rows}) AS asked
	GROUP BY target, date, sensor, src_hi, src_lo
	HAVING sum(packets) >= {least}
) AS sources
WHERE (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo FROM role
	WHERE date >= {from_day} AND date < {to_day} AND role IN ('victim-reflection',
		'victim-backscatter', 'reflector', 'misconfigured'))
GROUP BY target, date, sensor
ORDER BY target, date, sensor
