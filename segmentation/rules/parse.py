"""JSON to tree. Everything that is wrong is reported at once, each at its JSON path."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from segmentation.rules.anchors import ANCHORS
from segmentation.rules.ast import All, AnyOf, Condition, Node, Not, Then, Where, Window
from segmentation.rules.catalog import FILTER_BARE, Choice, Fact, Filter, Subject, Text, Unknown, asked_for
from segmentation.rules.normalise import HOURS
from segmentation.rules.periods import AHEAD, PERIODS, UNITS

MAX_DEPTH, MAX_CONDITIONS, MAX_VALUES, MAX_TEXT = 8, 100, 10_000, 200
MAX_NUMBER, MAX_DAYS, MAX_FILTERS = 10**15, 36_500, 6
GROUPS: dict[str, type[All] | type[AnyOf]] = {"all": All, "any": AnyOf}
KEYS = frozenset({"fact", "op", "value", "of", "window", "where", "then"})


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a rule: where, a code for programs, a sentence for people."""

    path: str
    code: str
    text: Text

    def as_json(self, language: str) -> dict[str, str]:
        return {"path": self.path, "code": self.code, "message": self.text.said(language)}


class RuleError(ValueError):
    """The rule cannot be read; `faults` says why and where."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.text.en}" for fault in faults))
        self.faults = faults


def parse(data: Any) -> Node:
    """The tree of a rule; raises `RuleError` with every fault found."""
    reader = _Reader()
    node = reader.node(data, "$", 1)
    if reader.count > MAX_CONDITIONS:
        reader.fault("$", "too_many", f"条件不能超过 {MAX_CONDITIONS} 个", f"At most {MAX_CONDITIONS} conditions")
    if reader.faults or node is None:
        raise RuleError(reader.faults)
    return node


def read(data: Any) -> tuple[Node | None, list[Fault]]:
    """As much of the tree as can be read, without the faulty conditions, and the faults."""
    reader = _Reader()
    node = reader.node(data, "$", 1)
    return node, reader.faults


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.count = 0

    def fault(self, path: str, code: str, zh: str, en: str) -> None:
        self.faults.append(Fault(path, code, Text(zh, en)))

    def node(self, data: Any, path: str, depth: int) -> Node | None:
        if depth > MAX_DEPTH:
            self.fault(path, "too_deep", f"嵌套不能超过 {MAX_DEPTH} 层", f"Nested deeper than {MAX_DEPTH}")
        elif not isinstance(data, Mapping):
            self.fault(path, "not_an_object", "这里应该是一个条件或条件组", "A condition or a group is expected here")
        elif "fact" in data:
            return self.condition(data, path)
        else:
            return self.group(data, path, depth)
        return None

    def group(self, data: Mapping[str, Any], path: str, depth: int) -> Node | None:
        keys = list(data)
        if keys == ["not"]:
            child = self.node(data["not"], f"{path}.not", depth + 1)
            return None if child is None else Not(child)
        if len(keys) != 1 or keys[0] not in GROUPS:
            self.fault(path, "unknown_group", "条件组只能是 all、any 或 not 之一", "A group is one of all, any or not")
            return None
        (kind,) = keys
        return self.members(kind, data[kind], f"{path}.{kind}", depth, top=path == "$")

    def members(self, kind: str, items: Any, path: str, depth: int, *, top: bool) -> Node | None:
        if not isinstance(items, list | tuple):
            self.fault(path, "not_a_list", "条件组应该是一个列表", "A group holds a list")
            return None
        if not items and not (top and kind == "all"):
            self.fault(path, "empty_group", "这一组还没有条件", "This group has no conditions yet")
            return None
        found = [self.node(item, f"{path}[{n}]", depth + 1) for n, item in enumerate(items)]
        kept = tuple(node for node in found if node is not None)
        return GROUPS[kind](kept) if kept or not items else None

    def condition(self, data: Mapping[str, Any], path: str) -> Condition | None:
        self.count += 1
        before = len(self.faults)
        self.only(data, KEYS, path)
        if (about := self.about(data["fact"], path)) is None or (op := self.operator(about, data.get("op"), path)) is None:
            return None
        of = self.of(about.subject, data.get("of"), f"{path}.of")
        value = self.value(about, op, data.get("value"), f"{path}.value")
        window = self.window(about, op, data.get("window"), f"{path}.window")
        where = self.wheres(about, data.get("where"), f"{path}.where")
        then = self.then(about, data.get("then"), f"{path}.then")
        return None if len(self.faults) > before else Condition(about.key, op, value, of, window, where, then)

    def only(self, given: Mapping[str, Any], known: Iterable[str], path: str) -> None:
        for key in sorted(set(map(str, given)) - set(known)):
            self.fault(f"{path}.{key}", "unknown_key", f"不认识的字段 {key[:40]}", f"Unknown field {key[:40]}")

    def about(self, key: Any, path: str) -> Fact | None:
        try:
            return asked_for(key)
        except Unknown:
            said = str(key)[:60]
            self.fault(f"{path}.fact", "unknown_fact", f"没有这个条件：{said}", f"No such fact: {said}")
            return None

    def operator(self, about: Fact, op: Any, path: str) -> str | None:
        if isinstance(op, str) and op in about.operators:
            return op
        self.takes(about.label, about.operators, path)
        return None

    def takes(self, label: Text, operators: Sequence[str], path: str) -> None:
        zh, en = _either(operators)
        self.fault(f"{path}.op", "wrong_operator", f"「{label.zh}」只能用：{zh}", f"“{label.en}” takes one of: {en}")

    def of(self, subject: Subject | None, given: Any, path: str) -> tuple[str | int, ...]:
        if subject is None:
            if given:
                self.fault(path, "not_taken", "这个条件不需要选择对象", "This fact takes no “of”")
            return ()
        if given in (None, [], ()):
            if subject.required:
                self.fault(path, "required", f"请选择{subject.label.zh}", f"{subject.label.en}: choose one")
            return ()
        if subject.single and isinstance(given, list | tuple) and len(given) > 1:
            self.fault(path, "only_one", "只能选择一项", "Only one can be chosen")
        return self.choices(given, path, numeric=subject.numeric)

    # -- What narrows the rows, and what has to follow -------------------------------------------
    def wheres(self, about: Fact, given: Any, path: str) -> tuple[Where, ...]:
        if not given:
            if about.filtered:
                self.fault(path, "required", "请添加筛选，说明哪些算数", "A filter is needed: which of them qualify")
            return ()
        if not about.filters:
            self.fault(path, "not_taken", "这个条件不能再筛选", "This fact takes no filters")
        elif not isinstance(given, list | tuple) or len(given) > MAX_FILTERS:
            self.fault(path, "too_many", f"应该是一个列表，最多 {MAX_FILTERS} 项", f"A list of at most {MAX_FILTERS} is expected")
        else:
            found = [self.where(about, each, f"{path}[{n}]") for n, each in enumerate(given)]
            return tuple(dict.fromkeys(each for each in found if each is not None))
        return ()

    def where(self, about: Fact, given: Any, path: str) -> Where | None:
        if not isinstance(given, Mapping):
            self.fault(path, "not_an_object", "这里应该是一个筛选", "A filter is expected here")
            return None
        self.only(given, {"field", "name", "op", "value"}, path)
        one = about.filter(given.get("field"))
        if one is None:
            zh, en = _either([each.key for each in about.filters])
            self.fault(f"{path}.field", "unknown_field", f"只能按这些筛选：{zh}", f"It is narrowed by one of: {en}")
            return None
        op = given.get("op")
        if not isinstance(op, str) or op not in one.operators:
            self.takes(one.label, one.operators, path)
            return None
        name = self.text(given.get("name"), f"{path}.name") if one.kind == "property" else ""
        if one.kind != "property" and given.get("name"):
            self.fault(f"{path}.name", "not_taken", "这个筛选不需要名称", "This filter takes no name")
        return Where(one.key, op, self.compared(one, op, given.get("value"), f"{path}.value"), name or "")

    def compared(self, one: Filter, op: str, given: Any, path: str) -> Any:
        """The value of a filter."""
        if not self.is_given(given, path, wanted=op not in FILTER_BARE):
            return None
        if op in ("in", "not_in"):
            return self.listed(one.choices, self.choices(given, path, numeric=one.numeric), path)
        if op in ("is", "is_not", "contains"):
            return self.text(given, path)
        whole = one.kind == "money"
        return self.span(given, path, whole=whole) if op == "between" else self.number(given, path, whole=whole)

    def then(self, about: Fact, given: Any, path: str) -> Then | None:
        if not about.then:
            if given:
                self.fault(path, "not_taken", "这个条件没有后续行为", "Nothing follows this fact")
            return None
        if not isinstance(given, Mapping):
            self.fault(path, "required", "请填写多久之内", "How soon after is needed")
            return None
        self.only(given, {"of", "within", "unit"}, path)
        of = self.choices(given.get("of") or [], f"{path}.of", numeric=False)
        if about.then == "asked" and not of:
            self.fault(f"{path}.of", "required", "请选择之后发生的行为", "Choose what comes after")
        if about.then != "asked" and of:
            self.fault(f"{path}.of", "not_taken", "后续行为已经固定", "What follows is fixed")
        unit = given.get("unit", "days")
        if unit not in HOURS:
            self.fault(f"{path}.unit", "unknown_unit", "单位应为小时或天", "The unit is hours or days")
            return None
        fine = self.days(given.get("within"), f"{path}.within", 1)
        return Then(tuple(map(str, of)), given["within"], unit) if fine else None

    def is_given(self, given: Any, path: str, *, wanted: bool) -> bool:
        """Whether there is a value to read; one that is missing or too much is a fault."""
        there = given not in (None, "", [])
        if there and not wanted:
            self.fault(path, "not_taken", "这个关系不需要填值", "This operator takes no value")
        if wanted and not there:
            self.fault(path, "required", "请填写", "A value is needed")
        return there and wanted

    def value(self, about: Fact, op: str, given: Any, path: str) -> Any:
        if not self.is_given(given, path, wanted=about.takes_value(op)):
            return None
        if about.kind in ("choice", "set", "list") or (about.kind == "text" and op in ("in", "not_in")):
            return self.chosen(about, given, path)
        if about.kind == "text":
            return self.text(given, path)
        if op == "between":
            return self.span(given, path, whole=about.integral)
        return self.share(given, path) if about.kind == "sample" else self.number(given, path, whole=about.integral)

    def chosen(self, about: Fact, given: Any, path: str) -> tuple[str | int, ...]:
        return self.listed(about.choices, self.choices(given, path, numeric=about.numeric), path)

    def listed(self, known: tuple[Choice, ...], found: tuple[str | int, ...], path: str) -> tuple[str | int, ...]:
        """Only what is on offer, where that is a fixed list."""
        allowed = {choice.value for choice in known}
        for n, value in enumerate(found):
            if allowed and value not in allowed:
                self.fault(f"{path}[{n}]", "unknown_choice", f"没有这个选项：{value}", f"No such choice: {value}")
        return found

    def choices(self, given: Any, path: str, *, numeric: bool) -> tuple[str | int, ...]:
        items = list(given) if isinstance(given, list | tuple) else [given]
        if len(items) > MAX_VALUES:
            self.fault(path, "too_many", f"最多选择 {MAX_VALUES} 项", f"At most {MAX_VALUES} choices")
            return ()
        found = [self.whole(item, f"{path}[{n}]") if numeric else self.text(item, f"{path}[{n}]") for n, item in enumerate(items)]
        return tuple(dict.fromkeys(item for item in found if item is not None))

    def whole(self, given: Any, path: str) -> int | None:
        if isinstance(given, bool) or not isinstance(given, int) or not -(2**31) <= given < 2**32:
            self.fault(path, "not_a_number", "应该是整数", "A whole number is expected")
            return None
        return given

    def text(self, given: Any, path: str) -> str | None:
        if not isinstance(given, str) or not 0 < len(given) <= MAX_TEXT or "\x00" in given or not given.isprintable():
            self.fault(
                path, "not_a_text", f"应该是 1～{MAX_TEXT} 个字符的文字", f"A text of 1 to {MAX_TEXT} characters is expected"
            )
            return None
        return given

    def share(self, given: Any, path: str) -> int | float | None:
        found = self.number(given, path, whole=False)
        if found is not None and not 0 < found <= 100:
            self.fault(path, "out_of_range", "应该大于 0 且不超过 100", "Between 0 and 100 is expected")
        return found

    def number(self, given: Any, path: str, *, whole: bool) -> int | float | None:
        if isinstance(given, bool) or not isinstance(given, int | float) or given != given or abs(given) > MAX_NUMBER:
            self.fault(path, "not_a_number", "应该是数字", "A number is expected")
        elif isinstance(given, float) and whole and not given.is_integer():
            self.fault(path, "not_whole", "应该是整数", "A whole number is expected")
        else:
            return int(given) if float(given).is_integer() else given
        return None

    def span(self, given: Any, path: str, *, whole: bool) -> tuple[int | float, ...]:
        if not isinstance(given, list | tuple) or len(given) != 2:
            self.fault(path, "not_a_span", "应该是从小到大的两个数字", "Two numbers, the smaller first, are expected")
            return ()
        low, high = (self.number(end, f"{path}[{n}]", whole=whole) for n, end in enumerate(given))
        if low is not None and high is not None and low > high:
            self.fault(path, "upside_down", "前一个数字应该不大于后一个", "The first number must not be above the second")
        return () if low is None or high is None else (low, high)

    def window(self, about: Fact, op: str, given: Any, path: str) -> Window | None:
        if not about.takes_window(op):
            if given:
                self.fault(path, "not_taken", "这个条件不需要时间范围", "This condition takes no window")
            return None
        if not given:
            if about.kind == "date":
                self.fault(path, "required", "请选择时间范围", "A window is needed")
            return None
        made = (
            self.after(about, given, path)
            if isinstance(given, Mapping) and "since" in given
            else self.window_of(about, given, path)
        )
        if made is None and not any(fault.path.startswith(path) for fault in self.faults):
            self.fault(
                path,
                "unknown_window",
                "时间范围应为 last、ago、period、since 或 from/to",
                "A window is last, ago, period, since or from/to",
            )
        return made

    def after(self, about: Fact, given: Mapping[str, Any], path: str) -> Window | None:
        """A window that begins at another event."""
        anchor = ANCHORS.get(given["since"]) if isinstance(given["since"], str) else None
        if not about.anchored or anchor is None:
            zh, en = _either(list(ANCHORS) if about.anchored else ["last", "ago", "period", "from/to"])
            self.fault(f"{path}.since", "unknown_anchor", f"只能是：{zh}", f"One of: {en}")
            return None
        self.only(given, {"since", "of", "days"}, path)
        of = self.choices(given.get("of") or [], f"{path}.of", numeric=False)
        if bool(of) != bool(anchor.source):
            text = ("请选择行为", "Choose the event") if anchor.source else ("不需要选择行为", "This takes no “of”")
            self.fault(f"{path}.of", "required" if anchor.source else "not_taken", *text)
        days = given.get("days")
        if days is not None and not self.days(days, f"{path}.days", 1):
            return None
        return Window(since=given["since"], of=tuple(map(str, of)), days=days)

    def window_of(self, about: Fact, given: Any, path: str) -> Window | None:
        if not isinstance(given, Mapping):
            return None
        match {key: value for key, value in given.items() if value is not None}:
            case {"last": n, **rest} if set(rest) <= {"unit"}:
                unit = self.unit(rest, path, hours=True)
                return Window(last=n, unit=unit) if self.days(n, f"{path}.last", 1) and unit else None
            case {"next": n, **rest} if set(rest) <= {"unit"} and about.ahead:
                unit = self.unit(rest, path, hours=False)
                return Window(ahead=n, unit=unit) if self.days(n, f"{path}.next", 0) and unit else None
            case {"ago": [a, b], **rest} if not rest:
                fine = self.days(a, f"{path}.ago[0]", 0) and self.days(b, f"{path}.ago[1]", 0)
                return Window(ago=(max(a, b), min(a, b))) if fine else None
            case {"period": str(name), **rest} if not rest and (name in PERIODS or (name in AHEAD and about.ahead)):
                return Window(period=name)
            case {"from": _, **rest} | {"to": _, **rest} if set(rest) <= {"from", "to"}:
                return self.between(given, path)
        return None

    def unit(self, rest: Mapping[str, Any], path: str, *, hours: bool) -> Any:
        unit = rest.get("unit", "days")
        if unit in UNITS and (hours or unit != "hours"):
            return unit
        self.fault(f"{path}.unit", "unknown_unit", "单位应为小时、天、周或月", "The unit is hours, days, weeks or months")
        return None

    def between(self, given: Mapping[str, Any], path: str) -> Window | None:
        start, end = self.day(given.get("from"), f"{path}.from"), self.day(given.get("to"), f"{path}.to")
        if start and end and start > end:
            self.fault(path, "upside_down", "开始日期应该不晚于结束日期", "The first day must not be after the last")
        return Window(start=start, end=end) if start or end else None

    def days(self, given: Any, path: str, least: int) -> bool:
        fine = isinstance(given, int) and not isinstance(given, bool) and least <= given <= MAX_DAYS
        if not fine:
            self.fault(
                path,
                "out_of_range",
                f"应该是 {least}～{MAX_DAYS} 的整数",
                f"A whole number from {least} to {MAX_DAYS} is expected",
            )
        return fine

    def day(self, given: Any, path: str) -> date | None:
        if given in (None, ""):
            return None
        try:
            found = date.fromisoformat(given)
        except (TypeError, ValueError):
            found = None
        if found is None or not 1900 <= found.year <= 2200:
            self.fault(path, "not_a_date", "应该是日期，如 2026-11-01", "A date is expected, such as 2026-11-01")
            return None
        return found


def _either(names: Sequence[str]) -> tuple[str, str]:
    """Names in a row, in Chinese and in English."""
    return "、".join(names), ", ".join(names)
