"""What a draft still lacks before it can be launched, each with the step where it is put right."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from campaigns.audience import check_layer
from campaigns.models import Campaign, Layer
from scrm.lib.problems import Problem
from segmentation import evaluate

# The wizard's steps in order; each page saves its own part.
STEPS = ("audience", "content", "control", "channel", "review")
# A time a little in the past still means "now".
TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Gap:
    """One thing missing (`blocks`) or doubtful."""

    step: str
    code: str
    message: str
    blocks: bool = True


def gaps(campaign: Campaign, as_of: datetime, content_problems: Any = None) -> list[Gap]:
    """Everything that is missing or doubtful, in the order of the wizard."""
    layers = list(campaign.layers.select_related("content"))
    found = [*_audience(campaign), *_layers(campaign, layers), *_control(campaign), *_channel(campaign, as_of)]
    for layer in layers:
        for problem in content_problems(campaign, layer) if content_problems else ():
            found.append(
                Gap("content", "content_refused", _("“%(layer)s”：%(problem)s") % {"layer": layer.name, "problem": problem})
            )
    return sorted(found, key=lambda gap: STEPS.index(gap.step))


def blocking(found: list[Gap]) -> list[Gap]:
    """Only what keeps the campaign from being launched."""
    return [gap for gap in found if gap.blocks]


def _audience(campaign: Campaign) -> list[Gap]:
    found = []
    if not campaign.name.strip():
        found.append(Gap("audience", "no_name", _("活动还没有名称")))
    if campaign.segment is None:
        found.append(Gap("audience", "no_segment", _("还没有选择目标分群")))
    elif campaign.segment.is_archived:
        found.append(Gap("audience", "segment_archived", _("分群“%(name)s”已归档，请换一个") % {"name": campaign.segment.name}))
    elif said := refused(partial(evaluate.check, campaign.segment)):
        found.append(Gap("audience", "segment_failed", said))
    return found


def refused(act: Callable[[], object]) -> str:
    """The sentence an act is refused with; nothing when it is not."""
    try:
        act()
    except Problem as problem:
        return problem.message
    return ""


def _layers(campaign: Campaign, layers: list[Layer]) -> list[Gap]:
    if not layers:
        return [Gap("content", "no_layers", _("至少需要一个分层"))]
    found = [Gap("content", "layer_failed", said) for layer in layers if (said := refused(partial(check_layer, campaign, layer)))]
    for layer in layers:
        if layer.content is None or not layer.content.body.strip():
            found.append(Gap("content", "no_content", _("“%(layer)s”还没有内容") % {"layer": layer.name}))
        elif not layer.content.link:
            found.append(Gap("content", "no_link", _("“%(layer)s”没有链接，点击无法统计") % {"layer": layer.name}, blocks=False))
    everybody = [n for n, layer in enumerate(layers) if layer.rule is None]
    if everybody and everybody[0] < len(layers) - 1:
        after = _("、").join(layer.name for layer in layers[everybody[0] + 1 :])
        found.append(Gap("content", "layer_hidden", _("“%(layer)s”在“其余所有人”之后，不会有人") % {"layer": after}))
    if not everybody:
        found.append(Gap("content", "no_rest", _("没有“其余所有人”的分层：不符合任何分层的人不会参加"), blocks=False))
    return found


def _control(campaign: Campaign) -> list[Gap]:
    if campaign.holdout_percent == 0:
        return [Gap("control", "no_holdout", _("没有对照组：之后无法知道活动带来了多少增量"), blocks=False)]
    return []


def _channel(campaign: Campaign, as_of: datetime) -> list[Gap]:
    found = []
    if campaign.connector is None:
        found.append(Gap("channel", "no_connector", _("还没有选择发送渠道")))
    elif not campaign.connector.is_active:
        found.append(Gap("channel", "connector_off", _("连接器“%(name)s”已停用") % {"name": campaign.connector.name}))
    if campaign.scheduled_at and campaign.scheduled_at < as_of - TOLERANCE:
        found.append(Gap("channel", "time_passed", _("发送时间已过，请重新选择")))
    return found
