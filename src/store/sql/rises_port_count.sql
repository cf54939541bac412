-- How many ports were asked at all: rises are found among so many.
SELECT uniqExact({target}) AS targets
FROM country_day
WHERE date >= {from_day} AND date < {to_day}
