"""Forms of the wizard: one per step, and one per layer."""

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns import presets
from campaigns.models import Campaign, Layer
from members.models import Pool
from segmentation.models import Segment
from touchpoints.models import Connector


class AudienceForm(forms.Form):
    """Goal and audience."""

    name = forms.CharField(label=gettext_lazy("活动名称"), max_length=80)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)
    segment = forms.ModelChoiceField(
        label=gettext_lazy("目标分群"), queryset=Segment.objects.none(), required=False, empty_label=gettext_lazy("请选择分群")
    )
    goal_days = forms.IntegerField(
        label=gettext_lazy("目标：下单窗口"),
        min_value=1,
        max_value=180,
        help_text=gettext_lazy("进入活动后这么多天内有已支付订单，算达成目标"),
    )

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.filter(pool=pool, is_archived=False).order_by("name")  # type: ignore[attr-defined]


class ControlForm(forms.Form):
    """Control group and cost."""

    holdout_percent = forms.IntegerField(
        label=gettext_lazy("对照组比例"),
        min_value=0,
        max_value=50,
        help_text=gettext_lazy("这部分会员不触达，用来对比活动带来的增量。建议 5–20%"),
    )
    cost = forms.DecimalField(
        label=gettext_lazy("每条消息成本"),
        min_value=0,
        max_value=1000,
        decimal_places=2,
        help_text=gettext_lazy("用来计算投入产出，可为 0"),
    )


class ChannelForm(forms.Form):
    """Through which connector, and when, by the pool's clock."""

    NOW, AT = "now", "at"
    connector = forms.ModelChoiceField(
        label=gettext_lazy("发送渠道"),
        queryset=Connector.objects.none(),
        required=False,
        empty_label=gettext_lazy("请选择连接器"),
    )
    start = forms.ChoiceField(
        label=gettext_lazy("发送时间"),
        choices=[(NOW, gettext_lazy("发布后立即发送")), (AT, gettext_lazy("定时发送"))],
        widget=forms.RadioSelect,
    )
    scheduled_at = forms.CharField(
        label=gettext_lazy("定时"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"})
    )

    def __init__(self, *args: Any, pool: Pool, as_of: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pool, self.as_of = pool, as_of
        self.fields["connector"].queryset = Connector.objects.filter(pool=pool, is_active=True).order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("start") == self.NOW:
            return {**given, "scheduled_at": None}
        text = given.get("scheduled_at", "")
        try:
            moment = datetime.fromisoformat(text).replace(tzinfo=self.pool.zone)
        except ValueError:
            self.add_error("scheduled_at", _("请选择日期和时间"))
            return given
        if moment < self.as_of:
            self.add_error("scheduled_at", _("这个时间已经过去"))
        return {**given, "scheduled_at": moment}


class LayerForm(forms.Form):
    """Who a layer is for and what it says."""

    name = forms.CharField(label=gettext_lazy("分层名称"), max_length=40)
    who = forms.ChoiceField(label=gettext_lazy("哪些会员"), help_text=gettext_lazy("从上到下匹配，会员进入第一个符合的分层"))
    subject = forms.CharField(label=gettext_lazy("主题"), max_length=200, required=False)
    body = forms.CharField(
        label=gettext_lazy("正文"), max_length=20_000, required=False, strip=False, widget=forms.Textarea(attrs={"rows": 9})
    )
    link = forms.URLField(label=gettext_lazy("活动链接"), max_length=500, required=False, assume_scheme="https")

    def __init__(self, *args: Any, pool: Pool, layer: Layer, **kwargs: Any) -> None:
        content = layer.content
        start = {"name": layer.name, "who": presets.key_of(layer.rule)}
        start |= {field: getattr(content, field, "") for field in ("subject", "body", "link")}
        super().__init__(*args, **{"initial": start, "auto_id": f"l{layer.pk}_%s", **kwargs})
        self.layer = layer
        self.fields["who"].choices = presets.choices(pool, layer.rule)  # type: ignore[attr-defined]

    def clean_link(self) -> str:
        link = str(self.cleaned_data["link"])
        if link and not link.startswith(("https://", "http://")):
            raise forms.ValidationError(_("链接须以 https:// 或 http:// 开头"))
        return link

    @property
    def rule(self) -> presets.Rule:
        return presets.rule_of(self.cleaned_data["who"], self.layer.rule)


def audience_start(campaign: Campaign) -> dict[str, Any]:
    return {"name": campaign.name, "note": campaign.note, "segment": campaign.segment_id, "goal_days": campaign.goal_days}


def control_start(campaign: Campaign) -> dict[str, Any]:
    return {"holdout_percent": campaign.holdout_percent, "cost": f"{campaign.unit_cost / 100:.2f}"}


def channel_start(campaign: Campaign) -> dict[str, Any]:
    at = campaign.scheduled_at.astimezone(campaign.pool.zone) if campaign.scheduled_at else None
    return {
        "connector": campaign.connector_id,
        "start": ChannelForm.AT if at else ChannelForm.NOW,
        "scheduled_at": f"{at:%Y-%m-%dT%H:%M}" if at else "",
    }
