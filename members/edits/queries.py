"""A member's changes out of the audit trail, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from members.attributes import shown
from members.models import Channel, Identity, Member
from scrm.lib import formats
from scrm.staff.models import AuditEntry
from scrm.staff.permissions import may

MOST = 200
OWN = "attr:"  # before the keys of the pool's own fields
ACTS = {
    "member.create": gettext_lazy("新增会员"),
    "member.edit": gettext_lazy("修改资料"),
    "member.assign": gettext_lazy("更换导购"),
    "member.merge": gettext_lazy("合并会员"),
    "member.unmerge": pgettext_lazy("done", "撤销合并"),
    "identity.add": gettext_lazy("添加身份标识"),
    "identity.remove": gettext_lazy("移除身份标识"),
    "consent.record": gettext_lazy("记录授权"),
}


@dataclass(frozen=True)
class Change:
    """One field: its name, what it said before and what it says now."""

    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Edit:
    """One act: what it was called, who did it, when, and each field it changed."""

    title: str
    actor: str
    at: datetime
    changes: list[Change]
    about: str


def edits_of(member: Member, role: str | None) -> list[Edit]:
    """The newest acts on a member, newest first; sensitive values only for those who may see them."""
    found = AuditEntry.objects.filter(target=f"members.member:{member.pk}", pool_id=member.pool_id, action__in=ACTS)
    hidden = set() if may(role, shown.REVEALS) else set(shown.sensitive_keys(member.pool))
    rows = found.select_related("actor").order_by("-at", "-pk")[:MOST]
    return [_edit(row, member, hidden) for row in rows]


def _edit(row: AuditEntry, member: Member, hidden: set[str]) -> Edit:
    changes = list(_changes(row.data.get("changes") or {}, member, hidden)) if row.action == "member.edit" else []
    return Edit(str(ACTS[row.action]), str(row.actor or _("系统")), row.at, changes, _about(row))


def _about(row: AuditEntry) -> str:
    kind, hint = row.data.get("kind", ""), row.data.get("hint", "")
    if row.action.startswith("identity."):
        label = Identity.Kind(kind).label if kind in Identity.Kind.values else kind
        return f"{label} {hint}".strip()
    return ""


def _changes(said: dict[str, Any], member: Member, hidden: set[str]) -> Iterator[Change]:
    labels = shown.labels(member.pool)
    for name, (old, new) in said.items():
        key = name.removeprefix(OWN)
        if key == name:
            yield Change(_label(name), _word(name, old), _word(name, new))
        else:
            masked = key in hidden
            yield Change(labels.get(key, key), *(shown.MASK if masked else _plain(value) for value in (old, new)))


def _label(name: str) -> str:
    field = name.removesuffix("_id")
    try:
        return str(Member._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
    except FieldDoesNotExist:
        return name


def _word(name: str, value: Any) -> str:
    choices = {"status": Member.Status, "gender": Member.Gender}
    if name in choices and value in choices[name].values:
        return str(choices[name](value).label)
    if name == "channel_id" and value:
        return str(Channel.objects.filter(pk=value).first() or value)
    return _plain(value)


def _plain(value: Any) -> str:
    if value in (None, "", []):
        return "–"
    return formats.listed(value) if isinstance(value, list) else str(value)
