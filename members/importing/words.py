"""Words with a meaning: states of orders and refunds, genders, yes and no, channels."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from members.importing.cells import Parsed, Rules, clean, filled
from members.models import Member, Order

SKIP = "skip"  # the meaning of a word whose rows are passed over
_PASSED = -1

GENDERS = {
    Member.Gender.MALE: "男 男性 先生 male m man 1",
    Member.Gender.FEMALE: "女 女性 女士 小姐 female f woman 2",
    Member.Gender.UNKNOWN: "未知 保密 不详 其他 unknown u x other 0 null",
}
MEMBER_STATUSES = {
    Member.Status.MEMBER: "会员 正式会员 member active yes 是 2",
    Member.Status.LEAD: "潜客 潜在客户 非会员 lead prospect no 否 1",
}
ORDER_STATUSES = {
    Order.Status.PAID: (
        "已支付 已付款 支付成功 交易成功 已完成 完成 已发货 卖家已发货 等待买家确认收货 待发货 等待卖家发货 买家已付款 "
        "已签收 待收货 锁定 部分退款 "
        "paid completed complete success shipped delivered fulfilled finished done 1"
    ),
    Order.Status.REFUNDED: "已退款 退款成功 退款 全额退款 全部退款 已退货 退货完成 refunded refund returned 2",
    Order.Status.CANCELLED: "已取消 取消 交易关闭 已关闭 关闭 已作废 作废 cancelled canceled closed void revoked 3",
    Order.Status.PENDING: "待支付 待付款 等待买家付款 等待付款 未付款 pending unpaid created 4",
}
DONE, NOT_DONE = 1, 0
REFUND_STATUSES = {
    DONE: "退款成功 已退款 退款完成 已完成 完成 成功 success refunded completed done",
    _PASSED: (
        "退款关闭 已取消 已关闭 关闭 已拒绝 拒绝 审核中 处理中 退款中 待审核 申请中 "
        "closed cancelled canceled rejected pending processing"
    ),
}
FLAGS = {
    1: "是 同意 已同意 已授权 授权 接受 愿意 订阅 已订阅 允许 有 y yes true t 1 on agree agreed opt-in optin subscribed granted",
    0: (
        "否 不同意 未同意 未授权 拒绝 不接受 不愿意 退订 已退订 未订阅 不允许 无 "
        "n no false f 0 off opt-out optout unsubscribed denied"
    ),
}
Words = Mapping[Any, str]


def known(words: Words) -> dict[str, int]:
    """Word → value."""
    return {word: int(value) for value, names in words.items() for word in names.split()}


VOCABULARIES: dict[str, dict[str, int]] = {
    "gender": known(GENDERS),
    "member_status": known(MEMBER_STATUSES),
    "order_status": known(ORDER_STATUSES),
    "refund_status": known(REFUND_STATUSES),
    "flag": known(FLAGS),
}
# What a person may say a word means, by the name it is kept under.
MEANINGS: dict[str, dict[str, int]] = {
    "gender": {"male": Member.Gender.MALE, "female": Member.Gender.FEMALE, "unknown": Member.Gender.UNKNOWN},
    "member_status": {"member": Member.Status.MEMBER, "lead": Member.Status.LEAD},
    "order_status": {
        "paid": Order.Status.PAID,
        "refunded": Order.Status.REFUNDED,
        "cancelled": Order.Status.CANCELLED,
        "pending": Order.Status.PENDING,
        SKIP: _PASSED,
    },
    "refund_status": {"done": DONE, SKIP: _PASSED},
    "flag": {"yes": 1, "no": 0},
}


def meaning(parser: str, word: str, said: Mapping[str, Any], channels: Mapping[str, int] | None = None) -> int | None:
    """What a word of the file comes to: as said for this file, else as generally known; None when nobody knows."""
    names, general = MEANINGS.get(parser, {}), VOCABULARIES.get(parser, channels or {})
    if own := str(said.get(word) or ""):
        return names.get(own, int(own) if own.isdecimal() and len(own) < 10 else general.get(own.lower()))
    return general.get(word.lower())


def _coded(parser: str, key: str, code: str) -> Callable[[pa.Array, Rules, int], Parsed]:
    """Few distinct words in many rows: each word is looked up once per batch."""

    def parse(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
        given = clean(column)
        coded = given.dictionary_encode()
        said = rules.words.get(key, {})
        meanings = [meaning(parser, word, said, rules.channels) for word in coded.dictionary.to_pylist()]
        parsed = Parsed(pa.array(meanings, pa.int16()).take(coded.indices))
        parsed.refuse(pc.and_(filled(given), pc.is_null(parsed.values)), code)
        if _PASSED in meanings:
            parsed.passed = pc.fill_null(pc.equal(parsed.values, _PASSED), False)
        return parsed

    return parse


gender = _coded("gender", "gender", "unknown_value")
member_status = _coded("member_status", "status", "unknown_value")
order_status = _coded("order_status", "status", "unknown_value")
refund_status = _coded("refund_status", "status", "unknown_value")
channel = _coded("channel", "channel_id", "unknown_channel")
_flag = _coded("flag", "consent", "unknown_value")


NOBODY = ("-", "－", "无")  # takes the owner or the store away


def _placed(
    known: Mapping[str, Any], spare: bool, none: Any, made: bool, column: pa.Array, code: str, kind: pa.DataType
) -> Parsed:
    """Names of people or places the pool has. `spare`: an unknown name refuses no row; `made`: it will be known by itself."""
    given = clean(column)
    coded = given.dictionary_encode()
    found = [none if word in NOBODY else known.get(word.lower(), word if made else None) for word in coded.dictionary.to_pylist()]
    parsed = Parsed(pa.array(found, kind).take(coded.indices))
    return parsed if spare else parsed.refuse(pc.and_(filled(given), pc.is_null(parsed.values)), code)


def staff(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """Who looks after a member: a number of somebody on duty, 0 for nobody."""
    return _placed(rules.staff, "staff" in rules.spare, 0, False, column, "unknown_staff", pa.int64())


def store(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A member's home store: its code, nothing for none. A code nobody registered stands where such stores are to be made."""
    made = "store" in rules.spare
    parsed = _placed(rules.stores, made, "", made, column, "unknown_store", pa.string())
    return parsed.refuse(pc.greater(pc.utf8_length(parsed.values), limit), "too_long")


def flag(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """Yes or no. The words of all consents of a file share their meanings."""
    parsed = _flag(column, rules, limit)
    parsed.values = pc.cast(parsed.values, pa.bool_())
    return parsed


_SUMS = (
    r"^(本页|本日|全部)?(合计|总计|小计|汇总|共计|总和|grand total|sub ?total|total|sum)[\s:：]*$"
    r"|^总交易单数$|^共\s*\d+\s*[条笔行单]"
)


def totals(column: pa.Array) -> Any:
    """Which cells name a sum over the rows above: exports end with it."""
    plain = pc.utf8_lower(pc.fill_null(clean(column), ""))
    if not pc.any(pc.match_substring_regex(plain, r"[计汇共总]|total|sum")).as_py():
        return pa.array(np.zeros(len(plain), bool))
    return pc.match_substring_regex(plain, _SUMS)
