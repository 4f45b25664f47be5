"""Ready-made layers: the splits marketers reach for, as rules over the catalogue of facts."""

from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from members.models import Pool
from segmentation.models import Segment
from segmentation.segments.queries import sentence_of

Rule = dict[str, Any] | None


def _one_of(fact: str, *values: int) -> Rule:
    return {"fact": fact, "op": "in", "value": list(values)}


@dataclass(frozen=True)
class Preset:
    """A layer one can pick from a list."""

    key: str
    label: str | Promise
    rule: Rule


REST = Preset("rest", _("其余所有人"), None)
PRESETS: tuple[Preset, ...] = (
    REST,
    Preset("rfm_important", _("RFM 重要会员（价值、发展、保持、挽留）"), _one_of("rfm_group", 7, 5, 3, 1)),
    Preset("rfm_champions", _("RFM 重要价值"), _one_of("rfm_group", 7)),
    Preset("rfm_keep", _("RFM 重要保持与重要挽留"), _one_of("rfm_group", 3, 1)),
    Preset("rfm_general", _("RFM 一般会员"), _one_of("rfm_group", 6, 4, 2, 0)),
    Preset("stage_active", _("生命周期：活跃期"), _one_of("stage", 1)),
    Preset("stage_silent", _("生命周期：沉默期"), _one_of("stage", 2)),
    Preset("stage_sleeping", _("生命周期：睡眠期"), _one_of("stage", 3)),
    Preset("stage_lost", _("生命周期：流失期"), _one_of("stage", 4)),
    Preset("no_orders", _("还没有下过单"), {"fact": "order_count", "op": "none"}),
    Preset("one_order", _("只下过一单"), {"fact": "order_count", "op": "eq", "value": 1}),
    Preset("regulars", _("累计下单 5 次以上"), {"fact": "order_count", "op": "gte", "value": 5}),
    Preset("sample_half", _("随机一半（A/B 内容对比）"), {"fact": "sample", "op": "share", "value": 50}),
)
BY_KEY = {preset.key: preset for preset in PRESETS}
SEGMENT = "segment:"
CUSTOM = "custom"


def choices(pool: Pool, current: Rule) -> list[tuple[str, Any]]:
    """What a layer may be, for a select: presets, the pool's segments, and the rule it has if it is none of them."""
    found: list[tuple[str, Any]] = [(preset.key, preset.label) for preset in PRESETS]
    segments = Segment.objects.filter(pool=pool, is_archived=False).order_by("name").values_list("pk", "name")
    if segments:
        found.append((str(_("分群")), [(f"{SEGMENT}{pk}", name) for pk, name in segments]))
    if key_of(current) == CUSTOM:
        found.insert(1, (CUSTOM, sentence(pool, current)))
    return found


def key_of(rule: Rule) -> str:
    """The choice a rule is; "custom" when it is none of them."""
    for preset in PRESETS:
        if preset.rule == rule:
            return preset.key
    if rule and rule.get("fact") == "segment" and rule.get("op") == "any" and len(rule.get("value", ())) == 1:
        return f"{SEGMENT}{rule['value'][0]}"
    return CUSTOM


def rule_of(key: str, current: Rule) -> Rule:
    """The rule a choice stands for; raises KeyError for one that does not exist."""
    if key == CUSTOM:
        return current
    if key.startswith(SEGMENT):
        return {"fact": "segment", "op": "any", "value": [int(key.removeprefix(SEGMENT))]}
    return BY_KEY[key].rule


def sentence(pool: Pool, rule: Rule) -> str:
    """A layer's rule in words."""
    return str(REST.label) if rule is None else sentence_of(pool, rule)
