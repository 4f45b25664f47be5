"""Who may do what: the one matrix. A page or endpoint names a permission; roles hold sets of them."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    ADMIN = "admin", _("管理员")
    OPERATOR = "operator", _("运营")
    MARKETER = "marketer", _("营销")
    ANALYST = "analyst", _("分析")


EVERYONE = frozenset(Role)
A, O, M, N = Role.ADMIN, Role.OPERATOR, Role.MARKETER, Role.ANALYST  # noqa: E741

MATRIX: dict[str, frozenset[Role]] = {
    "attributes.edit": frozenset({A, O}),
    "audit.view": frozenset({A}),
    "campaigns.edit": frozenset({A, M}),
    "campaigns.launch": frozenset({A, M}),
    "campaigns.view": frozenset({A, M, N, O}),
    "communities.edit": frozenset({A, M, O}),
    "communities.view": EVERYONE,
    "connectors.edit": frozenset({A}),
    "connectors.view": frozenset({A, M}),
    "consents.edit": frozenset({A, O}),
    "imports.run": frozenset({A, O}),
    "imports.view": frozenset({A, M, N, O}),
    "inbox.view": frozenset({A, M}),
    "insights.view": EVERYONE,
    "jobs.steer": frozenset({A, M, O}),
    "jobs.view": EVERYONE,
    "members.edit": frozenset({A, O}),
    "members.erase": frozenset({A}),
    "members.export": frozenset({A, O}),
    "members.export.approve": frozenset({A, O}),
    "members.merge": frozenset({A, O}),
    "members.note": frozenset({A, M, O}),
    "members.reveal": frozenset({A, O}),
    "members.view": EVERYONE,
    "oneid.edit": frozenset({A}),
    "owners.assign": frozenset({A, O}),
    "owners.view": EVERYONE,
    "points.adjust": frozenset({A, O}),
    "points.edit": frozenset({A, M}),
    "points.view": EVERYONE,
    "policy.edit": frozenset({A, M}),
    "predictions.edit": frozenset({A, M, N}),
    "privacy.view": frozenset({A}),
    "pools.edit": frozenset({A}),
    "quality.count": frozenset({A, N, O}),
    "recalculation.run": frozenset({A, N}),
    "segments.edit": frozenset({A, M, N}),
    "segments.view": EVERYONE,
    "sites.edit": frozenset({A}),
    "sites.view": frozenset({A, M, N, O}),
    "staff.manage": frozenset({A}),
    "stores.edit": frozenset({A, O}),
    "stores.view": EVERYONE,
    "tags.edit": frozenset({A, M, O}),
    "tokens.own": EVERYONE,
}


def may(role: str | None, permission: str) -> bool:
    """Whether a role holds a permission; an unknown permission is a mistake in the code."""
    return role in MATRIX[permission]


def granted(role: str | None) -> frozenset[str]:
    """All permissions of a role (for navigation, scopes and templates)."""
    return frozenset(code for code, roles in MATRIX.items() if role in roles)
