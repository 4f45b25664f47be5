from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class Note(models.Model):
    """What somebody wrote down about a member. Ids come from `members_care_id_seq`."""

    pk = models.CompositePrimaryKey("member_id", "id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="notes", db_index=False)
    id = models.BigIntegerField()
    text = models.TextField(_("备注"), max_length=2000)
    is_pinned = models.BooleanField(_("置顶"), default=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    at = models.DateTimeField(_("时间"))
    edited_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("备注")

    def __str__(self) -> str:
        return self.text[:60]


class CareTask(models.Model):
    """Something a colleague is to do for a member, by a day. Ids come from `members_care_id_seq`."""

    pk = models.CompositePrimaryKey("member_id", "id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    id = models.BigIntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, db_index=False)
    text = models.CharField(_("要做什么"), max_length=300)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
        verbose_name=_("交给"),
    )
    due_on = models.DateField(_("截止日"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    at = models.DateTimeField()
    done_at = models.DateTimeField(_("完成时间"), null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    outcome = models.CharField(_("结果"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("跟进任务")
        indexes = [
            models.Index(fields=["pool", "assignee", "due_on"], name="care_open", condition=models.Q(done_at__isnull=True)),
            models.Index(fields=["pool", "id"], name="care_id"),
            models.Index(fields=["pool", "-done_at"], name="care_done", condition=models.Q(done_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.text
