"""The journey graph as it is stored: entry → nodes → exit, checked before it is ever run."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

# A node's `next` is the id of the node that follows.
NodeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    id: NodeId


class Entry(_Node):
    """Where the audience is frozen and every member gets an arm and a layer."""

    kind: Literal["entry"] = "entry"
    next: NodeId


class Send(_Node):
    """One message per treated member, in the words of the member's layer."""

    kind: Literal["send"] = "send"
    next: NodeId
    close_hours: int = Field(default=72, ge=1, le=24 * 30)  # a message that could not leave by then never does


class Wait(_Node):
    """Everybody stays until so many days after entering."""

    kind: Literal["wait"] = "wait"
    next: NodeId
    days: int = Field(ge=1, le=365)


class Exit(_Node):
    """The end."""

    kind: Literal["exit"] = "exit"


Node = Annotated[Entry | Send | Wait | Exit, Field(discriminator="kind")]


class Graph(BaseModel):
    """Nodes that form one path from the entry to an exit."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    nodes: tuple[Node, ...] = Field(min_length=2, max_length=60)

    @model_validator(mode="after")
    def _is_one_path(self) -> "Graph":
        names = [node.id for node in self.nodes]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two nodes are named {', '.join(sorted(doubled))}")
        if [node.kind for node in self.nodes].count("entry") != 1:
            raise ValueError("a journey has exactly one entry")
        walked, node = [], self.entry
        while not isinstance(node, Exit):
            if node.id in walked:
                raise ValueError(f"{node.id} is reached twice: a journey has no circles")
            walked.append(node.id)
            if node.next not in names:
                raise ValueError(f"{node.id} leads to {node.next}, which does not exist")
            node = self[node.next]
        if lost := set(names) - {*walked, node.id}:
            raise ValueError(f"nothing leads to {', '.join(sorted(lost))}")
        return self

    def __getitem__(self, name: str) -> Any:
        return next(node for node in self.nodes if node.id == name)

    @property
    def entry(self) -> Entry:
        return next(node for node in self.nodes if isinstance(node, Entry))

    @property
    def path(self) -> list[Any]:
        """Nodes in the order in which members meet them."""
        found: list[Any] = [self.entry]
        while not isinstance(found[-1], Exit):
            found.append(self[found[-1].next])
        return found


def one_off(goal_days: int) -> Graph:
    """The shortest journey: send, wait for the goal, leave."""
    return Graph(
        nodes=(
            Entry(id="entry", next="send"),
            Send(id="send", next="window", close_hours=72),
            Wait(id="window", next="exit", days=goal_days),
            Exit(id="exit"),
        )
    )


def hours(count: int) -> timedelta:
    """So many hours: windows are lengths of time, not calendar days."""
    return timedelta(hours=count)


def parse(stored: Any) -> Graph:
    """A graph from its JSON; raises pydantic's ValidationError with the place of each mistake."""
    return Graph.model_validate(stored)


def problems(stored: Any) -> list[str]:
    """What is wrong with a graph, one sentence per place; empty when it can run."""
    try:
        parse(stored)
    except ValidationError as error:
        return [
            _("%(place)s：%(what)s") % {"place": ".".join(map(str, e["loc"])) or _("旅程"), "what": e["msg"]}
            for e in error.errors()
        ]
    return []
