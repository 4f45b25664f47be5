"""Forms about stores."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Pool, Store
from members.team import queries as team


class StoreForm(forms.ModelForm):
    manager = forms.ChoiceField(label=_("店长"), required=False)

    class Meta:
        model = Store
        fields = ("code", "name", "region", "province", "city", "opened_on")
        widgets = {"opened_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}
        help_texts = {"code": _("与订单文件里的门店编码一致")}

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["manager"].choices = [("", "—"), *((str(row.pk), str(row)) for row in team.receivers(pool))]
        fields["manager"].initial = str(self.instance.manager_id or "")

    def validate_constraints(self) -> None:
        """The service says it with the name of the store that has the code."""

    def facts(self) -> dict[str, Any]:
        """What was filled in."""
        given = {name: self.cleaned_data[name] for name in self.Meta.fields}
        manager = self.cleaned_data["manager"]
        return {**given, "manager_id": int(manager) if manager else None}


class StoreFileForm(forms.Form):
    file = forms.FileField(label=_("文件"))
