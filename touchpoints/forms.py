from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from members.models import Pool
from members.models.state import Stage
from scrm.lib.problems import Problem
from touchpoints.accounts import settings_of
from touchpoints.connectors.base import Setting
from touchpoints.models import Connector, Content
from touchpoints.policy import Policy

TRIES = "campaigns.edit"  # who may send a message to an address of their own


def put_errors(form: forms.Form, problem: Problem) -> None:
    """Show a service's refusal at the fields it names."""
    for field, messages in problem.fields.items():
        form.add_error(field if field in form.fields else None, messages)
    if not problem.fields:
        form.add_error(None, problem.message)


class ConnectorForm(forms.Form):
    """The fields a kind of connector declares. A secret is never shown again: empty keeps it."""

    name = forms.CharField(label=_("名称"), max_length=60)
    is_sandbox = forms.BooleanField(label=_("沙箱：只记录不发送"), required=False)

    def __init__(self, *args: Any, key: str, connector: Connector | None = None, **kwargs: Any) -> None:
        self.settings = settings_of(key)
        if connector is not None:
            kwargs.setdefault("initial", {**connector.config, "name": connector.name, "is_sandbox": connector.is_sandbox})
        super().__init__(*args, **kwargs)
        for setting in self.settings:
            self.fields[setting.key] = _field(setting, has_secret=connector is not None and connector.sealed is not None)
        self.order_fields(["name", *(setting.key for setting in self.settings), "is_sandbox"])

    def config(self) -> dict[str, Any]:
        return {each.key: self.cleaned_data[each.key] for each in self.settings if each.kind != "secret"}

    def secrets(self) -> dict[str, str]:
        return {each.key: self.cleaned_data[each.key] for each in self.settings if each.kind == "secret"}


def _field(setting: Setting, *, has_secret: bool) -> forms.Field:
    common: dict[str, Any] = {
        "label": setting.label,
        "help_text": setting.help,
        "required": setting.required,
        "initial": setting.default,
    }
    if setting.kind == "secret":
        note = _("已保存，留空则不变") if has_secret else setting.help
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        return forms.CharField(**{**common, "required": False, "help_text": note}, widget=widget)
    if setting.kind == "choice":
        return forms.ChoiceField(**common, choices=setting.choices)
    if setting.kind == "number":
        return forms.FloatField(**common, min_value=0, widget=forms.NumberInput(attrs={"step": "any"}))
    if setting.kind == "flag":
        return forms.BooleanField(**{**common, "required": False})
    if setting.key == "url":  # a demo may leave it empty; the service says when it must not be
        common["required"] = False
    return forms.CharField(**common, max_length=300)


class PolicyForm(forms.Form):
    """The contact policy of a pool."""

    cap_day = forms.IntegerField(label=_("每位会员每天最多"), min_value=1, max_value=20)
    cap_week = forms.IntegerField(label=_("每位会员七天最多"), min_value=1, max_value=100)
    quiet_start = forms.CharField(label=_("免打扰开始"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    quiet_end = forms.CharField(label=_("免打扰结束"), required=False, widget=forms.TimeInput(attrs={"type": "time"}))
    consent = forms.ChoiceField(
        label=_("营销消息的同意"),
        choices=[("required", _("必须明确同意")), ("unless_refused", _("未拒绝即可"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, policy: Policy | None = None, **kwargs: Any) -> None:
        if policy is not None:
            caps = {f"stage_{stage}": cap for stage, cap in policy.stage_caps.items()}
            names = ("cap_day", "cap_week", "quiet_start", "quiet_end", "consent")
            kwargs.setdefault("initial", {**caps, **{name: getattr(policy, name) for name in names}})
        super().__init__(*args, **kwargs)
        for stage in Stage:
            self.fields[f"stage_{stage.value}"] = forms.IntegerField(
                label=stage.label, min_value=0, max_value=100, required=False
            )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in ("quiet_start", "quiet_end"):
            text = str(given.get(name) or "")[:5]
            if text and len(text) != 5:
                raise ValidationError({name: _("请写成 21:00")})
            given[name] = text
        return given

    def stages(self) -> list[Any]:
        """The bound fields of the lifecycle caps."""
        return [self[f"stage_{stage.value}"] for stage in Stage]

    def values(self) -> dict[str, Any]:
        """What save_policy takes."""
        names = ("cap_day", "cap_week", "quiet_start", "quiet_end", "consent")
        caps = {str(stage.value): self.cleaned_data[f"stage_{stage.value}"] for stage in Stage}
        return {
            **{name: self.cleaned_data[name] for name in names},
            "stage_caps": {key: cap for key, cap in caps.items() if cap is not None},
        }


class TryForm(forms.Form):
    """A content, as a member would get it, to an address of one's own."""

    content = forms.ModelChoiceField(label=_("内容"), queryset=Content.objects.none())
    connector = forms.ModelChoiceField(label=_("连接器"), queryset=Connector.objects.none())
    address = forms.CharField(label=_("发到您自己的地址"), max_length=200)

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contents, connectors = self.fields["content"], self.fields["connector"]
        contents.queryset = Content.objects.filter(pool=pool).order_by("-pk")  # type: ignore[attr-defined]
        connectors.queryset = Connector.objects.filter(pool=pool, is_active=True).order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        content, connector = given.get("content"), given.get("connector")
        if content and connector and content.carrier != connector.carrier:
            raise ValidationError({"connector": _("这个连接器不发送这种内容")})
        return given
