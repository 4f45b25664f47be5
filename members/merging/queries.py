"""Reads of merges."""

from django.db.models import Q, QuerySet

from members.models import Merge


def history(member_id: int) -> QuerySet[Merge]:
    """Merges a member took part in, newest first."""
    return Merge.objects.filter(Q(winner_id=member_id) | Q(loser_id=member_id)).select_related("actor").order_by("-at", "-pk")
