"""Where a request of ours may go: resolved once, vetted, and connected to by that very address."""

import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

# Translators to IPv4 pass `is_global` although what they lead to may be private.
TRANSLATED = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")]


class Forbidden(Exception):
    """The address may not be called; the sentence says why."""


@dataclass(frozen=True)
class Target:
    """A vetted address and how to reach it."""

    host: str
    port: int
    ip: str
    path: str
    secure: bool

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection to the vetted address that still checks the name's certificate."""
        return _Secure(self, timeout) if self.secure else _Plain(self, timeout)


class _Plain(http.client.HTTPConnection):
    def __init__(self, target: Target, timeout: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout)
        self.target = target

    def connect(self) -> None:
        self.sock = socket.create_connection((self.target.ip, self.target.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class _Secure(_Plain):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.target.host)


def is_own_catcher(url: str) -> bool:
    """Whether a webhook goes to this installation's own receiver of demo requests."""
    return url.startswith(f"{settings.BASE_URL}/hooks/catch/")


def shape(url: str) -> tuple[str, int, str, bool]:
    """Host, port, path and whether TLS is used; raises Forbidden without asking any name server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden(_("不是有效的网址")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or "\\" in url or not url.isprintable():
        raise Forbidden(_("网址须以 https:// 开头，且不含用户名"))
    if not _can_be_asked(parts):
        raise Forbidden(_("网址的域名不对，或路径里有中文等字符：请写成百分号编码"))
    secure = parts.scheme == "https"
    if not settings.ALLOW_PRIVATE_TARGETS and not is_own_catcher(url) and (not secure or port not in (None, 443)):
        raise Forbidden(_("只允许 https 的 443 端口"))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, port or (443 if secure else 80), path, secure


def _can_be_asked(parts: SplitResult) -> bool:
    """Whether it can be written into a request: a name that name servers take, a path without other than ASCII."""
    try:
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        return False
    return f"{parts.path}{parts.query}".isascii() and " " not in f"{parts.path}{parts.query}"


def vet(url: str) -> Target:
    """Resolve a URL once and refuse addresses inside this network. Raises Forbidden, or OSError when there is no such name."""
    host, port, path, secure = shape(url)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ips = [str(info[4][0]) for info in found]
    if not settings.ALLOW_PRIVATE_TARGETS and not is_own_catcher(url):
        # Every address must be public: a name with one private address is a trap.
        for ip in ips:
            if not is_public(ip):
                raise Forbidden(_("%(host)s 指向内部网络地址") % {"host": host})
    return Target(host, port, ips[0], path, secure)


def mail_server(host: str, port: int) -> str:
    """The address of a mail server, resolved once and vetted. Raises Forbidden, or OSError when there is no such name.

    Servers inside one's own network are named in PRIVATE_MAIL_SERVERS; this machine's own inbox always is.
    """
    ips = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not may_be_private(host, port):
        for ip in ips:
            if not is_public(ip):
                raise Forbidden(_("%(host)s 指向内部网络地址；如确需使用，请在 PRIVATE_MAIL_SERVERS 中列出") % {"host": host})
    return ips[0]


def may_be_private(host: str, port: int) -> bool:
    """Whether somebody who runs this installation has said that mail may go to this server of the inner network."""
    own = host in ("127.0.0.1", "localhost", "::1") and port == settings.INBOX_PORT
    named = {host, f"{host}:{port}"} & set(settings.PRIVATE_MAIL_SERVERS)
    return bool(own or named or settings.ALLOW_PRIVATE_TARGETS)


def is_public(ip: str) -> bool:
    """Whether an address lies on the open internet, also when it hides an IPv4 one."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(str(address.ipv4_mapped))
        if any(address in net for net in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
