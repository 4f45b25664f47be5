"""What kinds and codes of StateChange are called. Upper apps name those they write: `changes.register(function)`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from members.models import StateChange
from members.models.state import LeadStage, RfmGroup, Stage


@dataclass(frozen=True)
class Named:
    """A kind of change, its codes, and where it is shown."""

    label: Any
    codes: Mapping[int, Any] = field(default_factory=dict)
    url: str = ""

    def said(self, code: int | None) -> str:
        """What people read for a code; none before the first and after the last."""
        return "–" if code is None else str(self.codes.get(code, code))


Namer = Callable[[int, Collection[int]], Mapping[int, Named]]
_namers: list[Namer] = []
OWN = {
    int(StateChange.Kind.STAGE): Named(StateChange.Kind.STAGE.label, dict(Stage.choices)),
    int(StateChange.Kind.RFM): Named(StateChange.Kind.RFM.label, dict(RfmGroup.choices)),
    int(StateChange.Kind.LEAD): Named(StateChange.Kind.LEAD.label, dict(LeadStage.choices)),
}


def register(namer: Namer) -> Namer:
    """Declare a function (pool_id, kinds) that names the kinds it knows."""
    if namer not in _namers:
        _namers.append(namer)
    return namer


def named(pool_id: int, kinds: Collection[int]) -> dict[int, Named]:
    """Names of these kinds; one nobody knows any more is its number."""
    found = {kind: Named(str(kind)) for kind in kinds} | {kind: OWN[kind] for kind in kinds if kind in OWN}
    unknown = [kind for kind in kinds if kind not in OWN]
    for namer in _namers if unknown else []:
        found |= namer(pool_id, unknown)
    return found
