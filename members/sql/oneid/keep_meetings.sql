-- Remember which values stood together, so that the order files arrive in does not matter to the guard.
-- Reads the run's met table; writes members_meeting, and what was new to it to the run's own table. A re-run finds them there.
-- not prepared: reads tables made by each import
WITH made AS (
    INSERT INTO members_meeting (pool_id, kind, value, other_kind, other)
    SELECT DISTINCT %(pool)s::bigint, met.kind, met.value, met.other_kind, met.other
    FROM {met} AS met
    WHERE NOT EXISTS (
        SELECT FROM members_meeting AS old
        WHERE old.pool_id = %(pool)s AND old.kind = met.kind AND old.value = met.value
            AND old.other_kind = met.other_kind AND old.other = met.other
    )
    ORDER BY 2, 3, 4, 5
    ON CONFLICT DO NOTHING
    RETURNING kind, value, other_kind, other
)
INSERT INTO {brought} (kind, value, other_kind, other) SELECT kind, value, other_kind, other FROM made
