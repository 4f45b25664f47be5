"""Token authentication: `Authorization: Bearer scrm_…`, a pool and scopes come with the token."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from scrm.lib import formats
from scrm.staff.audit import audit
from scrm.staff.models import ApiToken, User
from scrm.staff.permissions import granted

LAST_USED_GRAIN = timedelta(minutes=1)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@transaction.atomic
def issue(*, user: User, pool_id: int, role: str, name: str, scopes: list[str]) -> tuple[ApiToken, str]:
    """A new token and its secret, which is shown once; scopes beyond the user's role are refused."""
    beyond = sorted(set(scopes) - granted(role))
    if beyond:
        raise ValueError(_("您的角色没有这些权限：%(scopes)s") % {"scopes": formats.listed(beyond)})
    secret = f"scrm_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        user=user, pool_id=pool_id, name=name, scopes=scopes, prefix=secret[:10], digest=digest(secret)
    )
    audit(actor=user, action="token.issue", target=token, pool_id=pool_id, scopes=scopes)
    return token, secret


@transaction.atomic
def revoke(*, token: ApiToken, actor: User) -> None:
    """From now on the token is refused."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit(actor=actor, action="token.revoke", target=token, pool_id=token.pool_id)


class TokenAuthentication(BaseAuthentication):
    """Sets `request.auth` to the ApiToken; the pool is resolved by the permission class."""

    keyword = b"bearer"

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Any] | None:
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != self.keyword:
            return None
        token = ApiToken.objects.select_related("user").filter(digest=digest(parts[1].decode("latin1")), revoked_at=None).first()
        if token is None or not token.user.is_active:
            raise AuthenticationFailed(_("令牌无效或已停用"))
        now = timezone.now()
        if token.last_used_at is None or now - token.last_used_at > LAST_USED_GRAIN:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"
