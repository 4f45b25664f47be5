from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.pool import Pool


class SavedView(models.Model):
    """A named query string of the member list: a tab. Shared ones are seen by everybody of the pool."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    name = models.CharField(_("名称"), max_length=40)
    query = models.CharField(max_length=1000)
    is_shared = models.BooleanField(_("全池共享"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("已存视图")
        constraints = [models.UniqueConstraint(fields=["pool", "owner", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name
