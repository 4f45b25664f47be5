"""Forms about members."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Channel, Identity, Member


class MemberForm(forms.ModelForm):
    """The basic facts."""

    class Meta:
        model = Member
        fields = ("name", "status", "gender", "birthday", "province", "city")
        widgets = {"birthday": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def facts(self) -> dict[str, Any]:
        """What was filled in."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class NewMemberForm(MemberForm):
    """A new member: facts, where from, and at least one way to know them again."""

    phone = forms.CharField(label=_("手机号"), max_length=30, required=False)
    email = forms.CharField(label=_("邮箱"), max_length=120, required=False)
    card_no = forms.CharField(label=_("会员卡号"), max_length=60, required=False)
    channel = forms.ModelChoiceField(label=_("来源渠道"), queryset=Channel.objects.all(), required=False)
    field_order = ("name", "status", "phone", "email", "card_no", "channel", "gender", "birthday", "province", "city")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("name") and not any(cleaned.get(kind) for kind in ("phone", "email", "card_no")):
            raise forms.ValidationError(_("请至少填写姓名或一种身份标识"))
        return cleaned

    def known_as(self) -> list[tuple[str, str]]:
        """The identities that were filled in."""
        return [(kind, self.cleaned_data[kind]) for kind in ("phone", "email", "card_no") if self.cleaned_data[kind]]

    def facts(self) -> dict[str, Any]:
        channel = self.cleaned_data["channel"]
        return {**super().facts(), "channel_id": channel.pk if channel else None}


class IdentityForm(forms.Form):
    kind = forms.ChoiceField(label=_("类型"), choices=Identity.Kind.choices)
    value = forms.CharField(label=_("内容"), max_length=120)
