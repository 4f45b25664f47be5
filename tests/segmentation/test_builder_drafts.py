"""A rule as the builder drafts it: through the form and back, buttons, depth, numbers as they are."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from members.models import Pool
from segmentation import builder, rows
from segmentation import preview as previews
from segmentation.rules import parse
from segmentation.rules.ast import conditions

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)
Login = Callable[[str], Client]


def posted(root: builder.Group) -> QueryDict:
    """A draft as its form would post it."""
    data = QueryDict(mutable=True)

    def put(node: builder.Draft, parent: str) -> None:
        data.appendlist("node", f"{node.id}:{parent}:{node.kind}")
        if isinstance(node, builder.Group):
            data[f"{node.id}.join"] = node.join
            for child in node.children:
                put(child, node.id)
            return
        data[f"{node.id}.fact"] = data[f"{node.id}.was"] = node.fact
        data[f"{node.id}.op"] = node.op
        data.setlist(f"{node.id}.value", node.values)
        data.setlist(f"{node.id}.of", node.of)
        for name, text in node.window.items():
            data[f"{node.id}.w{name}"] = text

    put(root, "-")
    return data


RULE = {
    "all": [
        {"fact": "order_amount", "op": "between", "value": [9950, 120000], "of": [6], "window": {"last": 90, "unit": "days"}},
        {"any": [
            {"fact": "tag", "op": "all", "value": [1, 2], "window": {"period": "this_year"}},
            {"fact": "events", "op": "none", "of": ["view"], "window": {"ago": [90, 30]}},
        ]},
        {"not": {"any": [{"fact": "joined_at", "op": "within", "window": {"from": "2026-01-01", "to": "2026-02-01"}}]}},
        {"fact": "attribute_number", "op": "gte", "value": 2.5, "of": ["income"]},
        {"fact": "name", "op": "contains", "value": "'; --"},
    ]
}  # fmt: skip


def test_a_rule_survives_the_form() -> None:
    root = builder.decode(posted(builder.draft(RULE)))
    assert builder.as_rule(root)[0] == RULE


def test_buttons_add_copy_move_and_remove() -> None:
    root = builder.draft({"all": [{"fact": "age", "op": "gte", "value": 1}, {"any": [{"fact": "age", "op": "gte", "value": 2}]}]})
    first, group = root.children
    builder.edit(root, f"down:{first.id}")
    assert [child.kind for child in root.children] == ["group", "row"]
    builder.edit(root, f"copy:{group.id}")
    assert [child.kind for child in root.children] == ["group", "group", "row"]
    inner = root.children[0].children[0]  # type: ignore[union-attr]
    builder.edit(root, f"up:{inner.id}")  # out of its group
    assert [child.kind for child in root.children] == ["row", "group", "group", "row"]
    builder.edit(root, f"add-row:{group.id}")
    builder.edit(root, f"add-group:{root.id}")
    builder.edit(root, f"remove:{inner.id}")
    builder.edit(root, "remove:nobody")
    assert [child.kind for child in root.children] == ["group", "group", "row", "group"]


def deepest(join: str) -> tuple[builder.Group, builder.Group]:
    """A rule to which groups were added as long as one could be, and the innermost of them."""
    root = here = builder.Group(join)
    while builder.nests(here, {node.id: depth for node, depth in builder.walk(root)}[here.id]):
        builder.edit(root, f"add-group:{here.id}")
        here = here.children[-1]  # type: ignore[assignment]
        here.join = join
        if parse.read(builder.as_rule(root)[0])[1]:  # as "none" it is one level too many
            here.join = "any"
    return root, here


def test_groups_nest_to_the_depth_the_language_allows() -> None:
    for join, groups in (("all", 6), ("none", 3)):  # "none" is not any: two levels
        root, innermost = deepest(join)
        rule, _places = builder.as_rule(root)
        assert not parse.read(rule)[1], join
        assert sum(isinstance(node, builder.Group) for node, _ in builder.walk(root)) == groups + 1
        before = len(innermost.children)
        builder.edit(root, f"add-group:{innermost.id}")
        assert len(innermost.children) == before
        innermost.children.append(builder.Group("any", [rows.Row()]))
        assert [fault.code for fault in parse.read(builder.as_rule(root)[0])[1]] == ["too_deep"], join


@pytest.mark.parametrize("inner", [{"fact": "age", "op": "gte", "value": 1}, {"any": [{"fact": "age", "op": "gte", "value": 1}]}])
def test_what_programs_wrote_as_deep_as_may_be_is_saved_again(inner: dict[str, Any]) -> None:
    rule: dict[str, Any] = {"not": inner}
    while not parse.read({"all": [rule]})[1]:
        rule = {"all": [rule]}
    written, places = builder.as_rule(root := builder.draft(rule))
    assert written == rule
    leaf = next(node for node, _ in builder.walk(root) if isinstance(node, rows.Row))
    ((path, _condition),) = conditions(parse.parse(rule))
    assert places[path] == leaf.id


def test_copies_are_made_while_they_fit(pool: Pool, login: Login) -> None:
    row = {"fact": "gender", "op": "in", "value": [1]}
    root = builder.draft({"all": [{"any": [row] * 60}, row]})
    builder.edit(root, f"copy:{root.children[0].id}")
    assert len(root.children) == 2
    assert previews.preview(pool, root, AS_OF).orphans == ["复制后会超过 100 个条件，没有复制"]
    builder.edit(root, f"copy:{root.children[1].id}")
    assert len(root.children) == 3
    root.children.append(builder.Group("any", [rows.Row() for _ in range(60)]))
    data = posted(root)  # more than may be, however it came about
    assert sum(isinstance(node, rows.Row) for node, _ in builder.walk(builder.decode(data))) == parse.MAX_CONDITIONS
    assert login("marketer").post("/p/demo/segments/new/", data.dict() | dict(data.lists())).status_code == 200


@pytest.mark.parametrize(
    ("value", "shown"), [(12345.67, "12345.67"), (1234567.5, "1234567.5"), (0.0000001, "0.0000001"), (200, "200"), (-0.5, "-0.5")]
)
def test_numbers_are_edited_as_they_are(value: float, shown: str) -> None:
    rule = {"all": [{"fact": "attribute_number", "op": "gte", "value": value, "of": ["income"]}]}
    root = builder.draft(rule)
    assert root.children[0].values == [shown]  # type: ignore[union-attr]
    assert builder.as_rule(root)[0] == rule


def test_money_with_parts_of_a_cent_is_edited_as_it_is() -> None:
    rule = {"all": [{"fact": "order_aov", "op": "between", "value": [1234.5678, 120000]}]}
    root = builder.draft(rule)
    assert root.children[0].values == ["12.345678", "1200"]  # type: ignore[union-attr]
    assert builder.as_rule(root)[0] == rule


def test_values_with_commas_stay_one() -> None:
    values = ["A, B", '5" pipe', '"q"', '"a, b" c', "乙，丙", "d"]
    where = [{"field": "property", "name": "title", "op": "in", "value": values}]
    rule = {"all": [{"fact": "events", "op": "gte", "value": 1, "of": ["view"], "where": where}]}
    root = builder.draft(rule)
    assert builder.as_rule(root)[0] == rule
    root.children[0].filters[0].values = ['a, "b, c"，d、 ,']  # type: ignore[union-attr]
    assert builder.as_rule(root)[0]["all"][0]["where"][0]["value"] == ["a", "b, c", "d"]
