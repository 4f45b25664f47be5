"""Every read of the queue, the guard, the rates and the rehearsals."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import queries as members
from members.identities import KINDS
from members.models import (
    Channel,
    Guard,
    Identity,
    ImportReject,
    ImportRun,
    MatchCount,
    Member,
    MemberTag,
    Pool,
    Rehearsal,
    Review,
)
from members.oneid.rules import STAFF
from scrm.lib import formats
from scrm.lib.formats import exact, full, money

Outcome = MatchCount.Outcome
TONES = {"open": "amber", "merged": "green", "apart": "slate", "ignored": "slate"}


# -- The queue -------------------------------------------------------------------------------------
def reviews(pool: Pool, *, status: str = "open", reason: str = "", kind: str = "", run: int | None = None) -> QuerySet[Review]:
    """Reviews of the pool, newest first."""
    found = Review.objects.filter(pool=pool).select_related("run", "decided_by").order_by("-pk")
    wanted = {"status": status, "reason": reason, "cause_kind": kind, "run": run}
    return found.filter(**{name: value for name, value in wanted.items() if value})


def review_of(pool: Pool, pk: int) -> Review:
    """One review of the pool, or 404."""
    return get_object_or_404(Review.objects.select_related("run", "decided_by"), pool=pool, pk=pk)


def waiting(pool_id: int) -> int:
    """How many reviews are open."""
    return Review.objects.filter(pool_id=pool_id, status=Review.Status.OPEN).count()


def tally(pool: Pool) -> dict[str, int]:
    """How many reviews stand at each status."""
    counted = Review.objects.filter(pool=pool).order_by().values_list("status").annotate(count=Count("pk"))
    return dict.fromkeys(Review.Status.values, 0) | dict(counted)


@dataclass(frozen=True)
class Row:
    """A review with the members it is about, as they are now."""

    review: Review
    one: Member | None
    two: Member | None
    hint: str

    @property
    def tone(self) -> str:
        return TONES[self.review.status]

    @property
    def kind(self) -> Any:
        return KINDS[self.review.cause_kind].label if self.review.cause_kind in KINDS else ""

    @property
    def joined(self) -> bool:
        """Whether the two have become one meanwhile."""
        return bool(self.one and self.two and (self.one.merged_into or self.one.pk) == (self.two.merged_into or self.two.pk))


def shown(pool: Pool, found: Sequence[Review]) -> list[Row]:
    """Reviews with members and the identity that raised each: three reads for all of them."""
    known = Member.objects.in_bulk({number for row in found for number in (row.one_id, row.two_id) if number})
    hashes = [bytes(row.cause_hash) for row in found if row.cause_hash]
    hints = {
        (row.kind, bytes(row.value_hash)): row.hint or row.value
        for model in (Guard, Identity)
        for row in model.objects.filter(pool=pool, value_hash__in=hashes)  # type: ignore[attr-defined]
    }
    return [
        Row(
            row,
            known.get(row.one_id),
            known.get(row.two_id or 0),
            hints.get((row.cause_kind, bytes(row.cause_hash or b"")), row.evidence.get("hint", "")),
        )
        for row in found
    ]


def following(review: Review) -> int | None:
    """The open review after this one, as the list orders them; then from the top again."""
    waiting_ones = Review.objects.filter(pool_id=review.pool_id, status=Review.Status.OPEN).exclude(pk=review.pk).order_by("-pk")
    found = waiting_ones.filter(pk__lt=review.pk).first() or waiting_ones.first()
    return found.pk if found else None


@dataclass(frozen=True)
class Side:
    """One member of a pair, with everything that helps to decide."""

    member: Member
    identities: list[Identity]
    tags: list[MemberTag]
    guarded: list[Guard]

    @property
    def id(self) -> int:
        return self.member.pk


def side(member: Member) -> Side:
    """One member of a pair."""
    return Side(
        member,
        members.identities_of(member),
        list(member.tags.select_related("tag__group")),
        list(Guard.objects.filter(uses__member=member)),
    )


@dataclass(frozen=True)
class Line:
    """One thing to compare."""

    label: Any
    left: str
    right: str
    left_from: str = ""  # who said it
    right_from: str = ""

    @property
    def differs(self) -> bool:
        """Both say something, and not the same."""
        return self.left != self.right and "–" not in (self.left, self.right)

    @property
    def lacks(self) -> bool:
        """Only one of them says something."""
        return self.left != self.right and not self.differs


def compare(one: Side, two: Side) -> list[Line]:
    """Fields, identities by kind, orders and tags side by side."""
    left, right = _facts(one), _facts(two)
    lines = [Line(label, left[label][0], right[label][0], left[label][1], right[label][1]) for label in left]
    kinds = [kind for kind in members.KIND_ORDER if any(row.kind == kind for row in [*one.identities, *two.identities])]
    lines += [Line(KINDS[kind].label, _hints(one, kind), _hints(two, kind)) for kind in kinds]
    lines.append(Line(_("标签"), _listed(str(row.tag) for row in one.tags), _listed(str(row.tag) for row in two.tags)))
    lines.append(Line(_("共用标识"), _listed(row.hint for row in one.guarded), _listed(row.hint for row in two.guarded)))
    return lines


def _listed(texts: Any) -> str:
    return formats.listed(sorted(texts)) or "–"


def _hints(one: Side, kind: str) -> str:
    return _listed(row.hint or row.value for row in one.identities if row.kind == kind)


def _facts(one: Side) -> dict[str, tuple[str, str]]:
    """What is known of a member, and who said it."""
    member, state = one.member, getattr(one.member, "state", None)
    named = source_names()
    origin = {field: named.get(said[0], "") for field, said in (member.sources or {}).items()}

    def told(value: Any, name: str = "") -> tuple[str, str]:
        return str(value or "–"), origin.get(name, "") if value else ""

    return {
        _("姓名"): told(member.name, "name"),
        _("身份"): told(member.get_status_display()),
        _("性别"): told(member.get_gender_display() if member.gender else "", "gender"),
        _("生日"): told(exact(member.birthday) if member.birthday else "", "birthday"),
        _("地区"): told(f"{member.province} {member.city}".strip(), "city"),
        _("来源渠道"): told(member.channel),
        _("加入时间"): told(exact(member.joined_at, "day")),
        _("订单数"): told(full(state.order_count) if state else ""),
        _("累计消费"): told(money(state.amount_total) if state else ""),
        _("最近下单"): told(exact(state.last_order_at, "day") if state and state.last_order_at else ""),
    }


def source_names() -> dict[str, str]:
    """What the sources in `Member.sources` are called."""
    return {str(channel.pk): str(channel) for channel in Channel.objects.all()} | {STAFF: _("人工修改")}


# -- The guard -------------------------------------------------------------------------------------
def guards(pool: Pool, *, kind: str = "", reason: str = "", allowed: bool = False) -> QuerySet[Guard]:
    """The pool's list, newest first, with how many members used each."""
    found = (
        Guard.objects.filter(pool=pool, is_allowed=allowed).select_related("actor").annotate(used=Count("uses")).order_by("-pk")
    )
    wanted = {"kind": kind, "reason": reason}
    return found.filter(**{name: value for name, value in wanted.items() if value})


def guard_of(pool: Pool, pk: int) -> Guard:
    """One guarded value of the pool, or 404."""
    return get_object_or_404(Guard.objects.select_related("actor"), pool=pool, pk=pk)


def users_of(guard: Guard, before: int | None = None, limit: int = 50) -> list[Member]:
    """Members whose rows carried it, by number; `before` is the last one seen."""
    found = Member.objects.filter(guarded__guard=guard).select_related("channel").order_by("pk")
    return list(found.filter(pk__gt=before)[:limit] if before else found[:limit])


# -- Match rates -----------------------------------------------------------------------------------
@dataclass
class Rate:
    """How the people of one source, or of one import, were recognised."""

    name: str
    run: ImportRun | None = None
    channel: int | None = None
    rows: int = 0
    nobody: int = 0  # rows without anything to know somebody by
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Outcome.values, 0))
    kinds: dict[str, int] = field(default_factory=dict)  # matched by the strongest known identity
    ids: list[int] = field(default_factory=list)  # of the counts behind it, for links
    by_outcome: dict[str, list[int]] = field(default_factory=dict)
    by_kind: dict[str, list[int]] = field(default_factory=dict)

    @property
    def people(self) -> int:
        return self.counts["matched"] + self.counts["new"]

    @property
    def rate(self) -> float | None:
        return self.counts["matched"] / self.people if self.people else None

    @property
    def named(self) -> list[tuple[str, Any, int, str]]:
        """Kind, label, people, address part – the most frequent first."""
        pairs = sorted(self.kinds.items(), key=lambda pair: -pair[1])
        return [(kind, KINDS[kind].label, people, _joined(self.by_kind[kind])) for kind, people in pairs]

    def link(self, outcome: str) -> str:
        """What `?match=` says for an outcome."""
        return _joined(self.by_outcome.get(outcome, []))

    @property
    def links(self) -> dict[str, str]:
        return {outcome: self.link(outcome) for outcome in Outcome.values}

    def take(self, row: MatchCount) -> None:
        """Add one count."""
        self.counts[row.outcome] += row.people
        self.by_outcome.setdefault(row.outcome, []).append(row.pk)
        if row.outcome == Outcome.MATCHED:
            self.kinds[row.kind] = self.kinds.get(row.kind, 0) + row.people
            self.by_kind.setdefault(row.kind, []).append(row.pk)


def _joined(ids: list[int]) -> str:
    return "-".join(map(str, ids))


NOBODY = (
    "missing_identity",
    "masked_identity",
    "placeholder_identity",
    "shared_identity",
    "bad_phone",
    "bad_email",
    "lost_digits",
)


def _within(pool: Pool, since: datetime | None) -> QuerySet[MatchCount]:
    found = MatchCount.objects.filter(pool=pool).defer("members").order_by("pk")
    return found.filter(at__gte=since) if since else found


def by_channel(pool: Pool, since: datetime | None = None) -> list[Rate]:
    """One row per source, the one with most people first."""
    names = {channel.pk: str(channel) for channel in Channel.objects.all()}
    found: dict[int | None, Rate] = {}
    for row in _within(pool, since):
        known = names.get(row.channel_id or 0, _("没有渠道"))
        found.setdefault(row.channel_id, Rate(known, channel=row.channel_id)).take(row)
    runs = ImportRun.objects.filter(matches__in=_within(pool, since)).distinct()
    rejects = _rejected(runs)
    for run in runs:
        if (rate := found.get(run.channel_id)) is not None:
            rate.rows += run.counts.get("rows", 0)
            rate.nobody += rejects.get(run.pk, 0)
    return sorted(found.values(), key=lambda rate: -rate.people)


def by_run(pool: Pool, *, channel: int | None = None, since: datetime | None = None, limit: int = 50) -> list[Rate]:
    """One row per import, newest first."""
    found = _within(pool, since)
    runs = ImportRun.objects.filter(pool=pool, matches__in=found).select_related("channel").distinct().order_by("-pk")
    shown_runs = list((runs.filter(channel=channel) if channel else runs)[:limit])
    rejects = _rejected(shown_runs)
    rates = {
        run.pk: Rate(
            run.file_name, run=run, channel=run.channel_id, rows=run.counts.get("rows", 0), nobody=rejects.get(run.pk, 0)
        )
        for run in shown_runs
    }
    for row in found.filter(run__in=shown_runs):
        rates[row.run_id].take(row)
    return list(rates.values())


def _rejected(runs: Any) -> dict[int, int]:
    counted = ImportReject.objects.filter(run__in=runs, code__in=NOBODY).order_by().values("run_id")
    return {row["run_id"]: row["lines"] for row in counted.annotate(lines=Count("line", distinct=True))}


def by_month(pool: Pool, since: datetime | None = None) -> list[dict[str, Any]]:
    """Recognised and new people per month of the pool, oldest first."""
    from django.db.models.functions import TruncMonth

    counted = (
        _within(pool, since)
        .order_by()
        .annotate(month=TruncMonth("at", tzinfo=pool.zone))
        .values("month")
        .annotate(
            matched=Sum("people", filter=Q(outcome=Outcome.MATCHED), default=0),
            new=Sum("people", filter=Q(outcome=Outcome.NEW), default=0),
        )
        .order_by("month")
    )
    return list(counted)


def matched_members(pool: Pool, text: str) -> BitMap:
    """Who stands behind some counts ("12-13"); ValueError for what is none."""
    ids = [int(part) for part in text.split("-")]
    rows = list(MatchCount.objects.filter(pool=pool, pk__in=ids))
    if not rows:
        raise ValueError("no such counts")
    return BitMap.union(*(BitMap.deserialize(bytes(row.members)) for row in rows if row.members), BitMap())


def describe_match(pool: Pool, text: str) -> str:
    """How such counts read in a sentence."""
    rows = (
        MatchCount.objects.filter(pool=pool, pk__in=[int(part) for part in text.split("-")])
        .defer("members")
        .select_related("run")
    )
    first = rows.first()
    if first is None:
        raise ValueError("no such counts")
    files = len({row.run_id for row in rows})
    label = str(Outcome(first.outcome).label)
    return f"{label} · {first.run.file_name}" if files == 1 else f"{label} · {_('%(n)s 次导入') % {'n': files}}"


# -- Rehearsals ------------------------------------------------------------------------------------
def rehearsals(pool: Pool, limit: int = 50) -> QuerySet[Rehearsal]:
    """Latest first."""
    return Rehearsal.objects.filter(pool=pool).select_related("run", "actor").defer("groups").order_by("-pk")[:limit]


def rehearsal_of(pool: Pool, pk: int) -> Rehearsal:
    """One rehearsal of the pool, or 404."""
    return get_object_or_404(Rehearsal.objects.select_related("run", "actor"), pool=pool, pk=pk)


TABS = (
    ("oneid:list", gettext_lazy("待确认"), "members.merge"),
    ("oneid:guard", gettext_lazy("共用标识"), "members.merge"),
    ("oneid:searches", gettext_lazy("查重与预演"), "members.merge"),
    ("oneid:rates", gettext_lazy("识别率"), "imports.view"),
    ("oneid:rules", gettext_lazy("识别规则"), "members.merge"),
)
