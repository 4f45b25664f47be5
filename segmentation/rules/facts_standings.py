"""Facts of the pool's schemes: `standing.<scheme>` is the class a member stands in, `standing.<scheme>.<part>` more of it.

Which schemes a pool has and what their classes are called is not known here: `segmentation.standings.rules` asks
the pool, and refuses rules whose scheme is gone.
"""

from functools import lru_cache
from typing import Any

from segmentation.rules.catalog import Fact, Kind, Subject, Text
from segmentation.rules.facts_member import TIMES

PREFIX = "standing."
SOURCE = "scheme:"  # choices of one scheme: scheme:12
NAMES = "schemes"  # what schemes are called
ROWS = "SELECT member_id AS id FROM members_memberstanding WHERE pool_id = %(pool)s AND scheme_id = {scheme} AND {test}"
CHANGED = (
    "SELECT h.member_id AS id FROM members_statechange h{since} WHERE h.pool_id = %(pool)s AND h.kind = 100 + {scheme}"
    "{of}{window} GROUP BY h.member_id HAVING {test}"
)
# part -> kind, measure, what the label says besides the scheme's name
PARTS: dict[str, tuple[Kind, str, Text]] = {
    "": ("choice", "code", Text("{name}", "{name}")),
    "value": ("number", "value", Text("{name}的数值", "value in {name}")),
    "since": ("date", "since", Text("{name}：进入当前层的时间", "{name}: since when in the class")),
    "expected": ("date", "expected_at", Text("{name}：预计到下一步", "{name}: next step expected")),
    "changes": ("count", "count(*)", Text("{name}换层次数", "changes of class in {name}")),
}


def key_of(scheme: int, part: str = "") -> str:
    """The fact of a scheme."""
    return f"{PREFIX}{scheme}.{part}" if part else f"{PREFIX}{scheme}"


@lru_cache(maxsize=4096)
def made(key: str) -> Fact | None:
    """The fact a key stands for; None when it is not one of these."""
    number, _dot, part = key.removeprefix(PREFIX).partition(".")
    if not key.startswith(PREFIX) or not number.isdecimal() or len(number) > 9 or part not in PARTS or key.endswith("."):
        return None
    kind, measure, phrase = PARTS[part]
    sql = (CHANGED if part == "changes" else ROWS).replace("{scheme}", str(int(number)))
    more = _more(part, int(number))
    return Fact(key, phrase, "value", kind, ("standings",), sql, measure, scheme=int(number), phrase=phrase, **more)


def _more(part: str, scheme: int) -> dict[str, Any]:
    source = f"{SOURCE}{scheme}"
    if part == "":
        return {"source": source, "numeric": True, "optional": True}
    if part in ("since", "expected"):
        column = "since" if part == "since" else "expected_at"
        return {"time": column, "ahead": part == "expected"}
    if part == "changes":
        subject = Subject(Text("到哪一层", "to which class"), source, numeric=True)
        said = Text("在{name}中换过层[（到{of}）]", "changed class in {name}[ to {of}]")
        phrase = {"deed": said, "subject": subject, "of_sql": "h.to_code = ANY(%(of)s)"}
        return {"unit": TIMES, "time": "h.at", "row": "h", "absent": 0, **phrase}
    return {}
