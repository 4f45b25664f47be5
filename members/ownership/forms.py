"""Forms about staff and hand-overs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.facets import tag_options
from members.models import Handover, OwnershipRule, Pool, StaffProfile, Store
from members.models.state import Stage


class ProfileForm(forms.ModelForm):
    """Where somebody works and how they are reached."""

    phone = forms.CharField(label=_("工作手机"), max_length=30, required=False)

    class Meta:
        model = StaffProfile
        fields = ("store", "job_title", "wecom_userid", "joined_on", "capacity")
        widgets = {"joined_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {"capacity": _("按余量分配和预警都看它；留空表示不限")}

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        open_ones = Store.objects.filter(pool=pool, is_active=True, is_registered=True).order_by("name")
        fields: dict[str, Any] = self.fields
        fields["store"].queryset = open_ones
        hint = getattr(self.instance, "phone_hint", "")
        kept = _("现在是 %(hint)s；留空则不变，填 - 则删除") % {"hint": hint} if hint else ""
        self.fields["phone"].help_text = kept or _("员工号码不会被当成会员身份，避免把多位会员误并成一人")

    def facts(self) -> dict[str, Any]:
        """What was filled in, without the phone."""
        given = {name: self.cleaned_data[name] for name in ("job_title", "wecom_userid", "joined_on", "capacity")}
        store = self.cleaned_data["store"]
        return {**given, "store_id": store.pk if store else None}

    @property
    def said_phone(self) -> str | None:
        """None: leave it; "": remove it."""
        text = str(self.cleaned_data["phone"]).strip()
        if not text:
            return None
        return "" if text in ("-", "－") else text


class ColleagueForm(ProfileForm):
    username = forms.CharField(
        label=_("登录名"), max_length=60, help_text=_("已有账号的人填他的登录名；新人会建一个不能登录的账号")
    )
    display_name = forms.CharField(label=_("姓名"), max_length=60)
    field_order = ("username", "display_name", "store", "job_title", "phone", "wecom_userid", "joined_on", "capacity")


class RuleForm(forms.Form):
    mode = forms.ChoiceField(label=_("新会员没有归属时"), choices=OwnershipRule.Mode.choices)


class HandoverForm(forms.Form):
    """Whose members, which of them, to whom, and why."""

    kind = forms.ChoiceField(
        label=_("方式"), choices=[(Handover.Kind.ON_DUTY, _("在职继承")), (Handover.Kind.LEFT, _("离职继承"))]
    )
    stage = forms.MultipleChoiceField(
        label=_("生命周期"), required=False, choices=Stage.choices, widget=forms.CheckboxSelectMultiple
    )
    store = forms.MultipleChoiceField(label=_("归属门店"), required=False)
    tag = forms.MultipleChoiceField(label=_("标签"), required=False)
    to = forms.MultipleChoiceField(label=_("接收员工"), required=False)
    split = forms.ChoiceField(label=_("怎么分"), choices=Handover.Split.choices, initial=Handover.Split.EVEN)
    reason = forms.CharField(label=_("原因"), max_length=200, required=False)

    def __init__(self, pool: Pool, receivers: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["to"].choices = receivers
        stores = Store.objects.filter(pool=pool, is_registered=True).order_by("name")
        fields["store"].choices = [(str(row.pk), row.name) for row in stores]
        fields["tag"].choices = [(str(pk), label) for pk, label in tag_options(pool)]

    def query(self) -> str:
        """What was chosen as the member list's query string."""
        from urllib.parse import urlencode

        return urlencode([(name, value) for name in ("stage", "store", "tag") for value in self.cleaned_data.get(name, [])])


class OwnersFileForm(forms.Form):
    file = forms.FileField(label=_("文件"))
