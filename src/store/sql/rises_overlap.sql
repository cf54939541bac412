-- Who asked what on the days of rises: of each rise's sources (the rows say which), picked out where it is
-- read.
SELECT date, src_hi, src_lo, proto, port
FROM ({rows}) AS asked
