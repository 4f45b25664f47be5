"""Columns of text to typed columns, a batch at a time: every parser answers values and a code per bad cell.

Vectorised because ten million cells pass here; nothing is asked of the database for it, so refused
cells are known before a row is staged, and any supported PostgreSQL version will do.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from members import identities
from members.importing import words
from members.importing.cells import TEXT, Parsed, Rules, bare, clean, code, filled, folded, long_number, text
from members.models import Identity
from members.oneid import cells as oneid

__all__ = ["PARSERS", "Parsed", "Rules", "clean", "fingerprints", "identity", "normalised"]
NONE = np.iinfo(np.int64).min  # no such moment, no offset given
MOST_COUNT = 1_000_000
MOST_AMOUNT = 10_000_000_00  # 1000 万元, in minor units


# -- Numbers -------------------------------------------------------------------------------------
def money(column: pa.Array, rules: Rules, limit: int = 0, *, below: bool = False) -> Parsed:
    """1,234.50, ￥12, 12元 or (with a decimal comma) 1.234,50 to minor units. `below`: zero is no limit."""
    given = clean(column)
    plain = pc.replace_substring_regex(bare(column), r"[¥$￥€£元\s_]|RMB|CNY", "")
    if below:
        plain = pc.replace_substring_regex(pc.replace_substring(plain, "−", "-"), r"^\((.*)\)$", r"-\1")
    if rules.decimal == ",":
        plain = pc.replace_substring(pc.replace_substring(plain, ".", ""), ",", ".")
    plain = pc.replace_substring(plain, ",", "")
    numeric = pc.match_substring_regex(plain, r"^[+-]?(\d{1,15}(\.\d{0,20})?|\.\d{1,20})$")
    number = pc.cast(pc.if_else(numeric, pc.utf8_ltrim(plain, "+"), pa.scalar(None, TEXT)), pa.float64())
    minor = pc.round(pc.multiply(number, 100.0 if rules.unit == "yuan" else 1.0), round_mode="half_towards_infinity")
    parsed = Parsed(pc.cast(minor, pa.int64()))
    parsed.refuse(pc.and_(filled(given), pc.invert(pc.fill_null(numeric, False))), "bad_amount")
    if not below:
        parsed.refuse(pc.less(parsed.values, 0), "negative_amount")
    return parsed.refuse(pc.greater(pc.abs(parsed.values), MOST_AMOUNT), "absurd_amount")


def total(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """What an order came to; below zero where the file writes goods brought back that way."""
    return money(column, rules, below=rules.returns)


def deduction(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """An amount that went off or back: with a minus sign before it or without."""
    unsigned = pc.replace_substring_regex(bare(column), r"^([¥$￥€£]?)\s*[-−]", r"\1")
    return money(pc.fill_null(unsigned, ""), rules)


def count(column: pa.Array, rules: Rules, limit: int = 0, *, below: bool = False) -> Parsed:
    """A whole number from 0 to a million: petrol is sold by the thousandth of a gallon."""
    given = clean(column)
    plain = pc.replace_substring_regex(pc.replace_substring(bare(column), ",", ""), r"\.0+$", "")
    numeric = pc.match_substring_regex(plain, r"^-?\d{1,7}$" if below else r"^\d{1,7}$")
    parsed = Parsed(pc.cast(pc.if_else(numeric, plain, pa.scalar(None, TEXT)), pa.int32()))
    parsed.refuse(pc.and_(filled(given), pc.invert(pc.fill_null(numeric, False))), "bad_number")
    return parsed.refuse(pc.greater(parsed.values, MOST_COUNT), "bad_number")


def pieces(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """How many of a thing; below zero where the file writes things brought back that way."""
    return count(column, rules, below=rules.returns)


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
    if rules.date_order == "unix":
        return _since_1970(folded(given))
    try:
        return pc.cast(pc.replace_substring(given, "/", "-"), pa.timestamp("s")), None
    except pa.ArrowInvalid:
        return _by_shape(folded(given), rules)


def _since_1970(given: pa.Array) -> tuple[Any, Any]:
    """Seconds, or milliseconds where there are thirteen digits: they say their own zone, UTC."""
    given = pc.replace_substring_regex(given, r"\.\d+$", "")
    numeric = pc.match_substring_regex(given, r"^\d{9,10}$|^\d{12,13}$")
    number = pc.cast(pc.if_else(numeric, given, pa.scalar(None, TEXT)), pa.int64())
    seconds = pc.if_else(pc.greater(number, 99_999_999_999), pc.divide(number, 1000), number)
    return seconds.cast(pa.timestamp("s")), np.zeros(len(given), np.int64)


def _by_shape(given: pa.Array, rules: Rules) -> tuple[Any, Any]:
    given, later = _half_days(given)
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
            seconds[hit], offsets[hit] = _instants(found.filter(pa.array(hit)), later[hit])
    if rules.excel:
        _serials(given, seconds)
    mask = seconds == NONE
    return pa.array(seconds, pa.int64(), mask=mask).cast(pa.timestamp("s")), offsets


def _part(found: pa.StructArray, name: str) -> np.ndarray:
    values = found.field(name)
    return np.asarray(pc.cast(pc.if_else(pc.equal(values, ""), "0", values), pa.int64()))


_AFTERNOON, _MORNING = r"(?i)下午|晚上|\bp\.?m\b\.?", r"(?i)上午|凌晨|\ba\.?m\b\.?"


def _half_days(given: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The text without its mark for a half of the day, and which half: 0 none said, 1 morning, 2 afternoon."""
    half = np.zeros(len(given), np.int8)
    if pc.any(pc.match_substring_regex(given, r"[午晚晨]|[AaPp]\.?[Mm]")).as_py():
        half[np.asarray(pc.fill_null(pc.match_substring_regex(given, _MORNING), False))] = 1
        half[np.asarray(pc.fill_null(pc.match_substring_regex(given, _AFTERNOON), False))] = 2
        given = pc.replace_substring_regex(given, f"{_AFTERNOON}|{_MORNING[4:]}", " ")
        given = pc.utf8_trim_whitespace(pc.replace_substring_regex(given, r"\s+", " "))
    return given, half


def _instants(found: pa.StructArray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    year, month, day = (_part(found, part) for part in "ymd")
    hour, minute, second = (_part(found, part) for part in "his")
    hour = np.where((half == 2) & (hour < 12), hour + 12, np.where((half == 1) & (hour == 12), 0, hour))
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
    parsed.refuse(pc.and_(filled(given), pc.is_null(parsed.values)), "bad_date")
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


# -- Identities ----------------------------------------------------------------------------------
# What cannot be a telephone although it has enough digits: no such mobile prefix, a mobile of the wrong
# length, one digit repeated.
_NOT_PHONES = r"^1[0-2]\d{9}$|^1[3-9](\d{5,8}|\d{10,13})$|^0+$|^1+$"


# What platforms show instead of a person: stars, or a number lent for one delivery. Many people share each of them.
_STARS = r"\*"
_VEILED: dict[str, str] = {Identity.Kind.PHONE: r"\*|[_,转#]\d{1,6}$"}


def normalised(kind: str, column: pa.Array) -> pa.Array:
    """`identities.normalise`, a column at a time (a test holds them together)."""
    return oneid.normalised(kind, clean(bare(column)))


def identity(kind: str, column: pa.Array, people: Any = None) -> Parsed:
    """Normalised values of an identity. `people`: the pool's own words for nobody, and what ids belong to."""
    parsed = Parsed(normalised(kind, column))
    hollow = oneid.hollow(kind, parsed.values, people)
    if pc.any(hollow).as_py():
        parsed.hollow, parsed.values = hollow, pc.if_else(hollow, pa.scalar(None, TEXT), parsed.values)
    veiled = pc.fill_null(pc.match_substring_regex(parsed.values, _VEILED.get(kind, _STARS)), False)
    if pc.any(veiled).as_py():
        parsed.veiled, parsed.values = veiled, pc.if_else(veiled, pa.scalar(None, TEXT), parsed.values)
    values = parsed.values
    if kind != Identity.Kind.EMAIL:
        parsed.refuse(long_number(values), "lost_digits")
    if kind == Identity.Kind.PHONE:
        shaped = pc.match_substring_regex(values, r"^\+?\d{7,15}$")
        parsed.refuse(pc.or_(pc.invert(shaped), pc.match_substring_regex(values, _NOT_PHONES)), "bad_phone")
    elif kind == Identity.Kind.EMAIL:
        parsed.refuse(pc.invert(pc.match_substring_regex(values, r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")), "bad_email")
    parsed.values = oneid.scoped(kind, parsed.values, people)
    return parsed.refuse(pc.greater(pc.utf8_length(parsed.values), 120), "too_long")


def fingerprints(kind: str, values: pa.Array) -> pa.Array:
    """Keyed hashes as PostgreSQL's hex text; the key never reaches the database."""
    mark = identities.fingerprint
    return pa.array([None if value is None else "\\x" + mark(kind, value).hex() for value in values.to_pylist()], TEXT)


PARSERS: dict[str, Callable[[pa.Array, Rules, int], Parsed]] = {
    "text": text,
    "code": code,
    "money": money,
    "deduction": deduction,
    "count": count,
    "instant": instant,
    "day": day,
    "gender": words.gender,
    "member_status": words.member_status,
    "order_status": words.order_status,
    "refund_status": words.refund_status,
    "flag": words.flag,
    "channel": words.channel,
    "total": total,
    "pieces": pieces,
    "staff": words.staff,
    "store": words.store,
}
