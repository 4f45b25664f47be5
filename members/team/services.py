"""Giving and taking access to a pool."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from members.models import Pool, PoolAccess
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from scrm.staff.permissions import Role


@transaction.atomic
def invite(*, pool: Pool, username: str, display_name: str, password: str, role: str, actor: User) -> PoolAccess:
    """Let someone into the pool; makes the user when the name is new.

    An existing user keeps name and password: who administers one pool does not own people of others.
    """
    user = User.objects.filter(username=username).first()
    if user is None:
        if not password:
            raise Problem("password_missing", _("新员工需要一个初始密码"), {"password": "required"})
        _check_password(password)
        user = User.objects.create_user(username=username, password=password, display_name=display_name)
    if PoolAccess.objects.filter(user=user, pool=pool).exists():
        raise Problem("already_here", _("此人已在本会员池"), {"username": "taken"})
    access = PoolAccess.objects.create(user=user, pool=pool, role=role)
    audit(actor=actor, action="team.invite", target=user, pool_id=pool.pk, role=role)
    return access


def _check_password(password: str) -> None:
    try:
        validate_password(password)
    except ValidationError as error:
        raise Problem("password_weak", " ".join(error.messages), {"password": error.messages}) from error


@transaction.atomic
def change_role(*, access: PoolAccess, role: str, actor: User) -> None:
    """Give another role; the pool always keeps an administrator."""
    _keep_an_admin(access, staying=role == Role.ADMIN)
    before = access.role
    PoolAccess.objects.filter(pk=access.pk).update(role=role)
    audit(actor=actor, action="team.role", target=access.user, pool_id=access.pool_id, before=before, after=role)


@transaction.atomic
def remove(*, access: PoolAccess, actor: User) -> None:
    """Take access away: pages and tokens of the pool stop working at the next request."""
    _keep_an_admin(access, staying=False)
    access.delete()
    audit(actor=actor, action="team.remove", target=access.user, pool_id=access.pool_id)


def _keep_an_admin(access: PoolAccess, staying: bool) -> None:
    admins = PoolAccess.objects.select_for_update().filter(pool_id=access.pool_id, role=Role.ADMIN)
    if not staying and [admin.pk for admin in admins] == [access.pk]:
        raise Problem("last_admin", _("会员池至少要有一位管理员"))
