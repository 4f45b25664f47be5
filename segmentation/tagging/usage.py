"""Where segments and rules name tags, and who names segments: nothing in use is deleted, a merged tag is written anew."""

from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Tag
from members.tagging import usage
from scrm.staff.models import User
from segmentation.models import Segment, SegmentVersion, TagRule
from segmentation.segments import services
from segmentation.segments import usage as of_segments
from segmentation.tagging.circles import tags_in


def renamed(node: Any, old: int, new: int) -> Any:
    """A rule with one tag in another's place."""
    if isinstance(node, list):
        return [renamed(child, old, new) for child in node]
    if not isinstance(node, dict):
        return node
    if node.get("fact") == "tag" and isinstance(node.get("value"), list):
        return {**node, "value": list(dict.fromkeys(new if each == old else each for each in node["value"]))}
    return {key: renamed(child, old, new) for key, child in node.items()}


# -- Segments -------------------------------------------------------------------------------------
def _naming(tag: Tag) -> list[tuple[Segment, dict[str, Any]]]:
    live = {each.pk: each for each in Segment.objects.filter(pool_id=tag.pool_id, kind=Segment.Kind.LIVE).select_related("pool")}
    rows = SegmentVersion.objects.filter(segment_id__in=live).values_list("segment_id", "n", "rule")
    return [(live[pk], rule) for pk, n, rule in rows if n == live[pk].version and tag.pk in tags_in(rule)]


def _segments(tag: Tag) -> Iterable[usage.Use]:
    for segment, _rule in sorted(_naming(tag), key=lambda pair: pair[0].name):
        yield usage.Use(gettext_lazy("分群"), segment.name, reverse("segments:detail", args=[segment.pk]))


def _rewrite_segments(source: Tag, target: Tag, actor: User | None) -> list[dict[str, Any]]:
    return [_rewritten(segment, rule, source, target, actor) for segment, rule in _naming(source)]


def _rewritten(segment: Segment, was: dict[str, Any], source: Tag, target: Tag, actor: User | None) -> dict[str, Any]:
    saved = services.reword(segment=segment, rule=renamed(was, source.pk, target.pk), actor=actor)
    return {"pk": segment.pk, "name": segment.name, "version": saved.version, "was": was}


def _restore_segment(note: dict[str, Any], actor: User | None) -> bool:
    segment = Segment.objects.select_related("pool").filter(pk=note["pk"], version=note["version"]).first()
    if segment is None:
        return False
    services.reword(segment=segment, rule=note["was"], actor=actor)
    return True


usage.register(usage.Place("segments", _segments, _rewrite_segments, _restore_segment))


# -- Rules of other tags --------------------------------------------------------------------------
def _rules_naming(tag: Tag) -> list[TagRule]:
    others = TagRule.objects.filter(pool_id=tag.pool_id, tag__retired_at=None).exclude(tag=tag).select_related("tag")
    return [rule for rule in others if tag.pk in tags_in(rule.rule)]


def _tag_rules(tag: Tag) -> Iterable[usage.Use]:
    for rule in _rules_naming(tag):
        yield usage.Use(gettext_lazy("标签规则"), rule.tag.name, reverse("tags:detail", args=[rule.tag_id]))


def _rewrite_rules(source: Tag, target: Tag, _actor: User | None) -> list[dict[str, Any]]:
    notes = []
    for rule in _rules_naming(source):
        was, now = rule.rule, renamed(rule.rule, source.pk, target.pk)
        TagRule.objects.filter(pk=rule.pk).update(rule=now)
        notes.append({"pk": rule.pk, "name": rule.tag.name, "was": was, "now": now})
    return notes


def _restore_rule(note: dict[str, Any], _actor: User | None) -> bool:
    return bool(TagRule.objects.filter(pk=note["pk"], rule=note["now"]).update(rule=note["was"]))


usage.register(usage.Place("tag_rules", _tag_rules, _rewrite_rules, _restore_rule))


# -- What tags need -------------------------------------------------------------------------------
@of_segments.holds_rules
def tags_that_ask(pool_id: int, wanted: tuple[str, Any]) -> Iterable[of_segments.Use]:
    """Tags whose rule asks for a scheme or a field."""
    for rule in TagRule.objects.filter(pool_id=pool_id, tag__retired_at=None).select_related("tag").order_by("tag__name", "pk"):
        if rule.rule and wanted in of_segments.asked_by(rule.rule):
            yield of_segments.Use(gettext_lazy("标签规则"), rule.tag.name, reverse("tags:detail", args=[rule.tag_id]))


@of_segments.register
def tags_that_need(segment: Segment) -> Iterable[of_segments.Use]:
    """Tags in step with a segment, and tags whose rule names it."""
    for rule in TagRule.objects.filter(pool_id=segment.pool_id, tag__retired_at=None).select_related("tag").order_by("pk"):
        if rule.segment_id == segment.pk or segment.pk in of_segments.segments_in(rule.rule):
            yield of_segments.Use(_("标签"), rule.tag.name, reverse("tags:detail", args=[rule.tag_id]))
