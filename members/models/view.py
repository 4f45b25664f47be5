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
    columns = models.JSONField(_("列"), default=list)  # keys in their order; empty: the usual ones
    is_dense = models.BooleanField(_("紧凑"), default=False)
    is_shared = models.BooleanField(_("全池共享"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("已存视图")
        constraints = [models.UniqueConstraint(fields=["pool", "owner", "name"], name="one_view_per_name")]

    def __str__(self) -> str:
        return self.name


class ListSettings(models.Model):
    """How one person likes the member list of one pool: which tab first, in which order, which columns where."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    default_view = models.ForeignKey(SavedView, null=True, on_delete=models.SET_NULL, related_name="+")
    order = models.JSONField(default=list)  # ids of views; those not named follow
    layouts = models.JSONField(default=dict)  # "" or a view's id -> {"columns": […], "dense": bool}

    class Meta:
        verbose_name = _("列表偏好")
        constraints = [models.UniqueConstraint(fields=["pool", "user"], name="one_list_taste")]

    def __str__(self) -> str:
        return f"list of {self.user_id} in {self.pool_id}"
