"""What a pool chose for RFM and lifecycle: checked here, kept in Pool.settings["rfm"] and ["lifecycle"]."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from members.models import Pool
from scrm.lib import formats
from scrm.lib.problems import Problem

Days = Annotated[int, Field(ge=1, le=3650)]
Four = Annotated[list[int], Field(min_length=4, max_length=4)]


def _refuse(code: str, message: str | Promise) -> PydanticCustomError:
    return PydanticCustomError(code, "{said}", {"said": str(message)})  # type: ignore[arg-type]


def _rises(numbers: Sequence[float]) -> bool:
    return all(low < high for low, high in pairwise(numbers))


class RfmSettings(BaseModel):
    """How scores 1…5 and the eight groups are cut.

    `mean`: scores by quintiles, high means above the pool's average. `quantile`: scores by quintiles, high
    means a score of at least `high_from`. `threshold`: scores by the limits given here, high as before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["mean", "quantile", "threshold"] = "mean"
    window_days: Annotated[int, Field(ge=7, le=3650)] = 365  # orders that count for F and M
    high_from: Annotated[int, Field(ge=2, le=5)] = 4
    r_days: Four = [365, 180, 90, 30]  # within n days: score 2, 3, 4, 5
    f_orders: Four = [2, 3, 5, 10]  # at least n orders: score 2, 3, 4, 5
    m_amount: Four = [20_000, 50_000, 100_000, 300_000]  # at least, in minor units: score 2, 3, 4, 5

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not _rises(self.r_days[::-1]) or self.r_days[-1] < 1:
            raise _refuse("r_days", _("R 的天数须逐级变小，且至少 1 天。"))
        if not _rises(self.f_orders) or self.f_orders[0] < 1:
            raise _refuse("f_orders", _("F 的订单数须逐级变大，且至少 1 单。"))
        if not _rises(self.m_amount) or self.m_amount[0] < 1:
            raise _refuse("m_amount", _("M 的金额须逐级变大，且大于 0。"))
        return self


class LeadSettings(BaseModel):
    """Stages before the first order: engaged by so many events lately, else new for some days after joining, else cold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    split: bool = True
    new_days: Days = 30
    engaged_days: Days = 30
    engaged_events: Annotated[int, Field(ge=1, le=1000)] = 1
    event_kinds: Annotated[list[Annotated[str, Field(min_length=1, max_length=40)]], Field(max_length=50)] = []  # none: all


class LifecycleSettings(BaseModel):
    """After how long without an order the stage changes.

    `model`: by P(no order within a horizon), edges being quantiles of it over all buyers. `pool`: edges are quantiles of how
    often this pool's repeat buyers buy. `category`: likewise, of the buyers of the member's main category. `fixed`: the
    days given here, which also hold where too few come back to tell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["model", "pool", "category", "fixed"] = "model"
    days: Annotated[list[Days], Field(min_length=3, max_length=3)] = [30, 90, 180]  # silent, sleeping, lost
    # Tried on two real shops: tells who will not come back better than fixed days, or as well.
    quantiles: Annotated[list[float], Field(min_length=3, max_length=3)] = [0.5, 0.9, 0.97]
    shares: Annotated[list[float], Field(min_length=3, max_length=3)] | None = None  # of the model; None: those that tell most
    horizon_days: Annotated[int, Field(ge=7, le=730)] | None = None  # None: by the pool's rhythm
    keep_days: Annotated[int, Field(ge=0, le=365)] = 30  # edges of the model hold so long; nightly ones would hide a decline
    lead: LeadSettings = LeadSettings()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not _rises(self.days):
            raise _refuse("days", _("沉默、睡眠、流失的天数须逐级变大。"))
        for shares in (self.quantiles, self.shares):
            if shares is not None and not _rises([0, *shares, 1]):
                raise _refuse("quantiles", _("沉默、睡眠、流失的比例须逐级变大，且在 0 与 1 之间。"))
        return self


class Choices(BaseModel):
    """Both together, as a run is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rfm: RfmSettings = RfmSettings()
    lifecycle: LifecycleSettings = LifecycleSettings()


def of(pool: Pool) -> Choices:
    """What the pool chose, or the defaults."""
    return Choices.model_validate({key: pool.settings[key] for key in ("rfm", "lifecycle") if pool.settings.get(key)})


def checked(given: dict[str, Any]) -> Choices:
    """Choices out of what somebody sent; a Problem says what to mend."""
    try:
        return Choices.model_validate(given)
    except ValidationError as error:
        raise Problem("bad_settings", formats.clauses(_said(e["loc"], e["msg"]) for e in error.errors())) from error


def _said(path: tuple[int | str, ...], message: str) -> str:
    return formats.labelled(".".join(str(part) for part in path), message) if len(path) > 1 else message
