from typing import Any

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from members.models.pool import Pool


class AttributeField(models.Model):
    """A fact of members that one pool declares for itself; values live in `Member.attributes` under `key`.

    `choices` is a list of {"value", "label", "label_en", "was"}: the value that is kept, what people
    read, and the values it had before it was renamed.
    """

    class Kind(models.TextChoices):
        TEXT = "text", _("文本")
        NUMBER = "number", _("数值")
        DATE = "date", _("日期")
        CHOICE = "choice", _("单选")
        MULTI = "multi_choice", _("多选")
        BOOLEAN = "boolean", _("是否")

    WITH_CHOICES = (Kind.CHOICE, Kind.MULTI)

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="attribute_fields")
    key = models.CharField(_("字段标识"), max_length=40)
    label = models.CharField(_("名称"), max_length=40)
    label_en = models.CharField(_("英文名称"), max_length=60, blank=True)
    kind = models.CharField(_("类型"), max_length=12, choices=Kind.choices)
    choices = models.JSONField(_("选项"), default=list, blank=True)
    unit = models.CharField(_("单位"), max_length=12, blank=True)
    description = models.CharField(_("说明"), max_length=200, blank=True)
    is_sensitive = models.BooleanField(_("敏感"), default=False)
    position = models.IntegerField(_("顺序"), default=0)
    is_archived = models.BooleanField(_("已归档"), default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("自定义字段")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["pool", "key"], name="one_attribute_per_key")]

    def __str__(self) -> str:
        return self.said(get_language() or "")

    def said(self, language: str) -> str:
        """Its name in a language; without an English name the Chinese one serves both."""
        return self.label if language.startswith("zh") else self.label_en or self.label

    @property
    def values(self) -> list[str]:
        """The values a choice may have, in their order."""
        return [choice["value"] for choice in self.choices]

    def formerly(self, value: str) -> list[str]:
        """A value and the names it had before: what rows not rewritten yet may say."""
        return [value, *(old for choice in self.choices if choice["value"] == value for old in choice.get("was", []))]

    def choice_label(self, value: Any, language: str | None = None) -> str:
        """What people read for a value; a value that is no choice any more is shown as it is."""
        zh = (language or get_language() or "").startswith("zh")
        for choice in self.choices:
            if value == choice["value"] or value in choice.get("was", []):
                return str((choice.get("label") if zh else choice.get("label_en") or choice.get("label")) or choice["value"])
        return str(value)
