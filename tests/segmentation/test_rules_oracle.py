"""Random rules over random members: SQL and bitmaps select exactly whom plain Python selects."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from campaigns.models import Campaign
from members.models import Community, Member, Pool, Product, Store, Tag
from scrm.staff.models import User
from segmentation import evaluate, leaves
from segmentation.models import Segment
from segmentation.rules.anchors import ANCHORS
from segmentation.rules.ast import dump
from segmentation.rules.catalog import FILTER_BARE, facts
from segmentation.rules.parse import parse
from segmentation.rules.periods import AHEAD, PERIODS
from tests.segmentation.rule_oracle import VALUES, selects
from tests.segmentation.rule_people import AS_OF, KINDS, NASTY, PROPERTIES, TEXTS, build
from tests.segmentation.rule_person import ITEMS
from tests.segmentation.rule_rows import Person
from tests.segmentation.rule_world import world
from touchpoints.models import Connector, Content, Step

# -- Rules -----------------------------------------------------------------------------------------
AGO = [0, 1, 2, 3, 7, 8, 30, 31, 89, 90, 100]
PLAIN_WINDOWS = st.one_of(
    st.builds(
        lambda n, unit: {"last": n, "unit": unit},
        st.sampled_from([1, 2, 7, 30, 90]),
        st.sampled_from(["days", "hours", "weeks", "months"]),
    ),
    st.builds(lambda a, b: {"ago": [a, b]}, st.sampled_from(AGO), st.sampled_from(AGO)),
    st.sampled_from(sorted(PERIODS)).map(lambda name: {"period": name}),
    st.sampled_from(
        [{"from": "2026-10-02"}, {"to": "2026-10-30"}, {"from": "2026-08-01", "to": "2026-10-31"}, {"to": "2030-01-01"}]
    ),
)
AHEAD_WINDOWS = st.one_of(
    st.builds(
        lambda n, unit: {"next": n, "unit": unit},
        st.sampled_from([0, 1, 7, 30, 90]),
        st.sampled_from(["days", "weeks", "months"]),
    ),
    st.sampled_from(sorted(AHEAD)).map(lambda name: {"period": name}),
)


def windows(about: Any, ids: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The windows a fact takes."""
    found = PLAIN_WINDOWS
    if about.ahead:
        found = st.one_of(found, AHEAD_WINDOWS)
    return st.one_of(found, since(ids)) if about.anchored else found


@st.composite
def since(draw: Any, ids: dict[str, list[Any]]) -> dict[str, Any]:
    anchor = draw(st.sampled_from(sorted(ANCHORS)))
    made: dict[str, Any] = {"since": anchor}
    if ANCHORS[anchor].source:
        made["of"] = draw(st.lists(st.sampled_from(ids[ANCHORS[anchor].source]), min_size=1, max_size=2, unique=True))
    if draw(st.booleans()):
        made["days"] = draw(st.sampled_from([1, 7, 30, 365]))
    return made


@st.composite
def where(draw: Any, about: Any, ids: dict[str, list[Any]]) -> dict[str, Any]:
    one = draw(st.sampled_from(about.filters))
    op = draw(st.sampled_from(one.operators))
    made: dict[str, Any] = {"field": one.key, "op": op}
    if one.kind == "property":
        made["name"] = draw(st.sampled_from([*PROPERTIES, NASTY]))
    if op not in FILTER_BARE:
        made["value"] = draw(_filter_value(one, op, ids))
    return made


def _filter_value(one: Any, op: str, ids: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    if op in ("in", "not_in"):
        texts = ["red", NASTY, "100", "true"] if one.kind == "property" else ids.get(one.source, [])
        options = [choice.value for choice in one.choices] or texts
        return st.lists(st.sampled_from(options), min_size=1, max_size=4, unique=True)
    if op in ("is", "is_not", "contains"):
        return st.sampled_from(["Red", "100", "tr", NASTY])
    numbers = st.sampled_from([0, 100, 500, 3000, 9900] if one.kind == "money" else [0, 99.5, 100])
    return st.lists(numbers, min_size=2, max_size=2).map(sorted) if op == "between" else numbers


NUMBERS = {
    "money": [0, 100, 5000, 9900, 50000],
    "amount": [-1, 0, 1, 100, 9900, 50000],
    "count": [-1, 0, 1, 2, 3],
    "number": [0, 1, 2.5, 3, 12.5, 30, 41, 364],
}


def condition(key: str, ids: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    about = facts()[key]

    @st.composite
    def make(draw: Any) -> dict[str, Any]:
        op = draw(st.sampled_from(about.operators))
        made: dict[str, Any] = {"fact": key, "op": op}
        if about.subject:
            least, most = int(about.subject.required), 1 if about.subject.single else 3
            chosen = st.lists(st.sampled_from(ids[about.subject.source]), min_size=least, max_size=most, unique=True)
            if of := draw(chosen):
                made["of"] = of
        if about.takes_value(op):
            made["value"] = draw(values(about, op, ids))
        if about.filters and (about.filtered or draw(st.integers(0, 2)) == 0):
            made["where"] = draw(st.lists(where(about, ids), min_size=1, max_size=2))
        if about.then:
            made["then"] = draw(then(about, ids))
        if about.takes_window(op) and (about.kind == "date" or draw(st.booleans())):
            made["window"] = draw(windows(about, ids))
        return made

    return make()


@st.composite
def then(draw: Any, about: Any, ids: dict[str, list[Any]]) -> dict[str, Any]:
    made = {"within": draw(st.sampled_from([1, 2, 24, 48, 90])), "unit": draw(st.sampled_from(["hours", "days"]))}
    if about.then == "asked":
        made["of"] = draw(st.lists(st.sampled_from(ids["happenings"]), min_size=1, max_size=3, unique=True))
    return made


def values(about: Any, op: str, ids: dict[str, list[Any]]) -> st.SearchStrategy[Any]:
    if about.kind in NUMBERS:
        numbers = st.sampled_from([n for n in NUMBERS[about.kind] if isinstance(n, int) or not about.integral])
        return st.lists(numbers, min_size=2, max_size=2).map(sorted) if op == "between" else numbers
    if about.kind == "sample":
        return st.sampled_from([1, 12.5, 50, 100])
    if about.kind == "text" and op not in ("in", "not_in"):
        return st.sampled_from(TEXTS)
    options = [choice.value for choice in about.choices] or ids[about.source]
    return st.lists(st.sampled_from(options), min_size=1, max_size=4, unique=True)


def rules(ids: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    one = st.sampled_from(sorted(facts())).flatmap(lambda key: condition(key, ids))
    return st.recursive(
        one,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found}),
            st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found}),
            inner.map(lambda found: {"not": found}),
        ),
        max_leaves=6,
    )


def offered(pool: Pool) -> dict[str, list[Any]]:
    """Values that occur, and some that do not."""
    found: dict[str, list[Any]] = {
        "stores": ["S1", NASTY, "S9"],
        "cities": TEXTS,
        "provinces": ["浙江", "江苏", NASTY],
        "channels": [1, 6, 9],
    }
    found |= {"attributes": ["income", "k'ey", NASTY], "attribute_values": [NASTY, "3", "x", "7"], "event_kinds": KINDS}
    found |= {
        "categories": ["奶粉", NASTY],
        "predicted_categories": ITEMS["category"],
        "behaviour_groups": [0, 1],
        "lookalikes": [1, 2],
        "subcategories": ["x", "y"],
        "brands": ["A", "B"],
        "stages": [0, 1, 2, 3],
        "rfm_groups": [0, 7],
    }
    found |= {
        "products": list(Product.objects.filter(pool=pool).values_list("pk", flat=True)),
        "message_sources": ["campaign:1", "campaign:9"],
    }
    found |= {
        "staff": list(User.objects.values_list("pk", flat=True)),
        "home_stores": list(Store.objects.values_list("pk", flat=True)),
        "communities": list(Community.objects.values_list("pk", flat=True)),
        "segments": list(Segment.objects.filter(pool=pool).values_list("pk", flat=True)),
        "members": list(Member.objects.filter(pool=pool).values_list("pk", flat=True))[:9],
        "contents": list(Content.objects.values_list("pk", flat=True)),
        "connectors": list(Connector.objects.values_list("pk", flat=True)),
        "message_steps": list(Step.objects.values_list("source", flat=True)),
        "message_reasons": ["no_consent", NASTY],
        "campaigns": list(Campaign.objects.values_list("pk", flat=True)),
        "happenings": [*KINDS, "$order", "$sent", "$opened", "$clicked"],
    }
    return found | {"tags": list(Tag.objects.filter(pool=pool).values_list("pk", flat=True))}


def compare(pool: Pool, people: dict[int, Person], strategy: Any, examples: int) -> set[int]:
    """Try rules of a strategy; the sizes of what they selected."""
    sizes = set[int]()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
    @given(strategy)
    def check(rule: dict[str, Any]) -> None:
        assert dump(parse(rule)) == dump(parse(dump(parse(rule))))
        note(str(rule))
        expected = {number for number, found in people.items() if selects(rule, found, AS_OF)}
        found = evaluate.count(pool, rule, AS_OF)
        assert set(found.bitmap) == expected
        assert found.per_node["$"].own == len(expected)
        sizes.add(len(expected))

    check()
    return sizes


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sql_and_bitmaps_select_whom_plain_python_selects(pool: Pool, other_pool: Pool, seed: int) -> None:
    build(pool, seed)
    sizes = compare(pool, world(pool), rules(offered(pool)), 200)
    assert len(sizes) > 20  # the rules told members apart


def test_every_fact_alone(pool: Pool) -> None:
    build(pool, 7)
    people, ids = world(pool), offered(pool)
    for key in sorted(facts()):
        compare(pool, people, condition(key, ids), 15)


def test_facts_whose_rows_are_too_many_to_be_sent(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database groups and joins what is otherwise counted here."""
    monkeypatch.setattr(leaves, "MOST_SENT", -1)
    build(pool, 7)
    people, ids = world(pool), offered(pool)
    several = [key for key, about in facts().items() if about.each or about.pair or about.ratio]
    assert {"events", "order_amount", "order_share", "sequence", "abandoned"} <= set(several)
    for key in several:
        compare(pool, people, condition(key, ids), 15)


def test_every_fact_has_its_meaning_in_the_oracle() -> None:
    assert set(facts()) == set(VALUES)
