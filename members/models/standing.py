from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class MemberStanding(models.Model):
    """Where a member stands in one scheme: a class (code), what it was taken from (value), and when.

    `segmentation` writes it and knows the schemes; here a scheme is a number. A member without a row stands
    nowhere in that scheme. Changes of the code go to StateChange, its kind being `KIND + scheme_id`.
    """

    KIND = 100  # kinds of StateChange below are the product's own

    pk = models.CompositePrimaryKey("member_id", "scheme_id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="standings", db_index=False)
    scheme_id = models.IntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    code = models.SmallIntegerField()
    value = models.BigIntegerField(null=True)  # what the code was taken from, in the unit the family says
    since = models.DateTimeField()  # since when the member has this code
    due = models.DateTimeField(null=True)  # when the standing changes if nothing happens
    expected_at = models.DateTimeField(null=True)  # when the next step is expected; past when overdue

    class Meta:
        verbose_name = _("会员所处层级")
        indexes = [
            models.Index(fields=["scheme_id", "code", "member"], name="standing_code"),
            models.Index(fields=["pool", "due"], name="standing_due", condition=Q(due__isnull=False)),
            models.Index(
                fields=["scheme_id", "expected_at", "member"], name="standing_expected", condition=Q(expected_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.scheme_id}: {self.code}"
