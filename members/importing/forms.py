"""The wizard's forms."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.attributes import queries as own_fields
from members.importing import fields, presets, sniffing, words
from members.importing.fields import ATTRIBUTE, Field
from members.models import Channel, ImportReject, ImportRun
from scrm.lib import formats

ENCODINGS = [("utf-8", "UTF-8"), ("gb18030", "GB18030 / GBK"), ("utf-16", "UTF-16")]
DELIMITERS = [(",", _("逗号 ,")), ("\t", _("制表符")), (";", _("分号 ;")), ("|", _("竖线 |"))]
EXTENSIONS = ",".join(sniffing.EXTENSIONS)
_SKIP: tuple[str, Any] = (words.SKIP, _("跳过该行"))
MEANINGS: dict[str, list[tuple[str, Any]]] = {
    "gender": [("male", _("男")), ("female", _("女")), ("unknown", _("未知"))],
    "member_status": [("member", _("会员")), ("lead", _("潜客"))],
    "order_status": [
        ("paid", _("已支付")),
        ("refunded", _("已退款")),
        ("cancelled", _("已取消")),
        ("pending", _("待支付")),
        _SKIP,
    ],
    "refund_status": [("done", _("退款成功")), _SKIP],
    "flag": [("yes", _("同意")), ("no", _("不同意"))],
}
RULES = ("channel", "unit", "decimal", "date_order", "rows", "negative", "unknown_products", "unknown_staff", "unknown_stores")


class UploadForm(forms.Form):
    """What a file holds and where it comes from."""

    kind = forms.ChoiceField(label=_("文件内容"), choices=ImportRun.Kind.choices, widget=forms.RadioSelect)
    channel = forms.ModelChoiceField(
        label=_("来源渠道"),
        queryset=Channel.objects.all(),
        required=False,
        empty_label=_("识别后决定，或由文件里的一列决定"),
        help_text=_("订单号只在一个渠道内唯一：认得出平台的文件会自动选好，其他订单文件请选定，或在下一步指定渠道列。"),
    )
    file = forms.FileField(label=_("文件"), max_length=200)


class ReadingForm(forms.Form):
    """How the file is cut into rows and cells."""

    encoding = forms.ChoiceField(label=_("编码"), choices=ENCODINGS, required=False)
    delimiter = forms.ChoiceField(label=_("分隔符"), choices=DELIMITERS, required=False)
    sheet = forms.ChoiceField(label=_("工作表"), required=False)
    heading = forms.IntegerField(
        label=_("表头在第几行"),
        min_value=1,
        max_value=sniffing.MOST_HEADING,
        required=False,
        help_text=_("上面的标题和说明行不会读入。"),
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        found = sniffing.found_of(run)
        initial = {"encoding": run.encoding, "delimiter": run.delimiter, "sheet": found.sheet, "heading": found.heading}
        super().__init__(*args, **{"initial": initial, **kwargs})
        sheets: Any = self.fields["sheet"]
        sheets.choices = [(name, name) for name in found.sheets]
        for name in () if run.format == "csv" else ("encoding", "delimiter"):
            del self.fields[name]
        if run.format != "xlsx":
            del self.fields["sheet"]
        if run.format == "parquet":
            del self.fields["heading"]


class MappingForm(forms.Form):
    """Which column fills which field, and what the cells mean."""

    channel = forms.ModelChoiceField(
        label=_("来源渠道"), queryset=Channel.objects.all(), required=False, empty_label=_("由文件里的一列决定")
    )
    unit = forms.ChoiceField(
        label=_("金额单位"), choices=[("yuan", formats.with_sign(_("元（%(sign)s）"))), ("fen", _("分"))], required=False
    )
    decimal = forms.ChoiceField(label=_("数字写法"), choices=[(".", "1,234.50"), (",", "1.234,50")], required=False)
    date_order = forms.ChoiceField(
        label=_("日期写法"),
        choices=[
            ("ymd", _("自动（年在前）")),
            ("dmy", _("日/月/年")),
            ("mdy", _("月/日/年")),
            ("unix", _("Unix 时间戳（秒或毫秒）")),
        ],
        required=False,
    )
    rows = forms.ChoiceField(
        label=_("一行是什么"),
        choices=[("orders", _("一张订单")), ("items", _("一件商品：同一订单号的金额相加"))],
        required=False,
    )
    negative = forms.ChoiceField(
        label=_("负数金额"),
        choices=[("refuse", _("拒绝该行")), ("refund", _("退货：记为原单的退款"))],
        required=False,
        help_text=_("写了原订单号的记为那张订单的退款；没写的单独记一张全额退款单；退货的商品行跳过。"),
    )
    unknown_staff = forms.ChoiceField(
        label=_("未知员工"), choices=[("refuse", _("拒绝该行")), ("ignore", _("导入该行，不改归属"))], required=False
    )
    unknown_stores = forms.ChoiceField(
        label=_("未知门店"), choices=[("refuse", _("拒绝该行")), ("create", _("自动建立，待登记"))], required=False
    )
    unknown_products = forms.ChoiceField(
        label=_("未知商品"), choices=[("create", _("自动建立")), ("refuse", _("拒绝该行"))], required=False
    )

    def __init__(self, *args: Any, run: ImportRun, **kwargs: Any) -> None:
        self.run = run
        said = run.options
        initial = {"channel": run.channel_id, **{key: said.get(key) for key in RULES[1:]}}
        super().__init__(*args, **{"initial": initial, **kwargs})
        self.targets = list(fields.FIELDS[run.kind])
        self.columns = [name for name in run.columns if name not in fields.ours()]
        choices = [("", "—"), *((name, name) for name in self.columns)]
        for field in self.targets:
            # What must be filled is judged as a whole: a price can stand for an amount.
            self.fields[f"map:{field.key}"] = forms.ChoiceField(
                label=field.label, choices=choices, required=False, initial=run.mapping.get(field.key, "")
            )
        self._add_declared(choices)
        self._add_own_columns()
        self._add_words()
        self._drop_what_does_not_apply()

    def _drop_what_does_not_apply(self) -> None:
        if not any(field.parser in ("money", "deduction", "total") for field in self.targets):
            del self.fields["unit"], self.fields["decimal"]
        if not any(field.parser in ("instant", "day") for field in self.targets):
            del self.fields["date_order"]
        if self.run.kind != ImportRun.Kind.ORDERS:
            del self.fields["rows"]
        if self.run.kind != ImportRun.Kind.LINES:
            del self.fields["unknown_products"]
        if self.run.kind not in (ImportRun.Kind.ORDERS, ImportRun.Kind.LINES):
            del self.fields["negative"]
        if self.run.kind != ImportRun.Kind.MEMBERS:
            del self.fields["unknown_staff"], self.fields["unknown_stores"]
        if self.run.kind == ImportRun.Kind.PRODUCTS:
            del self.fields["channel"]

    def _add_declared(self, choices: list[tuple[str, str]]) -> None:
        """The pool's own fields are targets like any other."""
        self.declared: list[Field] = []
        if self.run.kind == ImportRun.Kind.MEMBERS:
            self.declared = declared_fields(self.run)
        for field in self.declared:
            self.fields[f"map:{field.key}"] = forms.ChoiceField(
                label=field.label, choices=choices, required=False, initial=self.run.mapping.get(field.key, "")
            )

    def _add_own_columns(self) -> None:
        if self.run.kind not in fields.OWN_COLUMNS:
            return
        declared = {field.key for field in self.declared}
        kept = [column for key, column in self.run.mapping.items() if key.startswith(ATTRIBUTE) and key not in declared]
        self.fields["own"] = forms.MultipleChoiceField(
            label=_("作为其他资料保留的列"),
            choices=[(name, name) for name in self.columns],
            required=False,
            initial=kept,
            widget=forms.CheckboxSelectMultiple,
            help_text=_("没有对应字段、又想留下的列，例如收入、会员等级；上面已对应的列不会重复保留。"),
        )

    def _add_words(self) -> None:
        self.spoken = spoken_words(self.run)
        for each in self.spoken:
            choices = MEANINGS.get(each.field.parser) or [(str(channel.pk), str(channel)) for channel in Channel.objects.all()]
            self.fields[each.name] = forms.ChoiceField(
                label=each.word,
                choices=[("", _("不认识：拒绝该行")), *choices],
                required=False,
                initial=each.meaning,
            )

    def main_rows(self) -> list[dict[str, Any]]:
        """For the page: fields that must be filled or have been found."""
        return [self._row(field) for field in (*self.targets, *self.declared) if self._is_main(field)]

    def other_rows(self) -> list[dict[str, Any]]:
        """For the page: the fields nothing was found for."""
        return [self._row(field) for field in (*self.targets, *self.declared) if not self._is_main(field)]

    def _is_main(self, field: Field) -> bool:
        control = self[f"map:{field.key}"]
        return bool(field.required or control.value() or control.errors or field.identity in ("phone", "card_no"))

    def _row(self, field: Field) -> dict[str, Any]:
        control = self[f"map:{field.key}"]
        return {"field": field, "control": control, "samples": samples(self.run, control.value() or "")}

    def words(self) -> list[dict[str, Any]]:
        """For the page: the words of the file by field, each with the control that says what it means."""
        groups: dict[str, dict[str, Any]] = {}
        for each in self.spoken:
            group = groups.setdefault(each.field.vocabulary, {"label": each.field.label, "words": []})
            group["words"].append({"control": self[each.name], "unknown": not self[each.name].value(), "count": each.count})
        return list(groups.values())

    def rules(self) -> list[Any]:
        """For the page: how cells are read."""
        return [self[name] for name in RULES if name in self.fields]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        mapping = {field.key: given.get(f"map:{field.key}", "") for field in (*self.targets, *self.declared)}
        taken = [column for column in mapping.values() if column]
        if twice := next((column for column in taken if taken.count(column) > 1), None):
            self.add_error(None, _("列「%(column)s」被用了两次") % {"column": twice})
        for column in given.get("own", []):
            if column not in taken:
                mapping[f"{ATTRIBUTE}{column}"[:80]] = column
        if lacking := fields.missing(self.run.kind, mapping):
            self.add_error(None, _("还需要指定：%(columns)s") % {"columns": formats.listed(lacking)})
        given["mapping"] = {key: column for key, column in mapping.items() if column}
        given["options"] = self._options(given)
        return given

    def _options(self, given: dict[str, Any]) -> dict[str, Any]:
        said: dict[str, dict[str, str]] = {key: dict(known) for key, known in self.run.options.get("words", {}).items()}
        for each in self.spoken:
            kept = said.setdefault(each.field.vocabulary, {})
            kept.pop(each.word, None)
            meaning = given.get(each.name, "")
            if meaning and meaning != each.general:
                kept[each.word] = meaning
        chosen = {key: given[key] for key in RULES[1:] if given.get(key)}
        return {**chosen, "words": {key: kept for key, kept in said.items() if kept}}

    def unseen(self) -> bool:
        """Whether the columns now chosen hold words nobody knows and this form has not asked about."""
        asked = {each.name for each in self.spoken}
        return any(each.name not in asked and not each.meaning for each in spoken_words(self.run))


class SaveForm(forms.Form):
    """A name to keep a mapping under. It stands inside the mapping form, which can be sent without it."""

    use_required_attribute = False
    name = forms.CharField(label=_("方案名称"), max_length=60)


class Spoken:
    """A word of the file, the field whose column holds it, and what it is taken for."""

    def __init__(self, run: ImportRun, field: Field, word: str, count: int, channels: dict[str, int]) -> None:
        self.field, self.word, self.count = field, word, count
        self.name = f"word:{field.vocabulary}:{word}"
        self.general = self._named(words.meaning(field.parser, word, {}, channels))
        own = str(run.options.get("words", {}).get(field.vocabulary, {}).get(word, ""))
        self.meaning = (self._named(int(own)) if own.isdecimal() and len(own) < 10 else own) or self.general

    def _named(self, value: int | None) -> str:
        """The choice that stands for a value."""
        if value is None:
            return ""
        names = words.MEANINGS.get(self.field.parser)
        return next((name for name, number in names.items() if number == value), "") if names else str(value)


def spoken_words(run: ImportRun, most: int = 60) -> list[Spoken]:
    """Words of the file: in its first rows, among the refused rows, and those explained before; the unknown first."""
    found: dict[str, Spoken] = {}
    channels = _channel_names()
    for field in fields.FIELDS[run.kind]:
        column = run.mapping.get(field.key)
        if field.parser not in (*MEANINGS, "channel") or column not in run.columns:
            continue
        for word, count in _counted(run, column).items():
            spoken = Spoken(run, field, word, count, channels)
            found.setdefault(spoken.name, spoken)
    return sorted(found.values(), key=lambda each: bool(each.meaning))[:most]


def _counted(run: ImportRun, column: str) -> dict[str, int]:
    place = run.columns.index(column)
    refused = ImportReject.objects.filter(run=run, column=column, code__in=("unknown_value", "unknown_channel"))
    rows = [*run.sample, *refused.values_list("row", flat=True)[:500]]
    counts: dict[str, int] = {}
    for row in rows:
        if place < len(row) and (word := row[place].strip()[:60]):
            counts[word] = counts.get(word, 0) + 1
    return counts


def unknown_words(run: ImportRun) -> list[tuple[Field, str]]:
    """Words of the file whose meaning must be given, or their rows are refused."""
    return [(each.field, each.word) for each in spoken_words(run) if not each.meaning]


def _channel_names() -> dict[str, int]:
    return {
        name.lower(): channel.pk for channel in Channel.objects.all() for name in (channel.code, channel.name, channel.name_en)
    }


def declared_fields(run: ImportRun) -> list[Field]:
    """The fields the pool declares for itself, as targets."""
    return [Field(f"{ATTRIBUTE}{each.key}", str(each), "attribute") for each in own_fields.fields_of(run.pool_id)]


def samples(run: ImportRun, column: str, most: int = 3) -> list[str]:
    """The first different values of a column."""
    if column not in run.columns:
        return []
    place = run.columns.index(column)
    values = (row[place] for row in run.sample if place < len(row) and row[place].strip())
    return list(dict.fromkeys(values))[:most]


def looks_like_items(run: ImportRun) -> bool:
    """Whether an order number of the first rows stands beside different amounts: a row may be an item."""
    number, amount = (run.mapping.get(key, "") for key in ("number", "amount"))
    if run.kind != ImportRun.Kind.ORDERS or run.options.get("rows") == "items" or {number, amount} - set(run.columns):
        return False
    places = run.columns.index(number), run.columns.index(amount)
    pairs = {tuple(row[place].strip() for place in places) for row in run.sample if len(row) > max(places)}
    return len({pair[0] for pair in pairs}) < len(pairs)


def preset_choices(run: ImportRun) -> list[tuple[presets.Preset, int]]:
    """Every preset with how well it fits this file, those that fit first."""
    scored = [(preset, round(100 * preset.score(run.columns))) for preset in presets.every().values()]
    return sorted(scored, key=lambda each: (each[1] >= 100 * presets.SCORE, each[1] if each[1] >= 60 else 0), reverse=True)
