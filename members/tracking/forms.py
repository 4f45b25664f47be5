from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Channel, Site


class SiteForm(forms.Form):
    name = forms.CharField(label=_("名称"), max_length=60)
    origins = forms.CharField(
        label=_("网址"),
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "https://shop.example"}),
        help_text=_("每行一个。只接受从这些网址发来的数据。"),
    )
    channel = forms.ModelChoiceField(label=_("渠道"), queryset=Channel.objects.all(), required=False)
    consent = forms.ChoiceField(label=_("同意方式"), choices=Site.Consent.choices, initial=Site.Consent.ASKED)
    is_active = forms.BooleanField(label=_("启用"), required=False, initial=True)

    def clean_origins(self) -> list[str]:
        return str(self.cleaned_data["origins"]).split()

    @classmethod
    def of(cls, site: Site) -> "SiteForm":
        """The form as a site stands now."""
        return cls(
            initial={
                "name": site.name,
                "origins": "\n".join(site.origins),
                "channel": site.channel_id,
                "consent": site.consent,
                "is_active": site.is_active,
            }
        )
