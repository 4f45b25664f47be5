"""Guessing passwords takes time: who fails too often, under one name or from one address, waits.

The counts stand in PostgreSQL: every process sees them, and a restart forgets nothing.
"""

from datetime import datetime, timedelta

from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import SignInFailure, User

WINDOW = timedelta(minutes=15)  # failures this far apart are not one attack
WAIT = timedelta(minutes=15)
PER_NAME, PER_ADDRESS = 8, 40  # an office shares an address


def _keys(name: str, address: str | None) -> dict[str, int]:
    keys = {f"name:{name.strip().lower()}"[:120]: PER_NAME}
    return keys | ({f"address:{address}": PER_ADDRESS} if address else {})


def waits_until(*, name: str, address: str | None, as_of: datetime) -> datetime | None:
    """Until when nobody gets in under this name or from this address; None when the door is open."""
    found = SignInFailure.objects.filter(key__in=_keys(name, address), until__gt=as_of)
    return found.order_by("-until").values_list("until", flat=True).first()


def failed(*, name: str, address: str | None, as_of: datetime) -> None:
    """Count a failure; the one too many shuts the door for a while."""
    given = {"as_of": as_of, "forgotten": as_of - WINDOW, "until": as_of + WAIT}
    for key, limit in sorted(_keys(name, address).items()):
        sql.execute("scrm/count_sign_in_failure", {**given, "key": key, "most": limit})


def succeeded(*, name: str) -> None:
    """The right password was given: its name's failures are forgotten, its address's are not."""
    SignInFailure.objects.filter(key=f"name:{name.strip().lower()}"[:120]).delete()


def unlock(*, user: User, actor: User | None, pool_id: int | None = None) -> bool:
    """Let somebody try again at once; whether they were waiting."""
    gone, _each = SignInFailure.objects.filter(key=f"name:{user.username.lower()}"[:120]).delete()
    if gone:
        audit(actor=actor, action="sign_in.unlock", target=user, pool_id=pool_id)
    return bool(gone)


def locked(users: list[User], as_of: datetime) -> dict[int, datetime]:
    """Of some users those that wait, and until when."""
    keys = {f"name:{user.username.lower()}"[:120]: user.pk for user in users}
    found = SignInFailure.objects.filter(key__in=keys, until__gt=as_of).values_list("key", "until")
    return {keys[key]: until for key, until in found if until}


def forget(*, as_of: datetime) -> int:
    """Remove what no longer matters."""
    return SignInFailure.objects.filter(since__lt=as_of - timedelta(days=1)).delete()[0]
