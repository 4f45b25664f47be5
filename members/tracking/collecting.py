"""What the script sends: read strictly, written to the member's events or kept until there is a member."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from django.db import transaction
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from members import identities
from members.events import AHEAD, Sent, event_id, write_events
from members.models import Identity, Site
from scrm.lib import sql
from scrm.lib.problems import Problem

VISITOR = "visitor_id"
EVENTS, PROPERTIES, TEXT = 50, 20, 500
OLDEST = timedelta(days=7)
_CLOCK = timedelta(minutes=5)
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Kind = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]{0,39}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Text = Annotated[str, StringConstraints(max_length=TEXT)]


class Seen(BaseModel):
    """One event of a page."""

    model_config = ConfigDict(extra="forbid")
    id: Id
    kind: Kind
    at: datetime
    properties: dict[Key, Text | int | float | bool | None] = Field(default_factory=dict, max_length=PROPERTIES)


class Visit(BaseModel):
    """One delivery of the script: who, the sender's clock, and what happened."""

    model_config = ConfigDict(extra="forbid")
    visitor: Id
    consent: bool
    sent_at: datetime
    events: list[Seen] = Field(min_length=1, max_length=EVENTS)


def read(body: bytes) -> Visit:
    """The delivery, or Problem naming the first thing that is wrong with it."""
    try:
        return Visit.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Problem("visit.malformed", f"{'.'.join(map(str, first['loc'])) or 'body'}: {first['msg']}") from error


def fingerprint(visitor: str) -> bytes:
    return identities.fingerprint(VISITOR, visitor)


@transaction.atomic
def collect(*, site: Site, visit: Visit, as_of: datetime) -> int:
    """Write a delivery; how many of its events were new.

    Raises Problem when the site asks for consent and there is none.
    """
    if site.consent == Site.Consent.ASKED and not visit.consent:
        raise Problem("visit.no_consent", "the visitor has not agreed to being recorded")
    visitor = fingerprint(visit.visitor)
    events = list(_dated(visit, as_of))
    Site.objects.filter(pk=site.pk).exclude(heard_at__gt=as_of - timedelta(minutes=1)).update(heard_at=as_of)
    owner = Identity.objects.filter(pool_id=site.pool_id, kind=VISITOR, value_hash=visitor).first()
    return _written(site, owner.member_id, events, as_of) if owner else _kept(site, visitor, events)


def _dated(visit: Visit, as_of: datetime) -> list[tuple[Seen, datetime]]:
    """Events with the instant by our clock; those too old or in the future are left out.

    A sender's clock that is wrong is wrong by a whole number of five minutes here, so that an event
    sent again, a little later, is still the same event.
    """
    wrong = round((as_of - _aware(visit.sent_at)) / _CLOCK) * _CLOCK
    dated = [(event, _aware(event.at) + wrong) for event in visit.events]
    return [(event, at) for event, at in dated if as_of - OLDEST <= at <= as_of + AHEAD]


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _written(site: Site, member_id: int, events: list[tuple[Seen, datetime]], as_of: datetime) -> int:
    code = site.channel.code if site.channel else ""
    sent = [Sent(event.id, event.kind, at, member=member_id, channel=code, properties=_told(site, event)) for event, at in events]
    return write_events(pool=site.pool, events=sent, as_of=as_of).added


def _kept(site: Site, visitor: bytes, events: list[tuple[Seen, datetime]]) -> int:
    rows = [
        {
            "occurred_at": at.isoformat(),
            "id": event_id(site.pool_id, event.id),
            "kind": event.kind,
            "properties": _told(site, event),
        }
        for event, at in events
    ]
    named = {"pool_id": site.pool_id, "site_id": site.pk, "channel_id": site.channel_id, "visitor": visitor}
    return sql.execute("members/tracking/insert_visitor_events", {**named, "events": json.dumps(rows)})


def _told(site: Site, event: Seen) -> dict[str, Any]:
    said = {key: _clean(value) for key, value in event.properties.items() if value is not None}
    return {**said, "site": site.pk}


def _clean(value: Any) -> Any:
    # A page may put anything into an address; PostgreSQL keeps no NUL.
    return re.sub(r"[\x00-\x08\x0b-\x1f]", "", value) if isinstance(value, str) else value
