-- Reserve sending permits of a connector: `n` messages at `gap` apart, unless it is booked for more than a second already.
-- Writes touchpoints_connector. The database's clock rules; two workers queue on the row. Leans on the primary key.
UPDATE touchpoints_connector SET rate_until = greatest(coalesce(rate_until, '-infinity'), clock_timestamp()) + %(gap)s * %(n)s
WHERE id = %(connector)s AND coalesce(rate_until, '-infinity') <= clock_timestamp() + interval '1 second'
RETURNING extract(EPOCH FROM rate_until - clock_timestamp())::float8 AS ahead
