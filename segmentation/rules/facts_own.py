"""Facts of a pool's own fields. The key says all a statement needs: `attr.<kind>.<key>`.

Which fields a pool has, what they are called and what their choices were called before is not known
here: `segmentation.own` asks the pool, and refuses rules whose field is gone.
"""

from functools import lru_cache

from segmentation.rules.catalog import Choice, Fact, Kind, Text
from segmentation.rules.facts_member import MEMBER

PREFIX = "attr."
SOURCE = "own:"  # choices of one field: own:income
NAMES = "own_fields"  # what fields are called
VALUE = "attributes ->> %(key)s"
DAY = f"CASE WHEN {VALUE} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' THEN {VALUE} END"
MEASURES = {
    "text": f"coalesce({VALUE}, '')",
    "number": f"CASE WHEN jsonb_typeof(attributes -> %(key)s) = 'number' THEN ({VALUE})::numeric END",
    "date": DAY,
    "choice": VALUE,
    "multi_choice": "one.value",
    "boolean": "CASE attributes -> %(key)s WHEN 'true' THEN 1 WHEN 'false' THEN 0 END",
}
# One row per value of a list; the member's columns keep their names.
EACH = (
    "SELECT id FROM members_member CROSS JOIN LATERAL jsonb_array_elements_text("
    "CASE jsonb_typeof(attributes -> %(key)s) WHEN 'array' THEN attributes -> %(key)s END) AS one (value)"
    " WHERE pool_id = %(pool)s AND merged_into IS NULL AND {test}"
)
KINDS: dict[str, Kind] = {
    "text": "text",
    "number": "number",
    "date": "date",
    "choice": "choice",
    "multi_choice": "set",
    "boolean": "choice",
}
YES_NO = (Choice(1, Text("是", "yes")), Choice(0, Text("否", "no")))


def key_of(kind: str, key: str) -> str:
    """The fact of a field."""
    return f"{PREFIX}{kind}.{key}"


@lru_cache(maxsize=2048)
def made(key: str) -> Fact | None:
    """The fact a key stands for; None when it is not one of these."""
    kind, _dot, name = key.removeprefix(PREFIX).partition(".")
    if not key.startswith(PREFIX) or kind not in KINDS or not name or len(name) > 40:
        return None
    return Fact(
        key,
        Text(name, name),
        "own",
        KINDS[kind],
        ("members",),
        EACH if kind == "multi_choice" else MEMBER,
        MEASURES[kind],
        attribute=name,
        choices=YES_NO if kind == "boolean" else (),
        source=f"{SOURCE}{name}" if kind in ("choice", "multi_choice") else "",
        numeric=kind == "boolean",
        integral=False,
        time=DAY if kind == "date" else "",
        phrase=Text("{name}", "{name}"),
        deed=Text("{name}包含{of}", "{name} has {of}"),
        deny=Text("{name}不含{of}", "{name} has none of {of}"),
    )
