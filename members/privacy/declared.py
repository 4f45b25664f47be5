"""What this package announces: its tab, its filter, its jobs, its charts, its decisions."""

from django.utils.translation import gettext_lazy as _

from members import consents, filters, panels
from members.privacy import charts, fates, sealing, work
from members.privacy.views.safety import panel
from members.tracking import services as tracking

panels.register(
    "looks",
    label=_("谁看过"),
    template="privacy/panel.html",
    context=panel,
    permission="privacy.view",
    icon="eye",
    order=90,
)
filters.register("consent_state", _("授权状态"), ids=consents.who, describe=consents.describe)

sealing.sealed("members.Site", "sealed", context=lambda row: tracking.CONTEXT)

__all__ = ["charts", "fates", "work"]
