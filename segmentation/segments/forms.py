"""Forms of segments. The rule itself is read by `builder`, not by a Form."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from scrm.lib import formats
from segmentation.models import Segment
from segmentation.segments import algebra
from segmentation.segments.cadence import LEAST, MOST

MAX_FILE = 20 * 1024 * 1024


class NameForm(forms.Form):
    """What a segment is called, and whether its members follow the rule."""

    name = forms.CharField(label=_("分群名称"), max_length=80, required=True)
    note = forms.CharField(label=_("说明"), max_length=200, required=False)
    kind = forms.ChoiceField(
        label=_("类型"), choices=[(Segment.Kind.LIVE, _("动态分群")), (Segment.Kind.SNAPSHOT, _("快照"))], required=False
    )


class ListForm(forms.Form):
    """A static list, pasted or uploaded."""

    name = forms.CharField(label=_("名单名称"), max_length=80)
    note = forms.CharField(label=_("说明"), max_length=200, required=False)
    members = forms.CharField(
        label=_("会员"),
        required=False,
        max_length=MAX_FILE,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text=_("每行一位：会员编号、手机号、邮箱或会员卡号"),
    )
    file = forms.FileField(label=_("或上传文件"), required=False, help_text=_("文本或 CSV，只读每行第一列"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if (upload := data.get("file")) and upload.size > MAX_FILE:
            self.add_error("file", _("文件不能超过 20 MB；更大的名单请用导入中心打标签"))
        elif upload:
            data["members"] = f"{data.get('members', '')}\n{self._text(upload.read())}"
        if not self.errors and not str(data.get("members", "")).strip():
            self.add_error("members", _("请粘贴名单或上传文件"))
        return data

    def _text(self, raw: bytes) -> str:
        for encoding in ("utf-8-sig", "gb18030"):
            try:
                return raw.decode(encoding).replace("\x00", "")
            except UnicodeDecodeError:
                continue
        self.add_error("file", _("文件不是 UTF-8 或 GB18030 编码的文本"))
        return ""


class ListedForm(ListForm):
    """Members to put on a list or to take off it."""

    what = forms.ChoiceField(label=_("做什么"), choices=[("add", _("加入名单")), ("remove", _("移出名单"))])
    field_order = ("what", "members", "file")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["name"], self.fields["note"]


class RenameForm(forms.Form):
    name = forms.CharField(label=_("分群名称"), max_length=80)
    note = forms.CharField(label=_("说明"), max_length=200, required=False)


class CadenceForm(forms.Form):
    """How often a live segment is computed."""

    cadence = forms.ChoiceField(label=_("更新频率"), choices=Segment.Cadence.choices)
    every = forms.IntegerField(
        label=_("间隔（分钟）"),
        required=False,
        min_value=LEAST,
        max_value=MOST,
        help_text=_("「每隔几分钟」时用"),
    )
    daily_at = forms.TimeField(
        label=_("每天几点"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("「每天」时用，按会员池时区"),
    )

    @classmethod
    def of(cls, segment: Segment) -> "CadenceForm":
        """As the segment has it."""
        return cls(initial={name: getattr(segment, name) for name in ("cadence", "every", "daily_at")})


class CombineForm(forms.Form):
    """A new segment made of others."""

    operation = forms.ChoiceField(label=_("运算"), choices=algebra.Operation.choices)
    name = forms.CharField(label=_("新分群名称"), max_length=80)
    note = forms.CharField(label=_("说明"), max_length=200, required=False)
    kind = forms.ChoiceField(
        label=_("类型"),
        choices=[(Segment.Kind.LIVE, _("动态分群：跟着这些分群变化")), (Segment.Kind.SNAPSHOT, _("快照：固定为现在的成员"))],
    )


class HookForm(forms.Form):
    """An address that is told who enters and leaves."""

    url = forms.CharField(
        label=_("地址"),
        max_length=500,
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://"}),
        help_text=_("以 POST 接收 JSON 的 https 地址；每次请求都有签名"),
    )
    tells_entered = forms.BooleanField(label=_("有人进入时"), required=False)
    tells_left = forms.BooleanField(label=_("有人离开时"), required=False)


def first_error(form: forms.Form) -> str:
    """What is wrong with a form, in one sentence."""
    name, errors = next(iter(form.errors.items()))
    label = form.fields[name].label if name in form.fields else ""
    return formats.labelled(label, errors[0]) if label else str(errors[0])


class FreezeForm(forms.Form):
    name = forms.CharField(label=_("快照名称"), max_length=80)
