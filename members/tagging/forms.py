"""Forms of groups and tags."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Pool, Tag, TagGroup
from members.tagging.groups import COLORS
from scrm.staff.models import User


class GroupForm(forms.ModelForm):
    color = forms.ChoiceField(label=_("颜色"), choices=COLORS)
    owner = forms.ModelChoiceField(label=_("负责人"), queryset=User.objects.none(), required=False)

    class Meta:
        model = TagGroup
        fields = ("name", "color", "is_exclusive", "owner", "place", "note")
        help_texts = {
            "is_exclusive": _("每位会员只能带有这个组里的一个标签，打上新的就替换旧的"),
            "place": _("数字小的排在前面"),
        }

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people: Any = self.fields["owner"]
        people.queryset = User.objects.filter(accesses__pool=pool).distinct().order_by("username")
        people.empty_label = _("无")
        self.fields["place"].required = False

    def clean_place(self) -> int:
        return self.cleaned_data.get("place") or 0


class TagForm(forms.ModelForm):
    group = forms.ModelChoiceField(label=_("标签组"), queryset=TagGroup.objects.none(), empty_label=None, required=False)
    valid_days = forms.IntegerField(
        label=_("有效天数"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("从打上那天算起；自动维护的标签，从不再符合那天算起。留空则长期有效。"),
    )

    class Meta:
        model = Tag
        fields = ("name", "group", "valid_days", "valid_until", "place", "note")
        widgets = {"valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {
            "valid_until": _("过了这一天，所有人身上的这个标签都会取下"),
            "place": _("互斥组里，规则从小到大依次判断，先符合的生效"),
        }

    def __init__(self, *args: Any, pool: Pool, group: TagGroup, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = group
        fields: dict[str, Any] = self.fields
        fields["group"].queryset = TagGroup.objects.filter(pool=pool).order_by("place", "name")
        fields["place"].required = False

    def clean_group(self) -> TagGroup:
        """The group of the address unless another one was chosen."""
        return self.cleaned_data.get("group") or self.of


class MergeForm(forms.Form):
    """Into which tag another one goes."""

    target = forms.TypedChoiceField(label=_("并入"), coerce=int)

    def __init__(self, source: Tag, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        others = Tag.objects.filter(pool=source.pool_id, source=Tag.Source.MANUAL).exclude(pk=source.pk).select_related("group")
        field: Any = self.fields["target"]
        field.choices = [
            (tag.pk, f"{tag.group.name} · {tag.name}") for tag in others.order_by("group__place", "group__name", "name")
        ]
