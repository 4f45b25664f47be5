"""The form of a further RFM configuration: the fields of the pool's own, and of which orders."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Channel, Pool
from scrm.lib import sql
from segmentation import choices
from segmentation.recalculation.forms import RfmFields, rfm_document, rfm_initial
from segmentation.standings.forms import SettingsForm, form_of

MOST = 200
ALL = _("不选表示全部")


@form_of("rfm")
class RfmSchemeForm(SettingsForm, RfmFields):
    template: ClassVar[str] = "standings/settings/rfm.html"
    categories = forms.MultipleChoiceField(
        label=_("只看这些品类"), required=False, widget=forms.SelectMultiple(attrs={"size": 6}), help_text=ALL
    )
    channels = forms.TypedMultipleChoiceField(
        label=_("只看这些渠道"), required=False, coerce=int, widget=forms.SelectMultiple(attrs={"size": 6}), help_text=ALL
    )
    stores = forms.MultipleChoiceField(
        label=_("只看这些门店"), required=False, widget=forms.SelectMultiple(attrs={"size": 6}), help_text=ALL
    )

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        kept = kwargs.get("initial") or {}
        for name in ("categories", "stores"):
            found = [row["value"] for row in sql.rows(f"segmentation/list_{name}", {"pool": pool.pk, "q": "", "limit": MOST})]
            known = list(dict.fromkeys([*found, *kept.get(name, [])]))  # what was chosen stays a choice though it is gone
            called = choices.names_of(pool, name, known)
            self.fields[name].choices = [(each, called[each]) for each in known]  # type: ignore[attr-defined]
        self.fields["channels"].choices = [(channel.pk, str(channel)) for channel in Channel.objects.all()]  # type: ignore[attr-defined]

    @classmethod
    def initial_of(cls, settings: Any) -> dict[str, Any]:
        return rfm_initial(settings) | {name: getattr(settings, name) for name in ("categories", "channels", "stores")}

    def document(self) -> dict[str, Any]:
        given = self.cleaned_data
        return rfm_document(given) | {name: given[name] for name in ("categories", "channels", "stores")}
