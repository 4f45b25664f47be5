"""What everybody's computation must come to: the live tables, held against another's row by row."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

WINDOW, DAY = 365, 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = ["member_id", "order_count", "amount_total", "first_order_at", "last_order_at", "window_count", "window_amount",
           "facts_due", "r", "f", "m", "rfm_group", "stage", "lead", "stage_due"]  # fmt: skip
STANDING = ["member_id", "scheme_id", "code", "value", "since", "due", "expected_at"]
INSTANTS = {"first_order_at", "last_order_at", "facts_due", "stage_due", "since", "due", "expected_at"}


def micro(value: Any) -> Any:
    """Instants and spans as microseconds, which is how the others have them."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return value // timedelta(microseconds=1) if isinstance(value, timedelta) else value


def live_states(pool: Any) -> Any:
    """The states of a pool, as an Arrow table."""
    return _arrow(f"SELECT {_picked(COLUMNS)} FROM members_memberstate WHERE pool_id = {pool.pk}", COLUMNS)


def live_standings(pool: Any, schemes: list[int], known_since: list[int]) -> Any:
    """The standings of a pool in these schemes. Since when is compared where it is known; elsewhere it is when a run saw it."""
    since = f"CASE WHEN scheme_id = ANY(ARRAY{known_since}::int[]) THEN {_epoch('since')} END AS since"
    columns = _picked(STANDING).replace(f"{_epoch('since')} AS since", since)
    return _arrow(
        f"SELECT {columns} FROM members_memberstanding WHERE pool_id = {pool.pk} AND scheme_id = ANY(ARRAY{schemes})", STANDING
    )


def _epoch(name: str) -> str:
    return f"(extract(epoch FROM {name}) * 1000000)::bigint"


def _picked(columns: list[str]) -> str:
    return ", ".join(f"{_epoch(name)} AS {name}" if name in INSTANTS else name for name in columns)


def _arrow(statement: str, columns: list[str]) -> Any:
    import pyarrow as pa
    import pyarrow.csv as csv

    from scrm.lib import sql

    file = io.BytesIO()
    sql.copy_out(f"COPY ({statement}) TO STDOUT (FORMAT csv, HEADER)", file)
    file.seek(0)
    return csv.read_csv(file, convert_options=csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.int64())))


def assert_same(db: Any, live: Any, theirs: str) -> None:
    """The same rows, and at least one: a comparison of nothing proves nothing."""
    db.register("live", live)
    picked = ", ".join(live.column_names)
    for one, other in (("live", theirs), (theirs, "live")):
        differ = db.execute(f"SELECT {picked} FROM {one} EXCEPT SELECT {picked} FROM {other}").fetchall()
        assert not differ, f"{len(differ)} rows of {one} are not in {other}: {picked}: {differ[:3]}"
    ((rows,),) = db.execute(f"SELECT count(*) FROM {theirs}").fetchall()
    assert live.num_rows == rows > 0, f"{live.num_rows} rows are live, {rows} in {theirs}"
