"""Layers of campaigns that name tags, schemes and own fields: nothing of these goes while a campaign is not over.

When a tag is merged drafts are written anew; what is under way holds it fast.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from campaigns.models import Campaign, Layer
from members.models import Tag
from members.tagging import usage
from scrm.lib.ui import maybe_url
from scrm.staff.models import User
from segmentation.segments import usage as rules
from segmentation.tagging.circles import tags_in
from segmentation.tagging.usage import renamed


def _open(pool_id: int) -> QuerySet[Layer]:
    found = Layer.objects.filter(campaign__pool_id=pool_id, campaign__status__in=Campaign.OPEN, rule__isnull=False)
    return found.select_related("campaign").order_by("campaign__name", "campaign_id", "position")


def _naming(tag: Tag) -> list[Layer]:
    return [layer for layer in _open(tag.pool_id) if tag.pk in tags_in(layer.rule)]


def _place(layer: Layer) -> tuple[Any, str, str]:
    url = maybe_url("campaigns:detail", pk=layer.campaign_id)
    return gettext_lazy("活动"), f"{layer.campaign.name} · {layer.name}", url


def _find(tag: Tag) -> Iterable[usage.Use]:
    for layer in _naming(tag):
        yield usage.Use(*_place(layer), fixed=not layer.campaign.is_draft)


@rules.holds_rules
def layers_that_ask(pool_id: int, wanted: tuple[str, Any]) -> Iterable[rules.Use]:
    """Layers whose rule asks for a scheme or a field."""
    return [rules.Use(*_place(layer)) for layer in _open(pool_id) if wanted in rules.asked_by(layer.rule)]


def _rewrite(source: Tag, target: Tag, _actor: User | None) -> list[dict[str, Any]]:
    notes = []
    for layer in _naming(source):
        was, now = layer.rule, renamed(layer.rule, source.pk, target.pk)
        Layer.objects.filter(pk=layer.pk).update(rule=now)
        notes.append({"pk": layer.pk, "name": f"{layer.campaign.name} · {layer.name}", "was": was, "now": now})
    return notes


def _restore(note: dict[str, Any], _actor: User | None) -> bool:
    mine = Layer.objects.filter(pk=note["pk"], rule=note["now"], campaign__status=Campaign.Status.DRAFT)
    return bool(mine.update(rule=note["was"]))


usage.register(usage.Place("campaigns", _find, _rewrite, _restore))
