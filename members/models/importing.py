from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.pool import Channel, Pool


class ImportRun(models.Model):
    """One file on its way in: upload → map → check → import."""

    class Kind(models.TextChoices):
        MEMBERS = "members", _("会员")
        ORDERS = "orders", _("订单")
        LINES = "lines", _("订单行")
        PRODUCTS = "products", _("商品")
        EVENTS = "events", _("行为事件")
        REFUNDS = "refunds", _("退款")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", _("已上传")
        CHECKING = "checking", _("检查中")
        CHECKED = "checked", _("待确认")
        IMPORTING = "importing", _("导入中")
        DONE = "done", _("已完成")
        FAILED = "failed", _("失败")
        CANCELLED = "cancelled", _("已取消")
        REVERTING = "reverting", _("撤销中")
        REVERTED = "reverted", _("已撤销")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    kind = models.CharField(_("内容"), max_length=10, choices=Kind.choices)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, verbose_name=_("来源渠道"))
    file_name = models.CharField(_("文件"), max_length=200)
    path = models.CharField(max_length=400)  # below MEDIA_ROOT
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    format = models.CharField(max_length=10)  # csv, xlsx, parquet
    encoding = models.CharField(max_length=20, blank=True)
    delimiter = models.CharField(max_length=2, blank=True)
    columns = models.JSONField(default=list)  # as found in the file
    sample = models.JSONField(default=list)  # the first rows, to show beside the mapping
    mapping = models.JSONField(default=dict)  # target field -> column of the file
    options = models.JSONField(default=dict)  # date format, unit of money, values of statuses
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.UPLOADED)
    counts = models.JSONField(default=dict)  # rows, new, updated, unchanged, refused …
    journal = models.JSONField(default=dict)  # what was written and where that is noted, as long as it can be reverted
    job_id = models.BigIntegerField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("导入")
        indexes = [models.Index(fields=["pool", "-created_at"], name="import_pool_created")]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.status})"


class ImportSample(models.Model):
    """One of the first rows of each outcome of a check: what the file says, and what is known now."""

    class Outcome(models.TextChoices):
        NEW = "new", _("新增")
        UPDATED = "updated", _("更新")
        UNCHANGED = "unchanged", _("无变化")
        CONFLICTING = "conflicting", _("冲突")
        REFUSED = "refused", _("拒绝")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="samples", db_index=False)
    outcome = models.CharField(max_length=11, choices=Outcome.choices)
    line = models.BigIntegerField()
    said = models.JSONField(default=dict)  # field -> text as it stands in the file; identities masked
    before = models.JSONField(default=dict)  # field -> what is known now, of what the row would change or contradicts
    reason = models.CharField(max_length=40, blank=True)  # a code of a conflict or refusal

    class Meta:
        indexes = [models.Index(fields=["run", "outcome", "line"], name="sample_run_outcome")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.line} {self.outcome}"


class ImportLeftover(models.Model):
    """Something an import wrote that its revert left as it is, and why."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="leftovers", db_index=False)
    label = models.CharField(max_length=20)  # member, identity, order, line, product, event, merge
    subject = models.BigIntegerField(null=True)  # the member it belongs to, if it does
    name = models.CharField(max_length=120, blank=True)  # what a person knows it by: an order's number, a sku
    reason = models.CharField(max_length=20)  # changed, in_use, merged, gone …
    detail = models.JSONField(default=dict)  # fields that changed since, tables that hold something

    class Meta:
        indexes = [models.Index(fields=["run", "label"], name="leftover_run_label")]

    def __str__(self) -> str:
        return f"{self.run_id}: {self.label} {self.name} {self.reason}"


class ImportReject(models.Model):
    """A row that was refused: where it stands, why, and what it said."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="rejects", db_index=False)
    line = models.BigIntegerField()
    column = models.CharField(max_length=120, blank=True)
    code = models.CharField(max_length=40)
    row = models.JSONField(default=list)  # the cells, in the order of the file's columns

    class Meta:
        indexes = [models.Index(fields=["run", "line"], name="reject_run_line")]

    def __str__(self) -> str:
        return f"{self.run_id}:{self.line} {self.code}"


class SavedMapping(models.Model):
    """A pool's own way of reading one kind of file: kept from the mapping page, suggested when the headings come again."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    name = models.CharField(_("名称"), max_length=60)
    kind = models.CharField(_("内容"), max_length=10, choices=ImportRun.Kind.choices)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, verbose_name=_("来源渠道"))
    columns = models.JSONField(default=list)  # headings of the file it was kept from
    mapping = models.JSONField(default=dict)  # target field -> column of the file
    options = models.JSONField(default=dict)  # words, date format, unit of money …
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("导入方案")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_mapping_per_name")]

    def __str__(self) -> str:
        return self.name
