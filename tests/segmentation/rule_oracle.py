"""What a rule means, in plain Python over plain rows: no SQL, no bitmaps, no normal forms.

`VALUES` names every fact; one that is missing fails a test. A world is {member id: {"member": row, "state": row or None, …}}.
"""

from datetime import datetime
from typing import Any

from tests.segmentation import rule_bought, rule_deeds, rule_person
from tests.segmentation.rule_rows import Person, coming, inside

VALUES = rule_person.VALUES | rule_bought.VALUES | rule_deeds.VALUES
YEARLY = {"birthday", "anniversary", "first_order_anniversary"}


def selects(node: dict[str, Any], person: Person, as_of: datetime) -> bool:
    """Whether a rule (as JSON) selects somebody."""
    if "all" in node:
        return all(selects(child, person, as_of) for child in node["all"])
    if "any" in node:
        return any(selects(child, person, as_of) for child in node["any"])
    if "not" in node:
        return not selects(node["not"], person, as_of)
    return _holds(node, person, as_of)


def _holds(c: dict[str, Any], person: Person, as_of: datetime) -> bool:
    found, op, value = _value(c, person, as_of), c["op"], c.get("value")
    negative = {
        "not_in": "in",
        "is_not": "is",
        "not_contains": "contains",
        "unknown": "known",
        "none": "any",
        "not_within": "within",
    }
    if op in negative:
        return not _holds({**c, "op": negative[op]}, person, as_of)
    if op == "within":
        return found is not None and (coming if c["fact"] in YEARLY else inside)(found, c, as_of)
    if op == "known":
        return found not in (None, "")
    if op == "in":
        return found in value
    if op in ("is", "contains", "starts_with"):
        low, needle = found.lower(), value.lower()
        return {"is": low == needle, "contains": needle in low, "starts_with": low.startswith(needle)}[op]
    if op == "share":
        return bool(found < round(value * 10_000))
    if op == "all":
        return set(value) <= found
    if op == "any":
        return bool(found & set(value)) if isinstance(found, set) else found >= 1
    if found is None:
        return False
    if op == "between":
        return value[0] <= found <= value[1]
    return {"gte": found >= value, "gt": found > value, "lte": found <= value, "lt": found < value, "eq": found == value}[op]


def _value(c: dict[str, Any], person: Person, as_of: datetime) -> Any:
    return VALUES[c["fact"]](c, person, as_of)
