"""Merges in words: what proved them, who did them, what the two had."""

from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import queries
from members.attributes import shown
from members.merging.services import FIELDS
from members.models import Identity, Member, Merge
from scrm.lib.formats import exact, full, listed, money

SOURCES: dict[str, Promise] = {
    "": gettext_lazy("系统"),
    "page": gettext_lazy("手工合并"),
    "api": gettext_lazy("接口"),
    "import": gettext_lazy("导入"),
    "review": gettext_lazy("人工确认"),
    "rehearsal": gettext_lazy("查重"),
    "job": gettext_lazy("批量合并"),
    "tracking": gettext_lazy("访客识别"),
}
VERDICTS: dict[str, Promise] = {
    "channel": gettext_lazy("只有一方用过这个渠道"),
    "address": gettext_lazy("发到了其中一方的地址"),
    "told": gettext_lazy("由人指定"),
    "follows": gettext_lazy("跟随所属记录"),
}


def proof(kind: str) -> str:
    """What proved a merge: the kind of identity, or a person."""
    if kind in Identity.Kind.values:
        return str(Identity.Kind(kind).label)
    return _("人工判断") if kind in ("", "manual") else kind


def origin(source: str) -> str:
    """Who or what did it: "导入 #12"."""
    family, _colon, number = source.partition(":")
    name = str(SOURCES.get(family, family))
    return f"{name} #{number}" if number else name


def origin_url(source: str) -> str:
    """Where more about it can be seen; empty when nowhere."""
    family, _colon, number = source.partition(":")
    return reverse("imports:detail", args=[int(number)]) if family == "import" and number.isdecimal() else ""


def state(row: Merge) -> tuple[str, str]:
    """(tone, words) of where a merge stands."""
    if row.undone_at:
        return "slate", _("已撤销")
    if row.sealed:
        return "amber", str(row.get_sealed_display())
    return ("amber", _("不可撤销")) if row.act is None else ("green", _("有效"))


# -- Side by side ---------------------------------------------------------------------------------
def sides(winner: Member, loser: Member, role: Any) -> list[dict[str, Any]]:
    """Each field: name for choosing (empty: cannot be chosen), label, what the two have."""
    found = [_field(name, winner, loser) for name in FIELDS]
    ours, theirs = _own(winner, role), _own(loser, role)
    for key in {**ours, **theirs}:
        each = ours.get(key) or theirs[key]
        name = "" if each.masked else f"attributes.{key}"
        found.append(_row(name, each.label, ours[key].text if key in ours else "–", theirs[key].text if key in theirs else "–"))
    return found


def _own(member: Member, role: Any) -> dict[str, Any]:
    return {each.key: each for each in shown.of_member(member, role)}


def _field(name: str, winner: Member, loser: Member) -> dict[str, Any]:
    label = _("导购") if name == "owner_id" else getattr(Member._meta.get_field(name.removesuffix("_id")), "verbose_name", name)
    return _row(name, str(label), _value(winner, name), _value(loser, name))


def _row(name: str, label: str, left: Any, right: Any) -> dict[str, Any]:
    differ = str(left) != str(right)
    # Where one side says nothing the other's fills the gap; status and joining are taken by rule.
    choosable = differ and "–" not in (left, right) and name not in ("", "status", "joined_at")
    return {"name": name, "label": label, "left": left, "right": right, "differ": differ, "choosable": choosable}


def _value(member: Member, name: str) -> str:
    if name in ("status", "gender"):
        return str(getattr(member, f"get_{name}_display")())
    if name in ("birthday", "joined_at"):
        return exact(getattr(member, name), "day")
    value = getattr(member, name.removesuffix("_id"))
    return str(value) if value not in (None, "") else "–"


def standing(winner: Member, loser: Member) -> list[tuple[str, Any, Any]]:
    """What cannot be chosen but helps to judge: identities, orders, tags."""
    left, right = _told(winner), _told(loser)
    return [(label, left[label], right[label]) for label in left]


def _told(member: Member) -> dict[str, Any]:
    numbers = getattr(member, "state", None)
    return {
        _("会员编号"): f"#{member.pk}",
        _("身份标识"): identities(queries.identities_of(member)),
        _("订单数"): full(numbers.order_count) if numbers else "0",
        _("累计消费"): money(numbers.amount_total) if numbers else money(0),
        _("最近下单"): exact(numbers.last_order_at, "day") if numbers else "–",
        _("标签"): listed(row.tag for row in member.tags.select_related("tag")) or "–",
    }


def identities(rows: list[Identity]) -> str:
    """Identities as they may be shown, in one line."""
    return listed(f"{row.get_kind_display()} {row.hint or row.value}" for row in rows) or "–"
