"""A connector's health: how fast it may go, when it must rest, and addresses it called dead."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F

from scrm.lib import sql
from touchpoints.connectors import base
from touchpoints.models import Connector, Step

PATIENCE = 3  # troubled calls in a row before it rests
FIRST_REST, LONGEST_REST = timedelta(seconds=15), timedelta(minutes=15)
CONFIG_REST = timedelta(minutes=10)


def is_open(connector: Connector) -> bool:
    """Whether nothing may leave now (by the database's clock)."""
    return bool(connector.open_until and sql.fetch("SELECT %(until)s > clock_timestamp()", {"until": connector.open_until})[0][0])


def permits(connector: Connector, wanted: int) -> int:
    """How many messages may be claimed now under the connector's rate (messages a second; 0: no limit)."""
    rate = float(connector.config.get("rate") or 0)
    if rate <= 0:
        return wanted
    n = max(1, min(wanted, int(rate)))
    found = sql.row("touchpoints/reserve_rate", {"connector": connector.pk, "n": n, "gap": timedelta(seconds=1 / rate)})
    return n if found else 0


def learn(connector: Connector, outcomes: Sequence[base.Outcome]) -> bool:
    """Draw the consequences of a call; whether the connector may be used on."""
    trouble = next(
        (each for each in outcomes if isinstance(each, base.Down | base.Throttled | base.BadConfig | base.AuthStale)), None
    )
    if trouble is None:
        if connector.failures:
            connector.failures = 0
            Connector.objects.filter(pk=connector.pk).update(failures=0, open_until=None, problem="")
        return True
    _rest(connector, trouble)
    return False


def _rest(connector: Connector, trouble: base.SendError) -> None:
    rows = Connector.objects.filter(pk=connector.pk)
    if isinstance(trouble, base.Throttled):
        rest = trouble.after or FIRST_REST
    else:
        connector.failures += 1
        rows.update(failures=F("failures") + 1)
        rest = CONFIG_REST if isinstance(trouble, base.BadConfig) else _growing(connector.failures)
    rows.update(problem=(trouble.detail or trouble.code)[:200])
    sql.execute("touchpoints/open_breaker", {"connector": connector.pk, "rest": rest})
    if isinstance(trouble, base.BadConfig) and trouble.detail.startswith("410"):
        rows.update(is_active=False)


def _growing(failures: int) -> timedelta:
    if failures < PATIENCE:
        return timedelta(seconds=2 * failures)
    return min(FIRST_REST * 2 ** min(failures - PATIENCE, 10), LONGEST_REST)


def block(step: Step, carrier: str, member_id: int, detail: str, at: datetime) -> None:
    """An address the provider calls dead is not written to again; a new address is."""
    params = {
        "member": member_id,
        "pool": step.pool_id,
        "carrier": carrier,
        "reason": "bounced",
        "source": f"step:{step.pk}",
        "at": at,
    }
    sql.execute("touchpoints/block_address", params | {"kind": address_kind(step.connector)})


def address_kind(connector: Connector) -> str:
    """The kind of identity a connector writes to."""
    from touchpoints.connectors.registry import CONNECTORS

    return CONNECTORS[connector.key].caps.address
