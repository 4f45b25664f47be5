"""What would miss a field. Upper apps announce themselves: `@usage.register`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.urls import reverse
from django.utils.translation import gettext as _

from members.models import AttributeField, ImportRun, SavedMapping, SavedView

PREFIX = "attr:"  # in a mapping: "attr:income" fills the attribute "income"
FILTER = "a_"  # in the address of the member list: a_income=…, a_income_min=…
OPEN = (ImportRun.Status.UPLOADED, ImportRun.Status.CHECKING, ImportRun.Status.CHECKED, ImportRun.Status.IMPORTING)


@dataclass(frozen=True)
class Use:
    """One thing that would miss a field: what it is, its name, where it is shown."""

    kind: Any
    name: str
    url: str = ""


Finder = Callable[[AttributeField], Iterable[Use]]
_finders: list[Finder] = []


def register(finder: Finder) -> Finder:
    """Declare a function that names what uses a field; it must not change anything."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def uses(field: AttributeField) -> list[Use]:
    """Everything that would miss this field."""
    return [use for finder in _finders for use in finder(field)]


@register
def _mappings(field: AttributeField) -> Iterable[Use]:
    kept = SavedMapping.objects.filter(pool_id=field.pool_id, mapping__has_key=PREFIX + field.key)
    return [Use(_("导入方案"), found.name, reverse("imports:list")) for found in kept.order_by("name")]


@register
def _imports(field: AttributeField) -> Iterable[Use]:
    open_runs = ImportRun.objects.filter(pool_id=field.pool_id, status__in=OPEN, mapping__has_key=PREFIX + field.key)
    return [Use(_("导入"), run.file_name, reverse("imports:detail", args=[run.pk])) for run in open_runs.order_by("pk")]


@register
def _views(field: AttributeField) -> Iterable[Use]:
    for view in SavedView.objects.filter(pool_id=field.pool_id).order_by("name"):
        asked = parse_qs(view.query, keep_blank_values=True)
        named = {FILTER + field.key + end for end in ("", "_min", "_max")}
        shown = [*view.columns, *asked.get("columns", [""])[0].split(".")]
        if named & set(asked) or FILTER + field.key in shown:
            yield Use(_("已存视图"), view.name, f"{reverse('members:list')}?{view.query}")


@register
def _worth(field: AttributeField) -> Iterable[Use]:
    from members.attributes.queries import WORTH

    if field.pool.settings.get(WORTH) == field.key:
        yield Use(_("会员池设置"), _("会员价值口径"), reverse("pools:edit"))
