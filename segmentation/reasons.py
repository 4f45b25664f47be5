"""Why somebody is in or not: each condition with the member's own value beside what was wanted.

explain_values(pool, rule, member_id, as_of)   in the order of the rule, groups before their conditions
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.models import Pool
from scrm.lib import clock, formats, sql
from segmentation import choices
from segmentation.evaluate import OUTSIDE_SQL, Evaluation, tree_of
from segmentation.rules.ast import All, AnyOf, Condition, walk
from segmentation.rules.catalog import fact
from segmentation.rules.explain import Wanted, explain, wanted
from segmentation.rules.normalise import asked
from segmentation.rules.statements import bound, measured

MOST = 50  # choices of a set that are looked up


@dataclass(frozen=True)
class Reason:
    """One node of a rule and one member."""

    path: str  # the JSON path
    depth: int  # 0 is the rule itself
    holds: bool
    sentence: str
    join: str = ""  # of a group: all, any, none
    label: str = ""  # what was looked at: "orders in the last 90 days"
    value: str = ""  # what was found: "1"
    wanted: str = ""  # "at least 2"
    raw: Any = None  # the value itself, for programs; money in minor units


def explain_values(
    pool: Pool, rule: Any, member_id: int, as_of: datetime | None = None, language: str | None = None
) -> list[Reason]:
    """Every node of a rule for one member. Raises `RuleError` as counting does."""
    look, tree = Evaluation(pool, as_of or clock.now()), tree_of(rule)
    look.prepare(tree)
    told = _Telling(pool, look, member_id, language or get_language() or "zh-hans")
    return [told.reason(path, node) for path, node in walk(tree)]


class _Telling:
    def __init__(self, pool: Pool, look: Evaluation, member_id: int, language: str) -> None:
        self.pool, self.look, self.member_id, self.language = pool, look, member_id, language
        self.names = choices.namer(pool, language)
        self.currency = formats.sign_of(pool.currency)

    def reason(self, path: str, node: Any) -> Reason:
        holds = self.member_id in self.look.of(node)
        sentence = explain(node, self.language, self.names, self.currency)
        depth = path.count(".")
        if not isinstance(node, Condition):
            join = "all" if isinstance(node, All) else "any" if isinstance(node, AnyOf) else "none"
            return Reason(path, depth, holds, sentence, join)
        parts = wanted(node, self.language, self.names, self.currency)
        raw, said = self.found(node, parts, holds)
        return Reason(path, depth, holds, sentence, "", parts.looked_at, said, parts.asked, raw)

    def found(self, condition: Condition, parts: Wanted, holds: bool) -> tuple[Any, str]:
        """The member's value, as it is and as it is said."""
        about = fact(condition.fact)
        if condition.fact in OUTSIDE_SQL:
            inside = holds != (condition.op == "none")
            return inside, str(_("在其中") if inside else _("不在其中"))
        raw = self.value(condition)
        if raw is None and about.absent is not None:
            raw = about.absent
        if isinstance(raw, datetime):
            return raw, parts.say(raw.astimezone(self.pool.zone))
        return raw, parts.say(raw)

    def value(self, condition: Condition) -> Any:
        """What the rows of the condition say of the member; of a set, all of it."""
        rows = asked(condition, self.look.as_of, self.pool.zone)
        text = f"SELECT v0 FROM ({measured(rows)}) AS leaf WHERE id = %(member)s LIMIT {MOST}"  # noqa: S608 - constants and the catalogue
        found = [value for (value,) in sql.fetch(text, bound(rows, self.pool.pk, self.pool.zone) | {"member": self.member_id})]
        if fact(condition.fact).kind == "set":
            return sorted(set(found), key=str)
        return found[0] if found else None
