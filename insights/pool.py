"""How one pool stands this morning: totals, where members come from, how they are known, targets."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any
from urllib.parse import quote

from django.utils.translation import get_language

from insights import figures, queries
from insights.charts.links import members
from insights.period import Period
from members.models import Channel, DailyFigure, Identity, ImportRun, Pool, Review
from members.pools.queries import month_of
from members.pools.queries import targets as targets_of
from members.pools.services import Target
from members.quality import behind
from members.quality import services as kept
from segmentation.evaluate import Evaluation
from segmentation.rules.ast import Condition
from segmentation.rules.facts_reach import CARRIERS

WITHIN = timedelta(minutes=10)  # figures of a busy pool may be this old
SELDOM = timedelta(hours=2)  # those that look at every identity: an hourly task keeps them fresh
KINDS = list(Identity.Kind.values)
SNAPSHOT = ("total", "members", "leads", "active")


@dataclass(frozen=True)
class Standing:
    """The totals of a pool, when they were counted, and how they stood when the day began."""

    counts: dict[str, int]
    at: datetime
    before: dict[str, int] = field(default_factory=dict)
    before_at: datetime | None = None

    def change(self, name: str) -> int | None:
        """Since the day began."""
        return self.counts[name] - self.before[name] if name in self.before else None


def standing(pool: Pool, as_of: datetime, within: timedelta = WITHIN) -> Standing:
    """Totals now beside those kept when the day began."""
    today = Period(pool, _today(pool, as_of), _today(pool, as_of))
    params = {
        "pool_id": pool.pk,
        "today": today.since,
        "week": _ago(today, 6).since,
        "month": _ago(today, 29).since,
        "until": today.until,
    }
    found, at = figures.recent("count_pool", params, ("members", "state"), within)
    before, before_at = _kept(pool, today.first)
    return Standing(found[0], at, before, before_at)


def _today(pool: Pool, as_of: datetime) -> date:
    return as_of.astimezone(pool.zone).date()


def _ago(today: Period, days: int) -> Period:
    first = today.first - timedelta(days=days)
    return Period(today.pool, first, first)


def _kept(pool: Pool, day: date) -> tuple[dict[str, int], datetime | None]:
    """What was kept of the latest day up to this one."""
    rows = DailyFigure.objects.filter(pool=pool, source=DailyFigure.WHOLE, name__startswith="pool.", day__lte=day)
    newest = rows.order_by("-day").values_list("day", flat=True).first() or day
    found = {
        name.removeprefix("pool."): (value, at) for name, value, at in rows.filter(day=newest).values_list("name", "value", "at")
    }
    return {name: value for name, (value, _at) in found.items()}, next((at for _value, at in found.values()), None)


def warm(pool: Pool, as_of: datetime) -> None:
    """Work out what takes long, so that no page has to."""
    overlaps(pool, standing(pool, as_of, timedelta(0)), timedelta(0))
    reachable(pool, as_of, timedelta(0))


def keep(pool: Pool, as_of: datetime) -> bool:
    """Keep today's totals once, when the day has begun; whether they were not kept yet."""
    day = _today(pool, as_of)
    if DailyFigure.objects.filter(pool=pool, day=day, source=DailyFigure.WHOLE, name="pool.total").exists():
        return False
    now = standing(pool, as_of)
    counts = [(DailyFigure.WHOLE, f"pool.{name}", now.counts[name]) for name in SNAPSHOT]
    counts += [(DailyFigure.WHOLE, f"pool.reachable.{row['carrier']}", row["members"]) for row in reachable(pool, as_of)[0]]
    kept.keep(pool=pool, counts=counts, as_of=as_of)
    return True


# -- Reach ---------------------------------------------------------------------------------------
def reachable(pool: Pool, as_of: datetime, within: timedelta = SELDOM) -> tuple[figures.Rows, datetime]:
    """Per carrier: members with the identity it needs who agreed to marketing; and by any carrier at all."""

    def make() -> figures.Rows:
        look = Evaluation(pool, as_of)
        every = [str(carrier.value) for carrier in CARRIERS]
        asked = [(each, (each,)) for each in every] + [("any", tuple(every))]
        conditions = [(name, Condition("reachable", "any", carriers)) for name, carriers in asked]
        return [{"carrier": name, "members": len(look.of(condition))} for name, condition in conditions]

    return figures.worked_out(pool.pk, "pool_reachable", {}, ("members", "consents"), within, make)


@dataclass(frozen=True)
class Bar:
    """One line of a list: what, how many, which share of the pool, the members behind it."""

    label: str
    members: int
    share: float
    url: str
    change: int | None = None


def carriers(pool: Pool, now: Standing, as_of: datetime) -> list[Bar]:
    """Whom each carrier reaches; carriers that reach nobody are left out."""
    language = get_language() or "zh-hans"
    names = {str(carrier.value): carrier.label.said(language) for carrier in CARRIERS}
    found = []
    for row in reachable(pool, as_of)[0]:
        carrier, n = row["carrier"], row["members"]
        if carrier in names and n:
            before = now.before.get(f"reachable.{carrier}")
            url = members(f"rule={quote(_rule('reachable', 'any', carrier))}")
            found.append(Bar(names[carrier], n, _share(n, now), url, None if before is None else n - before))
    return found


def _rule(fact: str, op: str, *values: str) -> str:
    listed = ",".join(f'"{value}"' for value in values)
    return f'{{"fact":"{fact}","op":"{op}","value":[{listed}]}}'


def _share(n: int, now: Standing) -> float:
    return n / now.counts["total"] if now.counts["total"] else 0.0


# -- Who is known how ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Overlaps:
    """Members per kind of identity, per pair of kinds, and without any."""

    kinds: list[Bar]
    pairs: list[list[Bar | None]]  # a row and a column per kind, in the order of `kinds`
    nobody: Bar


def overlaps(pool: Pool, now: Standing, within: timedelta = SELDOM) -> Overlaps:
    """From how many members have exactly which kinds."""
    rows, _at = figures.recent("list_identity_sets", {"pool_id": pool.pk, "kinds": KINDS}, ("members",), within)
    sets = [(int(row["kinds"]), int(row["members"])) for row in rows]
    single = {kind: _with(sets, kind) for kind in KINDS}
    shown = sorted((kind for kind in KINDS if single[kind]), key=lambda kind: -single[kind])
    known = [_bar(str(Identity.Kind(kind).label), single[kind], now, "any", kind) for kind in shown]
    both = {pair: _with(sets, *pair) for pair in combinations(shown, 2)}
    pairs = [[_pair(one, two, both, now) for two in shown] for one in shown]
    nobody = max(now.counts["total"] - sum(n for _kinds, n in sets), 0)
    lacking = members(f"{behind.KEY}={behind.value('identity.any', DailyFigure.WHOLE, lacking=True)}")
    return Overlaps(known, pairs, Bar("", nobody, _share(nobody, now), lacking))


def _with(sets: list[tuple[int, int]], *kinds: str) -> int:
    wanted = sum(1 << KINDS.index(kind) for kind in kinds)
    return sum(n for found, n in sets if found & wanted == wanted)


def _bar(label: str, n: int, now: Standing, op: str, *kinds: str) -> Bar:
    return Bar(label, n, _share(n, now), members(f"rule={quote(_rule('identity', op, *kinds))}"))


def _pair(one: str, two: str, both: dict[tuple[str, str], int], now: Standing) -> Bar | None:
    if one == two:
        return None
    n = both.get((one, two), both.get((two, one), 0))
    return _bar(f"{Identity.Kind(one).label} ∩ {Identity.Kind(two).label}", n, now, "all", one, two)


# -- Sources, targets, work ----------------------------------------------------------------------
def sources(period: Period, now: Standing) -> list[tuple[Bar, int]]:
    """Per channel: its members, and who joined within the period."""
    names = {channel.pk: str(channel) for channel in Channel.objects.all()}
    found = []
    for row in queries.sources(period):
        channel = row["channel_id"]
        url = members(f"channel={channel}") if channel else ""
        found.append((Bar(names.get(channel, ""), row["members"], _share(row["members"], now), url), row["joined"]))
    return found


@dataclass(frozen=True)
class Aim:
    """A target of this month and how far it is reached."""

    name: str
    now: int
    target: int

    @property
    def ratio(self) -> float:
        return min(self.now / self.target, 1.0) if self.target else 1.0


def aims(pool: Pool, now: Standing, as_of: datetime) -> list[Aim]:
    """This month's targets beside what there is; nothing where none is set."""
    today = _today(pool, as_of)
    month = month_of(today)
    target = targets_of(pool, [month]).get(month, Target())
    reached: dict[str, Any] = {
        "members": lambda: now.counts["total"],
        "active": lambda: now.counts["active"],
        "revenue": lambda: queries.trade(Period(pool, month, today))["gmv"],
    }
    wanted = {"members": target.members, "active": target.active, "revenue": target.revenue}
    return [Aim(name, int(reached[name]()), value) for name, value in wanted.items() if value is not None]


def latest_imports(pool: Pool) -> list[ImportRun]:
    """The latest files and what came of them."""
    return list(ImportRun.objects.filter(pool=pool).select_related("channel").order_by("-created_at")[:6])


def open_reviews(pool: Pool) -> int:
    """Pairs of members a person must decide about."""
    return Review.objects.filter(pool=pool, status=Review.Status.OPEN).count()
