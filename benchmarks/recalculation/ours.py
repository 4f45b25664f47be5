"""Our own runs on a pool: whole, by the minute, and the scan of its orders that the minute is measured in."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from benchmarks.recalculation.standings_in_duckdb import RFM_DAYS

# One scheme of each family, as the product offers them; a configuration of RFM with a window of its own.
SCHEMES: dict[str, dict[str, Any]] = {
    "aipl": {},
    "usage": {},
    "value": {},
    "ladder": {},
    "score": {},
    "rfm": {"window_days": RFM_DAYS},
}
KNOW_SINCE = ("ladder",)
NEW_ORDERS = """
    INSERT INTO members_order (
        member_id, id, pool_id, channel_id, number, status, placed_at, amount, discount, shipping, refunded, store
    )
    SELECT id, order_key(%(pool_id)s, 1, 'TICK-' || %(n)s || '-' || id), %(pool_id)s, 1, 'TICK-' || %(n)s || '-' || id, 1, %(at)s,
        9900, 0, 0, 0, ''
    FROM members_member WHERE pool_id = %(pool_id)s AND (hashint8extended(id, 7) & 65535) %% 100 = %(n)s"""
TOUCH = """
    INSERT INTO members_touchedmember (member_id, pool_id)
    SELECT id, pool_id FROM members_member WHERE pool_id = %(pool_id)s AND (hashint8extended(id, 7) & 65535) %% 100 = %(n)s
    ON CONFLICT DO NOTHING"""


def timed(act: Callable[[], Any]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def full(pool: Any, as_of: datetime) -> Any:
    from segmentation.recalculation import services

    return services.recalculate(pool=pool, as_of=as_of)


def without_schemes(pool: Any, as_of: datetime, runs: int) -> list[float]:
    """Full runs that compute the states only, to another day and back."""
    found = []
    for n in range(runs):
        found.append(timed(lambda: full(pool, as_of + timedelta(days=3 * ((n + 1) % 2)))))  # noqa: B023
        tidy(pool)
    return found


def tidy(pool: Any) -> None:
    """What a day between two nightly runs does: autovacuum has been there, history is another day's."""
    from members.models import StateChange
    from scrm.lib import sql

    StateChange.objects.filter(pool=pool).delete()
    sql.run("VACUUM members_memberstate, members_memberstanding, members_statechange")
    sql.run("CHECKPOINT")


@contextmanager
def schemes(pool: Any, as_of: datetime) -> Iterator[list[Any]]:
    """The pool with a scheme of each family, computed; afterwards as it was found, for the next measurement."""
    from segmentation.models import Scheme
    from segmentation.standings import known  # noqa: F401  (families announce themselves)
    from segmentation.standings.families import checked

    _drop(list(Scheme.objects.filter(pool=pool, name__startswith="bench ")))  # left by a run that was killed
    made = [
        Scheme.objects.create(pool=pool, family=key, name=f"bench {key}", settings=checked(key, given).model_dump(mode="json"))
        for key, given in SCHEMES.items()
    ]
    try:
        yield made
    finally:
        _drop(made)
        full(pool, as_of)
        tidy(pool)


def _drop(schemes: Sequence[Any]) -> None:
    from members.models import MemberStanding

    for scheme in schemes:
        MemberStanding.objects.filter(scheme_id=scheme.pk).delete()
        scheme.delete()


def ticks(pool: Any, as_of: datetime, runs: int) -> list[float]:
    """One member in a hundred has a new order each time."""
    from scrm.lib import sql
    from segmentation.recalculation import services

    full(pool, as_of)
    found = []
    for n in range(runs + 1):
        now = as_of + timedelta(minutes=n + 1)
        sql.run(NEW_ORDERS, {"pool_id": pool.pk, "n": n, "at": now})
        sql.run(TOUCH, {"pool_id": pool.pk, "n": n})
        done: list[Any] = []
        found.append(timed(lambda: done.append(services.tick(pool=pool, as_of=now))))  # noqa: B023
        assert done[0] is not None, "the tick did nothing"
    sql.run("DELETE FROM members_order WHERE pool_id = %(pool_id)s AND number LIKE 'TICK-%%'", {"pool_id": pool.pk})
    sql.run("VACUUM members_order")
    return found[1:]


def scan() -> None:
    from scrm.lib import sql

    with sql.planner(enable_indexscan="off", enable_indexonlyscan="off", enable_bitmapscan="off", parallel_setup_cost=0):
        sql.fetch("SELECT count(*), sum(net_amount) FROM members_order")


def share(pool: Any) -> float:
    """The scan reads other pools' orders too, where there are any; only this pool's share counts."""
    from scrm.lib import sql

    ((found,),) = sql.fetch(
        "SELECT (count(*) FILTER (WHERE pool_id = %(pool_id)s))::float8 / count(*) FROM members_order", {"pool_id": pool.pk}
    )
    return float(found)
