-- How logins were tried: distinct users, passwords and pairs, and the part of the passwords that
-- nobody chose (short, no letters, or tried once).
SELECT uniqExact(user) AS users, uniqExact(password) AS passwords,
  uniqExact(user, password) AS pairs, uniqExact(src_hi, src_lo) AS sources,
  uniqExactIf(password, length(password) <= 4) / greatest(uniqExact(password), 1) AS generated
FROM login
WHERE time >= {begin} AND time < {end} AND protocol = {protocol}
