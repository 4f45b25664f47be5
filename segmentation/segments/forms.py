"""Forms of segments. The rule itself is read by `builder`, not by a Form."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from segmentation.models import Segment

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


class FreezeForm(forms.Form):
    name = forms.CharField(label=_("快照名称"), max_length=80)
