"""What a row of each kind of file may say, and the headings under which platforms say it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import gettext_lazy as _

from members.models import Identity, ImportRun

ATTRIBUTE = "attr:"  # a mapping key "attr:income" fills Member.attributes["income"]


@dataclass(frozen=True)
class Field:
    """One target of a mapping: its parser and the staging column it fills."""

    key: str
    label: Any
    parser: str
    required: bool = False
    limit: int = 0

    @property
    def identity(self) -> str:
        """The identity kind this field carries, or nothing."""
        return self.key.removeprefix("id:") if self.key.startswith("id:") else ""

    @property
    def column(self) -> str:
        """Its column in the staging table."""
        return f"h_{self.identity}" if self.identity else self.key


def _identity(kind: str) -> Field:
    return Field(f"id:{kind}", Identity.Kind(kind).label, "identity")


IDENTITIES = (
    _identity("phone"),
    _identity("email"),
    _identity("card_no"),
    _identity("unionid"),
    _identity("openid"),
    _identity("external_userid"),
    _identity("tmall_nick"),
    _identity("jd_pin"),
    _identity("device_id"),
)
_CHANNEL = Field("channel_id", _("渠道"), "channel")

FIELDS: dict[str, tuple[Field, ...]] = {
    ImportRun.Kind.MEMBERS: (
        *IDENTITIES,
        Field("name", _("姓名"), "text", limit=80),
        Field("gender", _("性别"), "gender"),
        Field("birthday", _("生日"), "day"),
        Field("province", _("省份"), "text", limit=30),
        Field("city", _("城市"), "text", limit=30),
        Field("joined_at", _("加入时间"), "instant"),
        Field("status", _("身份"), "member_status"),
        _CHANNEL,
    ),
    ImportRun.Kind.ORDERS: (
        Field("number", _("订单号"), "text", required=True, limit=60),
        *IDENTITIES,
        Field("placed_at", _("下单时间"), "instant", required=True),
        Field("amount", _("实付金额"), "money", required=True),
        Field("status", _("状态"), "order_status"),
        Field("discount", _("优惠金额"), "money"),
        Field("shipping", _("运费"), "money"),
        Field("refunded", _("退款金额"), "money"),
        Field("store", _("门店"), "text", limit=40),
        _CHANNEL,
    ),
    ImportRun.Kind.LINES: (
        Field("number", _("订单号"), "text", required=True, limit=60),
        Field("sku", _("商品编码"), "text", required=True, limit=60),
        Field("n", _("行号"), "count"),
        Field("quantity", _("数量"), "count"),
        Field("amount", _("金额"), "money", required=True),
        Field("discount", _("优惠金额"), "money"),
        Field("product", _("商品名"), "text", limit=200),
        _CHANNEL,
    ),
    ImportRun.Kind.PRODUCTS: (
        Field("sku", _("商品编码"), "text", required=True, limit=60),
        Field("name", _("商品名"), "text", limit=200),
        Field("category", _("品类"), "text", limit=80),
        Field("subcategory", _("子品类"), "text", limit=80),
        Field("brand", _("品牌"), "text", limit=80),
        Field("price", _("标价"), "money"),
    ),
    ImportRun.Kind.EVENTS: (
        *IDENTITIES,
        Field("kind", _("行为"), "text", required=True, limit=40),
        Field("occurred_at", _("发生时间"), "instant", required=True),
        Field("event_id", _("事件编号"), "text", limit=120),
        _CHANNEL,
    ),
}
# Files whose rows belong to a person must name that person by at least one of these.
NEEDS_IDENTITY = {ImportRun.Kind.MEMBERS, ImportRun.Kind.ORDERS, ImportRun.Kind.EVENTS}
OWN_COLUMNS = {ImportRun.Kind.MEMBERS, ImportRun.Kind.EVENTS}  # what else stands there may be kept as attributes


def fields_of(kind: str) -> dict[str, Field]:
    """The fields of a kind of file by key."""
    return {field.key: field for field in FIELDS[kind]}


def plain(heading: str) -> str:
    """A heading without what people decorate it with: case, spaces, units, brackets, a mark for "required"."""
    text = unicodedata.normalize("NFKC", heading).lower().strip().strip("*：: ")
    text = re.sub(r"[(（\[【].*?[)）\]】]$", "", text).strip()
    return re.sub(r"[\s\-.]+", "_", text).strip("_")


@cache
def headings(kind: str) -> dict[str, list[str]]:
    """Field key → the headings it is known by (headings.yaml)."""
    known = yaml.safe_load(Path(__file__).with_name("headings.yaml").read_text())
    return {key: [str(name) for name in names] for part in ("everywhere", kind) for key, names in known.get(part, {}).items()}


def suggest(kind: str, columns: Iterable[str]) -> dict[str, str]:
    """The likely mapping field → column: each column once, earlier synonyms first."""
    free = {plain(column): column for column in reversed(list(columns))}
    found: dict[str, str] = {}
    for field in FIELDS[kind]:
        for name in (field.key.removeprefix("id:"), *headings(kind).get(field.key, [])):
            if (column := free.get(plain(name))) is not None:
                found[field.key] = column
                del free[plain(name)]
                break
    return found


def missing(kind: str, mapping: dict[str, str]) -> list[str]:
    """Labels of what a mapping still lacks."""
    lacking = [str(field.label) for field in FIELDS[kind] if field.required and not mapping.get(field.key)]
    if kind in NEEDS_IDENTITY and not any(mapping.get(field.key) for field in IDENTITIES):
        lacking.append(str(_("至少一种身份标识（手机号、邮箱、会员卡号…）")))
    return lacking
