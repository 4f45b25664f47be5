"""What the pages of sites show."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404

from members import behaviour
from members.models import Pool, Site
from scrm.lib import sql

WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Heard:
    """What a site sent in the last seven days: events, visitors, and visitors known as members."""

    events: int
    visitors: int
    known: int

    @property
    def share(self) -> float:
        return self.known / self.visitors if self.visitors else 0.0


def sites(pool: Pool) -> QuerySet[Site]:
    """The pool's sites by name."""
    return Site.objects.filter(pool=pool).select_related("channel").order_by("name", "pk")


def site_of(pool: Pool, pk: int) -> Site:
    """One site of the pool, or 404."""
    return get_object_or_404(Site.objects.select_related("channel", "pool"), pool=pool, pk=pk)


def heard(site: Site, as_of: datetime) -> Heard:
    """Counts of the last seven days, of members and strangers together."""
    row = sql.row("members/tracking/count_site_events", _named(site, as_of))
    return Heard(**row) if row else Heard(0, 0, 0)


def latest(site: Site, as_of: datetime, limit: int = 30) -> list[dict[str, Any]]:
    """The newest events of the last seven days, to see at once whether the script works."""
    rows = sql.rows("members/tracking/list_site_events", {**_named(site, as_of), "limit": limit})
    return [
        {**row, "word": behaviour.name_of(row["kind"]), "about": behaviour.about(json.loads(row["properties"]))} for row in rows
    ]


def _named(site: Site, as_of: datetime) -> dict[str, Any]:
    return {"pool_id": site.pool_id, "site_id": site.pk, "since": as_of - WEEK}
