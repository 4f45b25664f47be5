"""Sites: made, changed, given another secret; and what proves who a visitor is."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from members.models import Channel, Pool, Site
from scrm.lib import crypto
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

CONTEXT = "site"
PROOF_AGE = timedelta(hours=1)


@transaction.atomic
def save_site(
    *, pool: Pool, site: Site | None, name: str, origins: Iterable[str], channel: Channel | None, consent: str, is_active: bool,
    actor: User | None, as_of: datetime,
) -> Site:  # fmt: skip
    """A new site, or another's facts changed. Raises Problem for a taken name or an address that is none."""
    site = site or Site(pool=pool, key=secrets.token_urlsafe(12), sealed=_seal(secrets.token_urlsafe(32)), created_at=as_of)
    if Site.objects.filter(pool=pool, name=name).exclude(pk=site.pk).exists():
        raise Problem("site.name_taken", _("已有同名网站：%(name)s") % {"name": name}, {"name": ["taken"]})
    site.name, site.channel, site.consent, site.is_active = name, channel, consent, is_active
    site.origins = list(dict.fromkeys(origin_of(text) for text in origins if text.strip()))
    if not site.origins:
        raise Problem("site.no_origin", _("至少填写一个网址，例如 https://shop.example"), {"origins": ["required"]})
    site.save()
    audit(actor=actor, action="site.save", target=site, pool_id=pool.pk, name=name, origins=site.origins, active=is_active)
    return site


def origin_of(text: str) -> str:
    """Scheme, host and port as browsers send them in `Origin`; Problem when the text is no address."""
    text = text.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or port == 0 or not ("." in host or ":" in host or host == "localhost"):
        raise Problem("site.bad_origin", _("不是网址：%(text)s") % {"text": text}, {"origins": [text]})
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port and port != default else "")


@transaction.atomic
def renew_secret(*, site: Site, actor: User) -> str:
    """Another signing secret; what was signed with the old one no longer holds."""
    secret = secrets.token_urlsafe(32)
    Site.objects.filter(pk=site.pk).update(sealed=_seal(secret))
    audit(actor=actor, action="site.secret", target=site, pool_id=site.pool_id)
    return secret


@transaction.atomic
def reveal_secret(*, site: Site, actor: User) -> str:
    """The signing secret in the clear; who looked is written down."""
    audit(actor=actor, action="site.secret_seen", target=site, pool_id=site.pool_id)
    return secret_of(site)


def secret_of(site: Site) -> str:
    return crypto.decrypt(site.sealed, CONTEXT)


def _seal(secret: str) -> bytes:
    return crypto.encrypt(secret, CONTEXT)


def sign(secret: str, *, visitor: str, kind: str, value: str, at: int) -> str:
    """What the site's own server hands to the page: proof that this visitor is who the value says, at a Unix time."""
    return hmac.new(secret.encode(), "\n".join((visitor, kind, value, str(at))).encode(), hashlib.sha256).hexdigest()


def is_proof(site: Site, said: dict[str, Any], as_of: datetime) -> bool:
    """Whether the site's server signed these words, and did so within the last hour."""
    expected = sign(secret_of(site), visitor=said["visitor"], kind=said["kind"], value=said["value"], at=said["at"])
    fresh = abs(as_of.timestamp() - said["at"]) <= PROOF_AGE.total_seconds()
    return fresh and hmac.compare_digest(expected.encode(), said["signature"].encode())
