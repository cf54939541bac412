-- Who asked what on the days of rises: of these sources, or of all, those of each rise are picked out where
-- it is read.
SELECT date, src_hi, src_lo, proto, port
FROM flow
WHERE class = 0 AND {days} AND {among}
