"""Stores: registering, closing, taking a file of them in; members' home stores."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from members.importing.locks import writing
from members.models import DataVersion, Order, Pool, Store
from members.sets import array
from members.stores.codes import problem
from members.team import queries as team
from members.versions import bump, versions
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

FACTS = ("code", "name", "city", "province", "region", "manager_id", "opened_on", "closed_on", "is_active")
LIMIT = 5000
NOTICED = "stores_noticed"  # up to which version of the orders codes were looked for
HOMES_JOB = "members.stores.homes"
YEAR = timedelta(days=365)


@transaction.atomic
def save_store(*, pool: Pool, store: Store | None, facts: Mapping[str, Any], actor: User | None, as_of: datetime) -> Store:
    """Register a store or change one; a stub becomes registered by being saved."""
    row = store or Store(pool=pool, created_at=as_of)
    before = {name: getattr(row, name) for name in FACTS} if store else {}
    for name, value in facts.items():
        if name not in FACTS:
            raise ValueError(f"unknown fact {name}")
        setattr(row, name, value)
    _check(row, before)
    fresh = not row.is_registered or store is None
    changed = {
        name: [_said(before.get(name)), _said(getattr(row, name))] for name in FACTS if before.get(name) != getattr(row, name)
    }
    if not changed and not fresh:
        return row
    row.is_registered = True
    _save(row)
    bump(pool.pk, "members")
    audit(actor=actor, action="store.register" if fresh else "store.save", target=row, pool_id=pool.pk, changes=changed)
    return row


def _said(value: Any) -> str:
    return "" if value is None else str(value)


def _check(row: Store, before: Mapping[str, Any]) -> None:
    row.code, row.name = row.code.strip(), row.name.strip()
    if not row.code:
        raise problem("no_code", "code")
    if not row.name:
        raise problem("no_name", "name")
    old = before.get("code", row.code)
    if old != row.code and Order.objects.filter(pool_id=row.pool_id, store=old).exists():
        raise problem("code_fixed", "code", number=old)
    if row.opened_on and row.closed_on and row.closed_on < row.opened_on:
        raise problem("closed_before_opened", "closed_on")
    if row.manager_id and row.manager_id != before.get("manager_id"):
        from members.ownership.services import receiver

        receiver(row.pool, row.manager_id, "manager")


def _save(row: Store) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        there = Store.objects.get(pool=row.pool, code=row.code)
        raise problem("code_taken", "code", number=row.code, name=there.name) from None


@transaction.atomic
def close_store(*, store: Store, on: date, actor: User | None) -> Store:
    """The store is closed; its members keep it as their home until they are given another one."""
    row = Store.objects.select_for_update().get(pk=store.pk)
    if not row.is_active:
        raise problem("closed_already")
    if staff := row.staff.filter(is_on_duty=True).count():
        raise problem("staff_left", n=staff)
    if row.opened_on and on < row.opened_on:
        raise problem("closed_before_opened", "on")
    row.is_active, row.closed_on = False, on
    row.save(update_fields=["is_active", "closed_on"])
    audit(actor=actor, action="store.close", target=row, pool_id=row.pool_id, on=on.isoformat())
    return row


@transaction.atomic
def notice(*, pool: Pool, as_of: datetime) -> int:
    """Look for store codes in orders that nobody registered; how many are new. Reads all orders once."""
    seen = versions(pool.pk)["orders"]
    found = sql.execute("members/stores/notice_stores", {"pool_id": pool.pk, "as_of": as_of})
    DataVersion.objects.update_or_create(pool=pool, domain=NOTICED, defaults={"version": seen})
    if found:
        audit(actor=None, action="store.notice", pool_id=pool.pk, stores=found)
    return found


def notice_all(*, as_of: datetime) -> int:
    """Pools whose orders changed since their codes were last looked for."""
    done = dict(DataVersion.objects.filter(domain=NOTICED).values_list("pool_id", "version"))
    orders = dict(DataVersion.objects.filter(domain="orders").values_list("pool_id", "version"))
    due = [pool for pool, version in orders.items() if done.get(pool) != version]
    return sum(notice(pool=pool, as_of=as_of) for pool in Pool.objects.filter(pk__in=due))


# -- A file of stores -----------------------------------------------------------------------------
@transaction.atomic
def import_stores(*, pool: Pool, rows: Sequence[Mapping[str, Any]], actor: User | None, as_of: datetime) -> dict[str, int]:
    """All rows of a file, or none: the first that is wrong is named. The same file again changes nothing."""
    if len(rows) > LIMIT:
        raise problem("too_many", "file", limit=LIMIT)
    known = {row.code: row for row in Store.objects.select_for_update().filter(pool=pool)}
    managers = {row.user.username: row.pk for row in team.colleagues(pool)}
    counts = {"new": 0, "updated": 0, "unchanged": 0}
    seen: set[str] = set()
    fresh: list[Store] = []
    for line, row in enumerate(rows, 2):
        facts = _facts(row, line, managers, seen)
        store = known.get(facts["code"])
        if store is None:
            fresh.append(Store(pool=pool, created_at=as_of, is_registered=True, **facts))
            counts["new"] += 1
        else:
            counts[_update(store, facts)] += 1
    Store.objects.bulk_create(fresh)
    bump(pool.pk, "members")
    audit(actor=actor, action="store.import", pool_id=pool.pk, counts=counts)
    return counts


def _facts(row: Mapping[str, Any], line: int, managers: Mapping[str, int], seen: set[str]) -> dict[str, Any]:
    code = str(row.get("code", "")).strip()[:40]
    if not code:
        raise problem("line_empty", "file", line=line)
    if code in seen:
        raise problem("twice", "file", line=line, number=code)
    seen.add(code)
    facts: dict[str, Any] = {"code": code, "name": str(row.get("name", "")).strip()[:80] or code}
    facts |= {name: str(row[name]).strip()[:30] for name in ("city", "province", "region") if name in row}
    for name in ("opened_on", "closed_on"):
        if text := str(row.get(name, "")).strip():
            facts[name] = _day(text, line, name)
    if manager := str(row.get("manager", "")).strip():
        if manager not in managers:
            raise problem("no_such_manager", "file", line=line, name=manager)
        facts["manager_id"] = managers[manager]
    facts["is_active"] = facts.get("closed_on") is None
    return facts


def _day(text: str, line: int, column: str) -> date:
    try:
        return date.fromisoformat(text[:10].replace("/", "-"))
    except ValueError:
        raise problem("bad_day", "file", line=line, column=column) from None


def _update(store: Store, facts: Mapping[str, Any]) -> str:
    changed = [name for name, value in facts.items() if getattr(store, name) != value]
    if not changed and store.is_registered:
        return "unchanged"
    for name in changed:
        setattr(store, name, facts[name])
    store.is_registered = True
    store.save()
    return "updated"


# -- Home stores ----------------------------------------------------------------------------------
@transaction.atomic
def set_home(*, pool: Pool, members: Iterable[int], store: Store | None, actor: User | None, as_of: datetime) -> list[int]:
    """Members belong to a store from now on (None: to none); the ids it changed."""
    if store is not None and store.pool_id != pool.pk:
        raise problem("not_here", "store")
    writing(pool.pk)
    given = {"pool_id": pool.pk, "ids": array(members), "store": store.pk if store else None}
    changed = [row["member_id"] for row in sql.rows("members/stores/set_homes", given)]
    if changed:
        bump(pool.pk, "members")
        target = f"members.member:{changed[0]}" if len(changed) == 1 else store
        audit(
            actor=actor,
            action="member.store",
            target=target,
            pool_id=pool.pk,
            store=str(store or ""),
            members=len(changed),
            ids=changed[:50],
        )
    return changed


@transaction.atomic
def start_homes(*, pool: Pool, actor: User | None) -> JobRun:
    """Members without a home store get the one they bought at most often in a year, as a job; one at a time."""
    return jobs.enqueue(kind=HOMES_JOB, pool_id=pool.pk, actor=actor, key=f"{HOMES_JOB}:{pool.pk}")


@transaction.atomic
def settle_homes(*, pool: Pool, after: int, upto: int, as_of: datetime) -> int:
    """One range of member ids; how many got a home."""
    writing(pool.pk)
    given = {"pool_id": pool.pk, "after": after, "upto": upto, "since": as_of - YEAR, "as_of": as_of}
    found = sql.execute("members/stores/settle_homes", given)
    if found:
        bump(pool.pk, "members")
    return found
