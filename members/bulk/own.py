"""What the member list itself can do to many: put on a tag, take one off, give to a colleague."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members.bulk import packing
from members.bulk.acts import Act, Asking, Doing, Done, register
from members.facets import owner_options, tag_options
from members.models import OwnerChange, Pool, Tag, TagChange
from members.ownership import services as ownership
from members.sets import array
from members.tagging import marking, validity
from members.tagging.marking import Mark
from members.versions import bump
from scrm.lib.problems import Problem
from scrm.staff.models import User


def _tag(pool: Pool, value: Any) -> Tag:
    number = str(value or "")
    found = Tag.objects.filter(pool=pool, pk=int(number)).select_related("group").first() if number.isdecimal() else None
    if found is None:
        raise Problem("bulk.no_tag", _("请选择一个标签"), {"tag": [_("请选择一个标签")]})
    return found


def _clean_tag(asking: Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    tag = _tag(asking.pool, data.get("tag"))
    marking.refuse_kept(tag)
    return {"tag": tag.pk}


def _clean_new_tag(asking: Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    params = _clean_tag(asking, data)
    marking.refuse_over(_tag(asking.pool, params["tag"]), asking.as_of)
    return params


def _said_tag(pool: Pool, params: dict[str, Any]) -> str:
    found = Tag.objects.filter(pool=pool, pk=params.get("tag") or 0).select_related("group").first()
    return f"{found.group.name} · {found.name}" if found else _("标签已删除")


def _tags(pool: Pool) -> dict[str, Any]:
    return {"tags": tag_options(pool, by_hand=True)}


# -- Tags -----------------------------------------------------------------------------------------
def put_on(doing: Doing, ids: BitMap) -> Done:
    """Tag members; of an exclusive group they keep only the new one, and what it replaced is noted."""
    tag = _tag(doing.pool, doing.params["tag"])
    mark, due = _mark(doing), validity.due(tag, doing.as_of)
    done = marking.put_on(tag, ids, mark, due)
    marking.prolong(tag, ids - done.added, mark, due)
    return Done(done.added | packing.members_of(done.replaced), done.replaced)


def _mark(doing: Doing) -> Mark:
    return Mark(TagChange.How.BULK, doing.as_of, doing.actor.pk if doing.actor else None, doing.number)


def _undoing(doing: Doing) -> dict[str, Any]:
    """What history says of putting things back."""
    actor = doing.actor.pk if doing.actor else None
    return {"as_of": doing.now or doing.as_of, "actor_id": actor, "ref": doing.number, "pool_id": doing.pool.pk}


def take_back(doing: Doing, done: Done) -> int:
    """Take off what still stands as it was put on, then give back what it had replaced."""
    tag = _tag(doing.pool, doing.params["tag"])
    put = {"tag_id": tag.pk, "put_at": doing.as_of, "put_by": doing.actor.pk if doing.actor else None}
    given = {**put, **_undoing(doing), "ids": array(done.changed)}
    gone = packing.members_of(packing.rows_of("members/tagging/take_back", given))
    _put_back(doing, packing.only(done.before, gone))
    if gone:
        bump(doing.pool.pk, "tags")
    return len(gone)


def take_off(doing: Doing, ids: BitMap) -> Done:
    """Untag members; when and by whom they were tagged is noted."""
    tag = _tag(doing.pool, doing.params["tag"])
    gone = marking.take_off([tag.pk], ids, _mark(doing))
    if gone.size:
        bump(doing.pool.pk, "tags")
    return Done(packing.members_of(gone), gone)


def give_back(doing: Doing, done: Done) -> int:
    """The tag as it was, with its time; whoever carries it again keeps the new one."""
    back = _put_back(doing, done.before)
    if back:
        bump(doing.pool.pk, "tags")
    return len(back)


def _put_back(doing: Doing, rows: packing.Rows) -> BitMap:
    if not rows.size:
        return BitMap()
    given = {name: packing.column(rows, n) for n, name in enumerate(("members", "tags", "us", "by", "due"))}
    return packing.members_of(packing.rows_of("members/tagging/put_back", {**given, **_undoing(doing)}))


# -- Owners ---------------------------------------------------------------------------------------
def _clean_owner(asking: Asking, data: Mapping[str, Any]) -> dict[str, Any]:
    value, reason = str(data.get("owner") or ""), " ".join(str(data.get("reason") or "").split())[:200]
    known = {str(pk) for pk, _label in owner_options(asking.pool)}
    if value not in known:
        raise Problem("bulk.no_owner", _("请选择一位导购"), {"owner": [_("请选择一位导购")]})
    if not reason:
        raise Problem("bulk.no_reason", _("请写明原因"), {"reason": [_("请写明原因")]})
    owner = int(value) if value.isdecimal() else None
    ownership.receiver(asking.pool, owner, "owner")
    return {"owner": owner, "reason": reason}


def _said_owner(_pool: Pool, params: dict[str, Any]) -> str:
    found = User.objects.filter(pk=params.get("owner") or 0).first()
    return f"{found or _('无专属导购')} · {params.get('reason', '')}"


def _owners(pool: Pool) -> dict[str, Any]:
    return {"owners": owner_options(pool)}


def assign(doing: Doing, ids: BitMap) -> Done:
    """Let a colleague look after members; who did before is noted."""
    before = packing.rows_of("members/bulk/list_owners", {"ids": array(ids), "pool_id": doing.pool.pk}, 2)
    changed = ownership.assign(
        pool=doing.pool,
        members=ids,
        to=User.objects.filter(pk=doing.params["owner"]).first() if doing.params["owner"] else None,
        reason=doing.params["reason"],
        actor=doing.actor,
        as_of=doing.as_of,
        how=OwnerChange.How.HANDOVER,
    )
    found = BitMap(changed)
    return Done(found, packing.only(before, found))


def reassign(doing: Doing, done: Done) -> int:
    """Back to whom they had, unless somebody else was chosen since."""
    now = packing.rows_of("members/bulk/list_owners", {"ids": array(done.changed), "pool_id": doing.pool.pk}, 2)
    still = packing.members_of(now[now[:, 1] == (doing.params["owner"] or 0)]) if now.size else BitMap()
    rows, back = packing.only(done.before, still), 0
    for owner in sorted(set(rows[:, 1].tolist())) if rows.size else ():
        back += len(
            ownership.move(
                pool_id=doing.pool.pk,
                members=packing.members_of(rows[rows[:, 1] == owner]),
                to=owner or None,
                how=OwnerChange.How.UNDO,
                reason=doing.params["reason"],
                by=doing.actor.pk if doing.actor else None,
                as_of=doing.as_of,
            )
        )
    return back


register(
    Act(
        "tag",
        gettext_lazy("打标签"),
        "tag",
        "tags.edit",
        _clean_new_tag,
        put_on,
        take_back,
        template="bulk/tag.html",
        context=_tags,
        said=_said_tag,
    )
)
register(
    Act(
        "untag",
        gettext_lazy("取下标签"),
        "tag-off",
        "tags.edit",
        _clean_tag,
        take_off,
        give_back,
        template="bulk/tag.html",
        context=_tags,
        said=_said_tag,
    )
)
register(
    Act(
        "assign",
        gettext_lazy("分配导购"),
        "user-share",
        "members.edit",
        _clean_owner,
        assign,
        reassign,
        template="bulk/assign.html",
        context=_owners,
        said=_said_owner,
    )
)
