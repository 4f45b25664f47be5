"""Making schemes, changing them, putting them away. Every change asks for the run that applies it."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import usage
from members.models import Pool
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation.models import Scheme
from segmentation.standings.families import checked, is_known
from segmentation.standings.families import family as family_of

KIND = "segmentation.recalculate_scheme"
USED = "scheme"  # of members.usage
MOST = 40  # schemes of a pool: each costs every run a pass over its members


@transaction.atomic
def save(
    *,
    pool: Pool,
    family: str,
    name: str,
    settings: dict[str, Any],
    note: str = "",
    scheme: Scheme | None = None,
    actor: User | None,
) -> Scheme:
    """A new scheme, or other choices for one; the run that applies them is queued. Raises Problem."""
    if not is_known(family):
        raise Problem("unknown_family", _("没有这种方案类型：%(name)s") % {"name": family}, {"family": [family]})
    wanted = checked(family, settings)
    family_of(family).refuse(wanted, pool)
    chosen = wanted.model_dump(mode="json")
    kept = Scheme.objects.select_for_update().get(pk=scheme.pk) if scheme else _new(pool, family)
    before = _told(kept) if scheme else {}
    kept.name, kept.note, kept.settings, kept.actor = name.strip(), note.strip(), chosen, actor
    _keep(kept)
    audit(actor=actor, action="standings.save", target=kept, pool_id=pool.pk, before=before, after=_told(kept))
    if kept.is_active and kept.is_stale:
        ask(scheme=kept, actor=actor)
    return kept


def _new(pool: Pool, family: str) -> Scheme:
    if Scheme.objects.filter(pool=pool, is_active=True).count() >= MOST:
        raise Problem("too_many_schemes", _("最多同时启用 %(n)s 个方案，请先归档不用的方案。") % {"n": MOST})
    return Scheme(pool=pool, family=family)


def _keep(scheme: Scheme) -> None:
    if not scheme.name:
        raise Problem("name_missing", _("请填写方案名称。"), {"name": [_("请填写方案名称。")]})
    try:
        with transaction.atomic():
            scheme.save()
    except IntegrityError:
        said = _("已有同名方案「%(name)s」。") % {"name": scheme.name}
        raise Problem("name_taken", said, {"name": [said]}) from None


def _told(scheme: Scheme) -> dict[str, Any]:
    return {"name": scheme.name, "note": scheme.note, "settings": scheme.settings, "is_active": scheme.is_active}


def ask(*, scheme: Scheme, actor: User | None = None) -> JobRun:
    """Have everybody computed anew in one scheme, as a job."""
    params, key = {"scheme": scheme.pk}, f"scheme:{scheme.pk}"
    return jobs.enqueue(kind=KIND, pool_id=scheme.pool_id, params=params, actor=actor, key=key)


def stale(pool: Pool) -> list[Scheme]:
    """Active schemes whose standings are not by what people want now."""
    return [scheme for scheme in Scheme.objects.filter(pool=pool, is_active=True) if scheme.is_stale and is_known(scheme.family)]


@transaction.atomic
def archive(*, scheme: Scheme, actor: User | None, as_of: datetime) -> None:
    """Put a scheme away: it is not kept up any more. Raises `usage.InUse` while something asks for it."""
    usage.refuse(USED, scheme.pool_id, scheme.pk, scheme.name)
    Scheme.objects.filter(pk=scheme.pk).update(is_active=False, archived_at=as_of, updated_at=as_of)
    audit(actor=actor, action="standings.archive", target=scheme, pool_id=scheme.pool_id)


@transaction.atomic
def restore(*, scheme: Scheme, actor: User | None, as_of: datetime) -> None:
    """Bring a scheme back and have it computed."""
    if Scheme.objects.filter(pool_id=scheme.pool_id, is_active=True).count() >= MOST:
        raise Problem("too_many_schemes", _("最多同时启用 %(n)s 个方案，请先归档不用的方案。") % {"n": MOST})
    Scheme.objects.filter(pk=scheme.pk).update(is_active=True, archived_at=None, updated_at=as_of)
    audit(actor=actor, action="standings.restore", target=scheme, pool_id=scheme.pool_id)
    ask(scheme=scheme, actor=actor)
