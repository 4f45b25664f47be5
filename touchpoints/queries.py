"""Every read of reach that a page or another app uses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce, Greatest
from django.utils.translation import gettext as _

from members.models import Member, Pool
from scrm.lib import sql
from touchpoints import breaker, policy
from touchpoints.accounts import settings_of
from touchpoints.models import Block, Call, Connector, Content, Delivery, Recorded, Step

S = Delivery.Status


@dataclass
class Counts:
    """The funnel of one or more steps. Each number includes the ones below it."""

    total: int = 0
    planned: int = 0  # not sent yet, including what is under way
    sent: int = 0  # taken by the provider
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    unknown: int = 0
    cancelled: int = 0
    failed: dict[str, int] = field(default_factory=dict)  # reason -> n
    suppressed: dict[str, int] = field(default_factory=dict)

    @property
    def failures(self) -> int:
        return sum(self.failed.values())

    @property
    def suppressions(self) -> int:
        return sum(self.suppressed.values())


def step_counts(step_ids: Iterable[int]) -> dict[int, Counts]:
    """The funnel per step; a step without deliveries has zeros."""
    wanted = list(step_ids)
    found = {step_id: Counts() for step_id in wanted}
    for row in sql.rows("touchpoints/count_deliveries", {"steps": wanted}):
        _add(found[row["step_id"]], row)
    return found


def _add(counts: Counts, row: dict[str, Any]) -> None:
    n, status = row["n"], row["status"]
    counts.total += n
    counts.sent += row["sent"]
    counts.delivered += row["delivered"]
    counts.opened += row["opened"]
    counts.clicked += row["clicked"]
    if status in (S.PLANNED, S.LEASED, S.SENDING, S.AWAITING):
        counts.planned += n
    elif status == S.UNKNOWN:
        counts.unknown += n
    elif status == S.CANCELLED:
        counts.cancelled += n
    elif status in (S.FAILED, S.SUPPRESSED):
        kind = counts.failed if status == S.FAILED else counts.suppressed
        kind[row["reason"]] = kind.get(row["reason"], 0) + n


def total_counts(step_ids: Iterable[int]) -> Counts:
    """The funnel of several steps together."""
    total = Counts()
    for row in sql.rows("touchpoints/count_deliveries", {"steps": list(step_ids)}):
        _add(total, row)
    return total


def deliveries(
    *, step: Step, status: Sequence[int] = (), reason: str = "", after: int = 0, limit: int = 50
) -> "QuerySet[Delivery]":
    """One page of a step's deliveries in the order of member ids, after a member."""
    rows = Delivery.objects.filter(step=step, member_id__gt=after).select_related("member", "content")
    if status:
        rows = rows.filter(status__in=status)
    if reason:
        rows = rows.filter(reason=reason)
    return rows.order_by("member_id")[:limit]


def unknown_deliveries(pool: Pool, *, connector: Connector | None = None, limit: int = 100) -> list[Delivery]:
    """Deliveries whose outcome nobody could tell, newest first."""
    steps = Step.objects.filter(pool=pool) if connector is None else Step.objects.filter(pool=pool, connector=connector)
    rows = Delivery.objects.filter(step__in=steps, status=S.UNKNOWN).select_related("member", "step__connector")
    return list(rows.order_by("-unsure_since")[:limit])


def moment_of(row: Delivery) -> datetime:
    """The latest thing that happened to a delivery."""
    return max(filter(None, (row.clicked_at, row.opened_at, row.delivered_at, row.failed_at, row.sent_at)), default=row.next_at)


def of_member(member: Member, *, before: datetime | None, limit: int) -> list[Delivery]:
    """A member's deliveries by their latest event, newest first."""
    latest = Greatest(
        "clicked_at", "opened_at", "delivered_at", "failed_at", "sent_at", output_field=Delivery._meta.get_field("next_at")
    )
    rows = Delivery.objects.filter(member=member).exclude(status=S.CANCELLED).annotate(happened=Coalesce(latest, F("next_at")))
    if before is not None:
        rows = rows.filter(happened__lte=before)
    return list(rows.select_related("step__connector", "content").order_by("-happened", "-step_id")[:limit])


def blocks_of(member: Member) -> list[Block]:
    """Where a member must not be written to."""
    return list(Block.objects.filter(member=member).order_by("carrier"))


def reason_words(reason: str) -> str:
    """A reason code in words."""
    return str(policy.REASONS.get(reason) or policy.FAILURES.get(reason) or reason)


# -- Connectors and contents ---------------------------------------------------------------------
def connectors(pool: Pool) -> list[Connector]:
    """All connectors of a pool, by name."""
    return list(Connector.objects.filter(pool=pool).order_by("name"))


def contents(pool: Pool, carrier: str = "") -> "QuerySet[Content]":
    """The content library of a pool, newest first."""
    rows = Content.objects.filter(pool=pool)
    return (rows.filter(carrier=carrier) if carrier else rows).order_by("-pk")


@dataclass(frozen=True)
class Health:
    """How a connector stands, in one word, a tone and a sentence."""

    word: str
    tone: str
    note: str = ""


def health(row: Connector) -> Health:
    """Whether a connector sends, rests or is switched off, and why."""
    if not row.is_active:
        return Health(_("已停用"), "slate", row.problem)
    if breaker.is_open(row):
        return Health(_("暂停中"), "red", row.problem)
    if row.problem:
        return Health(_("有问题"), "amber", row.problem)
    return Health(_("沙箱"), "violet") if row.is_sandbox else Health(_("正常"), "green")


def config_facts(row: Connector) -> list[tuple[str, str]]:
    """The settings of a connector for reading; of secrets only that there are some."""
    facts = []
    for each in settings_of(row.key):
        value = row.config.get(each.key, each.default)
        if each.kind == "secret":
            value = "••••••••" if row.sealed is not None else "–"
        elif each.kind == "choice":
            value = next((label for known, label in each.choices if known == value), value)
        facts.append((str(each.label), str(value) if value not in ("", None) else "–"))
    return facts


def recent_suppressions(pool: Pool, *, steps: int = 20) -> list[tuple[str, str, int]]:
    """Why the latest sends kept messages back: (code, words, n), most frequent first."""
    latest = list(Step.objects.filter(pool=pool).order_by("-due_at").values_list("pk", flat=True)[:steps])
    found = total_counts(latest).suppressed if latest else {}
    return sorted(((code, reason_words(code), n) for code, n in found.items()), key=lambda each: -each[2])


def recorded(connector: Connector, *, before: int | None = None, limit: int = 50) -> list[Recorded]:
    """What a sandbox or the fake provider took, newest first."""
    rows = Recorded.objects.filter(connector=connector)
    return list((rows.filter(pk__lt=before) if before else rows).order_by("-pk")[:limit])


def calls(connector: Connector, *, kind: str = "", limit: int = 50) -> list[Call]:
    """Requests that came in for a connector, newest first."""
    rows = Call.objects.filter(connector=connector)
    return list((rows.filter(kind=kind) if kind else rows).order_by("-received_at")[:limit])


def due_steps(limit: int = 50) -> list[int]:
    """Steps with deliveries that may leave now and nobody sending them."""
    return [row["step_id"] for row in sql.rows("touchpoints/find_due_steps", {"limit": limit})]


def waiting(pool: Pool) -> dict[str, Any]:
    """How much of a pool waits to leave, is under way, or has an unknown outcome."""
    return sql.row("touchpoints/count_waiting", {"pool": pool.pk}) or {}
