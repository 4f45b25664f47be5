"""What every connector promises. How to write one: docs/adding-a-connector.md."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Deadline:
    """Until when a batch may still be sent. Start it *before* the intent to send is written down.

    CLOCK_BOOTTIME goes on while a machine is suspended; CLOCK_MONOTONIC would let it wake up and send.
    """

    CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def __init__(self, seconds: float) -> None:
        self._end = time.clock_gettime(self.CLOCK) + seconds

    def passed(self) -> bool:
        return time.clock_gettime(self.CLOCK) >= self._end


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one recipient, rendered. `key` is the same each time this delivery is tried."""

    key: str
    address: str
    subject: str = ""
    text: str = ""
    html: str = ""
    unsubscribe_url: str = ""
    attempt: int = 1
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it; `ref` is its own number of the message."""

    ref: str = ""


class SendError(Exception):
    """Why a message was not accepted. Raised for a whole call, returned for one recipient."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str = "", *, after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.detail, self.after = detail[:200], after


class Retryable(SendError):
    """Surely not accepted; may work later (after `after`)."""

    code = "retry"


class Throttled(Retryable):
    """Too fast: the whole connector waits `after`."""

    code = "throttled"


class Down(Retryable):
    """The provider cannot be reached or answers for nobody: the message's own attempts are not used up."""

    code = "down"


class BadRecipient(SendError):
    """This address will never work; `block` says that the provider calls it dead for good."""

    code = "bad_recipient"

    def __init__(self, detail: str = "", *, block: bool = False) -> None:
        super().__init__(detail)
        self.block = block


class BadContent(SendError):
    """The provider will never take this text."""

    code = "bad_content"


class BadConfig(SendError):
    """The account is set up wrongly: nothing leaves until a person has looked."""

    code = "bad_config"


class AuthStale(SendError):
    """The session or token ran out; once renewed, the same call may be made again."""

    code = "auth_stale"


class Unknown(SendError):
    """It may have been accepted. Never sent again without look-up or the provider's own key."""

    code = "unknown"


class NotTried(SendError):
    """The deadline passed, or an earlier failure ended the batch: certainly not sent."""

    code = "not_tried"


Outcome = Accepted | SendError


@dataclass(frozen=True)
class Receipt:
    """What a provider reports of one message."""

    key: str
    kind: str  # delivered, read, clicked, failed, bounced, complained, unsubscribed
    at: datetime
    detail: str = ""


@dataclass(frozen=True)
class Found:
    """Answer of a look-up: accepted or surely not. A key that is missing from the answer stays unknown."""

    accepted: bool
    ref: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What the outbox has to know of a provider."""

    carrier: str  # members.Consent.Carrier
    address: str  # kind of identity written to; "" when the member's number is enough
    batch: int  # messages whose outcome a crash leaves open; as many per intent
    html: bool = False
    subject: bool = False
    max_text: int = 100_000
    lookup: bool = False
    idempotency: timedelta | None = None  # how long the provider takes the same key for the same message
    receipts: frozenset[str] = frozenset()  # "push", "poll"
    needs_unsubscribe: bool = True


@dataclass(frozen=True)
class Setting:
    """One field of a connector's form."""

    key: str
    label: str | Promise
    kind: str = "text"  # text, number, secret, choice, flag
    help: str | Promise = ""
    default: Any = ""
    choices: tuple[tuple[str, Any], ...] = ()
    required: bool = True


@dataclass(frozen=True)
class Problem:
    """What is wrong with a content or a configuration, and where."""

    field: str
    message: str


class Connector(Protocol):
    """One account at one provider, opened: holds connections, is used by one process at a time."""

    title: ClassVar[str | Promise]
    icon: ClassVar[str]
    caps: ClassVar[Capabilities]
    settings: ClassVar[tuple[Setting, ...]]

    def __init__(self, config: dict[str, Any], secrets: dict[str, str], *, connector_id: int) -> None: ...

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        """What is wrong with a configuration, before it is saved."""

    def check(self) -> str:
        """Talk to the provider without sending; what it answered. Raises SendError."""

    def validate(self, subject: str, body: str) -> list[Problem]:
        """What this provider would refuse in a content."""

    def send(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """One outcome per message, in order. Looks at the deadline before every single call."""

    def lookup(self, keys: Sequence[str], since: datetime) -> dict[str, Found]:
        """What became of messages whose outcome is unknown."""

    def poll(self, cursor: str) -> tuple[list[Receipt], str]:
        """New receipts after `cursor`, and the next cursor."""

    def close(self) -> None:
        """Give back connections."""


class Plain:
    """Defaults for connectors without look-up, polling or limits of their own."""

    do_not_call_in_templates = True  # pages are given the class itself

    title: ClassVar[str | Promise]
    icon: ClassVar[str]
    caps: ClassVar[Capabilities]
    settings: ClassVar[tuple[Setting, ...]] = ()

    def __init__(self, config: dict[str, Any], secrets: dict[str, str], *, connector_id: int) -> None:
        self.config, self.secrets, self.connector_id = config, secrets, connector_id

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        given = {**config, **secrets}
        missing = [each for each in cls.settings if each.required and given.get(each.key) in ("", None)]
        return [Problem(each.key, str(_("请填写“%(field)s”") % {"field": each.label})) for each in missing]

    def validate(self, subject: str, body: str) -> list[Problem]:
        found = []
        if self.caps.subject and not subject.strip():
            found.append(Problem("subject", str(_("请填写主题"))))
        if len(body) > self.caps.max_text:
            found.append(Problem("body", str(_("正文最长 %(n)s 个字符") % {"n": self.caps.max_text})))
        return found

    def lookup(self, keys: Sequence[str], since: datetime) -> dict[str, Found]:
        return {}

    def poll(self, cursor: str) -> tuple[list[Receipt], str]:
        return [], cursor

    def close(self) -> None:
        return None
