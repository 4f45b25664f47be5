"""A pool's rules for recognising people: those of `members.identities.KINDS`, and what the pool says otherwise."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from members import identities
from members.identities import ASK, ATTACH, KINDS, MERGE
from members.models import Pool

KEY = "oneid"  # in Pool.settings
STAFF = "staff"  # in an order of sources: what somebody who works here, or the member, said
JOINS = {MERGE: _("自动合并"), ASK: _("人工确认"), ATTACH: _("只关联，不合并")}
MOST_LIMIT = 200
FIELDS = ("name", "gender", "birthday", "province", "city", "attributes")
TRUSTED, NEWEST = "trusted", "newest"


@dataclass(frozen=True)
class Rules:
    """What a pool says about its identities."""

    joins: dict[str, str]  # kind -> merge, ask, attach
    limits: dict[str, int]  # kind -> with how many values of another kind it may be seen; 0: never counted
    most: dict[str, int]  # kind -> how many a member may have before a merge is asked about; 0: any number
    ranks: dict[str, int]  # kind -> 1 is trusted most
    mail_names: tuple[str, ...] = ()  # what stands before the @ of mailboxes that belong to nobody
    scopes: dict[str, str] = field(default_factory=dict)  # "openid:mini_program" -> app id
    precedence: dict[str, Any] = field(default_factory=dict)  # field -> {"rule": …, "order": [channel codes, "staff"]}

    def sorted(self, kinds: list[str]) -> list[str]:
        """The kinds by what they prove: those that merge, those that ask, those that do neither; each by rank."""
        weight = {MERGE: 0, ASK: 1, ATTACH: 2}
        return sorted(kinds, key=lambda kind: (weight[self.joins[kind]], self.ranks[kind]))

    def merges(self, kind: str) -> bool:
        return self.joins[kind] == MERGE

    def counted(self, kinds: list[str]) -> list[tuple[str, str]]:
        """Pairs (kind, other kind): how many of the second are seen with one of the first is counted."""
        return [(kind, other) for kind in kinds if self.limits[kind] for other in kinds if other != kind and KINDS[other].strong]

    def scope(self, kind: str, channel: str) -> str:
        """What values of a kind from a channel belong to; empty when the pool does not say."""
        return self.scopes.get(f"{kind}:{channel}", "")


def of(pool: Pool) -> Rules:
    """The rules in force."""
    said = pool.settings.get(KEY, {})
    own: dict[str, dict[str, Any]] = said.get("kinds", {})

    def each(name: str, default: Any) -> dict[str, Any]:
        return {kind: own.get(kind, {}).get(name, default(rules)) for kind, rules in KINDS.items()}

    return Rules(
        joins=each("joins", lambda rules: rules.joins),
        limits=each("limit", lambda rules: rules.limit),
        most=each("most", lambda rules: 0),
        ranks=each("rank", lambda rules: rules.rank),
        mail_names=tuple(said.get("mail_names", ())),
        scopes=said.get("scopes", {}),
        precedence=said.get("precedence", {}),
    )


@dataclass(frozen=True)
class Reading:
    """What the rules mean for the cells of one file."""

    hollow: dict[str, str]  # kind -> pattern of values that name nobody
    scopes: dict[str, str]  # kind -> what its values belong to


def reading(rules: Rules, channel: str = "") -> Reading:
    """For a file of one channel."""
    return Reading(
        hollow={kind: identities.hollow(kind, rules.mail_names) for kind in KINDS},
        scopes={kind: rules.scope(kind, channel) for kind, each in KINDS.items() if each.scope and rules.scope(kind, channel)},
    )
