"""Computing how the groups of a pool are, raising and clearing their alerts; what a pool expects of its groups."""

import json
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction

from members.communities.codes import problem
from members.communities.health import WEEKS, Counts, Estimate, Figures, judge
from members.models import Community, CommunityAlert, CommunityHealth, CommunityPolicy, Pool
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

# Names a pool starts with; its own replace them.
LAYERS = ("福利群", "VIP 群", "新客群", "体验群", "门店群", "兴趣群")
BOUNDS: dict[str, tuple[float, float]] = {
    "good_active_share": (0.01, 1),
    "good_message_rate": (0.01, 50),
    "least_active_share": (0, 1),
    "least_message_rate": (0, 50),
    "most_net_loss": (0.01, 1),
    "least_life_days": (0, 365),
    "least_score": (0, 100),
    "warnings": (1, 5),
    "least_age_days": (0, 365),
}


def policy_of(pool: Pool) -> CommunityPolicy:
    """The pool's own expectations, or the product's."""
    return CommunityPolicy.objects.filter(pool=pool).first() or CommunityPolicy(pool=pool)


def layers_of(pool: Pool) -> list[str]:
    """The names of layers a pool offers to choose from."""
    return list(policy_of(pool).layers) or list(LAYERS)


@transaction.atomic
def save_policy(*, pool: Pool, values: Mapping[str, Any], actor: User | None) -> CommunityPolicy:
    """Change thresholds, targets and names of layers; figures follow at the next computation."""
    row = CommunityPolicy.objects.select_for_update().filter(pool=pool).first() or CommunityPolicy(pool=pool)
    before = {name: getattr(row, name) for name in ("layers", *BOUNDS)}
    for name, value in values.items():
        if name in BOUNDS and not BOUNDS[name][0] <= value <= BOUNDS[name][1]:
            low, high = BOUNDS[name]
            label = getattr(CommunityPolicy._meta.get_field(name), "verbose_name", name)
            raise problem("bad_threshold", name, name=label, low=low, high=high)
        setattr(row, name, value)
    row.layers = list(dict.fromkeys(name.strip()[:30] for name in row.layers if name.strip()))
    row.save()
    changed = {name: [before[name], getattr(row, name)] for name in before if before[name] != getattr(row, name)}
    audit(actor=actor, action="community.policy", target=row, pool_id=pool.pk, changes=changed)
    return row


@transaction.atomic
def measure(*, pool: Pool, as_of: datetime, community: Community | None = None) -> int:
    """Compute every group (or one) and raise or clear alerts; how many groups are dying."""
    policy = policy_of(pool)
    rows = sql.rows("members/communities/measure_health", _window(pool, as_of, community))
    found = {row["id"]: judge(counts_of(row, as_of), policy) for row in rows}
    CommunityHealth.objects.bulk_create(
        [_health(row, found[row["id"]], as_of) for row in rows],
        update_conflicts=True,
        unique_fields=["community"],
        update_fields=[field.name for field in CommunityHealth._meta.concrete_fields if field.name != "community"],
    )
    _alert(pool, found, as_of)
    return sum(figures.is_dying for figures in found.values())


def _window(pool: Pool, as_of: datetime, community: Community | None) -> dict[str, Any]:
    today = as_of.astimezone(pool.zone).date()

    def begin(days: int) -> datetime:
        return datetime.combine(today - timedelta(days=days - 1), time(), pool.zone)

    return {
        "pool_id": pool.pk,
        "only": community.pk if community else None,
        "as_of": as_of,
        "today": today,
        "week": begin(7),
        "month": begin(28),
    }


def counts_of(row: dict[str, Any], as_of: datetime) -> Counts:
    """One row of the measuring statement. Weeks begin with the first that has anything to tell."""
    known = {int(week): int(messages) for week, messages in json.loads(row["weeks"]).items()}
    oldest = min(WEEKS - 1, row["first_week"]) if row["first_week"] is not None else -1
    same = (
        "members",
        "ever",
        "joins",
        "leaves",
        "month_days",
        "week_days",
        "senders",
        "reported_senders",
        "messages",
        "is_heard",
    )
    return Counts(
        created_at=row["created_at"],
        as_of=as_of,
        weeks=[known.get(week, 0) for week in range(oldest, -1, -1)],
        **{name: row[name] for name in same},
    )


def _health(row: dict[str, Any], figures: Figures, as_of: datetime) -> CommunityHealth:
    return CommunityHealth(
        community_id=row["id"],
        as_of=as_of,
        members=row["members"],
        active=figures.active,
        is_active_at_least=figures.is_active_at_least,
        active_share=figures.active_share,
        messages=row["messages"],
        message_rate=figures.message_rate,
        joins=row["joins"],
        leaves=row["leaves"],
        member_days=row["month_days"],
        life_note=figures.life_note,
        score=figures.score,
        parts=figures.parts,
        warnings=figures.warnings,
        is_dying=figures.is_dying,
        **_spread("leave_rate", "leave", figures.leave),
        **_spread("trend", "trend", figures.trend),
        **_spread("life_days", "life", figures.life),
    )


def _spread(name: str, start: str, found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {name: None, f"{start}_low": None, f"{start}_high": None}
    return {name: found.value, f"{start}_low": found.low, f"{start}_high": found.high}


def _alert(pool: Pool, found: dict[int, Figures], as_of: datetime) -> None:
    """Once per decline: an alert stays open until the group is well again."""
    waiting = {row.community_id: row for row in CommunityAlert.objects.filter(community__in=found, cleared_at=None)}
    dying = {pk for pk, figures in found.items() if figures.is_dying}
    for pk in sorted(dying - set(waiting)):
        made = CommunityAlert.objects.create(community_id=pk, raised_at=as_of, warnings=found[pk].warnings)
        audit(actor=None, action="community.dying", target=f"members.community:{pk}", pool_id=pool.pk, warnings=made.warnings)
    for pk in sorted(set(waiting) - dying):
        CommunityAlert.objects.filter(pk=waiting[pk].pk).update(cleared_at=as_of)
        audit(actor=None, action="community.recovered", target=f"members.community:{pk}", pool_id=pool.pk)


@transaction.atomic
def see(*, community: Community, actor: User, as_of: datetime) -> int:
    """Somebody takes care: the open alert leaves the workbench; it is not raised again before the group was well."""
    waiting = CommunityAlert.objects.filter(community=community, cleared_at=None, seen_at=None)
    seen = waiting.update(seen_at=as_of, seen_by=actor)
    if seen:
        audit(actor=actor, action="community.seen", target=community, pool_id=community.pool_id)
    return seen


def measure_all(*, as_of: datetime) -> int:
    """Every pool that has groups."""
    pools = Pool.objects.filter(pk__in=Community.objects.filter(dissolved_at=None).values("pool_id"))
    return sum(measure(pool=pool, as_of=as_of) for pool in pools)
