"""Tags: groups, labels, who carries them, since when, until when, and who says so.

add_tag(tag=…, members=ids, actor=…, as_of=…)      by hand; one member or a million
keep(tag=…, wanted=bitmap, how=…, as_of=…)         exactly these carry it: rules, segments, models
expire(as_of=…)                                    what is past its time falls off
merge(source=…, target=…, …) · undo_merge(…)       two tags become one, with their history; for a day it can be undone
usage.register(Place(…))                           an app says where it names tags
"""

from members.tagging.groups import COLORS, delete_group, save_group
from members.tagging.keeping import keep
from members.tagging.marking import add_tag, remove_tag
from members.tagging.queries import of_member
from members.tagging.services import delete_tag, save_tag

__all__ = [
    "COLORS",
    "add_tag",
    "delete_group",
    "delete_tag",
    "keep",
    "of_member",
    "remove_tag",
    "save_group",
    "save_tag",
]
