"""The form beside the builder: what the tag is called, where it goes, how often it is brought up to date."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Pool, TagGroup
from segmentation.models import Segment, TagRule


class RuleForm(forms.Form):
    """A tag and its rule's cadence; the rule itself is read by `builder`."""

    name = forms.CharField(label=_("标签"), max_length=40)
    group = forms.ModelChoiceField(label=_("标签组"), queryset=TagGroup.objects.none(), empty_label=None)
    cadence = forms.ChoiceField(label=_("更新"), choices=TagRule.Cadence.choices, initial=TagRule.Cadence.NIGHTLY)
    valid_days = forms.IntegerField(label=_("不再符合后保留（天）"), min_value=1, max_value=3650, required=False)
    valid_until = forms.DateField(label=_("有效至"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    note = forms.CharField(label=_("说明"), max_length=200, required=False)

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["group"]
        field.queryset = TagGroup.objects.filter(pool=pool).order_by("place", "name")


class SegmentForm(forms.Form):
    """A tag in step with a segment."""

    name = forms.CharField(label=_("标签"), max_length=40)
    group = forms.ModelChoiceField(
        label=_("标签组"),
        queryset=TagGroup.objects.none(),
        empty_label=None,
        help_text=_("互斥组里每位会员最多带一个标签：已带有组内其他标签的会员不会打上"),
    )
    segment = forms.ModelChoiceField(label=_("分群"), queryset=Segment.objects.none(), empty_label=None)

    def __init__(self, *args: Any, pool: Pool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["group"].queryset = TagGroup.objects.filter(pool=pool).order_by("place", "name")
        fields["segment"].queryset = Segment.objects.filter(pool=pool, is_archived=False).order_by("name")
