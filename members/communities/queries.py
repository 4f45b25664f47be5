"""Groups with their health, the people of one, and the members of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from members.models import Community, CommunityAlert, CommunityDay, CommunityHealth, CommunityMember, Pool
from scrm.lib import sql

PAGE = 50
WELL, WATCH = 60, 30  # scores from which a group is well, or worth a look
STATES = {"well": _("健康"), "watch": _("一般"), "weak": _("偏弱"), "dying": _("濒危"), "unknown": _("数据不足")}
TONES = {"well": "green", "watch": "blue", "weak": "amber", "dying": "red", "unknown": "slate"}
WARNINGS: dict[str, Any] = {
    "inactive": _("活跃率低于下限"),
    "silent": _("人均消息低于下限"),
    "shrinking": _("四周净流失超过上限"),
    "ending": _("预期寿命低于下限"),
    "weak": _("健康分低于下限"),
    "empty": _("群里已没有人"),
}
NOTES: dict[str, Any] = {
    "short": _("数据不足：至少要 4 周"),
    "few": _("数据不足：8 周内不到 30 条消息"),
    "unclear": _("数据不足：看不出趋势"),
    "steady": _("没有证实的下降"),
    "empty": _("群里没有人"),
}
PARTS: dict[str, Any] = {"active": _("活跃率"), "talk": _("人均消息"), "growth": _("净增长"), "trend": _("消息趋势")}


def state_of(health: CommunityHealth | None) -> str:
    """One word for a group's health."""
    if health is None or (health.score is None and not health.is_dying):
        return "unknown"
    if health.is_dying:
        return "dying"
    return "well" if (health.score or 0) >= WELL else "watch" if (health.score or 0) >= WATCH else "weak"


@dataclass(frozen=True)
class Row:
    """A group as lists show it."""

    community: Community
    health: CommunityHealth | None

    @property
    def state(self) -> str:
        return state_of(self.health)

    @property
    def label(self) -> Any:
        return STATES[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def warned(self) -> list[Any]:
        return [WARNINGS[code] for code in self.health.warnings if code in WARNINGS] if self.health else []

    @property
    def note(self) -> Any:
        return NOTES.get(self.health.life_note, "") if self.health else ""

    @property
    def net(self) -> int | None:
        return self.health.joins - self.health.leaves if self.health else None


def found(pool: Pool, *, text: str = "", dissolved: bool = False) -> QuerySet[Community]:
    """Groups that are, or that were."""
    rows = Community.objects.filter(pool=pool, dissolved_at__isnull=not dissolved)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(external_id__icontains=text))
    return rows.select_related("owner", "store", "health", "channel")


def rows(communities: QuerySet[Community]) -> list[Row]:
    return [row_of(each) for each in communities]


def row_of(community: Community) -> Row:
    return Row(community, getattr(community, "health", None))


def community_of(pool: Pool, pk: int) -> Community:
    wanted = Community.objects.select_related("owner", "store", "health", "channel", "pool")
    return get_object_or_404(wanted, pool=pool, pk=pk)


def totals(pool: Pool) -> dict[str, Any]:
    """Figures above the list."""
    waiting = CommunityAlert.objects.filter(community__pool=pool, community__dissolved_at=None, cleared_at=None).count()
    people = CommunityHealth.objects.filter(community__pool=pool, community__dissolved_at=None)
    sums = {"members": 0, "active": 0, "net": 0}
    for members, active, joins, leaves in people.values_list("members", "active", "joins", "leaves"):
        sums["members"] += members
        sums["active"] += active
        sums["net"] += joins - leaves
    return {**sums, "groups": Community.objects.filter(pool=pool, dissolved_at=None).count(), "dying": waiting}


# -- The people of one ----------------------------------------------------------------------------
@dataclass(frozen=True)
class People:
    """A page of stays, and the key of the next."""

    rows: Sequence[CommunityMember]
    next: str


def people(community: Community, *, left: bool, after: str = "") -> People:
    """Who is in the group, or who left it, latest first."""
    order = "left_at" if left else "joined_at"
    stays = CommunityMember.objects.filter(community=community, left_at__isnull=not left)
    if key := _key(after):
        instant, member = key
        stays = stays.filter(Q(**{f"{order}__lt": instant}) | Q(**{order: instant, "member_id__lt": member}))
    page = list(stays.select_related("member__owner", "member__state").order_by(F(order).desc(), "-member_id")[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    return People(page[:PAGE], f"{getattr(last, order).isoformat()}~{last.member_id}" if last else "")


def _key(text: str) -> tuple[datetime, int] | None:
    instant, _tilde, member = text.rpartition("~")
    try:
        at = datetime.fromisoformat(instant)
        return (at, int(member)) if at.tzinfo else None
    except ValueError:
        return None


def counts(community: Community) -> dict[str, int]:
    """People inside and people gone."""
    stays = CommunityMember.objects.filter(community=community)
    inside = stays.filter(left_at=None).values("member_id").distinct().count()
    return {"inside": inside, "left": stays.filter(left_at__isnull=False).count()}


def days(community: Community, since: Any, until: Any) -> dict[Any, CommunityDay]:
    """What was counted or reported on each day of a span."""
    return {row.day: row for row in CommunityDay.objects.filter(community=community, day__range=(since, until))}


def cohorts(community: Community, as_of: datetime) -> list[dict[str, Any]]:
    """Who joined in which week, and how many of them stayed how long; only what can be known by now."""
    given = {"community": community.pk, "as_of": as_of, "zone": community.pool.time_zone}
    return sql.rows("members/communities/list_cohorts", given)


def members_in(pool: Pool, text: str) -> BitMap:
    """Members of a group now; ValueError for one that does not exist."""
    if not Community.objects.filter(pool=pool, pk=int(text)).exists():
        raise ValueError(text)
    inside = CommunityMember.objects.filter(community_id=int(text), left_at=None)
    return BitMap(inside.values_list("member_id", flat=True))


def dying(pool_id: int) -> QuerySet[CommunityAlert]:
    """Alerts that nobody has taken care of."""
    waiting = CommunityAlert.objects.filter(community__pool=pool_id, cleared_at=None, seen_at=None, community__dissolved_at=None)
    return waiting.select_related("community").order_by("-raised_at")
