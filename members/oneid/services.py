"""Every write of the guard, the queue and the pool's rules."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members import identities, merging
from members.identities import KINDS
from members.importing.locks import writing
from members.merging import apart
from members.models import Channel, Guard, Identity, Member, Pool, Rehearsal, Review
from members.oneid import guarding, rules
from members.sets import array
from members.versions import bump
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

Status = Review.Status


# -- Rules -----------------------------------------------------------------------------------------
@transaction.atomic
def save_rules(*, pool: Pool, changes: dict[str, Any], actor: User | None) -> Pool:
    """Change the pool's rules: `kinds`, `mail_names`, `scopes`, `precedence`; what is not named stays.

    Raises Problem for what no kind, channel, field or rule is called.
    """
    _check_rules(changes)
    pool = Pool.objects.select_for_update().get(pk=pool.pk)
    before = pool.settings.get(rules.KEY, {})
    after = before | changes
    if after != before:
        pool.settings = pool.settings | {rules.KEY: after}
        pool.save(update_fields=["settings"])
        told = {key: [before.get(key), after[key]] for key in changes if before.get(key) != after[key]}
        audit(actor=actor, action="oneid.rules", target=pool, pool_id=pool.pk, changes=told)
    return pool


def _check_rules(changes: dict[str, Any]) -> None:
    strange = sorted(set(changes) - {"kinds", "mail_names", "scopes", "precedence"})
    strange += [kind for kind in changes.get("kinds", {}) if kind not in KINDS]
    for kind, said in changes.get("kinds", {}).items():
        strange += [f"{kind}.{name}" for name in said if name not in ("joins", "limit", "most", "rank")]
        if said.get("joins", identities.MERGE) not in rules.JOINS:
            strange.append(f"{kind}.joins")
        strange += [f"{kind}.{name}" for name in ("limit", "most", "rank") if not _is_count(said.get(name, 0))]
        if kind in Identity.WEAK and said.get("joins", identities.ATTACH) != identities.ATTACH:
            raise Problem(
                "oneid.weak", _("%(kind)s是物不是人，不能用来合并会员") % {"kind": KINDS[kind].label}, {kind: ["joins"]}
            )
    strange += _strange_sources(changes)
    if strange:
        raise Problem("oneid.unknown", _("不认识的规则：%(names)s") % {"names": ", ".join(strange)}, {"rules": strange})


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= rules.MOST_LIMIT


def _strange_sources(changes: dict[str, Any]) -> list[str]:
    codes = {*Channel.objects.values_list("code", flat=True), rules.STAFF}
    strange = [
        key for key in changes.get("scopes", {}) if key.partition(":")[0] not in KINDS or key.partition(":")[2] not in codes
    ]
    for field, said in changes.get("precedence", {}).items():
        if field not in rules.FIELDS or said.get("rule") not in (rules.TRUSTED, rules.NEWEST):
            strange.append(f"precedence.{field}")
        strange += [f"precedence.{field}.{code}" for code in said.get("order", []) if code not in codes]
    return strange


# -- The guard -------------------------------------------------------------------------------------
@transaction.atomic
def block(
    *, pool: Pool, kind: str, value: str, note: str, actor: User | None, as_of: datetime, reason: str = Guard.Reason.BLOCKED
) -> Guard:
    """A value joins nobody and leads to nobody from now on; who had it is remembered. Problem when it is no such value."""
    if kind not in KINDS:
        raise Problem("identity.unknown_kind", _("不认识的身份类型：%(kind)s") % {"kind": kind}, {"kind": [kind]})
    text = identities.normalise(kind, value)
    if (code := identities.problem(kind, text)) and code != "placeholder":
        raise Problem(
            f"identity.{code}",
            _("「%(value)s」不是有效的%(kind)s") % {"value": value[:40], "kind": KINDS[kind].label},
            {"value": [code]},
        )
    writing(pool.pk)
    made = identities.written(kind, text)
    columns = {"value": made.value, "sealed": made.sealed, "hint": made.hint, "reason": reason, "note": note[:200]}
    guard, _made = Guard.objects.update_or_create(
        pool=pool, kind=kind, value_hash=made.value_hash, defaults=columns | {"is_allowed": False, "actor": actor, "at": as_of}
    )
    guarding.retire(pool_id=pool.pk, guards=[guard.pk], run_id=None, as_of=as_of)
    bump(pool.pk, "members")
    audit(actor=actor, action="oneid.block", target=guard, pool_id=pool.pk, kind=kind, hint=made.hint, note=note)
    return guard


@transaction.atomic
def block_many(
    *, pool: Pool, kind: str, values: Iterable[str], note: str, actor: User | None, as_of: datetime
) -> tuple[int, list[str]]:
    """A list of values, one a line; how many were put on the list, and those that are none."""
    taken, wrong = 0, []
    for value in dict.fromkeys(text.strip() for text in values):
        try:
            if value:
                block(pool=pool, kind=kind, value=value, note=note, actor=actor, as_of=as_of)
                taken += 1
        except Problem:
            wrong.append(value)
    return taken, wrong


@transaction.atomic
def guard_staff(*, pool: Pool, actor: User | None, as_of: datetime) -> int:
    """Telephones in the staff profiles join the list; how many are new."""
    writing(pool.pk)
    known = set(Guard.objects.filter(pool=pool).values_list("pk", flat=True))
    sql.execute("members/oneid/guard_staff", {"pool": pool.pk, "actor": actor.pk if actor else None, "as_of": as_of})
    fresh = [
        pk for pk in Guard.objects.filter(pool=pool, reason=Guard.Reason.STAFF).values_list("pk", flat=True) if pk not in known
    ]
    guarding.retire(pool_id=pool.pk, guards=fresh, run_id=None, as_of=as_of)
    if fresh:
        bump(pool.pk, "members")
        audit(actor=actor, action="oneid.staff", target=pool, pool_id=pool.pk, added=len(fresh))
    return len(fresh)


@transaction.atomic
def allow_value(*, guard: Guard, actor: User | None, as_of: datetime) -> bool:
    """A person says the value is fine: it is not guarded again. Whether it went back to the one member it was seen with."""
    writing(guard.pool_id)
    guard.is_allowed, guard.actor, guard.at = True, actor, as_of
    guard.save(update_fields=["is_allowed", "actor", "at"])
    back = guarding.restore(guard, as_of)
    bump(guard.pool_id, "members")
    audit(actor=actor, action="oneid.allow", target=guard, pool_id=guard.pool_id, kind=guard.kind, hint=guard.hint, restored=back)
    return back


@transaction.atomic
def guard_again(*, guard: Guard, actor: User | None, as_of: datetime) -> None:
    """What was allowed is guarded after all."""
    writing(guard.pool_id)
    guard.is_allowed, guard.actor, guard.at = False, actor, as_of
    guard.save(update_fields=["is_allowed", "actor", "at"])
    guarding.retire(pool_id=guard.pool_id, guards=[guard.pk], run_id=None, as_of=as_of)
    bump(guard.pool_id, "members")
    audit(actor=actor, action="oneid.block", target=guard, pool_id=guard.pool_id, kind=guard.kind, hint=guard.hint)


# -- The queue -------------------------------------------------------------------------------------
MOST_DECIDED = 1000


@transaction.atomic
def decide(
    *, pool: Pool, reviews: list[int], verdict: str, actor: User | None, as_of: datetime, keep: dict[int, int] | None = None
) -> int:
    """One verdict for open reviews: "merged" (really merges), "apart" (never these two), "ignored". How many were decided.

    `keep` names, per review, the member that stays; without it the older one does. Reviews that somebody decided
    meanwhile are left alone.
    """
    if verdict not in (Status.MERGED, Status.APART, Status.IGNORED):
        raise Problem("review.unknown_verdict", _("不认识的决定：%(verdict)s") % {"verdict": verdict}, {"verdict": [verdict]})
    if len(reviews) > MOST_DECIDED:
        raise Problem("review.too_many", _("一次最多决定 %(n)s 条") % {"n": MOST_DECIDED})
    if verdict == Status.MERGED:
        writing(pool.pk)
    rows = list(Review.objects.select_for_update().filter(pool=pool, pk__in=reviews, status=Status.OPEN).order_by("pk"))
    if verdict == Status.MERGED:
        rows = _merge(pool, rows, keep or {}, actor, as_of)
    elif verdict == Status.APART:
        rows = _part(pool, rows, actor, as_of)
    Review.objects.filter(pk__in=[row.pk for row in rows]).update(status=verdict, decided_by=actor, decided_at=as_of)
    if rows:
        audit(actor=actor, action=f"review.{verdict}", pool_id=pool.pk, reviews=[row.pk for row in rows][:100], count=len(rows))
    return len(rows)


def _now(rows: list[Review]) -> dict[int, int]:
    """Who the members of reviews have become."""
    ids = {number for row in rows for number in (row.one_id, row.two_id) if number}
    return {pk: into or pk for pk, into in Member.objects.filter(pk__in=ids).values_list("pk", "merged_into")}


def _merge(pool: Pool, rows: list[Review], keep: dict[int, int], actor: User | None, as_of: datetime) -> list[Review]:
    """One by one, each with the identity that raised it as its cause: a person decides a handful."""
    if single := [row.pk for row in rows if row.two_id is None]:
        raise Problem("review.one_member", _("这一条只涉及一位会员，没有可合并的另一位"), {"reviews": single})
    done = []
    for row in rows:
        now = _now([row])
        one, two = now.get(row.one_id), now.get(row.two_id or 0)
        if one is None or two is None:
            continue
        stays = now.get(keep.get(row.pk, row.one_id), one)
        goes = two if stays == one else one
        if stays != goes:
            cause = merging.Cause(row.cause_kind, bytes(row.cause_hash) if row.cause_hash else None, f"review:{row.pk}")
            merging.merge_pairs(pool_id=pool.pk, pairs=[(stays, goes)], cause=cause, actor=actor, as_of=as_of, insist=True)
        done.append(row)
    return done


def _part(pool: Pool, rows: list[Review], actor: User | None, as_of: datetime) -> list[Review]:
    now, done = _now(rows), []
    for row in rows:
        one, two = now.get(row.one_id), now.get(row.two_id or 0)
        if one and two and one == two:
            raise Problem("review.joined", _("这两位已合并成一位：请先撤销那次合并"), {"reviews": [row.pk]})
        if one and two:
            apart.say_apart(pool=pool, one=one, two=two, reason=str(row.get_reason_display()), actor=actor, as_of=as_of)
        done.append(row)
    return done


@transaction.atomic
def reopen(*, review: Review, actor: User | None) -> None:
    """An ignored review waits again."""
    if review.status != Status.IGNORED:
        raise Problem("review.decided", _("只有已忽略的可以重新打开；合并请在合并记录里撤销"))
    Review.objects.filter(pk=review.pk).update(status=Status.OPEN, decided_by=None, decided_at=None)
    audit(actor=actor, action="review.reopen", target=review, pool_id=review.pool_id)


# -- Looking through the whole pool ----------------------------------------------------------------
@transaction.atomic
def search_duplicates(*, pool: Pool, signals: list[str], actor: User | None, as_of: datetime) -> Rehearsal:
    """Look for members who may be one person, as a job; nobody is touched."""
    from members.oneid.duplicates import SIGNALS

    wanted = [signal for signal in SIGNALS if signal in signals]
    if not wanted:
        raise Problem("oneid.no_signal", _("请至少选择一种查重依据"), {"signals": ["required"]})
    made = Rehearsal.objects.create(pool=pool, signals=wanted, actor=actor, at=as_of)
    job = jobs.enqueue(kind="members.duplicates", pool_id=pool.pk, params={"rehearsal": made.pk}, actor=actor)
    made.job_id = job.pk
    made.save(update_fields=["job_id"])
    audit(actor=actor, action="oneid.search", target=made, pool_id=pool.pk, signals=wanted)
    return made


@transaction.atomic
def queue_duplicates(*, rehearsal: Rehearsal, actor: User | None, as_of: datetime) -> int:
    """Put the pairs that were found into the queue; how many are new there."""
    from members.oneid import duplicates

    pairs = duplicates.pairs(rehearsal)
    named = {
        "pool": rehearsal.pool_id,
        "ones": array(int(one) for one, _two in pairs),
        "twos": array(int(two) for _one, two in pairs),
        "signals": rehearsal.signals,
        "as_of": as_of,
    }
    made = sql.execute("members/oneid/review_duplicates", named)
    audit(actor=actor, action="oneid.queue", target=rehearsal, pool_id=rehearsal.pool_id, pairs=len(pairs), added=made)
    return made


def busy(rehearsal: Rehearsal) -> bool:
    """Whether it is still being looked for."""
    return rehearsal.job_id is not None and JobRun.objects.filter(pk=rehearsal.job_id, status__in=JobRun.OPEN).exists()
