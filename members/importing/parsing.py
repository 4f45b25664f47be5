"""Columns of text to typed columns, a batch at a time: every parser answers values and a code per bad cell.

Vectorised because ten million cells pass here; nothing is asked of the database for it, so refused
cells are known before a row is staged, and any supported PostgreSQL version will do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from members import identities
from members.models import Identity, Member, Order

TEXT = pa.string()
NONE = np.iinfo(np.int64).min  # no such moment, no offset given
MOST_COUNT = 1_000_000
MOST_AMOUNT = 10_000_000_00  # 1000 万元, in minor units


@dataclass(frozen=True)
class Rules:
    """How this file is to be read."""

    zone: str
    as_of: datetime
    excel: bool = False
    date_order: str = "ymd"  # of dates that do not begin with the year: dmy, mdy
    unit: str = "yuan"  # or "fen"
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # field -> word of the file -> our value
    channels: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Parsed:
    """Typed values (null where empty or bad) and the codes of what is bad."""

    values: pa.Array
    bad: list[tuple[Any, str]] = field(default_factory=list)  # boolean mask, code

    def refuse(self, mask: Any, code: str) -> "Parsed":
        """Mark cells and empty their values."""
        mask = pc.fill_null(mask, False)
        if pc.any(mask).as_py():
            self.bad.append((mask, code))
            self.values = pc.if_else(mask, pa.scalar(None, self.values.type), self.values)
        return self


def clean(column: pa.Array) -> pa.Array:
    """Trimmed text; empty becomes null. PostgreSQL keeps no NUL, so none gets through."""
    if pc.any(pc.match_substring(column, "\x00")).as_py():
        column = pc.replace_substring(column, "\x00", "")
    column = pc.utf8_trim_whitespace(column)
    if pc.any(pc.starts_with(column, "'")).as_py():
        # Our own downloads put an apostrophe before what a spreadsheet would run.
        column = pc.replace_substring_regex(column, r"^'([=+\-@＝＋－＠])", r"\1")
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, TEXT), column)


def _folded(column: pa.Array) -> pa.Array:
    if pc.all(pc.string_is_ascii(column)).as_py() is False:
        return pc.utf8_normalize(column, "NFKC")
    return column


def _filled(column: pa.Array) -> Any:
    return pc.is_valid(column)


def text(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """Text of at most `limit` characters."""
    parsed = Parsed(clean(column))
    return parsed.refuse(pc.greater(pc.utf8_length(parsed.values), limit), "too_long") if limit else parsed


# -- Numbers -------------------------------------------------------------------------------------
def money(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """1,234.50, ￥12 or 12元 to minor units."""
    given = clean(column)
    bare = pc.replace_substring_regex(_folded(given), r"[,¥$￥元\s]|RMB|CNY", "")
    numeric = pc.match_substring_regex(bare, r"^[+-]?(\d{1,15}(\.\d{0,8})?|\.\d{1,8})$")
    number = pc.cast(pc.if_else(numeric, pc.utf8_ltrim(bare, "+"), pa.scalar(None, TEXT)), pa.float64())
    minor = pc.round(pc.multiply(number, 100.0 if rules.unit == "yuan" else 1.0), round_mode="half_towards_infinity")
    parsed = Parsed(pc.cast(minor, pa.int64()))
    parsed.refuse(pc.and_(_filled(given), pc.invert(pc.fill_null(numeric, False))), "bad_amount")
    parsed.refuse(pc.less(parsed.values, 0), "negative_amount")
    return parsed.refuse(pc.greater(parsed.values, MOST_AMOUNT), "absurd_amount")


def count(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A whole number from 0 to a million: petrol is sold by the thousandth of a gallon."""
    given = clean(column)
    bare = pc.replace_substring_regex(_folded(given), r"\.0+$", "")
    numeric = pc.match_substring_regex(bare, r"^\d{1,7}$")
    parsed = Parsed(pc.cast(pc.if_else(numeric, bare, pa.scalar(None, TEXT)), pa.int32()))
    parsed.refuse(pc.and_(_filled(given), pc.invert(pc.fill_null(numeric, False))), "bad_number")
    return parsed.refuse(pc.greater(parsed.values, MOST_COUNT), "bad_number")


# -- Dates ---------------------------------------------------------------------------------------
_CJK = (("年", "-"), ("月", "-"), ("日", " "), ("时", ":"), ("分", ":"), ("秒", ""), ("/", "-"), ("T", " "))
_CLOCK = r"(?:[ ]+(?P<h>\d{1,2}):(?P<i>\d{1,2})(?::(?P<s>\d{1,2}))?(?:[.,]\d+)?:?)?[ ]*(?P<z>Z|[+-]\d{2}:?\d{2})?[ ]*$"
_SHAPES = {
    "ymd": r"^(?P<y>\d{4})[-.](?P<m>\d{1,2})[-.](?P<d>\d{1,2})",
    "compact": r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    "dmy": r"^(?P<d>\d{1,2})[-.](?P<m>\d{1,2})[-.](?P<y>\d{4})",
    "mdy": r"^(?P<m>\d{1,2})[-.](?P<d>\d{1,2})[-.](?P<y>\d{4})",
}
_PACKED = r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<h>\d{2})(?P<i>\d{2})(?P<s>\d{2})(?P<z>)$"


def _local(given: pa.Array, rules: Rules) -> tuple[Any, Any]:
    """Seconds of wall-clock time as timestamp[s], and seconds to take off (an offset that was given)."""
    try:
        return pc.cast(pc.replace_substring(given, "/", "-"), pa.timestamp("s")), None
    except pa.ArrowInvalid:
        return _by_shape(_folded(given), rules)


def _by_shape(given: pa.Array, rules: Rules) -> tuple[Any, Any]:
    for old, new in _CJK:
        given = pc.replace_substring(given, old, new)
    shapes = [_SHAPES["ymd"] + _CLOCK, _PACKED, _SHAPES["compact"] + _CLOCK]
    if rules.date_order in ("dmy", "mdy"):
        shapes.append(_SHAPES[rules.date_order] + _CLOCK)
    seconds, offsets = np.full(len(given), NONE), np.full(len(given), NONE)
    for shape in shapes:
        found = pc.extract_regex(given, shape)
        hit = np.asarray(pc.is_valid(found)) & (seconds == NONE)
        if hit.any():
            seconds[hit], offsets[hit] = _instants(found.filter(pa.array(hit)))
    if rules.excel:
        _serials(given, seconds)
    mask = seconds == NONE
    return pa.array(seconds, pa.int64(), mask=mask).cast(pa.timestamp("s")), offsets


def _part(found: pa.StructArray, name: str) -> np.ndarray:
    values = found.field(name)
    return np.asarray(pc.cast(pc.if_else(pc.equal(values, ""), "0", values), pa.int64()))


def _instants(found: pa.StructArray) -> tuple[np.ndarray, np.ndarray]:
    year, month, day = (_part(found, part) for part in "ymd")
    hour, minute, second = (_part(found, part) for part in "his")
    month_ok = (month >= 1) & (month <= 12) & (year >= 1)
    months = (np.where(month_ok, year - 1970, 0) * 12 + np.where(month_ok, month - 1, 0)).astype("datetime64[M]")
    days = months.astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[D]") - days).astype(np.int64)
    good = month_ok & (day >= 1) & (day <= length) & (hour < 24) & (minute < 60) & (second < 60)
    seconds = (days.astype(np.int64) + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    return np.where(good, seconds, NONE), _offsets(found.field("z"))


def _offsets(zones: pa.Array) -> np.ndarray:
    """Seconds east of UTC; the mark for "none given" is the smallest integer."""

    def seconds(zone: str) -> int:
        if not zone:
            return NONE
        if zone == "Z":
            return 0
        digits = zone[1:].replace(":", "")
        return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)

    coded = zones.dictionary_encode()
    table = np.array([seconds(zone or "") for zone in coded.dictionary.to_pylist()] or [0], np.int64)
    return table[np.asarray(coded.indices)]


def _serials(given: pa.Array, seconds: np.ndarray) -> None:
    """Days since 1899-12-30, as Excel keeps dates whose cells lost their format."""
    numeric = pc.match_substring_regex(given, r"^[2-9]\d{4}(\.\d+)?$")
    days = np.asarray(pc.fill_null(pc.cast(pc.if_else(numeric, given, pa.scalar(None, TEXT)), pa.float64()), np.nan))
    hit = ~np.isnan(days)
    seconds[hit] = np.round((days[hit] - 25569) * 86400).astype(np.int64)


def _refuse_dates(parsed: Parsed, given: pa.Array, latest: datetime) -> Parsed:
    parsed.refuse(pc.and_(_filled(given), pc.is_null(parsed.values)), "bad_date")
    kind = parsed.values.type
    parsed.refuse(pc.greater(parsed.values, pa.scalar(latest, pa.timestamp("s", "UTC")).cast(kind)), "future_date")
    return parsed.refuse(
        pc.less(parsed.values, pa.scalar(datetime(1900, 1, 1, tzinfo=UTC), pa.timestamp("s", "UTC")).cast(kind)), "ancient_date"
    )


def instant(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A moment: of the pool's time zone unless it says another."""
    given = clean(column)
    local, offsets = _local(given, rules)
    moments = pc.cast(pc.assume_timezone(local, rules.zone, ambiguous="earliest", nonexistent="latest"), pa.timestamp("s", "UTC"))
    if offsets is not None:
        said = offsets != NONE
        exact = pc.subtract(local.cast(pa.int64()), pa.array(np.where(said, offsets, 0))).cast(pa.timestamp("s", "UTC"))
        moments = pc.if_else(pa.array(said), exact, moments)
    return _refuse_dates(Parsed(moments), given, rules.as_of + timedelta(days=1))


def day(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A calendar day."""
    given = clean(column)
    local, _offset = _local(given, rules)
    parsed = Parsed(pc.assume_timezone(local, "UTC"))
    _refuse_dates(parsed, given, rules.as_of + timedelta(days=1))
    parsed.values = pc.cast(parsed.values, pa.timestamp("s", "UTC")).cast(pa.timestamp("s")).cast(pa.date32())
    return parsed


# -- Words ---------------------------------------------------------------------------------------
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
        "已支付 已付款 交易成功 已完成 完成 已发货 卖家已发货 等待买家确认收货 待发货 等待卖家发货 买家已付款 已签收 待收货 锁定 "
        "paid completed complete success shipped delivered fulfilled finished done 1"
    ),
    Order.Status.REFUNDED: "已退款 退款成功 退款 全额退款 已退货 refunded refund returned 2",
    Order.Status.CANCELLED: "已取消 取消 交易关闭 已关闭 关闭 cancelled canceled closed void 3",
    Order.Status.PENDING: "待支付 待付款 等待买家付款 未付款 等待付款 pending unpaid created 4",
}
Words = dict[Any, str]


def known(words: Words) -> dict[str, int]:
    """Word → value."""
    return {word: int(value) for value, names in words.items() for word in names.split()}


def _coded(column: pa.Array, known: Mapping[str, int], own: Mapping[str, Any], code: str) -> Parsed:
    """Few distinct words in many rows: each word is looked up once per batch."""
    given = clean(column)
    coded = given.dictionary_encode()

    def meaning(word: str) -> int | None:
        said = own.get(word)
        if said is not None:
            return int(said) if str(said).isdigit() else known.get(str(said).lower())
        return known.get(word.lower())

    meanings = pa.array([meaning(word) for word in coded.dictionary.to_pylist()], pa.int16())
    parsed = Parsed(meanings.take(coded.indices))
    return parsed.refuse(pc.and_(_filled(given), pc.is_null(parsed.values)), code)


def _words(key: str, words: Words) -> Callable[[pa.Array, Rules, int], Parsed]:
    meanings = known(words)

    def parse(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
        return _coded(column, meanings, rules.words.get(key, {}), "unknown_value")

    return parse


def channel(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A channel by its code or either name."""
    return _coded(column, rules.channels, rules.words.get("channel_id", {}), "unknown_channel")


# -- Identities ----------------------------------------------------------------------------------
_SPACES = r"[\s\-().]"
_PREFIX = r"^(\+|00)?86(1\d{10})$"
# What cannot be a telephone although it has enough digits: no such mobile prefix, a mobile of the wrong
# length, one digit repeated.
_NOT_PHONES = r"^1[0-2]\d{9}$|^1[3-9](\d{5,8}|\d{10,13})$|^0+$|^1+$"


def normalised(kind: str, column: pa.Array) -> pa.Array:
    """`identities.normalise`, a column at a time (a test holds them together)."""
    given = clean(_folded(clean(column)))
    if kind == Identity.Kind.PHONE:
        given = pc.replace_substring_regex(given, r"^(1\d{10})\.0$", r"\1")  # a number column of a data frame
        return clean(pc.replace_substring_regex(pc.replace_substring_regex(given, _SPACES, ""), _PREFIX, r"\2"))
    return pc.utf8_lower(given) if kind == Identity.Kind.EMAIL else given


def identity(kind: str, column: pa.Array) -> Parsed:
    """Normalised values of an identity."""
    parsed = Parsed(normalised(kind, column))
    values = parsed.values
    if kind == Identity.Kind.PHONE:
        shaped = pc.match_substring_regex(values, r"^\+?\d{7,15}$")
        parsed.refuse(pc.or_(pc.invert(shaped), pc.match_substring_regex(values, _NOT_PHONES)), "bad_phone")
    elif kind == Identity.Kind.EMAIL:
        parsed.refuse(pc.invert(pc.match_substring_regex(values, r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")), "bad_email")
    return parsed.refuse(pc.greater(pc.utf8_length(parsed.values), 120), "too_long")


def fingerprints(kind: str, values: pa.Array) -> pa.Array:
    """Keyed hashes as PostgreSQL's hex text; the key never reaches the database."""
    mark = identities.fingerprint
    return pa.array([None if value is None else "\\x" + mark(kind, value).hex() for value in values.to_pylist()], TEXT)


PARSERS: dict[str, Callable[[pa.Array, Rules, int], Parsed]] = {
    "text": text,
    "money": money,
    "count": count,
    "instant": instant,
    "day": day,
    "gender": _words("gender", GENDERS),
    "member_status": _words("status", MEMBER_STATUSES),
    "order_status": _words("status", ORDER_STATUSES),
    "channel": channel,
}
