"""docs/facts.md, written from the catalogue; a test holds the two together."""

import re

from segmentation.rules.anchors import ANCHORS
from segmentation.rules.catalog import GROUPS, Fact, facts
from segmentation.rules.periods import AHEAD

HEAD = """# Facts

Everything a rule can ask about a member. Written from `segmentation/rules/catalog.py` by
`manage.py facts > docs/facts.md`; a test fails when the two differ.

A rule is JSON: `{"all": […]}`, `{"any": […]}`, `{"not": {…}}` around conditions
`{"fact", "op", "value", "of", "window"}`. Money is in minor units (分). Depth ≤ 8, at most 100 conditions.

* `of` says of what: which events, which categories, which attribute.
* `window` is `{"last": 90, "unit": "days"}` (hours, days, weeks, months), `{"ago": [90, 30]}`,
  `{"period": "this_month"}` or `{"from": "2026-01-01", "to": "2026-03-31"}`; days are the pool's, today included.
  Dates that come again (birthdays, anniversaries) and dates ahead also take `{"next": 7, "unit": "days"}` and the periods
  AHEAD.
* Where the column *window* says *since*, it may also begin at something else that happened to the member:
  `{"since": "last_order"}`, `{"since": "joined", "days": 30}` (at most so many days after it),
  `{"since": "last_event", "of": ["sign_in"]}`. Members to whom it never happened have no rows in such a window.
  Anchors: ANCHORS.
* Without a window everything up to the end of the day asked for counts, nothing after it. How somebody is now (profile, tags,
  communities, consents, blocks, scores, points balance) is as it is now, whichever day is asked for; lists and snapshots are as
  they were on that day.
* `where` narrows the rows: `[{"field": "channel", "op": "in", "value": [2]}, {"field": "property", "name": "price", "op": "gte",
  "value": 100}]`, all of them together, at most 6. The column *filters* names the fields, `GET /api/segments/facts/` their
  operators too.
* `then` says what follows and how soon: `{"of": ["$order"], "within": 24, "unit": "hours"}`. `$order`, `$sent`, `$opened` and
  `$clicked` stand beside the pool's own events, in `of` too.
* Members without rows count as 0 for the kinds *count* and *amount*: "fewer than 2" includes them.
  For *number* and *money* they are unknown and satisfy no comparison.
* A pool's own fields are facts too: `attr.<kind>.<key>`, such as `attr.choice.income_band`; `GET /api/segments/facts/`
  lists them. Kinds: text, number, date, choice, multi_choice (a set), boolean (a choice of 1 and 0). A rule whose field is
  gone is refused.
* `not_in`, `none`, `is_not`, `not_contains`, `not_within` and `unknown` are exact complements.
"""


def document() -> str:
    """The whole page."""
    named: dict[str, list[str]] = {"ANCHORS": list(ANCHORS), "AHEAD": list(AHEAD)}
    parts = [re.sub("ANCHORS|AHEAD", lambda found: ", ".join(f"`{key}`" for key in named[found[0]]), HEAD)]
    for key, label in GROUPS.items():
        rows = [_row(fact) for fact in facts().values() if fact.group == key]
        if rows:
            parts += [
                f"\n## {label.zh} · {label.en}\n",
                "| fact | 中文 | English | kind | operators | of | window | filters | then |",
                "|---|---|---|---|---|---|---|---|---|",
                *rows,
            ]
    return "\n".join(parts) + "\n"


def _row(fact: Fact) -> str:
    of = f"{fact.subject.source}{' (required)' if fact.subject.required else ''}" if fact.subject else ""
    window = "since" if fact.anchored else "ahead" if fact.ahead else "yes" if fact.windowed else ""
    filters = " ".join(each.key for each in fact.filters) + (" (required)" if fact.filtered else "")
    cells = [f"`{fact.key}`", fact.label.zh, fact.label.en, fact.kind, " ".join(fact.operators), of, window, filters, fact.then]
    return f"| {' | '.join(cells)} |"
