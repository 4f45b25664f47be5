"""E-mail over SMTP: one recipient per message, one connection for many messages."""

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import formatdate
from typing import Any

from django.utils.translation import gettext_lazy as _

from members import identities
from touchpoints import targets
from touchpoints.connectors.base import (
    Accepted,
    AuthStale,
    BadConfig,
    BadContent,
    BadRecipient,
    Capabilities,
    Deadline,
    Down,
    Message,
    NotTried,
    Outcome,
    Plain,
    Problem,
    Receipt,
    Retryable,
    SendError,
    Setting,
    Throttled,
    Unknown,
)

PER_CONNECTION = 200  # servers close sessions that never end
ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+\.[^\s<>@,;:\".]+")
DEAD = re.compile(r"5\.1\.\d+|5\.7\.0 blacklist|user unknown|no such user|does not exist", re.IGNORECASE)
SECURITY = (("starttls", "STARTTLS"), ("tls", "TLS"), ("none", _("不加密（仅限本机）")))


class _Plain(smtplib.SMTP):
    """Connects to the vetted address, whatever the name means by now; certificates are checked against the name."""

    def __init__(self, *args: Any, ip: str, **kwargs: Any) -> None:
        self.ip = ip
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return socket.create_connection((self.ip, port), timeout)


class _Secure(smtplib.SMTP_SSL):
    def __init__(self, *args: Any, ip: str, **kwargs: Any) -> None:
        self.ip = ip
        super().__init__(*args, **kwargs)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((self.ip, port), timeout)
        return self.context.wrap_socket(plain, server_hostname=host)


class EmailSmtp(Plain):
    """Accepted means that the SMTP server took responsibility; delivered only when it reports so."""

    title = _("邮件（SMTP）")
    icon = "mail"
    caps = Capabilities(carrier="email", address="email", batch=10, html=True, subject=True, receipts=frozenset({"push", "poll"}))
    settings = (
        Setting("host", _("服务器"), default="127.0.0.1", help=_("SMTP 服务器地址；本机收件箱为 127.0.0.1")),
        Setting("port", _("端口"), "number", default=587),
        Setting("security", _("加密"), "choice", choices=SECURITY, default="starttls"),
        Setting("username", _("用户名"), required=False),
        Setting("password", _("密码"), "secret", required=False),
        Setting("from_email", _("发件地址")),
        Setting("from_name", _("发件人名称"), required=False),
        Setting("reply_to", _("回复地址"), required=False),
        Setting("timeout", _("超时（秒）"), "number", default=10),
    )

    def __init__(self, config: dict[str, Any], secrets: dict[str, str], *, connector_id: int) -> None:
        super().__init__(config, secrets, connector_id=connector_id)
        self._smtp: smtplib.SMTP | None = None
        self._sent = 0

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        found = super().problems(config, secrets)
        for key in ("from_email", "reply_to"):
            if config.get(key) and not ADDRESS.fullmatch(config[key]):
                found.append(Problem(key, str(_("不是有效的邮件地址"))))
        if not 1 <= int(config.get("port") or 0) <= 65535:
            found.append(Problem("port", str(_("端口须在 1 到 65535 之间"))))
        if not 1 <= float(config.get("timeout") or 10) <= 15:
            found.append(Problem("timeout", str(_("超时须在 1 到 15 秒之间"))))
        return found + _inside(str(config.get("host") or ""), int(config.get("port") or 0))

    # -- Talking ---------------------------------------------------------------------------------
    def check(self) -> str:
        """Connect, sign in, say NOOP."""
        smtp = self._open()
        with self._translated():
            code, words = smtp.noop()
        self.close()
        return f"{code} {words.decode(errors='replace')}"

    def send(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """Each message by itself; when the server goes away the rest is reported as not tried."""
        outcomes: list[Outcome] = []
        for message in messages:
            if deadline.passed():
                break
            outcomes.append(self._one(message, deadline))
            if isinstance(outcomes[-1], Down | Throttled | BadConfig | AuthStale):
                break
        return outcomes + [NotTried()] * (len(messages) - len(outcomes))

    def _one(self, message: Message, deadline: Deadline) -> Outcome:
        if not ADDRESS.fullmatch(message.address):
            return BadRecipient(str(_("不是有效的邮件地址")))
        committed = False
        try:
            smtp = self._open()
            body = self._wire(message)
            self._ask(
                smtp.mail, self.config["from_email"], [f"size={len(body)}"] if smtp.has_extn("size") else [], blame=BadConfig
            )
            self._ask(smtp.rcpt, message.address, blame=BadRecipient)
            if deadline.passed():
                smtp.rset()
                return NotTried()
            self._ask(smtp.docmd, "DATA", good=354, blame=BadContent)
            committed = True  # from here on a silence may mean yes
            smtp.send(body)
            reply = self._ask(smtp.getreply, blame=BadContent)
        except SendError as error:
            self._after(error)
            # Servers repeat the address in their refusal; what is kept of it may be read by those who must not see it.
            error.detail = error.detail.replace(message.address, identities.hint("email", message.address))
            return error
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Unknown(_words(error)) if committed else Down(_words(error))
        self._sent += 1
        return Accepted(reply[-80:])

    def _after(self, error: SendError) -> None:
        """The session goes on after a refusal; anything else starts a new one."""
        if self._smtp is None:
            return
        try:
            self._smtp.rset() if isinstance(error, BadRecipient | BadContent | Retryable) else self.close()
        except (smtplib.SMTPException, OSError):
            self._drop()

    @staticmethod
    def _ask(command: Any, *args: Any, good: int = 250, blame: type[SendError]) -> str:
        code, raw = command(*args)
        words = f"{code} {raw.decode(errors='replace')}".replace("\n", " ")[:200]
        if code == good or (good == 250 and code == 251):
            return words
        if code == 421:
            raise Throttled(words, after=timedelta(seconds=60))
        if 400 <= code < 500:
            raise Retryable(words)
        raise BadRecipient(words, block=bool(DEAD.search(words))) if blame is BadRecipient else blame(words)

    def _wire(self, message: Message) -> bytes:
        """Headers and both bodies, lines ended and dots doubled as SMTP wants them."""
        mail = EmailMessage(policy=WIRE)
        domain = self.config["from_email"].rpartition("@")[2]
        mail["From"] = Address(self.config.get("from_name") or "", addr_spec=self.config["from_email"])
        mail["To"] = message.address
        mail["Subject"] = " ".join(message.subject.split())
        mail["Message-ID"] = f"<{message.key}@{domain}>"
        mail["Date"] = formatdate(localtime=False)
        if self.config.get("reply_to"):
            mail["Reply-To"] = self.config["reply_to"]
        if message.unsubscribe_url:
            mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail["X-Delivery-Key"] = message.key
        mail.set_content(message.text, cte="base64")
        if message.html:
            mail.add_alternative(message.html, subtype="html", cte="base64")
        wire = re.sub(rb"(?m)^\.", b"..", mail.as_bytes())
        return wire + (b".\r\n" if wire.endswith(b"\r\n") else b"\r\n.\r\n")

    # -- The session -----------------------------------------------------------------------------
    def _open(self) -> smtplib.SMTP:
        if self._smtp is not None and self._sent < PER_CONNECTION:
            return self._smtp
        self.close()
        with self._translated():
            self._smtp = self._connected()
        self._sent = 0
        return self._smtp

    def _connected(self) -> smtplib.SMTP:
        host, port, timeout = self.config["host"], int(self.config["port"]), float(self.config.get("timeout") or 10)
        security, secure = self.config.get("security"), ssl.create_default_context()
        # Our name is that of the sender: asking the resolver for this machine's can take seconds.
        common: dict[str, Any] = {
            "timeout": timeout,
            "local_hostname": self.config["from_email"].rpartition("@")[2] or "localhost",
        }
        ip = targets.mail_server(host, port)
        smtp: smtplib.SMTP = (
            _Secure(host, port, ip=ip, context=secure, **common) if security == "tls" else _Plain(host, port, ip=ip, **common)
        )
        if security == "starttls":
            smtp.starttls(context=secure)
        smtp.ehlo_or_helo_if_needed()
        if self.config.get("username"):
            smtp.login(self.config["username"], self.secrets.get("password", ""))
        return smtp

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise BadConfig(_words(error)) from error
        except smtplib.SMTPNotSupportedError as error:
            raise BadConfig(_words(error)) from error
        except ssl.SSLCertVerificationError as error:
            raise BadConfig(_words(error)) from error
        except smtplib.SMTPConnectError as error:
            raise (Throttled if error.smtp_code == 421 else Down)(_words(error), after=timedelta(seconds=60)) from error
        except targets.Forbidden as error:
            raise BadConfig(str(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise Down(_words(error)) from error

    def poll(self, cursor: str) -> tuple[list[Receipt], str]:
        """Only this machine's own catch-all inbox can be asked what it stored."""
        from touchpoints import mailbox

        return mailbox.stored(cursor) if mailbox.is_ours(self.config) else ([], cursor)

    def _drop(self) -> None:
        """Hang up without a word: the other side does not answer."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()


def _inside(host: str, port: int) -> list[Problem]:
    """An address that is plainly inside this network is refused when it is saved; names are looked up when they are used."""
    try:
        inner = not targets.is_public(host)
    except ValueError:
        inner = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if not inner or targets.may_be_private(host, port):
        return []
    return [Problem("host", str(_("内部网络地址须由系统管理员在 PRIVATE_MAIL_SERVERS 中允许")))]


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        return f"{error.smtp_code} {raw.decode(errors='replace') if isinstance(raw, bytes) else raw}"[:200]
    if isinstance(error, socket.timeout | TimeoutError):
        return str(_("服务器没有在限定时间内回答"))
    return f"{type(error).__name__}: {error}"[:200]
