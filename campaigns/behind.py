"""The members behind a figure: ?campaign_run=7:treated:12:clicked on the member list."""

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from campaigns.models import Layer, Run
from campaigns.sources import step_ids
from members import filters
from members.models import Pool
from scrm.lib import clock, sql
from touchpoints.queries import reason_words

ARMS = {"any": None, "holdout": 0, "treated": 1}
WHAT = {
    "entered": gettext_lazy("进入"),
    "sent": gettext_lazy("已发送"),
    "delivered": gettext_lazy("已送达"),
    "opened": gettext_lazy("已打开"),
    "clicked": gettext_lazy("已点击"),
    "ordered": gettext_lazy("已下单"),
    "redeemed": gettext_lazy("已核销"),
    "failed": gettext_lazy("失败"),
    "suppressed": gettext_lazy("已抑制"),
    "unknown": gettext_lazy("结果未知"),
    "cancelled": gettext_lazy("已取消"),
    "waiting": gettext_lazy("待发送"),
}


@dataclass(frozen=True)
class Behind:
    """One figure of a run: `run:arm:layer:what[:reason]`."""

    run: int
    arm: str = "any"
    layer: int | None = None
    what: str = "entered"
    reason: str = ""

    def __str__(self) -> str:
        return ":".join([str(self.run), self.arm, str(self.layer or "any"), self.what, *([self.reason] if self.reason else [])])

    @classmethod
    def parse(cls, text: str) -> "Behind":
        """From the address; raises ValueError for nonsense."""
        run, arm, layer, what, reason, *more = [*text.split(":"), *["", "", "", "", ""]][:6]
        made = cls(int(run), arm or "any", None if layer in ("", "any") else int(layer), what or "entered", reason)
        if made.arm not in ARMS or made.what not in WHAT or any(more):
            raise ValueError(f"not a figure of a run: {text!r}")
        return made


def members(pool: Pool, value: str) -> BitMap:
    """The member ids behind a figure."""
    asked = Behind.parse(value)
    run = Run.objects.select_related("campaign").filter(pk=asked.run, campaign__pool=pool).first()
    if run is None:
        return BitMap()
    params = {
        "run": run.pk, "pool": pool.pk, "days": run.campaign.goal_days, "as_of": clock.now(), "steps": step_ids(run),
        "arm": ARMS[asked.arm], "layer": asked.layer, "what": asked.what, "reason": asked.reason or None,
    }  # fmt: skip
    found = [row["member_id"] for row in sql.rows("campaigns/list_behind", params)]
    return BitMap(np.array(found, dtype=np.uint32)) if found else BitMap()


def describe(pool: Pool, value: str) -> str:
    """A figure in words: “沉睡会员挽留 · 触达组 · 已点击”."""
    asked = Behind.parse(value)
    run = Run.objects.select_related("campaign").filter(pk=asked.run, campaign__pool=pool).first()
    arm = {"holdout": _("对照组"), "treated": _("触达组")}.get(asked.arm, "")
    layer = Layer.objects.filter(pk=asked.layer, campaign__pool=pool).first() if asked.layer else None
    parts = [run.campaign.name if run else "", layer.name if layer else "", arm, str(WHAT[asked.what])]
    return " · ".join(part for part in [*parts, reason_words(asked.reason) if asked.reason else ""] if part)


filters.register("campaign_run", gettext_lazy("活动"), ids=members, describe=describe)
