from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Channel, Pool


class Event(models.Model):
    """Something a member did. RANGE-partitioned by month; the table is made by migration 0002.

    `id` is a hash of the sender's own event id, so that a repeated event is the same row.
    """

    pk = models.CompositePrimaryKey("member_id", "occurred_at", "id")
    member = models.ForeignKey(Member, on_delete=models.DO_NOTHING, db_constraint=False, related_name="events")
    occurred_at = models.DateTimeField()
    id = models.BigIntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.DO_NOTHING, db_constraint=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.DO_NOTHING, db_constraint=False)
    kind = models.CharField(_("行为"), max_length=40)  # view, search, click, add_to_cart, favourite, share, sign_in …
    properties = models.JSONField(default=dict)

    class Meta:
        managed = False
        verbose_name = _("行为事件")

    def __str__(self) -> str:
        return f"{self.kind} {self.occurred_at:%F %T}"
