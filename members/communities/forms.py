"""Forms about groups."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.communities import files, watch
from members.models import Channel, Community, CommunityPolicy, Pool
from members.stores.queries import open_stores
from members.team import queries as team

PERCENT = ("good_active_share", "least_active_share", "most_net_loss")


class CommunityForm(forms.ModelForm):
    owner = forms.ChoiceField(label=_("群主"), required=False)
    store = forms.ChoiceField(label=_("门店"), required=False)
    channel = forms.ModelChoiceField(label=_("来源渠道"), queryset=Channel.objects.all(), required=False)
    layer = forms.ChoiceField(label=_("分层"), required=False)
    created_at = forms.DateTimeField(
        label=_("建群时间"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    field_order = ("name", "external_id", "carrier", "channel", "owner", "store", "layer", "capacity", "created_at")

    class Meta:
        model = Community
        # Owner, store and channel are chosen by number: the form must not write them on its row.
        fields = ("name", "external_id", "carrier", "layer", "capacity", "created_at")
        help_texts = {"external_id": _("平台给的群编号，导入和接口按它对应")}

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row, fields = self.instance, dict[str, Any](self.fields)
        layers = list(dict.fromkeys([*watch.layers_of(pool), *([row.layer] if row.layer else [])]))
        fields["layer"].choices = [("", "—"), *((name, name) for name in layers)]
        fields["owner"].choices = [("", "—"), *((str(each.pk), str(each)) for each in team.receivers(pool))]
        if row.owner_id and str(row.owner_id) not in dict(fields["owner"].choices):
            fields["owner"].choices += [(str(row.owner_id), str(row.owner))]
        fields["store"].choices = [("", "—"), *((str(each.pk), each.name) for each in open_stores(pool))]
        fields["channel"].initial = row.channel_id
        fields["owner"].initial, fields["store"].initial = str(row.owner_id or ""), str(row.store_id or "")

    def validate_constraints(self) -> None:
        """The service says which group has the id."""

    def facts(self) -> dict[str, Any]:
        """What was filled in."""
        given = {name: self.cleaned_data[name] for name in ("name", "external_id", "carrier", "layer", "capacity", "created_at")}
        channel = self.cleaned_data["channel"]
        ids = {f"{name}_id": int(self.cleaned_data[name]) if self.cleaned_data[name] else None for name in ("owner", "store")}
        return {**given, **ids, "channel_id": channel.pk if channel else None}


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=_("文件内容"), choices=list(files.KINDS.items()))
    file = forms.FileField(label=_("文件"))
    complete = forms.BooleanField(label=_("名单是完整的：不在名单里的人记为已退群"), required=False)


class PolicyForm(forms.ModelForm):
    """Shares are typed in percent."""

    layers = forms.CharField(
        label=_("分层"), widget=forms.Textarea(attrs={"rows": 4}), required=False, help_text=_("一行一个；留空用默认的几种")
    )

    class Meta:
        model = CommunityPolicy
        fields = (
            "good_active_share",
            "good_message_rate",
            "least_active_share",
            "least_message_rate",
            "most_net_loss",
            "least_life_days",
            "least_score",
            "warnings",
            "least_age_days",
        )

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PERCENT:
            self.initial[name] = round(100 * self.initial[name], 2)
            self.fields[name].help_text = "%"
        self.initial["layers"] = "\n".join(watch.layers_of(pool))

    def values(self) -> dict[str, Any]:
        """As the service takes them."""
        given = {name: self.cleaned_data[name] for name in self.Meta.fields}
        shares = {name: given[name] / 100 for name in PERCENT}
        return {**given, **shares, "layers": self.cleaned_data["layers"].splitlines()}
