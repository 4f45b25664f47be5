"""Layers of campaigns that name tags: drafts are written anew when a tag is merged, what is under way holds it fast."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy

from campaigns.models import Campaign, Layer
from members.models import Tag
from members.tagging import usage
from scrm.lib.ui import maybe_url
from scrm.staff.models import User
from segmentation.tagging.circles import tags_in
from segmentation.tagging.usage import renamed


def _naming(tag: Tag) -> list[Layer]:
    found = Layer.objects.filter(campaign__pool_id=tag.pool_id, campaign__status__in=Campaign.OPEN, rule__isnull=False)
    rows = found.select_related("campaign").order_by("campaign__name", "campaign_id", "position")
    return [layer for layer in rows if tag.pk in tags_in(layer.rule)]


def _find(tag: Tag) -> Iterable[usage.Use]:
    for layer in _naming(tag):
        name, url = f"{layer.campaign.name} · {layer.name}", maybe_url("campaigns:detail", pk=layer.campaign_id)
        yield usage.Use(gettext_lazy("活动"), name, url, fixed=not layer.campaign.is_draft)


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
