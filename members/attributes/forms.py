"""Forms about fields, and a member's own values as a form."""

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.attributes import values
from members.attributes.queries import fields_of
from members.attributes.services import Choice
from members.importing.codes import sentence
from members.models import AttributeField, Pool
from scrm.lib import formats

Kind = AttributeField.Kind
BLANK_ROWS = 3
PREFIX = "own:"
ROW = re.compile(r"^choice(\d{1,3})\.value$")


class FieldForm(forms.ModelForm):
    """What a field is called. Key and kind are given once: values, rules and mappings hang on them."""

    class Meta:
        model = AttributeField
        fields = ("label", "label_en", "key", "kind", "unit", "description", "is_sensitive")
        help_texts = {
            "key": gettext_lazy("导入、接口和规则用它指认这个字段，建好后不能改。字母开头，可含数字和下划线，例如 income_band。"),
            "kind": gettext_lazy("建好后不能改；会员已有的同名资料会由后台任务按这个类型整理。"),
            "unit": gettext_lazy("只用于数值，例如 元、万元、岁。"),
            "is_sensitive": gettext_lazy("只有能查看完整联系方式的角色看得到值，其他人看到 ••••。"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["key"], self.fields["kind"]
            if self.instance.kind != Kind.NUMBER:
                del self.fields["unit"]

    def facts(self) -> dict[str, Any]:
        """What was filled in, as the services take it."""
        return dict(self.cleaned_data)


def choice_rows(data: QueryDict) -> list[Choice]:
    """The choices as the page's rows say them; rows left blank are none."""
    numbers = sorted(int(found[1]) for name in data if (found := ROW.match(name)))
    said = [
        Choice(*(data.get(f"choice{n}.{part}", "").strip()[:80] for part in ("value", "label", "label_en", "was")))
        for n in numbers
    ]
    return [choice for choice in said if choice.value]


def blank_rows(choices: list[Choice], data: QueryDict | None = None) -> list[Choice]:
    """The rows of the page: what there is, and some to fill in."""
    more = BLANK_ROWS + (10 if data is not None and "more" in data else 0)
    return [*choices, *(Choice("") for _each in range(more))]


def as_choices(field: AttributeField) -> list[Choice]:
    """The choices a field has, each as it is."""
    return [Choice(each["value"], each.get("label", ""), each.get("label_en", ""), each["value"]) for each in field.choices]


# -- A member's values ---------------------------------------------------------------------------
class ValuesForm(forms.Form):
    """The values of one member: a control per field, judged by `values`."""

    def __init__(
        self, pool: Pool, data: QueryDict | None = None, *, initial: dict[str, Any] | None = None, hidden: bool = False
    ) -> None:
        """`initial` are a member's attributes; with `hidden` sensitive fields are left out, and so left as they are."""
        super().__init__(data)
        self.own = [field for field in fields_of(pool) if not (hidden and field.is_sensitive)]
        for field in self.own:
            self.fields[PREFIX + field.key] = _control(field, (initial or {}).get(field.key))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field in self.own:
            name = PREFIX + field.key
            try:
                cleaned[name] = values.accept(field, cleaned.get(name) or None)
            except values.Bad as bad:
                self.add_error(name, sentence(bad.code))
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Key → value, None for one that was emptied."""
        return {field.key: self.cleaned_data[PREFIX + field.key] for field in self.own}

    def __iter__(self) -> Iterator[Any]:
        return (self[name] for name in self.fields)


def _control(field: AttributeField, value: Any) -> forms.Field:
    common: dict[str, Any] = {"label": str(field), "required": False, "help_text": field.description}
    own = [(each, field.choice_label(each)) for each in field.values]
    if field.kind == Kind.MULTI:
        chosen = value if isinstance(value, list) else []
        gone = [(each, str(each)) for each in chosen if each not in field.values]
        return forms.MultipleChoiceField(choices=[*own, *gone], initial=chosen, widget=forms.CheckboxSelectMultiple, **common)
    if field.kind in (Kind.CHOICE, Kind.BOOLEAN):
        own = own if field.kind == Kind.CHOICE else [("true", _("是")), ("false", _("否"))]
        said = values.text(field, value)
        gone = [(said, said)] if said and said not in dict(own) else []
        return forms.ChoiceField(choices=[("", "—"), *own, *gone], initial=said, **common)
    widgets = {Kind.DATE: forms.DateInput(attrs={"type": "date"}), Kind.NUMBER: forms.TextInput(attrs={"inputmode": "decimal"})}
    if field.unit:
        common["label"] = f"{field}{formats.bracketed(field.unit)}"
    most = 600 if field.kind == Kind.TEXT else 40
    return forms.CharField(initial=values.text(field, value), max_length=most, widget=widgets.get(Kind(field.kind)), **common)
