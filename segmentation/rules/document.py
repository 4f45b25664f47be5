"""docs/facts.md, written from the catalogue; a test holds the two together."""

from segmentation.rules.catalog import GROUPS, Fact, facts

HEAD = """# Facts

Everything a rule can ask about a member. Written from `segmentation/rules/catalog.py` by
`python -m segmentation.rules.document > docs/facts.md`; a test fails when the two differ.

A rule is JSON: `{"all": […]}`, `{"any": […]}`, `{"not": {…}}` around conditions
`{"fact", "op", "value", "of", "window"}`. Money is in minor units (分). Depth ≤ 8, at most 100 conditions.

* `of` says of what: which events, which categories, which attribute.
* `window` is `{"last": 90, "unit": "days"}` (hours, days, weeks, months), `{"ago": [90, 30]}`,
  `{"period": "this_month"}` or `{"from": "2026-01-01", "to": "2026-03-31"}`; days are the pool's, today included.
* Members without rows count as 0 for the kinds *count* and *amount*: "fewer than 2" includes them.
  For *number* and *money* they are unknown and satisfy no comparison.
* A pool's own fields are facts too: `attr.<kind>.<key>`, such as `attr.choice.income_band`; `GET /api/segments/facts/`
  lists them. Kinds: text, number, date, choice, multi_choice (a set), boolean (a choice of 1 and 0). A rule whose field is
  gone is refused.
* `not_in`, `none`, `is_not`, `not_contains`, `not_within` and `unknown` are exact complements.
"""


def document() -> str:
    """The whole page."""
    parts = [HEAD]
    for key, label in GROUPS.items():
        rows = [_row(fact) for fact in facts().values() if fact.group == key]
        if rows:
            parts += [
                f"\n## {label.zh} · {label.en}\n",
                "| fact | 中文 | English | kind | operators | of | window |",
                "|---|---|---|---|---|---|---|",
                *rows,
            ]
    return "\n".join(parts) + "\n"


def _row(fact: Fact) -> str:
    of = f"{fact.subject.source}{' (required)' if fact.subject.required else ''}" if fact.subject else ""
    window = "yes" if fact.windowed else ""
    operators = " ".join(fact.operators)
    return f"| `{fact.key}` | {fact.label.zh} | {fact.label.en} | {fact.kind} | {operators} | {of} | {window} |"


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
