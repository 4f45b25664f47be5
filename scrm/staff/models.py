"""People who work here, what they did, and the tokens they gave to programs."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """Someone who logs in. What they may do is said per pool (members.PoolAccess)."""

    display_name = models.CharField(_("姓名"), max_length=60, blank=True)
    language = models.CharField(_("语言"), max_length=10, blank=True)
    demo_password = models.BooleanField(default=False)  # the password is the printed one

    class Meta:
        verbose_name = _("员工")

    def __str__(self) -> str:
        return self.display_name or self.username


class AuditEntry(models.Model):
    """One act of one person or program: who, what, on what, when; append-only."""

    at = models.DateTimeField(auto_now_add=True)
    actor = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, db_constraint=False)
    pool_id = models.BigIntegerField(null=True)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["pool_id", "-at"], name="audit_pool_at"),
            models.Index(fields=["target", "-at"], name="audit_target_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.action} {self.target}"


class ApiToken(models.Model):
    """A program's key to one pool: only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    pool_id = models.BigIntegerField()
    name = models.CharField(_("名称"), max_length=60)
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("API 令牌")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentCall(models.Model):
    """The answer once given to a write with an Idempotency-Key, given again to its repeats."""

    scope = models.CharField(max_length=120)  # who and which endpoint
    key = models.CharField(max_length=120)
    request_hash = models.BinaryField(max_length=32)
    status = models.SmallIntegerField(null=True)  # null while the first call is under way
    body = models.JSONField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotent_call_once")]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class SignInFailure(models.Model):
    """Failed attempts to sign in under one name or from one address; who fails too often waits."""

    key = models.CharField(max_length=120, primary_key=True)  # "name:alice" or "address:10.0.0.7"
    count = models.IntegerField(default=0)  # since `since`
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)  # nobody gets in before

    class Meta:
        verbose_name = _("登录失败")
        indexes = [models.Index(fields=["since"], name="sign_in_failure_since")]

    def __str__(self) -> str:
        return f"{self.key} {self.count}"
