"""The audit trail: every service leaves one line."""

from typing import Any

from django.db.models import Model

from scrm.staff.models import AuditEntry, User


def name_of(target: Model | str | None) -> str:
    """`members.member:42` for a row, the text itself for a text."""
    if isinstance(target, Model):
        return f"{target._meta.label_lower}:{target.pk}"
    return target or ""


def audit(
    *, actor: User | None, action: str, target: Model | str | None = None, pool_id: int | None = None, **data: Any
) -> AuditEntry:
    """Record an act inside the caller's transaction; `actor` None means the system itself."""
    return AuditEntry.objects.create(
        actor=actor if actor and actor.pk else None, action=action, target=name_of(target)[:120], pool_id=pool_id, data=data
    )
