"""What a line of an exported list may say: columns by key, in the clear only when it was agreed to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Choices, QuerySet
from django.utils.translation import gettext_lazy as _

from members import identities, queries
from members.cells import state_of, word
from members.models import AttributeField, Identity, Member, MemberState, MemberTag, Pool
from members.models.state import RfmGroup, Stage
from scrm.lib import formats
from scrm.lib.export import Column, Kind

MASK = "****"
ATTRIBUTE = "attr:"


@dataclass
class Line:
    """One member with everything a column may ask for."""

    pool: Pool
    member: Member
    full: bool
    known: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)

    @property
    def state(self) -> MemberState | None:
        return state_of(self.member)

    def when(self, at: datetime | None) -> str | None:
        return at.astimezone(self.pool.zone).strftime("%Y-%m-%d %H:%M") if at else None


@dataclass(frozen=True)
class Part:
    """A column: its heading, its kind, and its value of a line."""

    label: Any
    value: Callable[[Line], Any]
    kind: Kind = "text"
    is_sensitive: bool = False  # in the clear only in a full export

    @property
    def column(self) -> Column:
        return Column(str(self.label), self.kind)


def _state(name: str) -> Callable[[Line], Any]:
    return lambda line: getattr(line.state, name, None)


def _word(choices: type[Choices], name: str) -> Callable[[Line], Any]:
    """What a choice of the state is called."""

    def value(line: Line) -> Any:
        found = getattr(line.state, name, None)
        return None if found is None else word(choices, found)

    return value


def _known(kind: str) -> Callable[[Line], Any]:
    return lambda line: line.known.get(kind)


PARTS: dict[str, Part] = {
    "id": Part(_("会员编号"), lambda line: str(line.member.pk)),
    "name": Part(_("姓名"), lambda line: line.member.name),
    "status": Part(_("身份"), lambda line: word(Member.Status, line.member.status)),
    "gender": Part(_("性别"), lambda line: word(Member.Gender, line.member.gender)),
    "birthday": Part(_("生日"), lambda line: line.member.birthday, "date"),
    "province": Part(_("省份"), lambda line: line.member.province),
    "city": Part(_("城市"), lambda line: line.member.city),
    **{kind.value: Part(kind.label, _known(kind.value), is_sensitive=True) for kind in Identity.Kind},
    "channel": Part(_("来源渠道"), lambda line: str(line.member.channel or "")),
    "joined": Part(_("加入时间"), lambda line: line.when(line.member.joined_at)),
    "stage": Part(_("生命周期"), _word(Stage, "stage")),
    "rfm": Part(_("RFM 分组"), _word(RfmGroup, "rfm_group")),
    "r": Part("R", _state("r"), "number"),
    "f": Part("F", _state("f"), "number"),
    "m": Part("M", _state("m"), "number"),
    "orders": Part(_("订单数"), lambda line: getattr(line.state, "order_count", 0), "number"),
    "amount": Part(formats.with_sign(_("累计消费（%(sign)s）")), lambda line: getattr(line.state, "amount_total", 0), "money"),
    "last_order": Part(_("最近下单"), lambda line: line.when(getattr(line.state, "last_order_at", None))),
    "tags": Part(_("标签"), lambda line: "、".join(line.tags)),
}
USUAL = [
    "id",
    "name",
    "status",
    "gender",
    "birthday",
    "province",
    "city",
    "phone",
    "email",
    "channel",
    "joined",
    "stage",
    "rfm",
    "r",
    "f",
    "m",
    "orders",
    "amount",
    "last_order",
    "tags",
]


def _attribute(row: AttributeField) -> Part:
    def value(line: Line) -> Any:
        found = line.member.attributes.get(row.key)
        if found in (None, "", []):
            return None
        if row.is_sensitive and not line.full:
            return MASK
        return "、".join(map(str, found)) if isinstance(found, list) else str(found)

    return Part(str(row), value, is_sensitive=row.is_sensitive)


def parts(pool: Pool) -> dict[str, Part]:
    """Every column this pool has, its own attributes included."""
    own = AttributeField.objects.filter(pool=pool, is_archived=False)
    return PARTS | {f"{ATTRIBUTE}{row.key}": _attribute(row) for row in own}


def chosen(pool: Pool, keys: Sequence[str]) -> list[Part]:
    """The columns of these keys, in this order; unknown ones are left out."""
    known = parts(pool)
    return [known[key] for key in keys if key in known]


def lines(pool: Pool, ids: Sequence[int], *, full: bool, keys: Sequence[str]) -> list[Line]:
    """Some members by id, with the contacts and tags that these columns show: at most three reads for all of them."""
    found = queries.live(pool).filter(id__any_of=ids).select_related("state", "channel").order_by("id")
    kinds = [kind for kind in Identity.Kind.values if kind in keys]
    known = _contacts(ids, kinds, full) if kinds else {}
    tags = _tags(ids) if "tags" in keys else {}
    return [Line(pool, member, full, known.get(member.pk, {}), tags.get(member.pk, [])) for member in found]


def _contacts(ids: Sequence[int], kinds: Sequence[str], full: bool) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    rows = Identity.objects.filter(member_id__in=ids, kind__in=kinds).order_by("-seen_at", "value_hash")
    shown = ((row.member_id, row.kind, identities.plain(row)) for row in rows) if full else _hints(rows)
    for member_id, kind, text in shown:
        found.setdefault(member_id, {}).setdefault(kind, text)
    return found


def _hints(rows: QuerySet[Identity]) -> QuerySet[Identity, tuple[int, str, str]]:
    return rows.values_list("member_id", "kind", "hint")


def _tags(ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = MemberTag.objects.filter(member_id__in=ids).order_by("tag__name").values_list("member_id", "tag__name")
    for member_id, name in rows:
        found.setdefault(member_id, []).append(name)
    return found
