SELECT max("end") AS newest
FROM coverage
WHERE time >= {from}
