from typing import Any

from django.conf import settings as django
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import MemberStanding, Pool


class Scheme(models.Model):
    """One way of sorting the members of a pool into classes: a family (`segmentation.standings.families`), configured.

    `settings` is what people want, `applied` what the standings were computed with: a run that applies the one
    makes the other, and measures the `edges` that ticks keep to.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    family = models.CharField(_("类型"), max_length=20)
    name = models.CharField(_("名称"), max_length=80)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    settings = models.JSONField(default=dict)
    applied = models.JSONField(null=True)  # null: never computed
    edges = models.JSONField(default=dict)
    computed_at = models.DateTimeField(null=True)  # as of when everybody was last computed
    is_active = models.BooleanField(default=True)
    archived_at = models.DateTimeField(null=True)
    actor = models.ForeignKey(django.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("方案")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_scheme_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> int:
        """The kind of its rows in StateChange."""
        return MemberStanding.KIND + self.pk

    @property
    def is_stale(self) -> bool:
        """What people want is not what the standings say yet."""
        return self.applied != self.settings

    def as_tried(self, settings: dict[str, Any]) -> "Scheme":
        """The same scheme with other settings, never saved: for a preview."""
        return Scheme(pk=self.pk, pool=self.pool, family=self.family, name=self.name, settings=settings, applied=settings)
