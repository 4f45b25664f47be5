"""What schemes announce: their families."""

from collections.abc import Collection, Mapping

from django.urls import reverse

from members import changes
from members.models import MemberStanding
from segmentation.models import Scheme

# Families and their forms announce themselves.
from segmentation.standings import aipl, frequency, ladder, preferred_channel, preferred_hour, queries, rfm, scene, value  # noqa: F401


@changes.register
def names(pool_id: int, kinds: Collection[int]) -> Mapping[int, changes.Named]:
    """What changes in schemes are called."""
    pks = [kind - MemberStanding.KIND for kind in kinds if kind > MemberStanding.KIND]
    found = Scheme.objects.filter(pool_id=pool_id, pk__in=pks)
    return {
        each.kind: changes.Named(each.name, queries.labels(each), reverse("standings:detail", args=[each.pk])) for each in found
    }
