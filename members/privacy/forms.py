from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Consent, Erasure, ExportRequest, Identity


class PersonForm(forms.Form):
    """A copy of everything about one person."""

    purpose = forms.ChoiceField(label=_("用途"), choices=ExportRequest.Purpose.choices, initial=ExportRequest.Purpose.SUBJECT)
    reason = forms.CharField(label=_("说明"), max_length=200, min_length=4, help_text=_("例如：本人 12 月 1 日来电申请"))


class ExportForm(forms.Form):
    """A list of members as a file."""

    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=2000)
    purpose = forms.ChoiceField(label=_("用途"), choices=ExportRequest.Purpose.choices)
    reason = forms.CharField(label=_("说明"), max_length=200, min_length=4, help_text=_("会写入访问记录和文件末行"))
    form = forms.ChoiceField(label=_("格式"), choices=[("csv", "CSV"), ("xlsx", "Excel")])
    column = forms.MultipleChoiceField(label=_("列"), widget=forms.CheckboxSelectMultiple)
    plain = forms.BooleanField(label=_("包含完整号码（需另一位同事同意）"), required=False)

    def __init__(self, *args: Any, columns: list[tuple[str, str]], reveals: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["column"].choices = columns  # type: ignore[attr-defined]
        if not reveals:
            del self.fields["plain"]


class ErasureForm(forms.Form):
    """Nobody can undo it: the number is typed by hand."""

    cause = forms.ChoiceField(label=_("依据"), choices=Erasure.Cause.choices)
    reason = forms.CharField(
        label=_("原因"), max_length=200, min_length=4, help_text=_("会留在抹除证明里：不要写姓名、手机号等个人信息")
    )
    block = forms.BooleanField(
        label=_("阻止旧数据带回"),
        required=False,
        initial=True,
        help_text=_("之后的文件里再出现此人的身份标识时拒绝该行；不勾选则按新人建立"),
    )
    typed = forms.CharField(label=_("输入会员编号以确认"), max_length=20)


class WordingForm(forms.Form):
    """One more version of what people agree to."""

    carrier = forms.ChoiceField(label=_("渠道"), choices=Consent.Carrier.choices)
    purpose = forms.ChoiceField(label=_("用途"), choices=Consent.Purpose.choices)
    version = forms.CharField(label=_("文本版本"), max_length=60, help_text=_("例如：2026-11 隐私政策 v3"))
    text = forms.CharField(label=_("授权文本"), widget=forms.Textarea(attrs={"rows": 5}), max_length=10_000)
    valid_from = forms.DateTimeField(
        label=_("生效时间"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("留空为现在"),
    )


class LiftForm(forms.Form):
    """Somebody who was erased comes back of their own will."""

    kind = forms.ChoiceField(label=_("身份类型"), choices=Identity.Kind.choices)
    value = forms.CharField(label=_("内容"), max_length=120)


def first_error(form: Any) -> str:
    """The first thing wrong with a form, as a sentence."""
    return str(next(iter(form.errors.values()))[0])
