"""Writing segments: save, compute, freeze, put away. Every refusal is a Problem with a code."""

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.models import Pool, Tag
from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation import evaluate
from segmentation.evaluate import rule_of, tree_of
from segmentation.models import Segment, SegmentVersion
from segmentation.rules.ast import Node, conditions, dump
from segmentation.rules.catalog import Text
from segmentation.rules.parse import Fault, RuleError
from segmentation.segments import cadence as cadences
from segmentation.segments import membership, usage
from segmentation.segments.computing import ask_refresh
from segmentation.segments.lists import Named, resolve


class InUse(Problem):
    """A segment that others need; `uses` says who."""

    def __init__(self, uses: list[usage.Use]) -> None:
        names = formats.listed(f"{use.kind}{formats.quoted(use.name)}" for use in uses)
        super().__init__(
            "segment_in_use", _("分群正在被使用：%(names)s") % {"names": names}, {"uses": [use.name for use in uses]}
        )
        self.uses = uses


class BadRule(Problem):
    """A rule that cannot be saved; `faults` says what is wrong where."""

    def __init__(self, faults: list[Fault]) -> None:
        language = get_language() or "zh-hans"
        said = [fault.as_json(language) for fault in faults]
        super().__init__("invalid_rule", f"{said[0]['path']}: {said[0]['message']}", {"rule": said})
        self.faults = faults


# -- Rules ---------------------------------------------------------------------------------------
def checked(pool: Pool, rule: Any, segment: Segment | None = None) -> Node:
    """The tree of a rule whose tags and segments exist and that does not contain itself."""
    try:
        tree = tree_of(rule)
    except RuleError as error:
        raise BadRule(error.faults) from None
    faults = [
        *_strangers(pool, tree),
        *evaluate.faults(pool, tree),
        *_circles(pool, tree, segment),
    ]
    if faults:
        raise BadRule(faults)
    return tree


GONE = {
    "tag": Text("这个标签已不存在", "This tag does not exist"),
    "segment": Text("这个分群已不存在", "This segment does not exist"),
}
AWAY = Text("这个分群已归档，请先恢复它", "This segment was put away: bring it back first")


def _strangers(pool: Pool, tree: Node) -> list[Fault]:
    """Tags and segments that are gone, and segments that were put away."""
    asked = [(path, found) for path, found in conditions(tree) if found.fact in GONE]
    if not asked:
        return []
    away = dict(Segment.objects.filter(pool=pool).values_list("pk", "is_archived"))
    known = {"tag": set(Tag.objects.filter(pool=pool).values_list("pk", flat=True)), "segment": set(away)}
    faults = []
    for path, found in asked:
        for n, number in enumerate(found.value):
            if number not in known[found.fact]:
                faults.append(Fault(f"{path}.value[{n}]", "gone", GONE[found.fact]))
            elif found.fact == "segment" and away[number]:
                faults.append(Fault(f"{path}.value[{n}]", "archived", AWAY))
    return faults


def _circles(pool: Pool, tree: Node, segment: Segment | None) -> list[Fault]:
    """Where the rule leads back to its own segment, through however many others."""
    if segment is None:
        return []
    text = Text("这个分群的规则又用到了本分群", "That segment is defined by this one")
    return [
        Fault(f"{path}.value[{n}]", "circular", text)
        for path, found in conditions(tree)
        if found.fact == "segment"
        for n, number in enumerate(found.value)
        if segment.pk in _reached(pool, int(number))
    ]


def _reached(pool: Pool, start: int) -> set[int]:
    live = Segment.objects.filter(pool=pool, kind=Segment.Kind.LIVE)
    now = dict(live.values_list("pk", "version"))
    rules = {
        pk: rule
        for pk, n, rule in SegmentVersion.objects.filter(segment_id__in=now).values_list("segment_id", "n", "rule")
        if n == now[pk]
    }
    seen, waiting = set[int](), [start]
    while waiting:
        number = waiting.pop()
        if number not in seen:
            seen.add(number)
            waiting += usage.segments_in(rules[number]) if number in rules else []
    return seen


# -- Saving --------------------------------------------------------------------------------------
def save(
    *,
    pool: Pool,
    name: str,
    rule: Any,
    actor: User | None,
    note: str = "",
    segment: Segment | None = None,
    based_on: int | None = None,
) -> Segment:
    """A new segment, or a new version of one; it is computed by a job right after.

    `based_on` is the version the writer had in front of them: somebody else's newer one is not written over
    unseen (Problem "version_moved").
    """
    _must_live(segment)
    with transaction.atomic():
        one_at_a_time(pool)
        written = dump(checked(pool, rule, segment))
        row = membership.locked(segment) if segment else Segment(pool=pool, actor=actor)
        if segment and based_on is not None and based_on != row.version and written != rule_of(row):
            raise _moved(row)
        saved = _named(row, name, note)
        changed = _add_version(saved, written, actor)
        audit(actor=actor, action="segment.save", target=saved, pool_id=pool.pk, version=saved.version, changed=changed)
        if changed or saved.status != Segment.Status.READY:
            ask_refresh(segment=saved, actor=actor)
    return saved


@transaction.atomic
def reword(*, segment: Segment, rule: dict[str, Any], actor: User | None) -> Segment:
    """The same rule with other names for what it asks for, as a new version: what is wrong with it otherwise stays so."""
    one_at_a_time(segment.pool)
    held = membership.locked(segment)
    if _add_version(held, rule, actor):
        audit(actor=actor, action="segment.reword", target=held, pool_id=held.pool_id, version=held.version)
        if not held.is_archived:
            ask_refresh(segment=held, actor=actor)
    return held


def _must_live(segment: Segment | None) -> None:
    if segment is not None and segment.kind != Segment.Kind.LIVE:
        raise Problem("segment_frozen", _("快照和名单不能改规则，请另存为新的分群"))


def one_at_a_time(pool: Pool) -> None:
    """Within a transaction: two rules saved at once could each lead to the other; one archived while another comes to
    need it would dangle."""
    Pool.objects.select_for_update(no_key=True).get(pk=pool.pk)


def _moved(segment: Segment) -> Problem:
    latest = SegmentVersion.objects.select_related("actor").get(segment=segment, n=segment.version)
    said = _("%(who)s 刚保存了第 %(n)s 版；请核对后再保存，或另存为新分群")
    return Problem("version_moved", said % {"who": latest.actor or _("有人"), "n": latest.n}, {"version": latest.n})


@transaction.atomic
def rename(*, segment: Segment, name: str, note: str, actor: User | None) -> Segment:
    """Another name or note, of any kind of segment."""
    held = membership.locked(segment)
    before = held.name
    _named(held, name, note)
    audit(actor=actor, action="segment.rename", target=held, pool_id=held.pool_id, before=before, name=held.name)
    return held


@transaction.atomic
def roll_back(*, segment: Segment, n: int, actor: User | None) -> Segment:
    """The rule of an earlier version again, as a new version. Doing it twice does it once.

    Raises `BadRule` when that rule asks for something that is gone, `Problem` "no_version" when there is none such.
    """
    _must_live(segment)
    one_at_a_time(segment.pool)
    held = membership.locked(segment)
    old = SegmentVersion.objects.filter(segment=held, n=n).first()
    if old is None:
        raise Problem("no_version", _("没有第 %(n)s 版") % {"n": n})
    if _add_version(held, dump(checked(held.pool, old.rule, held)), actor, restored_from=n):
        audit(actor=actor, action="segment.roll_back", target=held, pool_id=held.pool_id, to=n, version=held.version)
        ask_refresh(segment=held, actor=actor)
    return held


@transaction.atomic
def set_cadence(
    *, segment: Segment, cadence: str, every: int | None, daily_at: time | None, actor: User | None, as_of: datetime
) -> Segment:
    """How often a live segment is computed. Problem "cadence" when it cannot be kept."""
    _must_live(segment)
    held = membership.locked(segment)
    before = cadences.said(held)
    held.cadence, held.every, held.daily_at = cadences.checked(cadence, every, daily_at)
    held.next_at = cadences.next_time(held, held.as_of or as_of)
    held.save(update_fields=["cadence", "every", "daily_at", "next_at", "updated_at"])
    audit(actor=actor, action="segment.cadence", target=held, pool_id=held.pool_id, before=before, after=cadences.said(held))
    return held


def _named(segment: Segment, name: str, note: str) -> Segment:
    segment.name, segment.note = name.strip(), note.strip()
    if not segment.name:
        raise Problem("name_missing", _("请填写分群名称"), {"name": [_("请填写分群名称")]})
    try:
        with transaction.atomic():
            segment.save()
    except IntegrityError:
        message = _("已有同名的分群")
        raise Problem("name_taken", message, {"name": [message]}) from None
    return segment


def _add_version(segment: Segment, rule: dict[str, Any], actor: User | None, restored_from: int | None = None) -> bool:
    """A version only when the rule differs from the current one."""
    latest = SegmentVersion.objects.filter(segment=segment).order_by("-n").first()
    if latest is not None and latest.rule == rule:
        return False
    segment.version = latest.n + 1 if latest else 1
    SegmentVersion.objects.create(segment=segment, n=segment.version, rule=rule, actor=actor, restored_from=restored_from)
    segment.save(update_fields=["version", "updated_at"])
    return True


# -- Fixed members -------------------------------------------------------------------------------
@dataclass(frozen=True)
class ListMade:
    """A list that was written: how many members were found by what was given, how many of them that changed."""

    segment: Segment
    found: int
    changed: int
    unknown: list[str] = field(default_factory=list)  # the first of what names nobody
    missing: int = 0  # how many those are


def save_list(*, pool: Pool, name: str, text: str, actor: User | None, as_of: datetime, note: str = "") -> ListMade:
    """A static list of members named by id, phone, e-mail or card number."""
    named: Named = resolve(pool, text)
    if not named.ids:
        raise Problem("list_empty", _("名单里没有找到会员"), {"members": [_("名单里没有找到会员")]})
    segment = fix(pool=pool, name=name, note=note, ids=named.ids, actor=actor, as_of=as_of, kind=Segment.Kind.LIST)
    return ListMade(segment, len(named.ids), len(named.ids), named.unknown, named.missing)


@transaction.atomic
def edit_list(*, segment: Segment, ids: BitMap, remove: bool, actor: User | None, as_of: datetime) -> ListMade:
    """Put members on a static list or take them off. Doing it twice does it once."""
    if segment.kind != Segment.Kind.LIST:
        raise Problem("not_a_list", _("只有静态名单可以增减会员"))
    none = BitMap()
    changed = membership.change_list(segment=segment, add=none if remove else ids, remove=ids if remove else none, as_of=as_of)
    if changed:
        action = "segment.list_remove" if remove else "segment.list_add"
        audit(actor=actor, action=action, target=segment, pool_id=segment.pool_id, members=len(changed))
    return ListMade(segment, len(ids), len(changed))


@transaction.atomic
def fix(
    *,
    pool: Pool,
    name: str,
    ids: BitMap,
    actor: User | None,
    as_of: datetime,
    note: str = "",
    kind: str = Segment.Kind.SNAPSHOT,
    rule: Any = None,
) -> Segment:
    """A segment whose members never change: a list, or a rule's result as it is now."""
    segment = _named(Segment(pool=pool, kind=kind, actor=actor, version=1), name, note)
    SegmentVersion.objects.create(segment=segment, n=1, rule=rule or {}, actor=actor)
    membership.keep(segment, ids, as_of)
    segment.refresh_from_db()
    audit(actor=actor, action="segment.fix", target=segment, pool_id=pool.pk, kind=kind, size=len(ids))
    return segment


def freeze(*, segment: Segment, name: str, actor: User | None, as_of: datetime) -> Segment:
    """A snapshot of a segment as a segment of its own."""
    rule = SegmentVersion.objects.get(segment=segment, n=segment.version).rule
    ids = evaluate.members_of(segment, as_of=as_of)
    return fix(pool=segment.pool, name=name, ids=ids, actor=actor, as_of=as_of, rule=rule)


# -- Putting away --------------------------------------------------------------------------------
@transaction.atomic
def archive(*, segment: Segment, actor: User | None) -> None:
    """Put a segment away; refused, with the list of users, while something needs it."""
    one_at_a_time(segment.pool)
    segment = membership.locked(segment)
    if found := usage.uses(segment):
        raise InUse(found)
    _set_archived(segment, archived=True, actor=actor)


@transaction.atomic
def restore(*, segment: Segment, actor: User | None) -> None:
    """Bring an archived segment back. `BadRule` when its rule asks for something that went meanwhile."""
    one_at_a_time(segment.pool)
    held = membership.locked(segment)
    if held.kind == Segment.Kind.LIVE:
        checked(held.pool, rule_of(held), held)
    _set_archived(held, archived=False, actor=actor)


def _set_archived(segment: Segment, *, archived: bool, actor: User | None) -> None:
    segment.is_archived = archived
    segment.save(update_fields=["is_archived", "updated_at"])
    audit(actor=actor, action="segment.archive" if archived else "segment.restore", target=segment, pool_id=segment.pool_id)
