"""Values as people of a role may read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from members.attributes import queries, values
from members.models import AttributeField, Member, Pool
from scrm.lib import formats
from scrm.staff.permissions import may

MASK = "••••"
REVEALS = "members.reveal"


@dataclass(frozen=True)
class Shown:
    """One value on a member's page."""

    key: str
    label: str
    text: str
    masked: bool = False
    declared: bool = True
    description: str = ""


def of_member(member: Member, role: str | None) -> list[Shown]:
    """What is known of a member, in the pool's order; undeclared keys after the declared ones."""
    fields = queries.by_key(member.pool_id)
    known = [fields[key] for key in fields if not fields[key].is_archived and member.attributes.get(key) not in (None, "", [])]
    told = [_one(field, member.attributes[field.key], role) for field in known]
    return told + [
        Shown(key, key, _free(value), declared=False)
        for key, value in member.attributes.items()
        if key not in fields and not isinstance(value, dict)
    ]


def _one(field: AttributeField, value: Any, role: str | None) -> Shown:
    hidden = field.is_sensitive and not may(role, REVEALS)
    return Shown(field.key, str(field), MASK if hidden else values.shown(field, value), hidden, description=field.description)


def _free(value: Any) -> str:
    return formats.listed(value) if isinstance(value, list) else str(value)


def masked(pool: Pool, attributes: Mapping[str, Any], role: str | None, sensitive: Iterable[str] | None = None) -> dict[str, Any]:
    """Attributes as a program of a role gets them: sensitive ones as dots."""
    if may(role, REVEALS):
        return dict(attributes)
    hidden = set(sensitive_keys(pool) if sensitive is None else sensitive)
    return {key: MASK if key in hidden else value for key, value in attributes.items()}


def sensitive_keys(pool: Pool) -> list[str]:
    """Keys whose values not everybody may read."""
    return list(queries.fields_of(pool, archived=True).filter(is_sensitive=True).values_list("key", flat=True))


def labels(pool: Pool) -> dict[str, str]:
    """Key → name, for sentences about changes."""
    return {key: str(field) for key, field in queries.by_key(pool).items()}


def worth_of(member: Member, role: str | None) -> Shown | None:
    """The number that stands for this member's value, where the pool has chosen one (M13)."""
    field = queries.worth(member.pool)
    if field is None:
        return None
    value = member.attributes.get(field.key)
    return Shown(field.key, str(field), "–") if value is None else _one(field, value, role)
