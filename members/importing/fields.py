"""What a row of each kind of file may say, and the headings under which platforms say it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.utils.translation import gettext, override
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
    def vocabulary(self) -> str:
        """The name its words' meanings are kept under: all consents of a file share theirs."""
        return "consent" if self.parser == "flag" else self.key

    @property
    def carrier(self) -> str:
        """The carrier this consent is for, or nothing."""
        return self.key.removeprefix("consent_") if self.parser == "flag" else ""

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
    _identity("meituan_id"),
    _identity("eleme_id"),
    _identity("douyin_id"),
    _identity("alliance_id"),
    _identity("device_id"),
    _identity("visitor_id"),
)
_CHANNEL = Field("channel_id", _("渠道"), "channel")
_NUMBER = Field("number", _("订单号"), "code", required=True, limit=60)
_SKU = Field("sku", _("商品编码"), "code", required=True, limit=60)
# Marketing by carrier, each with the moment and the wording that were agreed to.
CONSENTS = (
    Field("consent_sms", _("同意营销短信"), "flag"),
    Field("consent_email", _("同意营销邮件"), "flag"),
    Field("consent_wecom", _("同意企业微信营销"), "flag"),
    Field("consent_mini_program", _("同意小程序营销"), "flag"),
    Field("consent_push", _("同意 App 推送"), "flag"),
    Field("consent_at", _("同意时间"), "instant"),
    Field("consent_wording", _("同意文本版本"), "text", limit=60),
)

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
        Field("owner", _("归属员工"), "staff"),
        Field("store", _("归属门店"), "store", limit=40),
        _CHANNEL,
        *CONSENTS,
    ),
    ImportRun.Kind.ORDERS: (
        _NUMBER,
        *IDENTITIES,
        Field("placed_at", _("下单时间"), "instant", required=True),
        Field("amount", _("实付金额"), "total", required=True),
        Field("status", _("状态"), "order_status"),
        Field("discount", _("优惠金额"), "deduction"),
        Field("shipping", _("运费"), "money"),
        Field("refunded", _("退款金额"), "deduction"),
        Field("refunded_at", _("退款时间"), "instant"),
        Field("status_at", _("状态时间"), "instant"),
        Field("store", _("门店"), "text", limit=40),
        Field("original", _("原订单号"), "code", limit=60),
        _CHANNEL,
    ),
    ImportRun.Kind.LINES: (
        _NUMBER,
        _SKU,
        Field("n", _("行号"), "count"),
        Field("quantity", _("数量"), "pieces"),
        Field("amount", _("金额"), "total", required=True),
        Field("price", _("单价"), "money"),
        Field("discount", _("优惠金额"), "deduction"),
        Field("product", _("商品名"), "text", limit=200),
        _CHANNEL,
    ),
    ImportRun.Kind.PRODUCTS: (
        _SKU,
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
    ImportRun.Kind.REFUNDS: (
        _NUMBER,
        Field("refund", _("退款编号"), "code", limit=60),
        Field("refunded", _("退款金额"), "deduction", required=True),
        Field("refunded_at", _("退款时间"), "instant"),
        Field("status", _("退款状态"), "refund_status"),
        _CHANNEL,
    ),
}
# Files whose rows belong to a person must name that person by at least one of these.
NEEDS_IDENTITY = {ImportRun.Kind.MEMBERS, ImportRun.Kind.ORDERS, ImportRun.Kind.EVENTS}
IN_CHANNEL = {ImportRun.Kind.ORDERS, ImportRun.Kind.LINES, ImportRun.Kind.REFUNDS}  # an order number is one channel's
OWN_COLUMNS = {ImportRun.Kind.MEMBERS, ImportRun.Kind.EVENTS}  # what else stands there may be kept as attributes


def fields_of(kind: str, mapping: Mapping[str, str] | None = None) -> dict[str, Field]:
    """The fields of a kind of file by key, as a mapping needs them: a line's price and quantity can stand for its amount."""
    found = {field.key: field for field in FIELDS[kind]}
    if mapping and kind == ImportRun.Kind.LINES and mapping.get("price") and not mapping.get("amount"):
        found["amount"] = replace(found["amount"], required=False)
        found["price"] = replace(found["price"], required=True)
    return found


def plain(heading: str) -> str:
    """A heading without what people decorate it with: case, spaces, units, brackets, a mark for "required"."""
    text = unicodedata.normalize("NFKC", heading).lower().strip().strip("*：: ")
    text = re.sub(r"[(（\[【].*?[)）\]】]$", "", text).strip()
    return re.sub(r"[\s\-._]+", "", text)


@cache
def headings(kind: str) -> dict[str, list[str]]:
    """Field key → the headings it is known by (headings.yaml)."""
    known = yaml.safe_load(Path(__file__).with_name("headings.yaml").read_text())
    return {key: [str(name) for name in names] for part in ("everywhere", kind) for key, names in known.get(part, {}).items()}


def suggest(kind: str, columns: Iterable[str]) -> dict[str, str]:
    """The likely mapping field → column: each column once, earlier synonyms first."""
    known = headings(kind)
    return pick({field.key: [field.key.removeprefix("id:"), *known.get(field.key, [])] for field in FIELDS[kind]}, columns)


def pick(names: Mapping[str, Iterable[str]], columns: Iterable[str]) -> dict[str, str]:
    """Field → column from the headings each field may go by: each column once, what comes first wins."""
    free = {plain(column): column for column in reversed(list(columns)) if column not in ours()}
    found: dict[str, str] = {}
    for key, headings_ in names.items():
        for name in headings_:
            if (column := free.pop(plain(name), None)) is not None:
                found[key] = column
                break
    return found


def own_headings() -> tuple[str, str, str, str]:
    """What our download of refused rows adds to the columns of the file."""
    return (gettext("#原行号"), gettext("#问题列"), gettext("#代码"), gettext("#原因"))


@cache
def ours() -> frozenset[str]:
    """Those headings in every language: a corrected file that comes back has them, and they are no data."""
    found: set[str] = set()
    for language, _name in settings.LANGUAGES:
        with override(language):
            found |= set(own_headings())
    return frozenset(found)


def missing(kind: str, mapping: Mapping[str, str]) -> list[str]:
    """Labels of what a mapping still lacks."""
    lacking = [str(field.label) for field in fields_of(kind, mapping).values() if field.required and not mapping.get(field.key)]
    if kind in NEEDS_IDENTITY and not any(mapping.get(field.key) for field in IDENTITIES):
        lacking.append(str(_("至少一种身份标识（手机号、邮箱、会员卡号…）")))
    return lacking
