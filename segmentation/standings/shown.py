"""What schemes show elsewhere: their families, names of changes, a tab on a member's page, a filter of the member list."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import changes, filters, panels
from members.attributes import usage as attributes
from members.models import AttributeField, Member, MemberStanding, Pool
from scrm.lib import clock
from scrm.staff.permissions import may
from segmentation.models import Scheme
from segmentation.standings import charts, following, known, queries  # noqa: F401  (they announce themselves)


@changes.register
def names(pool_id: int, kinds: Collection[int]) -> Mapping[int, changes.Named]:
    """What changes in schemes are called."""
    pks = [kind - MemberStanding.KIND for kind in kinds if kind > MemberStanding.KIND]
    found = Scheme.objects.filter(pool_id=pool_id, pk__in=pks)
    return {
        each.kind: changes.Named(each.name, queries.labels(each), reverse("standings:detail", args=[each.pk])) for each in found
    }


def panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    """The tab: where the member stands in every scheme, why, and what is next."""
    return {"rows": queries.of_member(member, clock.now()), "may_open": may(request.role, "segments.view")}  # type: ignore[attr-defined]


panels.register(
    "standings", label=gettext_lazy("状态模型"), template="standings/panel.html", context=panel, icon="stairs", order=25
)


@attributes.register
def schemes_that_need(field: AttributeField) -> Iterable[attributes.Use]:
    """Schemes whose value is a field of the pool."""
    for scheme in Scheme.objects.filter(pool_id=field.pool_id, is_active=True, settings__attribute=field.key).order_by("name"):
        yield attributes.Use(_("状态模型"), scheme.name, reverse("standings:edit", args=[scheme.pk]))


# -- The member list -----------------------------------------------------------------------------
def _class(pool: Pool, text: str) -> tuple[Scheme, int]:
    """`12-3`: class 3 of scheme 12."""
    pk, _dash, code = text.partition("-")
    if not (pk.isdecimal() and code.isdecimal() and len(pk) < 10):
        raise ValueError(_("没有这个层级"))
    scheme = Scheme.objects.filter(pool=pool, pk=int(pk)).first()
    if scheme is None or int(code) not in queries.labels(scheme):
        raise ValueError(_("没有这个层级"))
    return scheme, int(code)


def standing_ids(pool: Pool, text: str) -> BitMap:
    """`?standing=12-3`: who stands in that class."""
    scheme, code = _class(pool, text)
    found = MemberStanding.objects.filter(scheme_id=scheme.pk, code=code)
    return BitMap(found.order_by().values_list("member_id", flat=True).iterator(chunk_size=50_000))


def standing_words(pool: Pool, text: str) -> str:
    scheme, code = _class(pool, text)
    return f"{scheme.name} · {queries.labels(scheme)[code]}"


def standing_options(pool: Pool) -> list[tuple[str, str]]:
    """Every class of every scheme kept up."""
    return [
        (f"{scheme.pk}-{code.number}", f"{scheme.name} · {code.label}")
        for scheme in queries.schemes(pool)
        for code in queries.codes(scheme)
    ]


filters.register("standing", gettext_lazy("状态模型"), standing_ids, standing_words, options=standing_options, group="state")
