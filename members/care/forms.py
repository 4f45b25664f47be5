from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.care import queries
from members.models import Pool


class NoteForm(forms.Form):
    text = forms.CharField(label=_("备注"), max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))
    is_pinned = forms.BooleanField(label=_("置顶"), required=False)


class TaskForm(forms.Form):
    text = forms.CharField(label=_("要做什么"), max_length=300)
    assignee = forms.TypedChoiceField(label=_("交给"), coerce=int)
    due_on = forms.DateField(label=_("截止日"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].choices = queries.colleagues(pool)  # type: ignore[attr-defined]
