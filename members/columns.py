"""Columns of the member list. Other rooms and upper apps bring theirs:

    @columns.offer
    def attributes(pool: Pool) -> list[Column]:
        return [Column("a_income", "收入", kind="number", values=income_of)]

`values(pool, members)` answers for a whole page at once: member id → value. `kind` says how a value is shown:
text, number, decimal, money (minor units), percent, day, instant, ago, pills and tags (lists of texts).
A column that needs nothing but the member and its state says what stands in a `cell` instead (members/cells.py).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from members import cells, queries
from members.attributes import queries as own
from members.attributes.usage import FILTER
from members.models import Member, Pool
from scrm.lib import clock
from scrm.staff.models import User
from scrm.staff.permissions import may

Values = Callable[[Pool, Sequence[Member]], Mapping[int, Any]]
NUMERIC = ("number", "decimal", "money", "percent")


@dataclass(frozen=True)
class Column:
    """One column: its key in addresses and saved views, what it is called, how its cells come about."""

    key: str
    label: Any
    values: Values | None = None
    kind: str = "text"
    sort: str = ""  # a key of listing.SORTS
    permission: str = "members.view"
    cell: Callable[[Member], cells.Cell] | None = None  # instead of values: of one member

    @property
    def numeric(self) -> bool:
        return self.kind in NUMERIC

    def cells(self, pool: Pool, members: Sequence[Member]) -> list[cells.Cell]:
        """What stands in this column, one for each of the members."""
        if self.cell is not None:
            return [self.cell(member) for member in members]
        values = self.values(pool, members) if self.values else {}
        return [cells.shown(values.get(member.pk), self.kind) for member in members]


def _ages(pool: Pool, members: Sequence[Member]) -> dict[int, int]:
    today = clock.now().astimezone(pool.zone).date()

    def age(born: date) -> int:
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))

    return {member.pk: age(member.birthday) for member in members if member.birthday}


def _owners(_pool: Pool, members: Sequence[Member]) -> dict[int, str]:
    wanted = {member.owner_id for member in members if member.owner_id}
    names = {user.pk: str(user) for user in User.objects.filter(pk__in=wanted)} if wanted else {}
    return {member.pk: names[member.owner_id] for member in members if member.owner_id in names}


def _of_state(name: str, nothing: Any = None) -> Values:
    """A figure of the members' states."""
    return lambda _pool, members: {member.pk: getattr(cells.state_of(member), name, nothing) for member in members}


def _of_member(name: str) -> Values:
    return lambda _pool, members: {member.pk: getattr(member, name) for member in members}


BUILT_IN: tuple[Column, ...] = (
    Column("stage", _("生命周期"), cell=cells.stage),
    Column("rfm", _("RFM 分组"), cell=cells.rfm),
    Column("tags", _("标签"), lambda _pool, members: queries.tag_names(members), kind="tags"),
    Column("channel", _("来源渠道"), _of_member("channel")),
    Column("owner", _("专属导购"), _owners),
    Column("orders", _("订单"), _of_state("order_count", 0), kind="number", sort="orders"),
    Column("amount", _("累计消费"), _of_state("amount_total", 0), kind="money", sort="amount"),
    Column("last_order", _("最近下单"), _of_state("last_order_at"), kind="ago", sort="last_order"),
    Column("joined", _("加入时间"), _of_member("joined_at"), kind="day", sort="joined"),
    Column("status", _("身份"), cell=lambda member: cells.word(Member.Status, member.status)),
    Column("place", _("地区"), cell=cells.place),
    Column("gender", _("性别"), cell=lambda member: cells.word(Member.Gender, member.gender)),
    Column("age", _("年龄"), _ages, kind="number"),
    Column("birthday", _("生日"), _of_member("birthday"), kind="day"),
    Column("number", _("会员编号"), kind="number", cell=lambda member: str(member.pk)),
)
DEFAULT = ("stage", "rfm", "tags", "channel", "orders", "amount", "last_order", "joined")


def usual(pool: Pool) -> list[str]:
    """The usual columns; the number that stands for a member's value in this pool takes the place of what they spent."""
    worth = own.worth(pool)
    return [FILTER + worth.key if worth and key == "amount" else key for key in DEFAULT]


Provider = Callable[[Pool], Sequence[Column]]
providers: list[Provider] = []


def offer(provider: Provider) -> Provider:
    """Declare columns that depend on the pool."""
    providers.append(provider)
    return provider


def known(pool: Pool, role: str | None) -> dict[str, Column]:
    """The columns somebody of this role may see, by key."""
    every = [*BUILT_IN, *(column for provider in providers for column in provider(pool))]
    return {column.key: column for column in every if may(role, column.permission)}


def chosen(known: Mapping[str, Column], keys: Sequence[str]) -> list[Column]:
    """The columns wanted, in the order wanted; what does not exist any more is left out."""
    return [known[key] for key in dict.fromkeys(keys) if key in known] or [known[key] for key in DEFAULT if key in known]
