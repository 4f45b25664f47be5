"""Who a campaign is for, at an instant: the segment's members, split into arms and layers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from django.utils.translation import gettext as _
from pyroaring import BitMap

from campaigns.assignment import HOLDOUT, TREATED, Assignment, assign, ids
from campaigns.models import Campaign, Layer
from members.sets import array
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation import evaluate
from segmentation.rules.parse import RuleError

# The rate a campaign starts from is estimated on so many members.
SAMPLE = 20_000


@dataclass(frozen=True)
class Part:
    """One layer of the audience with the sizes of its arms."""

    layer: Layer
    treated: int
    holdout: int

    @property
    def members(self) -> int:
        return self.treated + self.holdout


@dataclass(frozen=True)
class Audience:
    """The segment at an instant, assigned."""

    segment: BitMap
    made: Assignment
    parts: tuple[Part, ...]
    ms: float

    @property
    def left_out(self) -> int:
        """Members of the segment that no layer wants."""
        return len(self.segment) - len(self.made)

    @property
    def treated(self) -> int:
        return sum(part.treated for part in self.parts)

    @property
    def holdout(self) -> int:
        return sum(part.holdout for part in self.parts)


def freeze(campaign: Campaign, layers: Sequence[Layer], as_of: datetime) -> Audience:
    """Evaluate the segment and the layers' rules once and assign everybody.

    Problem "segment_failed" or "layer_failed" when one of them cannot be worked out: a part is no audience.
    """
    started = perf_counter()
    segment = evaluate.members_of(campaign.segment, as_of=as_of) if campaign.segment else BitMap()
    wanted = [(layer.pk, _members(campaign, layer, as_of)) for layer in layers]
    made = assign(segment, wanted, salt=campaign.salt, holdout_percent=campaign.holdout_percent)
    parts = tuple(Part(layer, len(made.where(TREATED, layer.pk)), len(made.where(HOLDOUT, layer.pk))) for layer in layers)
    return Audience(segment, made, parts, (perf_counter() - started) * 1000)


def _members(campaign: Campaign, layer: Layer, as_of: datetime) -> BitMap | None:
    if layer.rule is None:
        return None
    with _telling(layer):
        return evaluate.members_of(layer.rule, campaign.pool, as_of)


def check_layer(campaign: Campaign, layer: Layer) -> None:
    """Problem "layer_failed" when its rule cannot be worked out; the data is not asked."""
    with _telling(layer):
        if layer.rule is not None and (found := evaluate.faults(campaign.pool, evaluate.tree_of(layer.rule))):
            raise RuleError(found)


@contextmanager
def _telling(layer: Layer) -> Iterator[None]:
    try:
        yield
    except (RuleError, evaluate.CircularSegment) as error:
        said = _("分层“%(name)s”的条件无法计算：%(why)s") % {"name": layer.name, "why": evaluate.why(error)}
        raise Problem("layer_failed", said, {"layers": [said]}) from error


def starting_rate(campaign: Campaign, segment: BitMap, as_of: datetime) -> float | None:
    """The share of the audience that ordered in the window's length before now (a sample of large ones)."""
    some = ids(segment)
    if not len(some):
        return None
    some = some[:: max(1, len(some) // SAMPLE)]
    params = {"pool": campaign.pool_id, "ids": array(some.tolist()), "as_of": as_of, "days": campaign.goal_days}
    return float(sql.value("campaigns/count_recent_buyers", params)) / len(some)
