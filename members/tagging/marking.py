"""Putting a tag on members and taking it off, with a line of history each. Members come as ids: one or a million."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.bulk.acts import NOTHING
from members.bulk.packing import Rows, members_of, rows_of
from members.models import Tag, TagChange
from members.sets import array
from members.tagging import rivals, validity
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

SHOWN = 50  # ids that an audit line spells out
How = TagChange.How


@dataclass(frozen=True)
class Mark:
    """What history says of a change: how, when, by whom, and the act or run that did it."""

    how: int
    as_of: datetime
    by: int | None = None
    ref: int | None = None

    def params(self) -> dict[str, Any]:
        return {"how": self.how, "as_of": self.as_of, "by_id": self.by, "actor_id": self.by, "ref": self.ref}


@dataclass(frozen=True)
class Marked:
    """Who got a tag, and the rows of weaker rivals that went for it."""

    added: BitMap
    replaced: Rows


def put_on(tag: Tag, ids: Iterable[int], mark: Mark, due: datetime | None = None) -> Marked:
    """Tag members within the caller's transaction; of an exclusive group they keep only this tag.

    Who carries a stronger rival is left alone, who carries the tag keeps it with its time.
    """
    others, wanted = rivals.of(tag, rivals.lock(tag)), array(ids)
    replaced = take_off(others.weaker, wanted, Mark(How.RIVAL, mark.as_of, mark.by, tag.pk)) if others.weaker else NOTHING
    given = {"tag_id": tag.pk, "pool_id": tag.pool_id, "ids": wanted, "stronger": array(others.stronger), "due": due}
    added = members_of(rows_of("members/tagging/put_on", {**given, **mark.params()}))
    if added or replaced.size:
        bump(tag.pool_id, "tags")
    return Marked(added, replaced)


def take_off(tags: Iterable[int], ids: Iterable[int] | str, mark: Mark) -> Rows:
    """Untag members within the caller's transaction; the rows that went: member, tag, at (µs), by, due (µs)."""
    wanted = ids if isinstance(ids, str) else array(ids)
    return rows_of("members/tagging/take_off", {"tags": array(tags), "ids": wanted, **mark.params()}, 5)


def refuse_kept(tag: Tag) -> None:
    """By hand only tags that nobody else keeps: a rule would undo it at its next run."""
    if tag.is_kept:
        said = _("「%(tag)s」由%(source)s自动维护，不能手工打上或取下；要改变它，请改它的规则")
        raise Problem("tags.kept", said % {"tag": tag.name, "source": tag.get_source_display()}, {"tag": [tag.name]})


def refuse_over(tag: Tag, as_of: datetime) -> None:
    """Nobody gets a tag whose last day has passed."""
    if validity.is_over(tag, as_of):
        said = _("「%(tag)s」的有效期到 %(day)s 为止，请先延长有效期") % {"tag": tag.name, "day": tag.valid_until}
        raise Problem("tags.over", said, {"tag": [tag.name]})


@transaction.atomic
def add_tag(*, tag: Tag, members: Iterable[int], actor: User | None, as_of: datetime) -> list[int]:
    """Tag members of the tag's pool by hand; the ids that did not carry it before.

    Of an exclusive group a member keeps only the new tag. A tag that holds for n days holds n days from now, also for
    those who carry it already. Problem "tags.kept" or "tags.over".
    """
    refuse_kept(tag)
    refuse_over(tag, as_of)
    ids = list(members)
    due, mark = validity.due(tag, as_of), Mark(How.MANUAL, as_of, actor.pk if actor else None)
    done = put_on(tag, ids, mark, due)
    prolonged = prolong(tag, ids, mark, due)
    _say("tag.add", tag, list(done.added), actor, replaced=len(done.replaced), prolonged=prolonged)
    return list(done.added)


def prolong(tag: Tag, ids: Iterable[int], mark: Mark, due: datetime | None) -> int:
    """Those of these who carry it keep it until `due` if that is later; how many."""
    if due is None or not tag.valid_days:
        return 0
    return int(sql.value("members/tagging/prolong_tag", {"tag_id": tag.pk, "ids": array(ids), "due": due, **mark.params()}))


@transaction.atomic
def remove_tag(*, tag: Tag, members: Iterable[int], actor: User | None, as_of: datetime) -> list[int]:
    """Take a tag off members by hand; the ids that carried it. Problem "tags.kept"."""
    refuse_kept(tag)
    mark = Mark(How.MANUAL, as_of, actor.pk if actor else None)
    gone = list(members_of(take_off([tag.pk], members, mark)))
    if gone:
        bump(tag.pool_id, "tags")
    _say("tag.remove", tag, gone, actor)
    return gone


def _say(action: str, tag: Tag, members: list[int], actor: User | None, **more: int) -> None:
    target = f"members.member:{members[0]}" if len(members) == 1 else tag
    shown = {key: n for key, n in more.items() if n or key == "replaced"}
    audit(
        actor=actor,
        action=action,
        target=target,
        pool_id=tag.pool_id,
        tag=tag.name,
        members=len(members),
        ids=members[:SHOWN],
        **shown,
    )
