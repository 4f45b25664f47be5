from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.consent import ConsentBase
from members.models.pool import Pool


class AccessEntry(models.Model):
    """Somebody looked at personal data. `member_id` 0: at many at once, `count` says at how many; append-only."""

    class What(models.TextChoices):
        PAGE = "page", _("打开会员页")
        REVEAL = "reveal", _("查看明文")
        API = "api", _("API 读取明文")
        LIST = "list", _("申请导出")
        DOWNLOAD = "download", _("下载导出文件")
        PERSON = "person", _("导出个人数据")
        REJECTS = "rejects", _("读取被拒绝的行")

    PLAIN = (What.REVEAL, What.API, What.PERSON, What.REJECTS, What.DOWNLOAD)

    pk = models.CompositePrimaryKey("member_id", "id")
    member_id = models.BigIntegerField(_("会员"))
    id = models.BigIntegerField()  # random: nobody waits for a sequence
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, db_index=False, related_name="+"
    )
    at = models.DateTimeField(_("时间"))
    what = models.CharField(_("行为"), max_length=10, choices=What.choices)
    detail = models.CharField(max_length=60, blank=True)  # kind of identity, "import:12", "export:7"
    count = models.IntegerField(_("会员数"), default=1)
    reason = models.CharField(_("原因"), max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True)
    agent = models.CharField(max_length=80, blank=True)

    class Meta:
        verbose_name = _("访问记录")
        indexes = [
            models.Index(fields=["pool", "-at", "-id"], name="access_pool_at"),
            models.Index(fields=["pool", "actor", "-at"], name="access_actor_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%F %T} {self.actor_id} {self.what} {self.member_id or self.count}"


class ExportRequest(models.Model):
    """Somebody wants members as a file: what for, whom, which columns, masked or in full, and who agreed."""

    class Kind(models.TextChoices):
        LIST = "list", _("会员名单")
        PERSON = "person", _("个人数据")

    class Status(models.TextChoices):
        REQUESTED = "requested", _("待审批")
        APPROVED = "approved", _("生成中")
        DONE = "done", _("可下载")
        REFUSED = "refused", _("已拒绝")
        EXPIRED = "expired", _("已过期")
        FAILED = "failed", _("失败")
        CANCELLED = "cancelled", _("已取消")

    class Purpose(models.TextChoices):
        ANALYSIS = "analysis", _("数据分析")
        MARKETING = "marketing", _("营销触达")
        SERVICE = "service", _("客户服务")
        RECONCILE = "reconcile", _("对账核对")
        LEGAL = "legal", _("法律或监管要求")
        SUBJECT = "subject", _("本人申请")
        OTHER = "other", _("其他")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.LIST)
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    purpose = models.CharField(_("用途"), max_length=12, choices=Purpose.choices)
    reason = models.CharField(_("说明"), max_length=200, blank=True)
    chosen = models.JSONField(default=dict)  # {"ids": […]}, {"query": "stage=1"} or {"person": 42}
    count = models.BigIntegerField(_("人数"), default=0)  # when it was asked for
    columns = models.JSONField(default=list)
    is_full = models.BooleanField(_("完整号码"), default=False)
    form = models.CharField(_("格式"), max_length=5, default="csv")  # csv, xlsx, zip
    language = models.CharField(max_length=10, default="zh-hans")
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.REQUESTED)
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(_("审批意见"), max_length=200, blank=True)
    job_id = models.BigIntegerField(null=True)
    path = models.CharField(max_length=200, blank=True)  # below MEDIA_ROOT; empty: the file is gone
    rows = models.BigIntegerField(_("行数"), default=0)
    size = models.BigIntegerField(_("大小"), default=0)
    downloads = models.IntegerField(_("下载次数"), default=0)
    created_at = models.DateTimeField(_("申请时间"))
    expires_at = models.DateTimeField(_("有效期至"))

    class Meta:
        verbose_name = _("导出申请")
        indexes = [
            models.Index(fields=["pool", "-created_at"], name="export_pool_created"),
            models.Index(
                fields=["expires_at"],
                name="export_open",
                condition=models.Q(status__in=["requested", "approved", "done"]),
            ),
        ]

    def __str__(self) -> str:
        return f"export {self.pk} {self.status}"


class ConsentWording(models.Model):
    """The text people agree to, in versions that never change."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    carrier = models.CharField(_("渠道"), max_length=20, choices=ConsentBase.Carrier.choices)
    purpose = models.CharField(_("用途"), max_length=12, choices=ConsentBase.Purpose.choices)
    version = models.CharField(_("文本版本"), max_length=60)
    text = models.TextField(_("授权文本"))
    valid_from = models.DateTimeField(_("生效时间"))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("授权文本")
        constraints = [models.UniqueConstraint(fields=["pool", "carrier", "purpose", "version"], name="one_wording_per_version")]

    def __str__(self) -> str:
        return f"{self.carrier}/{self.purpose} {self.version}"


class Erasure(models.Model):
    """Proof that a person was erased: when, why, by whom, how much of what. It does not say who it was."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("排队中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("失败")

    class Cause(models.TextChoices):
        PERSON = "person", _("本人申请")
        WITHDRAWN = "withdrawn", _("撤回授权")
        PURPOSE = "purpose", _("目的已达成或期限届满")
        LEGAL = "legal", _("法律或监管要求")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    member_hash = models.BinaryField(max_length=16)  # keyed: crypto.fingerprint("member:42")
    subject = models.BigIntegerField(null=True)  # the member's number, until it is done
    cause = models.CharField(_("依据"), max_length=10, choices=Cause.choices)
    reason = models.CharField(_("原因"), max_length=200)
    is_blocked = models.BooleanField(_("阻止旧数据带回"), default=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.REQUESTED)
    counts = models.JSONField(default=dict)  # what -> number of rows or files
    checked = models.JSONField(default=dict)  # the search afterwards: columns, found
    job_id = models.BigIntegerField(null=True)
    requested_at = models.DateTimeField(_("申请时间"))
    done_at = models.DateTimeField(_("完成时间"), null=True)

    class Meta:
        verbose_name = _("抹除记录")
        indexes = [
            models.Index(fields=["pool", "-requested_at"], name="erasure_pool_at"),
            models.Index(fields=["pool", "member_hash"], name="erasure_member"),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk} {self.status}"


class Tombstone(models.Model):
    """The keyed hash of an identity of somebody who was erased: files must not bring it back unasked."""

    pk = models.CompositePrimaryKey("pool", "kind", "value_hash")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, db_index=False)
    kind = models.CharField(max_length=20)
    value_hash = models.BinaryField(max_length=16)
    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="tombstones")
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("阻止名单")

    def __str__(self) -> str:
        return f"{self.kind} erased at {self.at:%F}"
