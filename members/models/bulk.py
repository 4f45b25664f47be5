from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.pool import Pool


class BulkAct(models.Model):
    """Something done to many members at once: what, to whom, how far, and whether it was taken back.

    Whom is frozen when the work begins, so that a crash goes on with the same people and undoing knows them.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    act = models.CharField(_("操作"), max_length=40)  # a key of members.bulk.acts
    params = models.JSONField(default=dict)
    query = models.CharField(max_length=2000, blank=True)  # the address everybody of was chosen; empty: members were picked
    expected = models.BigIntegerField(null=True)  # how many the page said
    chosen = models.BinaryField(null=True)  # a bitmap
    total = models.BigIntegerField(_("人数"), default=0)
    done = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(_("已更改"), default=0)
    job_id = models.BigIntegerField(null=True)  # none: done at once
    finished_at = models.DateTimeField(null=True)
    undo_job_id = models.BigIntegerField(null=True)
    undone_at = models.DateTimeField(null=True)
    restored = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)  # not restored: changed again since
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    at = models.DateTimeField(_("时间"))

    class Meta:
        verbose_name = _("批量操作")
        indexes = [models.Index(fields=["pool", "-id"], name="bulk_pool")]

    def __str__(self) -> str:
        return f"{self.act} #{self.pk}"


class BulkPiece(models.Model):
    """What one chunk of a bulk act changed: whom, and what was there before."""

    act = models.ForeignKey(BulkAct, on_delete=models.CASCADE, related_name="pieces", db_index=False)
    n = models.IntegerField()
    changed = models.BinaryField()  # a bitmap
    before = models.BinaryField(default=b"")  # packed rows of whole numbers, as the act understands them
    is_undone = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["act", "n"], name="one_piece_per_place")]

    def __str__(self) -> str:
        return f"{self.act_id}/{self.n}"
