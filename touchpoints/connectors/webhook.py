"""Messages as signed JSON to an address of the user's own (Standard Webhooks)."""

import http.client
import json
import re
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Consent
from scrm.lib import clock
from touchpoints import signatures, targets
from touchpoints.connectors.base import (
    Accepted,
    AuthStale,
    BadConfig,
    BadRecipient,
    Capabilities,
    Deadline,
    Down,
    Message,
    NotTried,
    Outcome,
    Plain,
    Problem,
    Retryable,
    SendError,
    Setting,
    Throttled,
    Unknown,
)

LONGEST_WAIT = timedelta(hours=1)
ANSWER_LIMIT = 64 * 1024


class Webhook(Plain):
    """2xx is accepted. The receiver must drop repeats of a `webhook-id`: that is the standard's contract."""

    title = "Webhook"
    icon = "webhook"
    caps = Capabilities(
        carrier="webhook",
        address="",
        batch=20,
        idempotency=timedelta(hours=24),
        receipts=frozenset({"push"}),
        needs_unsubscribe=False,
    )
    settings = (
        Setting("url", _("地址"), help=_("以 POST 接收 JSON 的 https 地址；演示池和沙箱可留空，由本机接收")),
        Setting("secret", _("签名密钥"), "secret", required=False, help=_("留空自动生成；用于 HMAC-SHA256 签名，也用于校验回执")),
        Setting(
            "carrier",
            _("最终渠道"),
            "choice",
            help=_("按这个渠道检查会员的同意"),
            choices=tuple(Consent.Carrier.choices),
            default="webhook",
        ),
        Setting("timeout", _("超时（秒）"), "number", default=5),
    )

    def __init__(self, config: dict[str, Any], secrets: dict[str, str], *, connector_id: int) -> None:
        super().__init__(config, secrets, connector_id=connector_id)
        self._line: tuple[targets.Target, http.client.HTTPConnection] | None = None

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        found = super().problems(config, secrets)
        try:
            if config.get("url"):
                targets.shape(config["url"])
        except targets.Forbidden as error:
            found.append(Problem("url", str(error)))
        if not 1 <= float(config.get("timeout") or 5) <= 10:
            found.append(Problem("timeout", str(_("超时须在 1 到 10 秒之间"))))
        return found

    def check(self) -> str:
        """A signed ping; a receiver that knows no pings may still answer 2xx."""
        now = clock.now()
        identity = f"ping_{int(now.timestamp())}"
        answer = self._call(identity, {"type": "ping", "timestamp": now.isoformat(), "data": {}})
        if isinstance(answer, SendError):
            raise answer
        return answer.ref

    def send(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """One request per message over one connection."""
        outcomes: list[Outcome] = []
        for message in messages:
            if deadline.passed():
                break
            outcomes.append(self._call(message.key, self._payload(message)))
            if isinstance(outcomes[-1], Down | Throttled | BadConfig | AuthStale):
                break
        return outcomes + [NotTried()] * (len(messages) - len(outcomes))

    @staticmethod
    def _payload(message: Message) -> dict[str, Any]:
        body = {"key": message.key, "subject": message.subject, "text": message.text, **message.data}
        return {"type": "message.send", "timestamp": clock.now().isoformat(), "data": body}

    def _call(self, identity: str, payload: dict[str, Any]) -> Outcome:
        body = json.dumps(payload, ensure_ascii=False).encode()
        head = signatures.headers(self.secrets.get("secret", ""), identity, body, clock.now())
        head |= {"Content-Type": "application/json; charset=utf-8", "User-Agent": "scrm-webhook/1"}
        try:
            target, line = self._open()
        except targets.Forbidden as error:
            return BadConfig(str(error))
        except OSError as error:
            return Down(f"{type(error).__name__}: {error}")
        except ValueError as error:  # what cannot be written into a request
            return BadConfig(f"{type(error).__name__}: {error}")
        return self._exchange(target, line, body, head)

    def _exchange(self, target: targets.Target, line: http.client.HTTPConnection, body: bytes, head: dict[str, str]) -> Outcome:
        fresh, sent = line.sock is None, False
        try:
            if fresh:
                line.connect()
            sent = True
            line.request("POST", target.path, body, head)
            answer = line.getresponse()
            words = answer.read(ANSWER_LIMIT)[:120].decode(errors="replace")
            if answer.will_close or answer.length:
                self.close()
        except (http.client.HTTPException, OSError) as error:
            self.close()
            words = f"{type(error).__name__}: {error}"
            return Unknown(words) if sent else Down(words)
        except ValueError as error:  # it could not be written into a request: nothing was sent
            self.close()
            return BadConfig(f"{type(error).__name__}: {error}")
        return verdict(answer.status, f"{answer.status} {words}".strip(), answer.headers.get("Retry-After"))

    def _open(self) -> tuple[targets.Target, http.client.HTTPConnection]:
        if self._line is None:
            target = targets.vet(self.config["url"])
            self._line = target, target.connect(float(self.config.get("timeout") or 5))
        return self._line

    def close(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line[1].close()


def verdict(status: int, words: str, retry_after: str | None) -> Outcome:
    """What an HTTP answer means for the message."""
    if 200 <= status < 300:
        return Accepted(words[:80])
    if status in (429, 503):
        return Throttled(words, after=_wait(retry_after))
    if status == 410:
        stop = _("接收方要求停止发送（410）")
        return BadConfig(f"{words} – {stop}")
    if status in (401, 403, 404) or 300 <= status < 400:
        return BadConfig(words)
    if status == 408 or status >= 500:
        return Retryable(words, after=_wait(retry_after) if retry_after else None)
    return BadRecipient(words)


def _wait(retry_after: str | None) -> timedelta:
    """Retry-After in seconds or as a date, within reason."""
    text = (retry_after or "").strip()
    if re.fullmatch(r"\d{1,9}", text):
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(text) - clock.now(), timedelta(seconds=1)), LONGEST_WAIT)
    except (TypeError, ValueError):
        return timedelta(seconds=30)
