"""Reading rules of tags: what keeps a tag, how it is doing, what a change would do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.models import Pool, Tag, TagGroup, TagRun
from members.tagging import keeping
from members.tagging.keepers import Kept
from scrm.jobs.models import JobRun
from segmentation.choices import namer
from segmentation.evaluate import Evaluation
from segmentation.models import TagRule
from segmentation.segments.queries import sentence_of
from segmentation.tagging.applying import selected, together

TONES = {"new": "slate", "building": "blue", "ready": "green", "failed": "red", "paused": "amber"}


def rules(pool: Pool) -> QuerySet[TagRule]:
    """Rules of a pool's tags, as the library orders them."""
    found = TagRule.objects.filter(pool=pool, tag__retired_at=None).select_related("tag__group", "tag__pool", "segment", "pool")
    return found.order_by("tag__group__place", "tag__group__name", "tag__place", "pk")


def sentence(rule: TagRule, names: Any = None) -> str:
    """What keeps a tag, in words."""
    if rule.segment_id:
        return _("属于分群「%(name)s」") % {"name": rule.segment}
    return sentence_of(rule.pool, rule.rule, names)


def status(rule: TagRule) -> tuple[str, str]:
    """Its status, and what it is called."""
    if rule.is_paused:
        return "paused", _("已暂停")
    return rule.status, str(TagRule.Status(rule.status).label)


def kept(pool: Pool, tags: Iterable[Tag]) -> dict[int, Kept]:
    """What keeps these tags, as far as rules and segments do."""
    wanted, names = {tag.pk: tag for tag in tags}, namer(pool)
    return {rule.tag_id: _kept(rule, names) for rule in rules(pool).filter(tag_id__in=wanted)}


def _kept(rule: TagRule, names: Any) -> Kept:
    key, label = status(rule)
    return Kept(sentence(rule, names), key, label, TONES[key], rule.as_of, rule.error)


@dataclass(frozen=True)
class Change:
    """What saving a rule would do to its tag."""

    selected: int  # whom the rule selects
    size: int  # of them, who would carry the tag
    gain: int
    lose: int
    kept_by_others: int  # carry a stronger tag of the exclusive group


def change(*, pool: Pool, group: TagGroup | None, tag: Tag | None, found: BitMap, as_of: datetime) -> Change:
    """How many would get the tag and how many would lose it if the rule selected `found`."""
    carried = keeping.carriers(tag, None)[0] if tag else BitMap()
    left = found - _taken(pool, group, tag, as_of) if group and group.is_exclusive else found
    lose = BitMap() if tag and tag.valid_days else carried - left
    return Change(len(found), len(left), len(left - carried), len(lose), len(found) - len(left))


def _taken(pool: Pool, group: TagGroup, tag: Tag | None, as_of: datetime) -> BitMap:
    """Members of an exclusive group whom stronger tags and earlier rules take."""
    manual = Tag.objects.filter(group=group, source=Tag.Source.MANUAL).exclude(pk=tag.pk if tag else 0)
    taken = keeping.holders(tuple(manual.values_list("pk", flat=True)))
    look = Evaluation(pool, as_of)
    others = TagRule.objects.filter(tag__group=group, tag__retired_at=None, is_paused=False).select_related("tag__group", "pool")
    for rule in others.order_by("tag__place", "tag__name", "pk"):
        if tag and rule.tag_id == tag.pk:
            break
        taken |= selected(rule, look)
    return taken


def panel(tag: Tag) -> dict[str, Any]:
    """What a tag's page shows of what keeps it; nothing for tags that people give."""
    runs = list(TagRun.objects.filter(tag=tag).order_by("-as_of", "-pk")[:12])
    rule = rules(tag.pool).filter(tag=tag).first()
    if rule is None and not (tag.source == Tag.Source.MODEL and runs):
        return {}
    key, label = status(rule) if rule else ("ready", _("就绪"))
    order = [each.tag for each in together(rule)] if rule and rule.tag.group.is_exclusive else []
    return {
        "rule": rule,
        "job": JobRun.objects.filter(pk=rule.job_id or 0, status__in=JobRun.OPEN).first() if rule else None,
        "sentence": sentence(rule) if rule else "",
        "status": key,
        "label": label,
        "tone": TONES[key],
        "runs": runs,
        "order": order,
    }
