"""How the tables of this app move."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.merging import moves, since
from members.merging.moves import Undoing
from members.models import Channel, Tag
from scrm.lib import sql
from scrm.lib.formats import money

ORDER = "members.Order"
NAMES = {
    "MemberTag": gettext_lazy("标签"),
    "TagChange": gettext_lazy("标签记录"),
    "MergedTag": gettext_lazy("合并前的标签"),
    "Consent": gettext_lazy("授权"),
    "ConsentEntry": gettext_lazy("授权记录"),
    "MemberState": gettext_lazy("会员状态"),
    "StateChange": gettext_lazy("状态变化"),
    "MemberStanding": gettext_lazy("会员所处层级"),
    "MemberPrediction": gettext_lazy("预测"),
    "AccessEntry": gettext_lazy("查看记录"),
    "OwnerChange": gettext_lazy("归属变更"),
    "CommunityMember": gettext_lazy("社群成员"),
    "GuardedUse": gettext_lazy("共用标识"),
    "VisitorEvent": gettext_lazy("访客行为"),
    "Note": gettext_lazy("备注"),
    "CareTask": gettext_lazy("任务"),
    "Tombstone": gettext_lazy("抹除证明"),
}


def declare() -> None:
    """Called when the app is ready."""
    moves.latest_wins("members.MemberTag", "at")
    moves.latest_wins("members.Consent", "at")
    moves.drop("members.MemberState", "members.MemberStanding", "members.MemberPrediction", "members.TouchedMember")
    moves.computed("members.TagChange", "members.MergedTag")
    moves.also(before_merge=_part_rivals, before_undo=_note_rivals)
    moves.computed(
        "members.StateChange",
        "members.TouchedMember",
        "members.MemberState",
        "members.MemberStanding",
        "members.MemberPrediction",
    )
    moves.mover("members.Identity")(_repoint)
    moves.unmover("members.Identity")(_lead_back)
    moves.follows("members.OrderLine", ORDER, "(s.row ->> 'order_id')::bigint")
    moves.evidence(ORDER, since.by_channel(ORDER))
    moves.evidence("members.Event", since.by_channel("members.Event"))
    moves.also(undo=_mend_consents)
    moves.describe(ORDER, _order)
    moves.describe("members.Event", _event)
    moves.describe("members.MemberTag", _tag)
    moves.describe("members.Identity", _identity)
    for label, name in NAMES.items():
        moves.call(f"members.{label}", name)


def _repoint(pairs: str, as_of: datetime) -> None:
    # The registry of who is who is the one table that is repointed: the member is not in its key.
    sql.execute("members/merging/repoint_identities", {"as_of": as_of}, hash=moves.fingerprint(moves.held("members.Identity")))


def _lead_back(undoing: Undoing) -> None:
    mark = moves.fingerprint(moves.held("members.Identity"))
    sql.execute("members/merging/lead_identities_back", {"as_of": undoing.as_of}, hash=mark)


def _part_rivals(_pairs: str, as_of: datetime) -> None:
    """Of an exclusive group one tag stays, the one given last."""
    sql.execute("members/merging/set_aside_rivals", {"as_of": as_of})


def _note_rivals(undoing: Undoing) -> None:
    sql.execute("members/merging/note_rivals_back", {"as_of": undoing.as_of})


def _mend_consents(undoing: Undoing) -> None:
    """A withdrawal since the merge counts for both unless a person said whose it is; what holds follows the ledger."""
    sql.execute("members/merging/share_withdrawals", {"as_of": undoing.as_of})
    sql.execute("members/merging/forget_unproven_consents", {"as_of": undoing.as_of})
    sql.execute("members/merging/renew_consents", {"as_of": undoing.as_of})


# -- In words -------------------------------------------------------------------------------------
def _channel(number: Any) -> str:
    return str(Channel.objects.filter(pk=number).first() or "–")


def _order(row: dict[str, Any]) -> str:
    return f"{row['number']} · {money(row['amount'])} · {_channel(row['channel_id'])}"


def _event(row: dict[str, Any]) -> str:
    return f"{row['kind']} · {_channel(row['channel_id'])}"


def _tag(row: dict[str, Any]) -> str:
    return str(Tag.objects.filter(pk=row["tag_id"]).first() or _("已删除的标签"))


def _identity(row: dict[str, Any]) -> str:
    from members.models import Identity

    return f"{Identity.Kind(row['kind']).label} {row['hint'] or row['value']}"
