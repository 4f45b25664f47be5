"""Making and changing one member, by hand or by a program."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import identities
from members.attributes import merging as own
from members.models import Channel, Guard, Identity, Member, Pool
from members.oneid import guarding, precedence
from members.oneid.rules import STAFF
from members.privacy import looks, tombstones
from members.touching import touch
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

BAD = {
    "empty": gettext_lazy("%(kind)s是空的"),
    "bad_phone": gettext_lazy("%(kind)s不是电话号码：只能有 5–15 位数字"),
    "bad_email": gettext_lazy("%(kind)s不是邮箱地址"),
    "too_long": gettext_lazy("%(kind)s最长 120 个字符"),
    "placeholder": gettext_lazy("%(kind)s只是占位（如 11111111111、noreply@），认不出人"),
}
FACTS = ("name", "gender", "birthday", "province", "city", "status", "attributes", "channel_id", "joined_at")


@transaction.atomic
def create_member(
    *, pool: Pool, facts: dict[str, Any], known_as: Iterable[tuple[str, str]], actor: User | None, as_of: datetime
) -> Member:
    """A new member with identities (kind, value).

    Raises Problem when an identity is not one, or belongs to somebody: then it names that member.
    """
    (number,) = sql.next_ids("members_member_id_seq", 1)
    _known(facts)
    if "attributes" in facts:
        facts = {**facts, "attributes": own.merged(pool, {}, facts["attributes"])}
    member = Member.objects.create(id=number, pool=pool, updated_at=as_of, **{"joined_at": as_of, **facts})
    guarding.remember(member, [_attach(member, kind, value, member.channel_id, as_of) for kind, value in known_as])
    touch(pool.pk, [member.pk])
    bump(pool.pk, "members")
    audit(actor=actor, action="member.create", target=member, pool_id=pool.pk, facts=sorted(facts))
    return member


@transaction.atomic
def edit_member(*, member: Member, changes: dict[str, Any], actor: User | None, as_of: datetime) -> Member:
    """Change some facts; the audit line says each old and new value. Nothing new: nothing written."""
    member = Member.objects.select_for_update().get(pk=member.pk)
    _known(changes)
    if member.merged_into:
        raise Problem("member.merged", _("这位会员已合并到 %(id)s，请修改那一位") % {"id": member.merged_into})
    if "attributes" in changes:
        changes = {**changes, "attributes": own.merged(member.pool_id, member.attributes, changes["attributes"])}
    changed = {name: [getattr(member, name), value] for name, value in changes.items() if getattr(member, name) != value}
    if not changed:
        return member
    for name, (_old, new) in changed.items():
        setattr(member, name, new)
    member.sources = {**(member.sources or {}), **precedence.said(changed, STAFF, as_of)} or None
    member.updated_at = as_of
    member.save(update_fields=[*changed, "sources", "updated_at"])
    touch(member.pool_id, [member.pk])
    bump(member.pool_id, "members")
    audit(actor=actor, action="member.edit", target=member, pool_id=member.pool_id, changes=_told(changed))
    return member


def _known(facts: dict[str, Any]) -> None:
    if strange := sorted(set(facts) - set(FACTS)):
        raise Problem("member.unknown_facts", _("不认识的字段：%(names)s") % {"names": ", ".join(strange)})


def _told(changed: dict[str, list[Any]]) -> dict[str, list[Any]]:
    told = {name: [_plain(old), _plain(new)] for name, (old, new) in changed.items() if name != "attributes"}
    return told | {f"attr:{key}": pair for key, pair in own.changes(*changed.get("attributes", ({}, {}))).items()}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | dict | list | None) else str(value)


@transaction.atomic
def add_identity(*, member: Member, kind: str, value: str, actor: User | None, as_of: datetime) -> Identity:
    """Let a member be found by one more identity; Problem when it is another member's."""
    made = _attach(member, kind, value, None, as_of)
    guarding.remember(member, [made])
    touch(member.pool_id, [member.pk])
    bump(member.pool_id, "members")
    audit(actor=actor, action="identity.add", target=member, pool_id=member.pool_id, kind=kind, hint=made.hint)
    return made


def _attach(member: Member, kind: str, value: str, channel_id: int | None, as_of: datetime) -> Identity:
    if kind not in Identity.Kind.values:
        raise Problem("identity.unknown_kind", _("不认识的身份类型：%(kind)s") % {"kind": kind}, {"identities": [kind]})
    text = identities.normalise(kind, value)
    if code := identities.problem(kind, text):
        raise Problem(f"identity.{code}", str(BAD[code]) % {"kind": Identity.Kind(kind).label}, {kind: [code]})
    written = identities.written(kind, text)
    if Guard.objects.filter(pool_id=member.pool_id, kind=kind, value_hash=written.value_hash, is_allowed=False).exists():
        sentence = _("这个%(kind)s被多人共用或在黑名单里，不能作为身份标识") % {"kind": Identity.Kind(kind).label}
        raise Problem("identity.guarded", sentence, {kind: [sentence]})
    if tombstones.stands(member.pool_id, kind, written.value_hash):
        raise tombstones.refuse(kind)
    row, made = Identity.objects.get_or_create(
        pool_id=member.pool_id,
        kind=kind,
        value_hash=written.value_hash,
        defaults={
            "member": member,
            "value": written.value,
            "sealed": written.sealed,
            "hint": written.hint,
            "tail": written.tail,
            "channel_id": channel_id,
            "seen_at": as_of,
        },
    )
    if not made and row.member_id != member.pk:
        label = Identity.Kind(kind).label
        sentence = _("这个%(kind)s已属于会员 %(id)s；如是同一人，请合并") % {"kind": label, "id": row.member_id}
        raise Problem("identity.taken", sentence, {kind: [sentence], "member": row.member_id})
    return row


@transaction.atomic
def remove_identity(*, member: Member, kind: str, value_hash: bytes, actor: User | None) -> None:
    """The member is no longer found by it."""
    row = Identity.objects.filter(pool_id=member.pool_id, member=member, kind=kind, value_hash=value_hash).first()
    if row is None:
        raise Problem("identity.gone", _("这个身份标识已不存在"))
    row.delete()
    touch(member.pool_id, [member.pk])
    bump(member.pool_id, "members")
    audit(actor=actor, action="identity.remove", target=member, pool_id=member.pool_id, kind=kind, hint=row.hint)


@transaction.atomic
def reveal(*, member: Member, kind: str, value_hash: bytes, actor: User, as_of: datetime, via: looks.Via = looks.NOWHERE) -> str:
    """An identity in the clear; who looked is written down. Problem when this person has looked at too many within an hour."""
    row = Identity.objects.filter(pool_id=member.pool_id, member=member, kind=kind, value_hash=value_hash).first()
    if row is None:
        raise Problem("identity.gone", _("这个身份标识已不存在"))
    looks.spend_reveal(pool=member.pool, actor=actor, as_of=as_of)
    looks.note(
        pool_id=member.pool_id,
        actor=actor,
        what=looks.What.REVEAL,
        members=[member.pk],
        detail=kind,
        via=via,
        as_of=as_of,
    )
    audit(actor=actor, action="member.reveal", target=member, pool_id=member.pool_id, kind=kind, hint=row.hint)
    return identities.plain(row)


def channel_id(code: str) -> int | None:
    """A channel's id by its code; None when there is no such channel."""
    return Channel.objects.filter(code=code).values_list("pk", flat=True).first()
