"""What a row of each kind of file may say, and the headings under which platforms say it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from members.models import Identity, ImportRun

ATTRIBUTE = "attr:"  # a mapping key "attr:income" fills Member.attributes["income"]


@dataclass(frozen=True)
class Field:
    """One target of a mapping: its parser, the staging column it fills, headings it is known by."""

    key: str
    label: Any
    parser: str
    names: str = ""
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


def _identity(kind: str, names: str) -> Field:
    return Field(f"id:{kind}", Identity.Kind(kind).label, "identity", names)


IDENTITIES = (
    _identity(
        "phone",
        "手机 手机号 手机号码 电话 联系电话 联系手机 收货人手机 会员手机 买家手机 phone mobile tel telephone phone_number mobile_phone cellphone",
    ),
    _identity("email", "邮箱 电子邮箱 邮件 电子邮件 email e-mail mail email_address"),
    _identity(
        "card_no",
        "会员卡号 会员编号 会员号 卡号 会员id 客户编号 顾客编号 card_no card member_no member_id membership_no customer_id customerid loyalty_id household_key household_id",
    ),
    _identity("unionid", "unionid union_id 微信unionid"),
    _identity("openid", "openid open_id 微信openid"),
    _identity("external_userid", "external_userid 企微客户id 外部联系人id 客户userid"),
    _identity("tmall_nick", "天猫昵称 淘宝昵称 买家会员名 买家昵称 旺旺 旺旺号 tmall_nick buyer_nick taobao_nick"),
    _identity("jd_pin", "京东账号 京东用户名 下单账号 用户pin jd_pin pin"),
    _identity("device_id", "设备号 设备id device device_id imei oaid"),
)
_CHANNEL = Field("channel_id", _("渠道"), "channel", "渠道 来源 来源渠道 渠道来源 销售渠道 平台 channel source platform")

FIELDS: dict[str, tuple[Field, ...]] = {
    ImportRun.Kind.MEMBERS: (
        *IDENTITIES,
        Field(
            "name",
            _("姓名"),
            "text",
            "姓名 名字 名称 会员姓名 会员名称 客户姓名 昵称 收货人 收货人姓名 name full_name fullname nickname customer_name member_name",
            limit=80,
        ),
        Field("gender", _("性别"), "gender", "性别 gender sex"),
        Field("birthday", _("生日"), "day", "生日 出生日期 出生年月 birthday birth_date birthdate dob date_of_birth"),
        Field("province", _("省份"), "text", "省 省份 所在省 province state region", limit=30),
        Field("city", _("城市"), "text", "市 城市 所在城市 city town", limit=30),
        Field(
            "joined_at",
            _("加入时间"),
            "instant",
            "加入时间 入会时间 注册时间 注册日期 入会日期 开卡时间 创建时间 joined_at joined join_date registered registered_at signup_date created_at",
        ),
        Field("status", _("身份"), "member_status", "会员状态 身份 member_status status"),
        _CHANNEL,
    ),
    ImportRun.Kind.ORDERS: (
        Field(
            "number",
            _("订单号"),
            "text",
            "订单号 订单编号 订单id 交易号 单号 小票号 流水号 主订单编号 order_id order_no order_number orderid ordernumber number order invoice invoice_no basket_id transaction_id",
            True,
            60,
        ),
        *IDENTITIES,
        Field(
            "placed_at",
            _("下单时间"),
            "instant",
            "下单时间 订单创建时间 创建时间 付款时间 订单付款时间 支付时间 成交时间 交易时间 订单时间 下单日期 日期 时间 placed_at order_date order_time ordered_at created_at paid_at date datetime invoice_date transaction_timestamp",
            True,
        ),
        Field(
            "amount",
            _("实付金额"),
            "money",
            "实付金额 实付 实收 实收金额 买家实际支付金额 买家实付金额 实际支付金额 支付金额 成交金额 订单金额 金额 总金额 应付金额 应付货款 amount paid_amount total order_amount order_total total_amount sales_value payment revenue",
            True,
        ),
        Field("status", _("状态"), "order_status", "状态 订单状态 交易状态 status order_status state"),
        Field("discount", _("优惠金额"), "money", "优惠 优惠金额 折扣 折扣金额 discount discount_amount"),
        Field("shipping", _("运费"), "money", "运费 邮费 买家应付邮费 快递费 shipping freight postage shipping_fee"),
        Field("refunded", _("退款金额"), "money", "退款 退款金额 已退金额 refund refunded refund_amount refunded_amount"),
        Field("store", _("门店"), "text", "门店 店铺 店铺名称 门店名称 门店编号 store store_id shop shop_name", limit=40),
        _CHANNEL,
    ),
    ImportRun.Kind.LINES: (
        Field(
            "number",
            _("订单号"),
            "text",
            "订单号 订单编号 订单id 交易号 单号 小票号 主订单编号 order_id order_no order_number orderid number order invoice invoice_no basket_id",
            True,
            60,
        ),
        Field(
            "sku",
            _("商品编码"),
            "text",
            "商品编码 商品编号 商品id sku sku编码 商家编码 货号 条码 外部系统编号 product_id productid product_code product stock_code stockcode barcode",
            True,
            60,
        ),
        Field("n", _("行号"), "count", "行号 序号 明细序号 line line_no n line_number"),
        Field("quantity", _("数量"), "count", "数量 购买数量 件数 quantity qty count units"),
        Field(
            "amount",
            _("金额"),
            "money",
            "金额 小计 实付金额 行金额 成交金额 买家实际支付金额 amount line_amount subtotal total sales_value",
            True,
        ),
        Field("discount", _("优惠金额"), "money", "优惠 优惠金额 折扣 折扣金额 discount discount_amount retail_disc"),
        Field(
            "product",
            _("商品名"),
            "text",
            "商品名 商品名称 商品标题 标题 宝贝标题 product_name title description item_name",
            limit=200,
        ),
        _CHANNEL,
    ),
    ImportRun.Kind.PRODUCTS: (
        Field(
            "sku",
            _("商品编码"),
            "text",
            "商品编码 商品编号 商品id sku sku编码 商家编码 货号 条码 product_id productid product_code stock_code stockcode barcode",
            True,
            60,
        ),
        Field("name", _("商品名"), "text", "商品名 商品名称 名称 标题 商品标题 name product_name title description", limit=200),
        Field("category", _("品类"), "text", "品类 类目 分类 一级类目 一级品类 category product_category department", limit=80),
        Field(
            "subcategory", _("子品类"), "text", "子品类 子类目 二级类目 二级品类 subcategory sub_category product_type", limit=80
        ),
        Field("brand", _("品牌"), "text", "品牌 brand", limit=80),
        Field("price", _("标价"), "money", "标价 价格 售价 零售价 吊牌价 price list_price unit_price"),
    ),
    ImportRun.Kind.EVENTS: (
        *IDENTITIES,
        Field("kind", _("行为"), "text", "行为 行为类型 事件 事件类型 event event_type kind type action", True, 40),
        Field(
            "occurred_at",
            _("发生时间"),
            "instant",
            "时间 发生时间 事件时间 行为时间 occurred_at time timestamp event_time datetime",
            True,
        ),
        Field("event_id", _("事件编号"), "text", "事件id 事件编号 event_id id", limit=120),
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


def suggest(kind: str, columns: Iterable[str]) -> dict[str, str]:
    """The likely mapping field → column: each column once, earlier synonyms first."""
    free = {plain(column): column for column in reversed(list(columns))}
    found: dict[str, str] = {}
    for field in FIELDS[kind]:
        for name in (field.key.removeprefix("id:"), *field.names.split()):
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
