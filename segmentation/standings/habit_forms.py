"""Forms of the schemes that learn habits: preferred channel, preferred hour, scene."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from members.models import Pool
from scrm.lib import sql
from segmentation.standings.forms import KINDS, SettingsForm, form_of, kinds_of

WINDOW = gettext_lazy("统计窗口（天）")
STRENGTH = gettext_lazy("先验强度")


@form_of("preferred_channel")
class PreferredChannelForm(SettingsForm):
    window_days = forms.IntegerField(label=WINDOW, min_value=7, max_value=730)
    strength = forms.IntegerField(
        label=STRENGTH,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy("全池回应率相当于多少条消息"),
    )
    least = forms.IntegerField(
        label=gettext_lazy("至少几条消息"), min_value=1, max_value=100, help_text=gettext_lazy("少于此数不下结论")
    )
    untried = forms.BooleanField(
        label=gettext_lazy("也考虑能触达但从未发过的渠道"), required=False, help_text=gettext_lazy("按全池回应率估计")
    )


@form_of("preferred_hour")
class PreferredHourForm(SettingsForm):
    sources = forms.MultipleChoiceField(
        label=gettext_lazy("看哪些行为"),
        widget=forms.CheckboxSelectMultiple,
        choices=[
            ("responses", gettext_lazy("打开与点击消息")),
            ("orders", gettext_lazy("已支付订单")),
            ("events", gettext_lazy("行为事件")),
        ],
    )
    window_days = forms.IntegerField(label=WINDOW, min_value=7, max_value=730)
    strength = forms.IntegerField(
        label=STRENGTH,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy("全池的分布相当于多少次行为"),
    )
    least = forms.IntegerField(
        label=gettext_lazy("至少几次行为"), min_value=1, max_value=100, help_text=gettext_lazy("少于此数不下结论")
    )


@form_of("scene")
class SceneForm(SettingsForm):
    away_orders = forms.BooleanField(
        label=gettext_lazy("在其他城市的门店下单"), required=False, help_text=gettext_lazy("门店城市与会员城市不同")
    )
    away_events = forms.BooleanField(
        label=gettext_lazy("在其他城市的行为"), required=False, help_text=gettext_lazy("行为事件的 city 属性与会员城市不同")
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("发生这些行为"), required=False, widget=forms.SelectMultiple(attrs={"size": 6})
    )
    words = forms.CharField(
        label=gettext_lazy("行为里提到"),
        required=False,
        max_length=400,
        help_text=gettext_lazy("多个词用空格分开，任一即可"),
    )
    categories = forms.MultipleChoiceField(
        label=gettext_lazy("购买这些品类"), required=False, widget=forms.SelectMultiple(attrs={"size": 6})
    )
    enough = forms.IntegerField(label=gettext_lazy("至少几条线索"), min_value=1, max_value=50)
    within_days = forms.IntegerField(label=gettext_lazy("在多少天内"), min_value=1, max_value=90)
    lasts_days = forms.IntegerField(label=gettext_lazy("最后一条线索后持续（天）"), min_value=1, max_value=90)
    longest_days = forms.IntegerField(
        label=gettext_lazy("最长（天）"), min_value=2, max_value=365, help_text=gettext_lazy("更久就不再是临时场景，而是生活常态")
    )

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        found = sql.rows("segmentation/list_categories", {"pool": pool.pk, "q": "", "limit": KINDS})
        self.fields["events"].choices = kinds_of(pool)  # type: ignore[attr-defined]
        self.fields["categories"].choices = [(row["value"], row["value"]) for row in found]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, settings: Any) -> dict[str, Any]:
        return {**super().initial_of(settings), "words": " ".join(settings.words)}

    def document(self) -> dict[str, Any]:
        return {**super().document(), "words": self.cleaned_data["words"].split()}
