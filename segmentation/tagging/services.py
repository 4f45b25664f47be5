"""Rules of tags: saved, paused, stopped. Refusals are Problems; what a rule may say is judged as a segment's is."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members import tagging
from members.models import Pool, Tag, TagGroup
from members.tagging.services import set_source
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import Segment, TagRule
from segmentation.rules.ast import Node, conditions, dump
from segmentation.segments import services as segments
from segmentation.tagging import circles
from segmentation.tagging.applying import ask_apply


def checked(pool: Pool, rule: Any, tag: Tag | None = None) -> dict[str, Any]:
    """The rule as it is kept. BadRule, or Problem "tags.circular" when it leads back to its own tag."""
    tree: Node = segments.checked(pool, rule)
    if not conditions(tree):
        raise Problem("tags.rule_empty", _("规则至少要有一个条件，否则所有会员都会带上这个标签"), {"rule": [_("还没有条件")]})
    written = dump(tree)
    if tag is not None and tag.pk in circles.reached(pool, written):
        raise Problem("tags.circular", _("规则又用到了「%(tag)s」本身") % {"tag": tag.name}, {"rule": [tag.name]})
    return written


@transaction.atomic
def save_rule(
    *,
    pool: Pool,
    group: TagGroup,
    name: str,
    rule: Any,
    actor: User | None,
    note: str = "",
    cadence: str = TagRule.Cadence.NIGHTLY,
    tag: Tag | None = None,
    recipe: str = "",
    **more: Any,
) -> TagRule:
    """A tag kept by a rule: a new one, or `tag` with another rule. It is applied by a job right after.

    `more`: valid_days, valid_until, place of the tag. A tag that was given by hand becomes one of the rule: at the first
    run who does not match loses it. One that a model keeps stays the model's: Problem "tags.kept".
    """
    saved = tagging.save_tag(group=group, tag=tag, name=name, note=note, actor=actor, source=Tag.Source.RULE, **_kept(tag, more))
    segments.one_at_a_time(pool)
    written = checked(pool, rule, tag)
    return _keep(saved, Tag.Source.RULE, {"rule": written, "segment": None, "cadence": cadence, "recipe": recipe}, actor)


@transaction.atomic
def keep_by_segment(
    *,
    segment: Segment,
    group: TagGroup,
    name: str,
    actor: User | None,
    cadence: str = TagRule.Cadence.CHANGES,
    tag: Tag | None = None,
    **more: Any,
) -> TagRule:
    """A tag carried by whoever is in a segment, in step with it. Problem "tags.kept" for a tag that a model keeps."""
    if tag is not None and tag.pk in circles.reached_of_segment(segment):
        raise Problem("tags.circular", _("分群的规则又用到了「%(tag)s」本身") % {"tag": tag.name}, {"segment": [tag.name]})
    saved = tagging.save_tag(group=group, tag=tag, name=name, actor=actor, source=Tag.Source.SEGMENT, **_kept(tag, more))
    segments.one_at_a_time(segment.pool)
    if Segment.objects.filter(pk=segment.pk, is_archived=True).exists():
        raise Problem("tags.segment_archived", _("这个分群已归档，请先恢复它"), {"segment": [segment.name]})
    return _keep(saved, Tag.Source.SEGMENT, {"rule": {}, "segment": segment, "cadence": cadence, "recipe": ""}, actor)


def _kept(tag: Tag | None, more: dict[str, Any]) -> dict[str, Any]:
    """What is not said stays as it is."""
    fields = ("valid_days", "valid_until", "place")
    return {**({field: getattr(tag, field) for field in fields} if tag else {}), **more}


def _keep(tag: Tag, source: str, values: dict[str, Any], actor: User | None) -> TagRule:
    if tag.source == Tag.Source.MODEL:
        raise Problem("tags.kept", _("「%(tag)s」由模型维护：请先在模型页停用它的标签") % {"tag": tag.name}, {"name": [tag.name]})
    if tag.source != source:
        tag = set_source(tag=tag, source=source)
    found, _made = TagRule.objects.update_or_create(tag=tag, defaults={**values, "pool_id": tag.pool_id, "actor": actor})
    said = {"rule": values["rule"], "segment": values["segment"] and values["segment"].pk, "cadence": values["cadence"]}
    audit(actor=actor, action="tag_rule.save", target=tag, pool_id=tag.pool_id, **said)
    ask_apply(rule=found, actor=actor)
    return found


@transaction.atomic
def set_paused(*, rule: TagRule, paused: bool, actor: User | None) -> TagRule:
    """Stop keeping a tag for now, or go on: who carries it stays meanwhile."""
    rule = TagRule.objects.select_for_update(of=("self",)).select_related("tag").get(pk=rule.pk)
    rule.is_paused = paused
    rule.save(update_fields=["is_paused", "updated_at"])
    audit(actor=actor, action="tag_rule.pause" if paused else "tag_rule.resume", target=rule.tag, pool_id=rule.pool_id)
    if not paused:
        ask_apply(rule=rule, actor=actor)
    return rule


@transaction.atomic
def stop(*, rule: TagRule, actor: User | None) -> Tag:
    """Give a tag to people: the rule goes, who carries it keeps it."""
    tag = set_source(tag=rule.tag, source=Tag.Source.MANUAL)
    audit(actor=actor, action="tag_rule.stop", target=tag, pool_id=tag.pool_id, rule=rule.rule)
    rule.delete()
    return tag


@transaction.atomic
def model_tag(*, group: TagGroup, name: str, actor: User | None, note: str = "") -> Tag:
    """The tag a model keeps, made where it is not there. Problem when somebody else keeps one of that name."""
    found: Tag | None = Tag.objects.filter(group=group, name=name).first()
    if found is None:
        return tagging.save_tag(group=group, tag=None, name=name, note=note, actor=actor, source=Tag.Source.MODEL)
    if found.source not in (Tag.Source.MODEL, Tag.Source.MANUAL):
        said = _("「%(tag)s」已由%(source)s维护") % {"tag": name, "source": found.get_source_display()}
        raise Problem("tags.kept", said, {"name": [name]})
    return set_source(tag=found, source=Tag.Source.MODEL)
