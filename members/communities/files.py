"""Files of groups: what columns they have, and what becomes of their rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.communities import people, services
from members.communities.codes import sentence
from members.communities.people import Person
from members.communities.services import Day, Happening
from members.models import Channel, Community, Identity, Pool, Store
from members.stores import reading
from members.team.queries import colleagues
from scrm.lib.problems import Problem
from scrm.staff.models import User

GROUP = ("群ID", "群编号", "chat_id", "external_id", "群id")
PEOPLE: dict[str, tuple[str, ...]] = {
    "external_userid": ("外部联系人ID", "企微客户ID", "客户ID", "external_userid"),
    "phone": ("手机号", "手机", "phone", "mobile"),
    "unionid": ("UnionID", "unionid"),
    "openid": ("OpenID", "openid"),
    "card_no": ("会员卡号", "卡号", "card_no"),
}
COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    "groups": {
        "group": GROUP,
        "name": ("群名称", "群名", "name"),
        "owner": ("群主", "群主账号", "owner"),
        "store": ("门店编码", "门店", "store"),
        "layer": ("分层", "群分层", "layer"),
        "capacity": ("人数上限", "capacity"),
        "created_at": ("建群时间", "创建时间", "created_at"),
        "channel": ("渠道", "channel"),
    },
    "members": {
        "group": GROUP,
        **PEOPLE,
        "nick": ("群昵称", "昵称", "nick", "name"),
        "joined_at": ("入群时间", "加入时间", "joined_at"),
        "left_at": ("退群时间", "left_at"),
        "invited_by": ("邀请人", "invited_by"),
        "how": ("入群方式", "how"),
    },
    "messages": {
        "group": GROUP,
        **PEOPLE,
        "nick": ("群昵称", "昵称", "nick"),
        "at": ("时间", "发言时间", "at"),
        "id": ("消息ID", "消息编号", "id", "msgid"),
    },
    "days": {
        "group": GROUP,
        "day": ("日期", "day", "date"),
        "messages": ("消息数", "消息总数", "messages"),
        "senders": ("发言人数", "发过消息的群成员数", "senders"),
        "joins": ("入群数", "新增成员数", "joins"),
        "leaves": ("退群数", "退群成员数", "leaves"),
    },
}
REQUIRED = {
    "groups": ("group", "name"),
    "members": ("group",),
    "messages": ("group", "at"),
    "days": ("group", "day", "messages", "senders"),
}
KINDS: dict[str, Any] = {"groups": _("社群"), "members": _("群成员名单"), "messages": _("群消息"), "days": _("每日活跃汇总")}
MOST_SHOWN = 300


class Wrong(Exception):
    """A row that cannot be taken: a code, and what its sentence is about."""

    def __init__(self, code: str, **said: Any) -> None:
        super().__init__(code)
        self.code, self.said = code, said


@dataclass
class Outcome:
    """What became of a file so far; as it stands in the job's watermark."""

    line: int = 1
    rows: int = 0
    added: int = 0
    repeated: int = 0
    leads: int = 0
    refused: int = 0
    left: int = 0
    shown: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, line: int, code: str, **said: Any) -> None:
        """Count a refused row; the first ones are kept with their sentence."""
        self.refused += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append((line, sentence(code, **said)))


@dataclass(frozen=True)
class Work:
    """What reading a file needs to know of its pool."""

    pool: Pool
    actor: User | None
    as_of: datetime
    groups: dict[str, Community]
    staff: dict[str, int]
    stores: dict[str, int]
    channels: dict[str, int]


def work(pool: Pool, actor: User | None, as_of: datetime) -> Work:
    staff: dict[str, int] = {}
    for each in colleagues(pool):
        names = (each.user.username, str(each), each.profile.wecom_userid if each.profile else "")
        staff |= {name: each.pk for name in names if name}
    groups = {row.external_id: row for row in Community.objects.filter(pool=pool).select_related("pool")}
    stores = dict(Store.objects.filter(pool=pool).values_list("code", "pk"))
    return Work(pool, actor, as_of, groups, staff, stores, dict(Channel.objects.values_list("code", "pk")))


def lines(path: Path, name: str, kind: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The file's rows by field, with the line each stands in."""
    return reading.lines_of(path, name, COLUMNS[kind], required=REQUIRED[kind])


def take(known: Work, kind: str, batch: Sequence[tuple[int, Mapping[str, str]]], outcome: Outcome) -> None:
    """Write one batch of rows, inside the caller's transaction; counts go into the outcome."""
    outcome.rows += len(batch)
    {"groups": _groups, "members": _people, "messages": _people, "days": _days}[kind](known, kind, batch, outcome)
    if batch:
        outcome.line = batch[-1][0]


def _each(
    batch: Sequence[tuple[int, Mapping[str, str]]], outcome: Outcome, read: Callable[[Mapping[str, str]], Any]
) -> Iterator[tuple[int, Any]]:
    for line, row in batch:
        try:
            yield line, read(row)
        except Wrong as wrong:
            outcome.refuse(line, wrong.code, **wrong.said)


def _group(known: Work, row: Mapping[str, str]) -> Community:
    name = row.get("group", "")
    if name not in known.groups:
        raise Wrong("unknown_community", id=name)
    return known.groups[name]


def _instant(known: Work, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise Wrong("bad_time") from None
    return found if found.tzinfo else found.replace(tzinfo=known.pool.zone)


def _number(row: Mapping[str, str], name: str, default: int | None = None) -> int | None:
    text = row.get(name, "").replace(",", "")
    if not text and default is None:
        return None
    if not text.isdecimal():
        raise Wrong("bad_number", column=name)
    return int(text)


# -- Groups ---------------------------------------------------------------------------------------
def _groups(known: Work, kind: str, batch: Sequence[tuple[int, Mapping[str, str]]], outcome: Outcome) -> None:
    for line, facts in _each(batch, outcome, lambda row: _group_facts(known, row)):
        there = known.groups.get(facts["external_id"])
        try:
            saved = services.save_community(pool=known.pool, community=there, facts=facts, actor=known.actor, as_of=known.as_of)
        except Problem as problem:
            outcome.refused += 1
            outcome.shown.append((line, problem.message))
            continue
        outcome.added += there is None
        outcome.repeated += there is not None
        known.groups[saved.external_id] = saved


def _group_facts(known: Work, row: Mapping[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {"external_id": row["group"][:80], "name": row.get("name", "")[:80]}
    for name, column, those, code in (
        ("owner_id", "owner", known.staff, "unknown_staff"),
        ("store_id", "store", known.stores, "unknown_store"),
        ("channel_id", "channel", known.channels, "unknown_channel"),
    ):
        if text := row.get(column, ""):
            if text not in those:
                raise Wrong(code, name=text, number=text)
            facts[name] = those[text]
    if layer := row.get("layer", ""):
        facts["layer"] = layer[:30]
    if (capacity := _number(row, "capacity")) is not None:
        facts["capacity"] = capacity
    if text := row.get("created_at", ""):
        facts["created_at"] = _instant(known, text)
    return facts


# -- Who came, went and spoke -----------------------------------------------------------------------
def person(row: Mapping[str, str]) -> Person:
    """The first identity a row has."""
    kind = next((kind for kind in PEOPLE if row.get(kind)), "")
    if not kind:
        raise Wrong("no_identity")
    return Person(None, kind, row[kind], row.get("nick", ""))


def _happenings(known: Work, kind: str, row: Mapping[str, str]) -> tuple[Community, list[Happening]]:
    group, who = _group(known, row), person(row)
    if kind == "messages":
        said = Happening("message", _instant(known, row["at"]), who, id=row.get("id", ""), nick=row.get("nick", ""))
        return group, [said]
    more = {"nick": row.get("nick", ""), "invited_by": row.get("invited_by", "")}
    if row.get("joined_at"):
        found = [Happening("join", _instant(known, row["joined_at"]), who, how=row.get("how", ""), **more)]
    else:
        # Nobody says since when: seen at the time of the file, told apart from somebody who joined then.
        found = [Happening("join", _midnight(known), who, how="listed", **more)]
    if row.get("left_at"):
        found.append(Happening("leave", _instant(known, row["left_at"]), who))
    return group, found


def _midnight(known: Work) -> datetime:
    """The same file twice on a day says the same."""
    return datetime.combine(known.as_of.astimezone(known.pool.zone).date(), time(), known.pool.zone)


def _people(known: Work, kind: str, batch: Sequence[tuple[int, Mapping[str, str]]], outcome: Outcome) -> None:
    told: dict[int, list[tuple[int, Happening]]] = {}
    groups: dict[int, Community] = {}
    for line, (group, happenings) in _each(batch, outcome, lambda row: _happenings(known, kind, row)):
        groups[group.pk] = group
        told.setdefault(group.pk, []).extend((line, each) for each in happenings)
    for pk, rows in told.items():
        for start in range(0, len(rows), services.LIMIT):
            piece = rows[start : start + services.LIMIT]
            taken = services.record(
                community=groups[pk], happenings=[each for _line, each in piece], actor=known.actor, as_of=known.as_of
            )
            outcome.added += taken.added
            outcome.repeated += taken.repeated
            outcome.leads += taken.leads
            for place, code in taken.refused:
                outcome.refuse(piece[place][0], code, kinds=", ".join(Identity.Kind.values))


def close(known: Work, rows: Iterator[tuple[int, Mapping[str, str]]], outcome: Outcome) -> None:
    """The list was complete: whoever it does not name has left the groups it names."""
    present: dict[int, list[Person]] = {}
    for _line, row in rows:
        try:
            present.setdefault(_group(known, row).pk, []).append(person(row))
        except Wrong:
            continue
    groups = {group.pk: group for group in known.groups.values()}
    for pk, persons in present.items():
        found = people.resolve(pool=known.pool, people=persons, channel_id=None, as_of=known.as_of)
        ids = {each for each in found.ids if each}
        outcome.left += services.close_absent(
            community=groups[pk], present=ids, at=known.as_of, actor=known.actor, as_of=known.as_of
        )


# -- Days -----------------------------------------------------------------------------------------
def _day(known: Work, row: Mapping[str, str]) -> Day:
    try:
        day = date.fromisoformat(row["day"][:10].replace("/", "-"))
    except ValueError:
        raise Wrong("bad_day") from None
    messages, senders = _number(row, "messages", 0) or 0, _number(row, "senders", 0) or 0
    return Day(_group(known, row).pk, day, messages, senders, _number(row, "joins"), _number(row, "leaves"))


def _days(known: Work, kind: str, batch: Sequence[tuple[int, Mapping[str, str]]], outcome: Outcome) -> None:
    read = list(_each(batch, outcome, lambda row: _day(known, row)))
    for start in range(0, len(read), services.LIMIT):
        piece = read[start : start + services.LIMIT]
        taken = services.report_days(pool=known.pool, days=[day for _line, day in piece], actor=known.actor, as_of=known.as_of)
        outcome.added += taken.added
        outcome.repeated += taken.repeated
        for place, code in taken.refused:
            outcome.refuse(piece[place][0], code)
