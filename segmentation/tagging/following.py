"""Tags in step with segments: whoever entered or left, the tag's job is asked for in the transaction that says so."""

from typing import Any

from django.dispatch import receiver

from segmentation.models import Segment, TagRule
from segmentation.segments.signals import membership_changed
from segmentation.tagging.applying import ask_apply


@receiver(membership_changed)
def follow(segment: Segment, **_change: Any) -> None:
    """Ask for the tags that follow its changes; one asked while its job runs is caught by its revision at the next look."""
    rules = TagRule.objects.filter(segment=segment, is_paused=False, tag__retired_at=None, cadence=TagRule.Cadence.CHANGES)
    for rule in rules.select_related("tag__group"):
        ask_apply(rule=rule, actor=None)
