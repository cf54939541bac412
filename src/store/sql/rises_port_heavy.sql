-- Sources that asked a port at a sensor again and again, on days that stood out (named by port × 1024 +
-- day): how many there were.  Who is no sign of somebody who asks is left out.
SELECT target, date, sensor, sum(1) AS heavy
FROM (
	SELECT {target} AS target, date, sensor, src_hi, src_lo
	FROM flow
	WHERE class = 0 AND date >= {from_day} AND date < {to_day} AND port IN ({ports})
		AND toInt64({target}) * 1024 + (date - {from_day}) IN ({pairs})
	GROUP BY target, date, sensor, src_hi, src_lo
	HAVING sum(packets) >= {least}
) AS sources
WHERE (date, src_hi, src_lo) NOT IN (SELECT date, src_hi, src_lo FROM role
	WHERE date >= {from_day} AND date < {to_day} AND role IN ('victim-reflection',
		'victim-backscatter', 'reflector', 'misconfigured'))
GROUP BY target, date, sensor
ORDER BY target, date, sensor
