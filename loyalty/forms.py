from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from scrm.lib import formats


class RuleForm(forms.Form):
    """The earning rule as people say it: so many points for each so much money."""

    yuan = forms.DecimalField(
        label=formats.with_sign(_("每消费满（%(sign)s）")), min_value=Decimal("0.01"), max_digits=10, decimal_places=2, initial=1
    )
    points = forms.IntegerField(label=_("获得积分"), min_value=0, max_value=100_000, initial=1, help_text=_("填 0 表示停止发放"))
    least = forms.DecimalField(
        label=formats.with_sign(_("订单满（%(sign)s）才得分")),
        min_value=0,
        max_digits=10,
        decimal_places=2,
        initial=0,
        required=False,
    )
    starts_at = forms.DateTimeField(
        label=_("从此刻起下的订单适用"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M"],
    )

    def terms(self) -> dict[str, int]:
        """The rule's numbers in minor units."""
        given = self.cleaned_data
        return {"step": int(given["yuan"] * 100), "points": given["points"], "least": int((given["least"] or 0) * 100)}


class AdjustForm(forms.Form):
    amount = forms.IntegerField(label=_("增减积分"), help_text=_("正数为增加，负数为扣减"))
    reason = forms.CharField(label=_("原因"), max_length=120)
    key = forms.CharField(widget=forms.HiddenInput, max_length=60)
