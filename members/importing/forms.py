"""The wizard's forms."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.importing import fields, sniffing, words
from members.importing.fields import ATTRIBUTE, Field
from members.models import Channel, ImportReject, ImportRun

ENCODINGS = [("utf-8", "UTF-8"), ("gb18030", "GB18030 / GBK"), ("utf-16", "UTF-16")]
DELIMITERS = [(",", _("逗号 ,")), ("\t", _("制表符")), (";", _("分号 ;")), ("|", _("竖线 |"))]
MEANINGS: dict[str, list[tuple[str, Any]]] = {
    "gender": [("male", _("男")), ("female", _("女")), ("unknown", _("未知"))],
    "member_status": [("member", _("会员")), ("lead", _("潜客"))],
    "order_status": [("paid", _("已支付")), ("refunded", _("已退款")), ("cancelled", _("已取消")), ("pending", _("待支付"))],
}


class UploadForm(forms.Form):
    """What a file holds and where it comes from."""

    kind = forms.ChoiceField(label=_("文件内容"), choices=ImportRun.Kind.choices, widget=forms.RadioSelect)
    channel = forms.ModelChoiceField(
        label=_("来源渠道"),
        queryset=Channel.objects.all(),
        required=False,
        empty_label=_("由文件里的一列决定"),
        help_text=_("订单号只在一个渠道内唯一，订单文件请选定渠道，或在下一步指定渠道列。"),
    )
    file = forms.FileField(label=_("文件"), max_length=200)


class ReadingForm(forms.Form):
    """How the file is cut into cells."""

    encoding = forms.ChoiceField(label=_("编码"), choices=ENCODINGS)
    delimiter = forms.ChoiceField(label=_("分隔符"), choices=DELIMITERS)


class MappingForm(forms.Form):
    """Which column fills which field, and what the cells mean."""

    channel = forms.ModelChoiceField(
        label=_("来源渠道"), queryset=Channel.objects.all(), required=False, empty_label=_("由文件里的一列决定")
    )
    unit = forms.ChoiceField(label=_("金额单位"), choices=[("yuan", _("元")), ("fen", _("分"))], required=False)
    date_order = forms.ChoiceField(
        label=_("日期写法"),
        choices=[("ymd", _("自动（年在前）")), ("dmy", _("日/月/年")), ("mdy", _("月/日/年"))],
        required=False,
    )
    unknown_products = forms.ChoiceField(
        label=_("未知商品"), choices=[("create", _("自动建立")), ("refuse", _("拒绝该行"))], required=False
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        self.run = run
        said = run.options
        initial = {"channel": run.channel_id, **{key: said.get(key) for key in ("unit", "date_order", "unknown_products")}}
        super().__init__(*args, **{"initial": initial, **kwargs})
        self.targets = list(fields.FIELDS[run.kind])
        columns = [("", "—"), *((name, name) for name in run.columns)]
        for field in self.targets:
            self.fields[f"map:{field.key}"] = forms.ChoiceField(
                label=field.label, choices=columns, required=field.required, initial=run.mapping.get(field.key, "")
            )
        self._add_own_columns()
        self._add_words()
        self._drop_what_does_not_apply()

    def _drop_what_does_not_apply(self) -> None:
        if not any(field.parser == "money" for field in self.targets):
            del self.fields["unit"]
        if not any(field.parser in ("instant", "day") for field in self.targets):
            del self.fields["date_order"]
        if self.run.kind != ImportRun.Kind.LINES:
            del self.fields["unknown_products"]
        if self.run.kind == ImportRun.Kind.PRODUCTS:
            del self.fields["channel"]

    def _add_own_columns(self) -> None:
        if self.run.kind not in fields.OWN_COLUMNS:
            return
        kept = {column: key.removeprefix(ATTRIBUTE) for key, column in self.run.mapping.items() if key.startswith(ATTRIBUTE)}
        self.fields["own"] = forms.MultipleChoiceField(
            label=_("作为其他资料保留的列"),
            choices=[(name, name) for name in self.run.columns],
            required=False,
            initial=list(kept),
            widget=forms.CheckboxSelectMultiple,
            help_text=_("没有对应字段、又想留下的列，例如收入、会员等级；上面已对应的列不会重复保留。"),
        )

    def _add_words(self) -> None:
        said = self.run.options.get("words", {})
        for field, word in unknown_words(self.run):
            choices = MEANINGS.get(field.parser) or [(str(channel.pk), str(channel)) for channel in Channel.objects.all()]
            self.fields[f"word:{field.key}:{word}"] = forms.ChoiceField(
                label=word,
                choices=[("", _("不认识：拒绝该行")), *choices],
                required=False,
                initial=said.get(field.key, {}).get(word, ""),
            )

    def main_rows(self) -> list[dict[str, Any]]:
        """For the page: fields that must be filled or have been found."""
        return [self._row(field) for field in self.targets if self._is_main(field)]

    def other_rows(self) -> list[dict[str, Any]]:
        """For the page: the fields nothing was found for."""
        return [self._row(field) for field in self.targets if not self._is_main(field)]

    def _is_main(self, field: Field) -> bool:
        control = self[f"map:{field.key}"]
        return bool(field.required or control.value() or control.errors or field.identity in ("phone", "card_no"))

    def _row(self, field: Field) -> dict[str, Any]:
        control = self[f"map:{field.key}"]
        return {"field": field, "control": control, "samples": samples(self.run, control.value() or "")}

    def words(self) -> list[tuple[str, Any]]:
        """For the page: words of the file and the control that says what each means."""
        return [
            (str(fields.fields_of(self.run.kind)[name.split(":")[1]].label), self[name])
            for name in self.fields
            if name.startswith("word:")
        ]

    def rules(self) -> list[Any]:
        """For the page: how cells are read."""
        return [self[name] for name in ("channel", "unit", "date_order", "unknown_products") if name in self.fields]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        mapping = {field.key: given.get(f"map:{field.key}", "") for field in self.targets}
        taken = [column for column in mapping.values() if column]
        if twice := next((column for column in taken if taken.count(column) > 1), None):
            self.add_error(None, _("列「%(column)s」被用了两次") % {"column": twice})
        for column in given.get("own", []):
            if column not in taken:
                mapping[f"{ATTRIBUTE}{column}"[:80]] = column
        if lacking := fields.missing(self.run.kind, mapping):
            self.add_error(None, _("还需要指定：%(columns)s") % {"columns": "、".join(lacking)})
        given["mapping"] = mapping
        given["options"] = self._options(given)
        return given

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        words: dict[str, dict[str, str]] = {key: dict(known) for key, known in self.run.options.get("words", {}).items()}
        for name, meaning in given.items():
            if name.startswith("word:"):
                _word, key, word = name.split(":", 2)
                words.setdefault(key, {}).pop(word, None)
                if meaning:
                    words[key][word] = meaning
        chosen = {key: given[key] for key in ("unit", "date_order", "unknown_products") if given.get(key)}
        return {**chosen, "words": words}


def samples(run: ImportRun, column: str, most: int = 3) -> list[str]:
    """The first different values of a column."""
    if column not in run.columns:
        return []
    place = run.columns.index(column)
    values = (row[place] for row in run.sample if place < len(row) and row[place].strip())
    return list(dict.fromkeys(values))[:most]


def unknown_words(run: ImportRun, most: int = 40) -> list[tuple[Field, str]]:
    """Words of the file whose meaning must be given: in the sample, among the refused rows, and those given before."""
    found: dict[tuple[Field, str], None] = {}
    for field in fields.FIELDS[run.kind]:
        column = run.mapping.get(field.key)
        if field.parser not in (*MEANINGS, "channel") or column not in run.columns:
            continue
        place = run.columns.index(column)
        known = words.VOCABULARIES.get(field.parser) or _channel_names()
        refused = ImportReject.objects.filter(run=run, column=column, code__in=("unknown_value", "unknown_channel")).values_list(
            "row", flat=True
        )[:500]
        said = [row[place].strip() for row in [*run.sample, *refused] if place < len(row)]
        for word in [*run.options.get("words", {}).get(field.key, {}), *said]:
            if word and word.lower() not in known and len(found) < most:
                found[field, word[:60]] = None
    return list(found)


def _channel_names() -> set[str]:
    return {name.lower() for channel in Channel.objects.all() for name in (channel.code, channel.name, channel.name_en)}


EXTENSIONS = ",".join(sniffing.EXTENSIONS)
