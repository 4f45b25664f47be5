"""The contact policy of a pool: how often, at what hours, with whose consent. Every refusal has a code.

Kept in `Pool.settings["policy"]`. What it means for a set of candidates is one statement:
`sql/decide_candidates.sql`; tests hold it against a plain-Python reading of the same rules.
"""

from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Pool
from members.models.state import Stage
from scrm.lib.problems import Problem

# Why a candidate is not written to, in the order in which the reasons are looked at.
REASONS: dict[str, str | Promise] = {
    "unknown_member": gettext_lazy("会员不存在或已合并"),
    "no_address": gettext_lazy("没有可用地址"),
    "blocklisted": gettext_lazy("在黑名单中"),
    "unsubscribed": gettext_lazy("已退订"),
    "no_consent": gettext_lazy("没有同意接收"),
    "quiet_hours": gettext_lazy("截止前没有可发送的时段"),
    "cap_day": gettext_lazy("当天已达上限"),
    "cap_week": gettext_lazy("七天内已达上限"),
    "cap_stage": gettext_lazy("所处生命周期的七天上限"),
    "unreadable": gettext_lazy("资料或内容无法读取"),
}
# Why a message did not arrive, or was never sent.
FAILURES: dict[str, str | Promise] = {
    "bad_recipient": gettext_lazy("地址无效"),
    "bad_content": gettext_lazy("内容被拒"),
    "bounced": gettext_lazy("退信"),
    "retries": gettext_lazy("多次重试仍失败"),
    "failed": gettext_lazy("渠道报告失败"),
    "complained": gettext_lazy("被投诉"),
    "staff": gettext_lazy("员工加入"),
    "closed": gettext_lazy("已过截止时间"),
    "cancelled": gettext_lazy("已取消"),
    "no_answer": gettext_lazy("没有得到回答"),
}


@dataclass(frozen=True)
class Policy:
    """What holds in one pool. Caps count marketing messages; service notices are exempt from caps and hours."""

    cap_day: int = 1
    cap_week: int = 3
    quiet_start: str = "21:00"  # empty: no quiet hours
    quiet_end: str = "09:00"
    consent: str = "required"  # or "unless_refused"
    stage_caps: dict[str, int] = field(default_factory=dict)  # lifecycle stage -> messages in seven days

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise Problem("policy", problem)

    def _problems(self) -> list[str]:
        found = []
        if not 1 <= self.cap_day <= 20:
            found.append(_("每日上限须在 1 到 20 之间"))
        if not self.cap_day <= self.cap_week <= 100:
            found.append(_("七天上限须不小于每日上限，且不超过 100"))
        if bool(self.quiet_start) != bool(self.quiet_end):
            found.append(_("免打扰须同时有开始和结束时间"))
        if self.quiet_start and _clock(self.quiet_start) == _clock(self.quiet_end):
            found.append(_("免打扰的开始和结束不能相同"))
        if self.consent not in ("required", "unless_refused"):
            found.append(_("同意方式须为 required 或 unless_refused"))
        if any(stage not in map(str, Stage.values) or not 0 <= cap <= 100 for stage, cap in self.stage_caps.items()):
            found.append(_("生命周期上限须为已知阶段和 0 到 100 之间的数"))
        return found

    # -- Hours -----------------------------------------------------------------------------------
    def is_quiet(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether the pool's clock stands inside the quiet hours."""
        if not self.quiet_start:
            return False
        start, end, local = _clock(self.quiet_start), _clock(self.quiet_end), moment.astimezone(zone).time()
        return start <= local < end if start < end else local >= start or local < end

    def next_slot(self, moment: datetime, zone: ZoneInfo, purpose: str) -> datetime:
        """The first instant from `moment` on at which a message of this purpose may leave."""
        if purpose != "marketing" or not self.is_quiet(moment, zone):
            return moment
        local, end = moment.astimezone(zone), _clock(self.quiet_end)
        day = local.date() + timedelta(days=local.time() >= end)
        return datetime.combine(day, end, zone)


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Problem("policy", _("“%(text)s”不是时间，请写成 21:00") % {"text": text}) from None


def of(pool: Pool) -> Policy:
    """The policy of a pool; what is not set there has its default."""
    known = Policy.__dataclass_fields__
    return Policy(**{key: value for key, value in pool.settings.get("policy", {}).items() if key in known})


def as_data(policy: Policy) -> dict[str, Any]:
    return asdict(policy)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The pool's day an instant belongs to."""
    return moment.astimezone(zone).date()
