"""One signed request to an address that was vetted (Standard Webhooks), and what its answer means."""

import http.client
import json
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from pyroaring import BitMap

from scrm.lib import crypto
from segmentation.models import SegmentHook, SegmentNotice
from touchpoints import signatures, targets

TIMEOUT = 5.0  # seconds
ANSWER_LIMIT = 4096
GONE = 410


@dataclass(frozen=True)
class Answer:
    """What became of a request: the HTTP status (None when there was none), and a few words."""

    code: int | None
    words: str

    @property
    def is_taken(self) -> bool:
        return self.code is not None and 200 <= self.code < 300

    @property
    def is_unwanted(self) -> bool:
        """The receiver wants no more of these."""
        return self.code == GONE


def context_of(hook_id: int) -> str:
    """What a secret is bound to."""
    return f"segment-hook:{hook_id}"


def secret_of(hook: SegmentHook) -> str:
    return crypto.decrypt(hook.sealed, context_of(hook.pk))


def body_of(notice: SegmentNotice) -> dict[str, Any]:
    """What is posted: which segment, which change of it, whom."""
    segment = notice.hook.segment
    data = {
        "segment": segment.pk,
        "name": segment.name,
        "revision": notice.revision,
        "as_of": notice.as_of.isoformat(),
        "part": notice.part,
        "parts": notice.parts,
        "members": list(BitMap.deserialize(bytes(notice.bitmap))),
    }
    return {"type": f"segment.{notice.way}", "timestamp": notice.as_of.isoformat(), "data": data}


def post(hook: SegmentHook, key: str, payload: dict[str, Any], now: datetime) -> Answer:
    """Send it; whatever goes wrong comes back as an answer, never as an exception."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    head = signatures.headers(secret_of(hook), key, body, now)
    head |= {"Content-Type": "application/json; charset=utf-8", "User-Agent": "scrm-webhook/1", "Idempotency-Key": key}
    try:
        target = targets.vet(hook.url)
        line = target.connect(TIMEOUT)
        try:
            line.request("POST", target.path, body, head)
            answer = line.getresponse()
            words = answer.read(ANSWER_LIMIT)[:120].decode(errors="replace")
            return Answer(answer.status, f"{answer.status} {words}".strip().replace("\x00", ""))
        finally:
            line.close()
    except targets.Forbidden as refused:
        return Answer(None, str(refused))
    except (http.client.HTTPException, OSError, ValueError) as error:  # ValueError: what cannot be written into a request
        return Answer(None, _said(error))


def _said(error: Exception) -> str:
    """What went wrong on the way, in words where it is one of the usual things."""
    usual: dict[type[Exception], str] = {
        socket.gaierror: _("找不到这个域名"),
        ConnectionRefusedError: _("对方没有在这个端口接听"),
        TimeoutError: _("对方没有及时回答"),
        ssl.SSLError: _("对方的证书核验不通过"),
    }
    words = next((words for kind, words in usual.items() if isinstance(error, kind)), type(error).__name__)
    return f"{words} ({error})" if str(error) else words
