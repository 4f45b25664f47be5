"""Saved views of the member list: a name for an address."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from members.models import Pool, SavedView
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

PASSING = ("after", "before", "page")


def visible(pool: Pool, user: User) -> QuerySet[SavedView]:
    """One's own views and the shared ones."""
    return SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), pool=pool).order_by("pk")


def cleaned(query: str) -> str:
    """A query string without the place one has read up to."""
    params = QueryDict(query, mutable=True)
    for key in PASSING:
        params.pop(key, None)
    return params.urlencode()


@transaction.atomic
def save_view(*, pool: Pool, user: User, name: str, query: str, is_shared: bool) -> SavedView:
    """Keep an address under a name; the same name again replaces it."""
    name, query = name.strip()[:40], cleaned(query)
    if not name:
        raise Problem("view.no_name", _("请给视图起个名字"), {"name": [_("请给视图起个名字")]})
    if len(query) > 1000:
        raise Problem("view.too_long", _("筛选条件太多，无法存为视图"))
    view, _made = SavedView.objects.update_or_create(
        pool=pool, owner=user, name=name, defaults={"query": query, "is_shared": is_shared}
    )
    audit(actor=user, action="view.save", target=view, pool_id=pool.pk, name=name, is_shared=is_shared)
    return view


@transaction.atomic
def delete_view(*, view: SavedView, user: User) -> None:
    """Forget a view of one's own."""
    if view.owner_id != user.pk:
        raise Problem("view.not_yours", _("只能删除自己的视图"))
    audit(actor=user, action="view.delete", target=view, pool_id=view.pool_id, name=view.name)
    view.delete()
