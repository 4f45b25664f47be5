"""How often each kind of data of a pool has changed; what was computed from older versions is stale."""

from members.models import DataVersion
from scrm.lib import sql

DOMAINS = (
    "members",
    "orders",
    "events",
    "tags",
    "state",
    "standings",
    "predictions",
    "consents",
    "deliveries",
    "points",
    "communities",
)


def bump(pool_id: int, *domains: str) -> None:
    """Say that data of these domains changed; call inside the transaction that changed it."""
    sql.execute("members/bump_versions", {"pool_id": pool_id, "domains": sorted(set(domains))})


def versions(pool_id: int) -> dict[str, int]:
    """The version of every domain; one that never changed is at 1."""
    known = dict(DataVersion.objects.filter(pool_id=pool_id).values_list("domain", "version"))
    return {domain: known.get(domain, 1) for domain in (*DOMAINS, *known)}
