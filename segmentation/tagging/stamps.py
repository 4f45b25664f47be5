"""What a rule's answer depends on: while that is the same, applying it again changes nothing."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from members.models import Pool
from members.versions import DOMAINS, versions
from segmentation.evaluate import rule_of
from segmentation.models import Segment, TagRule
from segmentation.rules.ast import walk
from segmentation.rules.normalise import Leaf, normalise, text
from segmentation.rules.parse import RuleError, parse
from segmentation.rules.statements import domains


def stamp(rule: TagRule, as_of: datetime) -> dict[str, Any]:
    """Versions of the data it reads, the day, and what it asks for at that instant; JSON that is compared as it is.

    Data nobody counts the changes of (`leaves.UNCOUNTED`) is never the same twice.
    """
    found = _Reading(rule.pool, as_of)
    if rule.segment_id:
        found.revision(rule.segment_id)
    else:
        found.whole(rule.rule)
    now, once = versions(rule.pool_id), as_of.isoformat()
    seen: dict[str, Any] = {domain: now.get(domain, once) for domain in sorted(found.domains)}
    seen["day"] = as_of.astimezone(rule.pool.zone).date().isoformat()
    seen["asked"] = hashlib.sha256("\n".join(found.asked).encode()).hexdigest()
    return seen


@dataclass
class _Reading:
    """What rules read, through however many segments. Members who are not there are read by all of them."""

    pool: Pool
    as_of: datetime
    domains: set[str] = field(default_factory=lambda: {"members"})
    asked: list[str] = field(default_factory=list)  # with windows as instants: those of hours move by the minute
    met: set[int] = field(default_factory=set)

    def whole(self, rule: Any) -> None:
        try:
            tree = normalise(parse(rule), self.as_of, self.pool.zone)
        except RuleError:
            self.domains |= set(DOMAINS)
            return
        self.asked.append(text(tree))
        for leaf in (node for _path, node in walk(tree) if isinstance(node, Leaf)):
            self.domains |= domains(leaf)
            for number in leaf.value if leaf.fact == "segment" else ():
                self.segment(int(number))

    def segment(self, number: int) -> None:
        if number in self.met:
            return
        self.met.add(number)
        row = Segment.objects.filter(pool=self.pool, pk=number).first()
        if row is not None and row.kind == Segment.Kind.LIVE:
            self.whole(rule_of(row))
        else:
            self.revision(number)

    def revision(self, number: int) -> None:
        """Lists, snapshots and segments that are taken as they were last computed."""
        row = Segment.objects.filter(pool=self.pool, pk=number).values_list("revision", flat=True).first()
        self.asked.append(f"segment {number}: {row}")
