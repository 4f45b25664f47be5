"""Erasing a person: files first, while what to look for is known; every table in one transaction; then a search.

The member stays as a number without a name: orders, events and results keep their totals. `merged_into` 0
takes it out of every list, segment and campaign, as a merge does, with nobody to lead to.
"""

from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import identities
from members.importing.locks import writing
from members.merging import tables
from members.models import Erasure, Identity, Member, Pool, Tombstone
from members.privacy import copies, deciding, search
from members.privacy.deciding import Person
from members.versions import DOMAINS, bump
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.jobs.running import RunningJob
from scrm.lib import clock, crypto, sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import AuditEntry, User

KIND = "members.erase"
# What people call tables whose models have no name of their own; those nobody has heard of are not listed.
NAMES = {
    "members.Consent": gettext_lazy("授权"),
    "members.ConsentEntry": gettext_lazy("授权记录"),
    "members.GuardedUse": gettext_lazy("共用标识"),
    "members.MemberTag": gettext_lazy("标签"),
    "members.StateChange": gettext_lazy("状态变化"),
    "campaigns.Participant": gettext_lazy("参与的活动"),
}
UNSEEN = ("members.TouchedMember", "loyalty.DueMember")
ERASED = 0  # Member.merged_into of somebody who is nobody any more


def hash_of(number: int) -> bytes:
    """How a proof knows whose it is without saying so."""
    return crypto.fingerprint(f"member:{number}")


def is_erased(member: Member) -> bool:
    """Whether a member is only a number any more."""
    return member.merged_into == ERASED


def erased(pool_id: int, numbers: list[int]) -> set[int]:
    """Those of the members who were erased: nothing of them can be brought back."""
    found = Member.objects.filter(pool_id=pool_id, pk__in=numbers, merged_into=ERASED)
    return set(found.values_list("pk", flat=True))


def proof_of(pool: Pool, number: int) -> Erasure | None:
    """The proof for a member's number, the latest one."""
    found = Erasure.objects.filter(pool=pool, member_hash=hash_of(number))
    return found.select_related("actor", "pool").order_by("-requested_at", "-pk").first()


# -- Asking --------------------------------------------------------------------------------------
@transaction.atomic
def request(*, member: Member, cause: str, reason: str, typed: str, block: bool, actor: User | Any, as_of: datetime) -> Erasure:
    """Have a person erased; nobody can undo it. `typed` is the member's number, written by hand.

    `block` keeps files that name the person's identities from bringing them back unasked.
    """
    member = Member.objects.select_for_update().get(pk=member.pk)
    if is_erased(member):
        raise Problem("erase.done", _("这位会员已被抹除"))
    if member.merged_into:
        raise Problem("member.merged", _("这位会员已合并到 %(id)s，请对那一位操作") % {"id": member.merged_into})
    if typed.strip() != str(member.pk):
        raise Problem("erase.not_typed", _("请输入会员编号 %(id)s 以确认") % {"id": member.pk}, {"typed": [str(member.pk)]})
    if cause not in Erasure.Cause.values:
        raise Problem("erase.no_cause", _("请选择依据"), {"cause": [_("请选择依据")]})
    if len(reason.strip()) < 4:
        raise Problem("erase.no_reason", _("请写明原因（至少 4 个字）"), {"reason": [_("请写明原因（至少 4 个字）")]})
    _refuse_personal(member, reason)
    made = Erasure.objects.create(
        pool_id=member.pool_id,
        member_hash=hash_of(member.pk),
        subject=member.pk,
        cause=cause,
        reason=reason.strip()[:200],
        is_blocked=block,
        actor=actor,
        requested_at=as_of,
    )
    job = jobs.enqueue(kind=KIND, pool_id=member.pool_id, params={"erasure": made.pk}, actor=actor, key=f"erase:{member.pk}")
    if job.params["erasure"] != made.pk:
        raise Problem("erase.running", _("这位会员正在被抹除"))
    made.job_id = job.pk
    made.save(update_fields=["job_id"])
    audit(actor=actor, action="member.erase.request", target=made, pool_id=member.pool_id, cause=cause)
    return made


def _refuse_personal(member: Member, reason: str) -> None:
    """The proof outlives the person: it must not repeat what is erased."""
    person = person_of(member.pool_id, member.pk)
    if any(value and value.lower() in reason.lower() for value in (*person.values, *person.names)):
        sentence = _("原因里不要写姓名、手机号等个人信息：它会留在证明里")
        raise Problem("erase.personal_reason", sentence, {"reason": [sentence]})


# -- Who it is -----------------------------------------------------------------------------------
def person_of(pool_id: int, number: int) -> Person:
    """The member, all that were merged into it, and everything they can be recognised by."""
    numbers = [row["id"] for row in sql.rows("members/privacy/list_merged", {"pool_id": pool_id, "number": number})]
    known = list(Identity.objects.filter(member_id__in=numbers))
    names = Member.objects.filter(pk__in=numbers).exclude(name="").values_list("name", flat=True)
    told = AuditEntry.objects.filter(target__in=[f"members.member:{n}" for n in numbers], action="member.edit")
    former = [pair[0] for row in told for key, pair in row.data.get("changes", {}).items() if key == "name" and pair[0]]
    return Person(
        pool_id=pool_id,
        number=number,
        numbers=tuple(numbers),
        hashes=tuple((row.kind, bytes(row.value_hash)) for row in known),
        values=tuple(dict.fromkeys(identities.plain(row) for row in known)),
        hints=tuple(dict.fromkeys(row.hint for row in known if row.hint)),
        names=tuple(dict.fromkeys([*names, *former])),
    )


# -- Doing ---------------------------------------------------------------------------------------
def carry_out(running: RunningJob) -> dict[str, Any]:
    """The job. Begun again after a crash it finds either the person, or the proof already written."""
    made = Erasure.objects.get(pk=running.params["erasure"])
    if made.status == Erasure.Status.DONE or made.subject is None:
        return {"counts": made.counts}
    person = person_of(made.pool_id, made.subject)
    running.checkpoint(phase="files", done=0, total=3)
    files = copies.remove(person)
    running.checkpoint(phase="tables", done=1)
    with transaction.atomic():
        writing(made.pool_id)
        counts = _tables(made, person)
        made.counts = {**counts, **{f"files:{name}": n for name, n in files.items() if n}}
        made.status, made.subject, made.done_at = Erasure.Status.DONE, None, clock.now()
        made.save()
        bump(made.pool_id, *DOMAINS)
        audit(actor=made.actor, action="member.erase", target=made, pool_id=made.pool_id, rows=sum(counts.values()))
    running.checkpoint(phase="search", done=2)
    made.checked = search.everywhere(person)
    made.save(update_fields=["checked"])
    running.checkpoint(done=3)
    return {"rows": sum(counts.values()), "files": sum(files.values()), "found": made.checked["found"]}


def _tables(made: Erasure, person: Person) -> dict[str, int]:
    if made.is_blocked:
        rows = [
            Tombstone(pool_id=made.pool_id, kind=kind, value_hash=mark, erasure=made, at=made.requested_at)
            for kind, mark in person.hashes
        ]
        Tombstone.objects.bulk_create(rows, ignore_conflicts=True)
    counts = deciding.apply(person)
    counts["members.Member"] = sql.execute("members/privacy/empty_members", {"ids": person.ids, "erased": ERASED})
    JobRun.objects.filter(pk=made.job_id or 0).update(key=None)
    return counts


def erasures(pool: Pool) -> Any:
    """Proofs of the pool, newest first."""
    return Erasure.objects.filter(pool=pool).select_related("actor").order_by("-requested_at", "-pk")


def proof(row: Erasure) -> dict[str, Any]:
    """What the certificate says, for programs."""
    return {
        "erasure": row.pk,
        "pool": row.pool.slug,
        "subject": bytes(row.member_hash).hex(),
        "status": row.status,
        "cause": row.cause,
        "reason": row.reason,
        "requested_at": row.requested_at.isoformat(),
        "done_at": row.done_at.isoformat() if row.done_at else None,
        "by": str(row.actor) if row.actor else None,
        "blocked_from_return": row.is_blocked,
        "counts": row.counts,
        "searched": row.checked,
    }


def plan(pool: Pool, member: Member) -> list[tuple[str, str, str]]:
    """What would become of each table that holds rows of this member: name, what happens, why."""
    found = []
    for held in tables():
        if held.label in UNSEEN:
            continue
        fate = deciding.fates.get(held.label)
        act = "erase" if held.label in deciding.erasers else fate.act if fate else "remove"
        if fate is not None and fate.blank:
            act = "blank"
        name = NAMES.get(held.label) or apps.get_model(held.label)._meta.verbose_name
        found.append((str(name), act, fate.why if fate else ""))
    return found
