"""What this app announces: filters of the member list, and that segments may need each other."""

import json
from typing import Any

from django.dispatch import receiver
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import filters
from members.models import Consent, Pool
from members.signals import pool_zone_changed
from scrm.lib import clock
from segmentation import evaluate
from segmentation.models import Segment
from segmentation.recalculation import services as recalculation
from segmentation.segments import queries


def _segment(pool: Pool, value: str) -> Segment:
    found = Segment.objects.filter(pool=pool, pk=int(value)).first()
    if found is None:
        raise ValueError(_("没有这个分群"))
    return found


def segment_ids(pool: Pool, value: str) -> BitMap:
    """`?segment=12`: who is in it; a live one by its rule, at this moment."""
    return evaluate.members_of(_segment(pool, value))


def rule_ids(pool: Pool, value: str) -> BitMap:
    """`?rule={…}`: any rule, so that a figure can lead to the members behind it."""
    return evaluate.members_of(json.loads(value), pool)


def rule_words(pool: Pool, value: str) -> str:
    return queries.sentence_of(pool, json.loads(value))


@receiver(pool_zone_changed)
def count_days_anew(pool: Pool, actor: Any, **_kwargs: Any) -> None:
    """Days of another zone: stages, recency and segments by days are computed again."""
    recalculation.ask(pool=pool, as_of=clock.now(), actor=actor)


def segment_options(pool: Pool) -> list[tuple[int, str]]:
    """The segments that are in use, by name."""
    return list(Segment.objects.filter(pool=pool, is_archived=False).order_by("name").values_list("pk", "name"))


def reachable_ids(pool: Pool, value: str) -> BitMap:
    """`?reachable=sms`: by the one definition, that of the rule of this name."""
    if value not in _carriers():
        raise ValueError(_("没有这个渠道"))
    return evaluate.members_of({"all": [{"fact": "reachable", "op": "any", "value": [value]}]}, pool)


def _carriers() -> dict[str, str]:
    return {key: str(label) for key, label in Consent.Carrier.choices}


filters.register(
    "segment",
    gettext_lazy("分群"),
    segment_ids,
    lambda pool, value: _segment(pool, value).name,
    options=segment_options,
    group="state",
)
filters.register(
    "reachable",
    gettext_lazy("可触达"),
    reachable_ids,
    lambda _pool, value: _carriers()[value],
    options=lambda _pool: list(_carriers().items()),
    group="reach",
)
filters.register("rule", gettext_lazy("条件"), rule_ids, rule_words)
