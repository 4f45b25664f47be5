"""What becomes of messages when a person is erased: that they were sent stays, what they said and where to goes."""

import os
import re
from pathlib import Path

from django.conf import settings
from django.db.models import Q

from members.privacy.copies import pattern, place
from members.privacy.deciding import Person, decide, eraser, free, keep, remove
from members.privacy.fates import mentions, wipe
from members.privacy.sealing import Row, sealed
from touchpoints.mailbox import HEAD, KEY
from touchpoints.models import Call, Delivery, Recorded

decide("touchpoints.Receipt", keep("rates of opening and clicking are totals", blank=("data",)))
decide("touchpoints.Block", remove("nobody is left to write to"))
decide("touchpoints.Content", free("written by marketers for everybody"))
decide("touchpoints.Connector", free("accounts at providers; secrets are sealed"))
decide("touchpoints.Delivery", keep("that it was sent stays in the totals", blank=("detail", "provider_ref")))
wipe("touchpoints.Step", "variables")


@eraser("touchpoints.Delivery")
def deliveries(person: Person) -> int:
    """What has not left is called off."""
    waiting = Delivery.objects.filter(
        member_id__in=person.numbers, status__in=[Delivery.Status.PLANNED, Delivery.Status.LEASED, Delivery.Status.AWAITING]
    )
    return waiting.update(status=Delivery.Status.CANCELLED, reason="erased", lease_token=None, lease_until=None)


def _keys(person: Person) -> str:
    """The names of a person's deliveries towards providers."""
    return rf"\yd[0-9]+-({'|'.join(map(str, person.numbers))})\y"


@eraser("touchpoints.Recorded")
def recorded(person: Person) -> int:
    """What the sandbox kept: this person's messages, and others' that mention them."""
    of_pool = Recorded.objects.filter(connector__pool_id=person.pool_id)
    mine = of_pool.filter(key__regex=_keys(person)).delete()[0]
    return int(mine) + mentions("touchpoints.Recorded", ("hint", "subject", "body"), person, drop=True)


@eraser("touchpoints.Call")
def calls(person: Person) -> int:
    """Requests that came in: their raw text goes where it names the person or one of their messages."""
    of_pool = Call.objects.filter(Q(body__regex=_keys(person)), connector__pool_id=person.pool_id).exclude(body="")
    return of_pool.update(body="", headers={}) + mentions("touchpoints.Call", ("body", "headers", "problem"), person)


@place("inbox")
def mails(person: Person) -> int:
    """Mails in this machine's own inbox: to the person, or one of their deliveries."""
    home = Path(settings.INBOX_DIR)
    if not home.exists():
        return 0
    own = re.compile(rf"d\d+-({'|'.join(map(str, person.numbers))})".encode())
    named = pattern(person)
    with os.scandir(home) as entries:
        paths = [Path(entry.path) for entry in entries if entry.name.endswith(".eml")]
    gone = [path for path in paths if _theirs(path.read_bytes(), own, named)]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _theirs(raw: bytes, own: "re.Pattern[bytes]", named: "re.Pattern[bytes] | None") -> bool:
    key = KEY.search(raw[:HEAD])
    return bool(key and own.fullmatch(key[1])) or bool(named and named.search(raw))


def _bound(row: Row) -> str:
    return f"connector:{row['pool_id']}:{row['key']}"


sealed("touchpoints.Connector", "sealed", context=_bound, needs=("pool_id", "key"))
