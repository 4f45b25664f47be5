"""Standings by DuckDB: of each family what its statements say, written as one would write it there.

Edges are measured here too; only a half-life, which runs keep for a month, is taken from the run.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.recalculation.outputs import DAY, EPOCH, micro

Given = dict[str, Any]
COLUMNS = "member_id, $scheme::BIGINT AS scheme_id, code::BIGINT AS code, value::BIGINT AS value, since, due, expected_at"
AIPL = """
    SELECT member_id, NULL AS value, NULL::BIGINT AS since, NULL::BIGINT AS expected_at,
        CASE WHEN loyal > $as_of THEN 4 WHEN bought > $as_of THEN 3 WHEN keen > $as_of THEN 2
            WHEN aware > $as_of THEN 1 END AS code,
        CASE WHEN loyal > $as_of THEN loyal WHEN bought > $as_of THEN bought
            WHEN keen > $as_of THEN nullif(keen, $never) WHEN aware > $as_of THEN aware END AS due
    FROM (
        SELECT m.member_id,
            greatest(e.acted, d.received, CASE WHEN m.joined_at <= $as_of THEN m.joined_at END) + 180 * $day AS aware,
            greatest(e.wanted + 90 * $day, d.opened + 90 * $day, c.since) AS keen,
            f.last_order_at + 730 * $day AS bought, o.third + 365 * $day AS loyal
        FROM members m
        LEFT JOIN (SELECT member_id, max(occurred_at) AS acted, max(occurred_at) FILTER (occurred_at > $as_of - 90 * $day
            AND kind IN ('search', 'click', 'add_to_cart', 'favourite', 'share')) AS wanted
            FROM events WHERE occurred_at <= $as_of AND occurred_at > $as_of - 180 * $day GROUP BY 1) e USING (member_id)
        LEFT JOIN (SELECT member_id, max(delivered_at) FILTER (delivered_at > $as_of - 180 * $day) AS received,
            (max(opened_at, 2) FILTER (opened_at > $as_of - 90 * $day AND opened_at <= $as_of))[2] AS opened
            FROM deliveries WHERE delivered_at <= $as_of GROUP BY 1) d USING (member_id)
        LEFT JOIN (SELECT DISTINCT member_id, $never AS since FROM communities
            WHERE left_at IS NULL AND joined_at <= $as_of) c USING (member_id)
        LEFT JOIN (SELECT member_id, (max(placed_at, 3))[3] AS third FROM orders
            WHERE status = 1 AND placed_at <= $as_of AND placed_at > $as_of - 365 * $day GROUP BY 1) o USING (member_id)
        LEFT JOIN facts f USING (member_id)
    ) WHERE code IS NOT NULL"""
USAGE = """
    SELECT member_id, (days > 0)::INT + (days >= 4)::INT + (days >= 12)::INT AS code, days AS value, NULL::BIGINT AS since,
        CASE WHEN days > 0 THEN oldest + 30 ELSE latest + 180 END * $day - $shift AS due, NULL::BIGINT AS expected_at
    FROM (SELECT member_id, count(DISTINCT day) FILTER (day > $today - 30) AS days, min(day) FILTER (day > $today - 30) AS oldest,
            max(day) AS latest
        FROM (SELECT member_id, (occurred_at + $shift) // $day AS day FROM events
                WHERE occurred_at <= $as_of AND occurred_at >= ($today - 179) * $day - $shift
            UNION ALL SELECT member_id, (placed_at + $shift) // $day FROM orders
                WHERE status = 1 AND placed_at <= $as_of AND placed_at >= ($today - 179) * $day - $shift)
        GROUP BY member_id)"""
VALUE_EDGES = """
    WITH histogram AS (SELECT amount_total AS v, count(*) AS n, sum(amount_total) AS amount FROM facts
        WHERE amount_total > 0 GROUP BY 1),
    ranked AS (SELECT v, n, amount, sum(amount) OVER () AS total, sum(n) OVER () AS everybody,
        coalesce(sum(amount) OVER (ORDER BY v DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS above FROM histogram)
    SELECT max(total) AS total, max(everybody) AS members, min(v) FILTER (above * 100 < total * 80) AS head_from,
        min(v) FILTER (above * 100 < total * 95) AS waist_from, min(v) AS tail_from,
        sum(n) FILTER (above * 100 < total * 80) AS head_members, sum(amount) FILTER (above * 100 < total * 80) AS head_value,
        sum(n) FILTER (above * 100 >= total * 80 AND above * 100 < total * 95) AS waist_members,
        sum(n) FILTER (above * 100 >= total * 95) AS tail_members
    FROM ranked"""
VALUE = """
    SELECT member_id, 1 + (amount_total >= $waist_from)::INT + (amount_total >= $head_from)::INT AS code, amount_total AS value,
        NULL::BIGINT AS since, NULL::BIGINT AS due, NULL::BIGINT AS expected_at
    FROM facts WHERE amount_total > 0"""
PURCHASES = """
    CREATE TABLE purchases AS SELECT member_id, count(*) AS purchases, (list(placed ORDER BY placed))[1:5] AS reached
    FROM (SELECT member_id, min(placed_at) AS placed FROM orders WHERE status = 1 AND placed_at <= $as_of
        GROUP BY member_id, (placed_at + $shift) // $day)
    GROUP BY member_id"""
WAITS = """
    SELECT k AS step, count(*) AS reached, count(reached[k + 1]) AS advanced,
        quantile_disc(((reached[k + 1] - reached[k]) / 1e6)::BIGINT, [0.25, 0.5, 0.75])
            FILTER (reached[k + 1] IS NOT NULL) AS wait
    FROM purchases, range(1, 6) r(k) WHERE k <= len(reached) GROUP BY k ORDER BY k"""
LADDER = """
    SELECT member_id, least(purchases, 5) AS code, purchases AS value, reached[least(purchases, 5)] AS since, NULL::BIGINT AS due,
        CASE WHEN purchases < 5 THEN reached[purchases] + $waits[purchases]::BIGINT * 1000000 END AS expected_at
    FROM purchases"""
POINTS = """
    CREATE TABLE points AS SELECT member_id, sum(CASE WHEN $half_life = 0 OR acted >= $start THEN points
        ELSE round_even(points * pow(0.5, (($start - acted) // $day) / $half_life), 0)::BIGINT END)::BIGINT AS points
    FROM (
        SELECT member_id, placed_at AS acted, 50000 AS points FROM orders
            WHERE status = 1 AND placed_at > $from AND placed_at <= $as_of
        UNION ALL SELECT member_id, occurred_at, CASE kind WHEN 'favourite' THEN 5000 ELSE 10000 END FROM events
            WHERE kind IN ('add_to_cart', 'favourite') AND occurred_at > $from AND occurred_at <= $as_of
        UNION ALL SELECT member_id, max(occurred_at), 1000 FROM events
            WHERE kind = 'view' AND occurred_at > $from AND occurred_at <= $as_of
            GROUP BY member_id, (occurred_at + $shift) // $day
        UNION ALL SELECT member_id, clicked_at, 5000 FROM deliveries WHERE clicked_at > $from AND clicked_at <= $as_of
    ) GROUP BY member_id"""
BANDS = "SELECT count(*) AS members, quantile_disc(points // 1000, $below) AS edges FROM points WHERE points >= 1000"
SCORE = """
    SELECT member_id, 1 + (points // 1000 >= $warm_from)::INT + (points // 1000 >= $hot_from)::INT
            + (points // 1000 >= $top_from)::INT AS code,
        points // 1000 AS value, NULL::BIGINT AS since, NULL::BIGINT AS due, NULL::BIGINT AS expected_at
    FROM points WHERE points >= 1000"""
KNOWN = """
    CREATE TABLE known AS SELECT member_id, max(placed_at) AS last_order_at,
        count(*) FILTER (placed_at > $window_from) AS window_count,
        coalesce(sum(net_amount) FILTER (placed_at > $window_from), 0)::BIGINT AS window_amount,
        min(placed_at) FILTER (placed_at > $window_from) + $window AS window_due
    FROM orders WHERE status = 1 AND placed_at <= $as_of GROUP BY member_id"""
RFM_EDGES = """
    SELECT count(*) AS buyers, quantile_disc(last_order_at, [0.2, 0.4, 0.6, 0.8]) AS last_order_at,
        quantile_disc(window_count, [0.2, 0.4, 0.6, 0.8]) AS window_count,
        quantile_disc(window_amount, [0.2, 0.4, 0.6, 0.8]) AS window_amount,
        sum(last_order_at // 1000000)::HUGEINT // count(*) AS mean_last_order_at,
        sum(window_count)::HUGEINT // count(*) AS mean_window_count, sum(window_amount)::HUGEINT // count(*) AS mean_window_amount
    FROM known"""
RFM = """
    SELECT member_id, (last_order_at + $r_split > $as_of)::INT * 4 + (window_count > $f_split)::INT * 2
            + (window_amount > $m_split)::INT AS code,
        (1 + (last_order_at + $r1 > $as_of)::INT + (last_order_at + $r2 > $as_of)::INT + (last_order_at + $r3 > $as_of)::INT
            + (last_order_at + $r4 > $as_of)::INT) * 100
        + (1 + (window_count > $f1)::INT + (window_count > $f2)::INT + (window_count > $f3)::INT + (window_count > $f4)::INT) * 10
        + (1 + (window_amount > $m1)::INT + (window_amount > $m2)::INT + (window_amount > $m3)::INT + (window_amount > $m4)::INT)
            AS value,
        NULL::BIGINT AS since, NULL::BIGINT AS expected_at,
        window_due AS due
    FROM known"""
RFM_DAYS = 180  # the configuration measured looks back half as far as the pool's own


def compute(db: Any, as_of: datetime, schemes: Sequence[Any]) -> None:
    """A table `standings` with a row per member and scheme."""
    ways: dict[str, Callable[..., str]] = {
        "aipl": _aipl, "usage": _usage, "value": _value, "ladder": _ladder, "score": _score, "rfm": _rfm,
    }  # fmt: skip
    db.execute(
        "CREATE TABLE standings (member_id BIGINT, scheme_id BIGINT, code BIGINT, value BIGINT, since BIGINT, due BIGINT,"
        " expected_at BIGINT)"
    )
    for scheme in schemes:
        local = as_of.astimezone(ZoneInfo(scheme.pool.time_zone))
        shift = micro(local.utcoffset())
        given = {"as_of": micro(as_of), "day": DAY, "shift": shift, "today": (micro(as_of) + shift) // DAY, "never": 2**62}
        told: Given = {}
        found = ways[scheme.family](db, scheme, as_of, given, told)
        statement = f"INSERT INTO standings SELECT {COLUMNS} FROM ({found})"
        db.execute(statement, _said(statement, {**given, **told, "scheme": scheme.pk}))


def _said(statement: str, values: Given) -> Given:
    return {name: value for name, value in values.items() if f"${name}" in statement}


def _row(db: Any, statement: str, values: Given) -> Given:
    found = db.execute(statement, _said(statement, values))
    return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


def _aipl(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    return AIPL


def _usage(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    return USAGE


def _value(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    told |= _row(db, VALUE_EDGES, given)
    return VALUE


def _ladder(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    from segmentation.standings.ladder import ENOUGH

    db.execute(PURCHASES, _said(PURCHASES, given))
    steps = db.execute(WAITS).fetchall()
    told["waits"] = [wait[1] if advanced >= ENOUGH else None for _step, _reached, advanced, wait in steps]
    return LADDER


def _score(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    from segmentation.standings.score import ScoreSettings

    chosen = ScoreSettings.model_validate(scheme.settings)
    start = given["today"] * DAY - given["shift"]
    from_ = start - chosen.window_days * DAY
    db.execute(POINTS, _said(POINTS, {**given, "start": start, "from": from_, "half_life": scheme.edges["half_life"]}))
    found = _row(db, BANDS, {"below": [1 - share / 100 for share in chosen.shares]})["edges"]
    for n in (1, 2):
        found[n] = max(found[n], found[n - 1] + 1)
    told |= dict(zip(("warm_from", "hot_from", "top_from"), found, strict=True))
    return SCORE


def _rfm(db: Any, scheme: Any, as_of: datetime, given: Given, told: Given) -> str:
    from segmentation.recalculation.edges import rfm_edges
    from segmentation.standings.rfm import RfmScheme, constants

    window = RFM_DAYS * DAY
    db.execute(KNOWN, _said(KNOWN, {**given, "window": window, "window_from": given["as_of"] - window}))
    found = _row(db, RFM_EDGES, given)
    found["last_order_at"] = [EPOCH + timedelta(microseconds=n) for n in found["last_order_at"]]
    edges = rfm_edges(RfmScheme.model_validate(scheme.settings), found, as_of)
    told |= {name: micro(value) for name, value in constants(edges).items()}
    return RFM
