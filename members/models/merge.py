"""Members found to be one person, and all it takes to part them again."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models.pool import Pool


class Merge(models.Model):
    """Two members found to be one person: who won, who lost, which identity proved it, what moved."""

    class Sealed(models.TextChoices):
        ERASED = "erased", _("其中一位已被抹除")
        EXPIRED = "expired", _("已过可撤销期限")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    winner_id = models.BigIntegerField()
    loser_id = models.BigIntegerField()
    # The first merge of the same act; merges are undone in the order of their acts. Null: nothing was remembered then.
    act = models.BigIntegerField(null=True)
    cause_kind = models.CharField(max_length=20, blank=True)
    cause_hash = models.BinaryField(max_length=16, null=True)
    cause_hint = models.CharField(max_length=40, blank=True, default="", db_default="")
    source = models.CharField(max_length=60, blank=True, default="", db_default="")  # import:12, page, api, review:3 …
    moved = models.JSONField(default=dict)  # table -> number of rows
    folded = models.JSONField(default=dict, db_default={})  # field of the winner -> [before, after]
    chosen = models.JSONField(default=dict, db_default={})  # field -> "loser", where a person preferred the loser's value
    turn = models.SmallIntegerField(default=1, db_default=1)  # how often these two were joined under this row
    sealed = models.CharField(max_length=10, choices=Sealed.choices, blank=True, default="", db_default="")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    undone = models.JSONField(default=dict, db_default={})  # what the undoing brought back, and what it could not

    class Meta:
        verbose_name = _("身份合并")
        constraints = [
            models.UniqueConstraint(fields=["loser_id"], condition=Q(undone_at=None), name="one_standing_merge_per_loser")
        ]
        indexes = [
            models.Index(fields=["winner_id"], name="merge_winner"),
            models.Index(fields=["loser_id"], name="merge_loser"),
            models.Index(fields=["pool", "-id"], name="merge_pool_newest"),
            models.Index(fields=["pool", "source"], name="merge_pool_source"),
        ]

    def __str__(self) -> str:
        return f"{self.loser_id} → {self.winner_id}"


class MergedRows(models.Model):
    """What a merge did to one table, as fingerprints of keys: which rows came, which were the winner's before."""

    pk = models.CompositePrimaryKey("merge_id", "label")
    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="rows")
    label = models.CharField(max_length=80)
    moved = ArrayField(models.BigIntegerField(), default=list)
    kept = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return f"{self.merge_id} {self.label}: {len(self.moved)}"


class SetAside(models.Model):
    """A row that gave way to another of the same key in a merge: whose it was, and how it was."""

    merge = models.ForeignKey(Merge, on_delete=models.CASCADE, db_constraint=False, related_name="set_aside")
    label = models.CharField(max_length=80)
    owner_id = models.BigIntegerField()
    hash = models.BigIntegerField()
    row = models.JSONField()

    def __str__(self) -> str:
        return f"{self.merge_id} {self.label} of {self.owner_id}"


class NotSame(models.Model):
    """Two members who are two people, whatever they share. `first_id` is the smaller."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    first_id = models.BigIntegerField()
    second_id = models.BigIntegerField()
    merge_id = models.BigIntegerField(null=True)  # the undone merge that said so
    reason = models.CharField(_("说明"), max_length=120, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("不是同一个人")
        constraints = [models.UniqueConstraint(fields=["pool", "first_id", "second_id"], name="said_apart_once")]

    def __str__(self) -> str:
        return f"{self.first_id} ≠ {self.second_id}"
