"""Declaring fields and changing them. What concerns many members' values becomes a job."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from members.attributes import usage
from members.attributes.queries import WORTH, fields_of
from members.attributes.values import SEPARATORS, folded
from members.models import AttributeField, Pool
from members.versions import bump
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

RENAME, CONVERT, CLEAR = "members.attribute.rename", "members.attribute.convert", "members.attribute.clear"
KEY = re.compile(r"^[^\W\d_]\w{0,38}$")
MOST_FIELDS, MOST_CHOICES, MOST_VALUE = 100, 200, 60
FACTS = ("label", "label_en", "unit", "description", "is_sensitive")


@dataclass(frozen=True)
class Choice:
    """One choice as it is wished: `was` is the value it has now, empty for a new one."""

    value: str
    label: str = ""
    label_en: str = ""
    was: str = ""


@transaction.atomic
def create_field(
    *, pool: Pool, key: str, kind: str, choices: Sequence[Choice] = (), actor: User | None, **facts: Any
) -> AttributeField:
    """Declare a field. Values that members have under its key already are read as its kind by a job."""
    _check_key(pool, key)
    if kind not in AttributeField.Kind.values:
        raise _problem("kind", "kind", _("没有这种类型：%(kind)s") % {"kind": kind})
    last = AttributeField.objects.filter(pool=pool).aggregate(last=Max("position"))["last"]
    field = AttributeField(pool=pool, key=key, kind=kind, position=0 if last is None else last + 1)
    _set(field, facts)
    field.choices = _kept(field, choices)
    field.save()
    bump(pool.pk, "members")
    audit(actor=actor, action="attribute.create", target=field, pool_id=pool.pk, key=key, kind=kind)
    _start(CONVERT, field, actor, {})
    return field


@transaction.atomic
def edit_field(
    *, field: AttributeField, choices: Sequence[Choice] | None = None, actor: User | None, **facts: Any
) -> JobRun | None:
    """Change what a field is called and its choices; key and kind stay. The job that rewrites renamed values, if any."""
    field = AttributeField.objects.select_for_update().get(pk=field.pk)
    before = {name: getattr(field, name) for name in (*FACTS, "choices")}
    _set(field, facts)
    renamed: dict[str, str] = {}
    if choices is not None and field.kind in AttributeField.WITH_CHOICES:
        _check_removed(field, choices)
        field.choices, renamed = _kept(field, choices), _renamed(choices)
    after = {name: getattr(field, name) for name in before}
    changed = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
    if not changed:
        return None
    field.save()
    bump(field.pool_id, "members")
    audit(actor=actor, action="attribute.edit", target=field, pool_id=field.pool_id, key=field.key, changes=changed)
    return _start(RENAME, field, actor, {"renamed": renamed}) if renamed else None


def _start(kind: str, field: AttributeField, actor: User | None, params: dict[str, Any]) -> JobRun:
    return jobs.enqueue(kind=kind, pool_id=field.pool_id, params={"field": field.pk, "key": field.key, **params}, actor=actor)


def _problem(code: str, name: str, sentence: str) -> Problem:
    return Problem(f"attribute.{code}", sentence, {name: [sentence]})


def _check_key(pool: Pool, key: str) -> None:
    if not KEY.match(key) or "__" in key or key.endswith(("_min", "_max")):
        said = _("字段标识由字母、数字和下划线组成，以字母开头，最长 39 个字符，不含连续下划线，不以 _min 或 _max 结尾")
        raise _problem("bad_key", "key", said)
    if AttributeField.objects.filter(pool=pool, key=key).exists():
        raise _problem("taken", "key", _("已有标识为 %(key)s 的字段") % {"key": key})
    if AttributeField.objects.filter(pool=pool).count() >= MOST_FIELDS:
        raise _problem("too_many", "key", _("一个会员池最多 %(n)s 个自定义字段") % {"n": MOST_FIELDS})


def _set(field: AttributeField, facts: dict[str, Any]) -> None:
    for name, value in facts.items():
        if name not in FACTS:
            raise _problem("unknown", name, _("不认识的设置：%(name)s") % {"name": name})
        setattr(field, name, value.strip() if isinstance(value, str) else value)
    if not field.label:
        raise _problem("no_label", "label", _("请填写名称"))


# -- Choices -------------------------------------------------------------------------------------
def _kept(field: AttributeField, choices: Sequence[Choice]) -> list[dict[str, Any]]:
    """Choices as they are kept: the values a renamed one had stay readable."""
    if field.kind not in AttributeField.WITH_CHOICES:
        if choices:
            raise _problem("no_choices", "choices", _("只有单选和多选字段有选项"))
        return []
    _check_choices(choices)
    known = {choice["value"]: choice for choice in field.choices}
    now = {choice.value.strip() for choice in choices}
    made: dict[str, dict[str, Any]] = {}
    for choice in sorted(choices, key=_joins):
        one = _one(choice, known.get(choice.was, {}), now)
        if one["value"] in made:
            made[one["value"]]["was"] += [old for old in one["was"] if old not in made[one["value"]]["was"]]
        else:
            made[one["value"]] = one
    return [made[value] for value in dict.fromkeys(choice.value.strip() for choice in choices)]


def _joins(choice: Choice) -> bool:
    """Whether it is being renamed, maybe into a choice that is there."""
    return bool(choice.was) and choice.was != choice.value.strip()


def _one(choice: Choice, before: dict[str, Any], now: set[str]) -> dict[str, Any]:
    value = choice.value.strip()
    was = [*before.get("was", []), *([choice.was] if choice.was and choice.was != value else [])]
    made = {"value": value, "label": choice.label.strip() or value, "label_en": choice.label_en.strip()}
    # A value that means something else now does not mean this one too.
    return {**made, "was": [old for old in dict.fromkeys(was) if old not in now]}


def _check_choices(choices: Sequence[Choice]) -> None:
    values = [choice.value.strip() for choice in choices]
    if not values:
        raise _problem("no_choices", "choices", _("请至少填写一个选项"))
    if len(values) > MOST_CHOICES:
        raise _problem("too_many_choices", "choices", _("最多 %(n)s 个选项") % {"n": MOST_CHOICES})
    for value in values:
        if not value or len(value) > MOST_VALUE or SEPARATORS.search(value) or not value.isprintable():
            said = _("选项值「%(value)s」不能用：1～%(n)s 个字符，不含逗号、顿号、分号和竖线")
            raise _problem("bad_choice", "choices", said % {"value": value, "n": MOST_VALUE})
    staying = [folded(choice.value) for choice in choices if not _joins(choice)]
    if twice := next((value for value in values if staying.count(folded(value)) > 1), None):
        raise _problem("choice_twice", "choices", _("选项值「%(value)s」出现了两次") % {"value": twice})
    if any(len(choice.label) > 60 or len(choice.label_en) > 60 for choice in choices):
        raise _problem("bad_choice", "choices", _("选项的名称最长 60 个字符"))


def _renamed(choices: Sequence[Choice]) -> dict[str, str]:
    renamed = {choice.was: choice.value.strip() for choice in choices if _joins(choice)}
    if chained := next((value for value in renamed.values() if value in renamed), None):
        # While values are being rewritten nobody could tell which of the two a value means.
        said = _("选项「%(value)s」正被改成别的名称，不能同时作为新名称：请分两次保存") % {"value": chained}
        raise _problem("choice_chain", "choices", said)
    return renamed


def _check_removed(field: AttributeField, choices: Sequence[Choice]) -> None:
    """A choice goes only when no member has it and nothing asks for the field: nothing may dangle."""
    from members.attributes.queries import carrying

    gone = [value for value in field.values if value not in {choice.was for choice in choices}]
    if strange := {choice.was for choice in choices if choice.was} - set(field.values):
        raise _problem("unknown_choice", "choices", _("没有选项「%(value)s」") % {"value": min(strange)})
    for value in gone:
        old = next(choice for choice in field.choices if choice["value"] == value)
        if n := carrying(field, [value, *old.get("was", [])]):
            said = _("还有 %(n)s 位会员是「%(value)s」：请先修改这些会员，或把它改名为另一个选项")
            raise _problem("choice_in_use", "choices", said % {"n": n, "value": value})


# -- The life of a field -------------------------------------------------------------------------
@transaction.atomic
def order_fields(*, pool: Pool, keys: Sequence[str], actor: User | None) -> None:
    """Put fields in this order; those not named come after them, as they were."""
    known = {field.key: field for field in fields_of(pool, archived=True)}
    if strange := [key for key in keys if key not in known]:
        raise _problem("no_field", "keys", _("没有这个字段：%(key)s") % {"key": strange[0]})
    wished = [known[key] for key in dict.fromkeys([*keys, *known])]
    for place, field in enumerate(wished):
        field.position = place
    AttributeField.objects.bulk_update(wished, ["position"])
    audit(actor=actor, action="attribute.order", pool_id=pool.pk, keys=[field.key for field in wished])


def move_field(*, field: AttributeField, by: int, actor: User | None) -> None:
    """One place up (-1) or down (1) among the fields that are shown with it."""
    shown = list(fields_of(field.pool_id, archived=True).filter(is_archived=field.is_archived).values_list("key", flat=True))
    here = shown.index(field.key)
    there = min(max(here + by, 0), len(shown) - 1)
    shown.insert(there, shown.pop(here))
    order_fields(pool=field.pool, keys=shown, actor=actor)


@transaction.atomic
def archive_field(*, field: AttributeField, archived: bool, actor: User | None) -> None:
    """Out of sight of forms, lists and imports, or back; values and rules that name it stay."""
    if archived and field.pool.settings.get(WORTH) == field.key:
        raise _problem("is_worth", "key", _("这个字段是会员价值口径，请先在会员池设置里换一个"))
    if field.is_archived == archived:
        return
    AttributeField.objects.filter(pk=field.pk).update(is_archived=archived)
    audit(actor=actor, action="attribute.archive" if archived else "attribute.restore", target=field, pool_id=field.pool_id)


@transaction.atomic
def delete_field(*, field: AttributeField, actor: User | None) -> JobRun:
    """Delete a field that nothing uses, and by a job what members have under it."""
    if uses := usage.uses(field):
        raise Problem("attribute.in_use", _("「%(field)s」还在使用：%(uses)s") % {"field": field, "uses": _listed(uses)})
    audit(actor=actor, action="attribute.delete", target=field, pool_id=field.pool_id, key=field.key, label=field.label)
    job = _start(CLEAR, field, actor, {})
    field.delete()
    bump(field.pool_id, "members")
    return job


def _listed(uses: Iterable[usage.Use]) -> str:
    return formats.listed(f"{use.kind}{formats.quoted(use.name)}" for use in uses)
