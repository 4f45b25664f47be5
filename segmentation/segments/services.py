"""Writing segments: save, compute, freeze, put away. Every refusal is a Problem with a code."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.attributes import queries as fields
from members.models import Pool, Tag
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation import own
from segmentation.evaluate import CircularSegment, Evaluation, tree_of
from segmentation.models import Segment, SegmentSnapshot, SegmentVersion
from segmentation.rules.ast import Node, conditions, dump
from segmentation.rules.catalog import Text
from segmentation.rules.parse import Fault, RuleError
from segmentation.segments import usage
from segmentation.segments.lists import Named, resolve

REFRESH = "segments.refresh"
DUE_AFTER = timedelta(minutes=4)
HOURLY = timedelta(days=2)  # younger snapshots are kept one an hour, older ones one a day


class InUse(Problem):
    """A segment that others need; `uses` says who."""

    def __init__(self, uses: list[usage.Use]) -> None:
        names = "、".join(f"{use.kind}「{use.name}」" for use in uses)
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
    faults = [*_strangers(pool, tree), *own.faults(lambda: fields.by_key(pool), tree), *_circles(pool, tree, segment)]
    if faults:
        raise BadRule(faults)
    return tree


def _strangers(pool: Pool, tree: Node) -> list[Fault]:
    known = {
        "tag": set(Tag.objects.filter(pool=pool).values_list("pk", flat=True)),
        "segment": set(Segment.objects.filter(pool=pool).values_list("pk", flat=True)),
    }
    words = {
        "tag": Text("这个标签已不存在", "This tag does not exist"),
        "segment": Text("这个分群已不存在", "This segment does not exist"),
    }
    return [
        Fault(f"{path}.value[{n}]", "gone", words[found.fact])
        for path, found in conditions(tree)
        if found.fact in known
        for n, number in enumerate(found.value)
        if number not in known[found.fact]
    ]


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
    kind: str = Segment.Kind.LIVE,
    segment: Segment | None = None,
) -> Segment:
    """A new segment, or a new version of one; it is computed by a job right after."""
    if segment is not None and segment.kind != Segment.Kind.LIVE:
        raise Problem("segment_frozen", _("快照和名单不能改规则，请另存为新的分群"))
    written = dump(checked(pool, rule, segment))
    with transaction.atomic():
        saved = _named(
            Segment.objects.select_for_update().get(pk=segment.pk) if segment else Segment(pool=pool, kind=kind, actor=actor),
            name,
            note,
        )
        changed = _add_version(saved, written, actor)
        audit(actor=actor, action="segment.save", target=saved, pool_id=pool.pk, version=saved.version, changed=changed)
        if changed or saved.status != Segment.Status.READY:
            ask_refresh(segment=saved, actor=actor)
    return saved


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


def _add_version(segment: Segment, rule: dict[str, Any], actor: User | None) -> bool:
    """A version only when the rule differs from the current one."""
    latest = SegmentVersion.objects.filter(segment=segment).order_by("-n").first()
    if latest is not None and latest.rule == rule:
        return False
    segment.version = latest.n + 1 if latest else 1
    SegmentVersion.objects.create(segment=segment, n=segment.version, rule=rule, actor=actor)
    segment.save(update_fields=["version", "updated_at"])
    return True


@dataclass(frozen=True)
class ListMade:
    segment: Segment
    found: int
    unknown: list[str]


def save_list(*, pool: Pool, name: str, text: str, actor: User | None, as_of: datetime, note: str = "") -> ListMade:
    """A static list of members named by id, phone, e-mail or card number."""
    named: Named = resolve(pool, text)
    if not named.ids:
        raise Problem("list_empty", _("名单里没有找到会员"), {"members": [_("名单里没有找到会员")]})
    segment = fix(pool=pool, name=name, note=note, ids=named.ids, actor=actor, as_of=as_of, kind=Segment.Kind.LIST)
    return ListMade(segment, len(named.ids), named.unknown)


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
    SegmentSnapshot.objects.create(segment=segment, version=1, as_of=as_of, size=len(ids), bitmap=ids.serialize())
    segment.status, segment.size, segment.as_of = Segment.Status.READY, len(ids), as_of
    segment.save()
    audit(actor=actor, action="segment.fix", target=segment, pool_id=pool.pk, kind=kind, size=len(ids))
    return segment


@transaction.atomic
def change_list(*, segment: Segment, add: BitMap, remove: BitMap, as_of: datetime) -> BitMap:
    """Put members on a static list or take them off; whom that changed. Who was on it before stays in its history."""
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    latest = SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").first()
    were = BitMap.deserialize(bytes(latest.bitmap)) if latest else BitMap()
    now = (were | add) - remove
    changed = now ^ were
    if not changed:
        return changed
    kept = {"version": segment.version, "size": len(now), "bitmap": now.serialize()}
    at = max(as_of, latest.as_of) if latest else as_of
    SegmentSnapshot.objects.update_or_create(segment=segment, as_of=at, defaults=kept)
    Segment.objects.filter(pk=segment.pk).update(size=len(now), as_of=at, status=Segment.Status.READY)
    return changed


def freeze(*, segment: Segment, name: str, actor: User | None, as_of: datetime) -> Segment:
    """A snapshot of a segment as a segment of its own."""
    look = Evaluation(segment.pool, as_of)
    rule = SegmentVersion.objects.get(segment=segment, n=segment.version).rule
    return fix(pool=segment.pool, name=name, ids=look.segment(segment.pk), actor=actor, as_of=as_of, rule=rule)


# -- Computing -----------------------------------------------------------------------------------
@transaction.atomic
def ask_refresh(*, segment: Segment, actor: User | None) -> JobRun:
    """Have a segment computed by a worker; asking twice is asking once."""
    Segment.objects.filter(pk=segment.pk).update(status=Segment.Status.BUILDING)
    segment.status = Segment.Status.BUILDING
    params = {"segment": segment.pk}
    return jobs.enqueue(kind=REFRESH, pool_id=segment.pool_id, params=params, actor=actor, key=f"segment:{segment.pk}")


def refresh(*, segment: Segment, as_of: datetime) -> int:
    """Compute a live segment and keep who is in it; the size. What goes wrong is written on the segment."""
    if segment.kind != Segment.Kind.LIVE:
        return segment.size or 0
    try:
        found = Evaluation(segment.pool, as_of).segment(segment.pk)
    except (RuleError, CircularSegment) as error:
        fail(segment=segment, error=str(error))
        raise Problem("segment_failed", str(error)) from error
    _keep(segment, found, as_of)
    return len(found)


def fail(*, segment: Segment, error: str) -> None:
    """Computing did not work: say so, keep the figures of the last time."""
    Segment.objects.filter(pk=segment.pk).update(status=Segment.Status.FAILED, error=error[:2000])


@transaction.atomic
def _keep(segment: Segment, found: BitMap, as_of: datetime) -> None:
    current = Segment.objects.select_for_update().get(pk=segment.pk)
    latest = SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").first()
    packed = found.serialize()
    if latest is None or (latest.as_of < as_of and (latest.version, bytes(latest.bitmap)) != (current.version, packed)):
        SegmentSnapshot.objects.create(segment=segment, version=current.version, as_of=as_of, size=len(found), bitmap=packed)
        _thin(segment, as_of)
    Segment.objects.filter(pk=segment.pk).update(status=Segment.Status.READY, error="", size=len(found), as_of=as_of)


def _thin(segment: Segment, as_of: datetime) -> None:
    """Keep the last snapshot of each hour, and of each day once it is two days old."""
    zone, seen, gone = segment.pool.zone, set[tuple[Any, ...]](), []
    for pk, at in SegmentSnapshot.objects.filter(segment=segment).order_by("-as_of").values_list("pk", "as_of"):
        local = at.astimezone(zone)
        slot = (local.date(), local.hour) if as_of - at < HOURLY else (local.date(),)
        if slot in seen:
            gone.append(pk)
        seen.add(slot)
    SegmentSnapshot.objects.filter(pk__in=gone).delete()


def due(as_of: datetime) -> list[Segment]:
    """Live segments whose figures are older than a few minutes, the oldest first."""
    live = Segment.objects.filter(kind=Segment.Kind.LIVE, is_archived=False).exclude(as_of__gt=as_of - DUE_AFTER)
    return list(live.select_related("pool").order_by("as_of", "pk"))


# -- Putting away --------------------------------------------------------------------------------
@transaction.atomic
def archive(*, segment: Segment, actor: User | None) -> None:
    """Put a segment away; refused, with the list of users, while something needs it."""
    segment = Segment.objects.select_for_update().get(pk=segment.pk)
    if found := usage.uses(segment):
        raise InUse(found)
    _set_archived(segment, archived=True, actor=actor)


@transaction.atomic
def restore(*, segment: Segment, actor: User | None) -> None:
    """Bring an archived segment back."""
    _set_archived(Segment.objects.select_for_update().get(pk=segment.pk), archived=False, actor=actor)


def _set_archived(segment: Segment, *, archived: bool, actor: User | None) -> None:
    segment.is_archived = archived
    segment.save(update_fields=["is_archived", "updated_at"])
    audit(actor=actor, action="segment.archive" if archived else "segment.restore", target=segment, pool_id=segment.pool_id)
