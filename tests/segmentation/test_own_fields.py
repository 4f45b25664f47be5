"""Facts over a pool's own fields: whom they select, what they are called, and that a rule whose field is gone is refused."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.attributes import services as attributes
from members.attributes import usage
from members.attributes.services import Choice
from members.models import AttributeField, Pool
from members.versions import bump
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.models import User
from segmentation import evaluate, own
from segmentation.rules.catalog import fact
from segmentation.rules.parse import RuleError
from segmentation.segments import queries, services
from tests import factories

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Shanghai")
KINDS = {"text": "note", "number": "worth", "date": "since", "choice": "band", "multi_choice": "likes", "boolean": "car"}
CHOICES = [Choice("a", "甲", "alpha"), Choice("b", "乙", "beta"), Choice("c", "丙")]


def declare(pool: Pool, kind: str, **more: Any) -> AttributeField:
    chosen = CHOICES if kind in AttributeField.WITH_CHOICES else []
    said = {"label": f"字段{KINDS[kind]}", "label_en": f"field {KINDS[kind]}", **more}
    return attributes.create_field(pool=pool, key=KINDS[kind], kind=kind, choices=chosen, actor=None, **said)


@pytest.fixture
def fields(pool: Pool) -> dict[str, AttributeField]:
    return {kind: declare(pool, kind) for kind in KINDS}


def ids(pool: Pool, rule: Any, as_of: datetime) -> set[int]:
    return set(evaluate.members_of(rule, pool, as_of))


# -- Against plain Python ------------------------------------------------------------------------
DAYS = [date(2026, 8, 1) + timedelta(days=n) for n in (0, 30, 91, 92, 93, 120)]
ONE: dict[str, Any] = {
    "text": st.sampled_from(["", "Tea", "tea time", "50%", "它"]),
    "number": st.sampled_from([-2, 0, 1, 1.5, 2, 1000000]),
    "date": st.sampled_from([day.isoformat() for day in DAYS]),
    "choice": st.sampled_from(["a", "b", "c"]),
    "multi_choice": st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3, unique=True),
    "boolean": st.booleans(),
}
# What an import left before a field was declared: it must never break a rule.
STRAY = st.sampled_from(["oops", 7, True, ["x"], {"deep": 1}, None, "2026-13-45"])
PERSON = st.fixed_dictionaries({}, optional={name: st.one_of(ONE[kind], ONE[kind], STRAY) for kind, name in KINDS.items()})


def condition(kind: str) -> Any:
    key = f"attr.{kind}.{KINDS[kind]}"
    several = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=2, unique=True)
    flags = st.lists(st.sampled_from([0, 1]), min_size=1, max_size=2, unique=True)
    bare = st.sampled_from(["known", "unknown"]).map(lambda op: {"fact": key, "op": op})
    number = st.sampled_from([-2, 0, 1, 1.5, 1.6, 2])

    def with_value(ops: list[str], values: Any) -> Any:
        return st.builds(lambda op, value: {"fact": key, "op": op, "value": value}, st.sampled_from(ops), values)

    return {
        "text": bare
        | with_value(["is", "is_not", "contains", "not_contains", "starts_with"], st.sampled_from(["tea", "TEA", "%", "它"])),
        "number": bare
        | with_value(["gte", "lte", "gt", "lt", "eq"], number)
        | with_value(["between"], st.tuples(number, number).map(sorted).map(list)),
        "date": bare
        | st.builds(
            lambda op, window: {"fact": key, "op": op, "window": window}, st.sampled_from(["within", "not_within"]), WINDOW
        ),
        "choice": bare | with_value(["in", "not_in"], several),
        "multi_choice": bare | with_value(["any", "all", "none"], several),
        "boolean": bare | with_value(["in", "not_in"], flags),
    }[kind]


WINDOW = st.sampled_from(
    [
        {"last": 1, "unit": "days"},
        {"last": 91},
        {"from": "2026-08-31", "to": "2026-11-01"},
        {"to": "2026-10-31"},
        {"last": 5, "unit": "hours"},
    ]
)


def holds(rule: dict[str, Any], said: Any, as_of: datetime) -> bool:
    """One condition about one person, read straight."""
    kind, op, value = rule["fact"].split(".")[1], rule["op"], rule.get("value")
    negative = {
        "unknown": "known",
        "is_not": "is",
        "not_contains": "contains",
        "not_in": "in",
        "none": "any",
        "not_within": "within",
    }
    if op in negative:
        return not holds({**rule, "op": negative[op]}, said, as_of)
    found = plain(kind, said)
    if op == "known":
        return found not in (None, "", set())
    if found is None:
        return False
    if op == "within":
        return inside(found, rule["window"], as_of)
    match op:
        case "is":
            return found.lower() == value.lower()
        case "contains":
            return value.lower() in found.lower()
        case "starts_with":
            return found.lower().startswith(value.lower())
        case "in":
            return found in value
        case "any":
            return bool(found & set(value))
        case "all":
            return set(value) <= found
        case "between":
            return value[0] <= found <= value[1]
    return {"gte": found >= value, "gt": found > value, "lte": found <= value, "lt": found < value, "eq": found == value}[op]


def plain(kind: str, said: Any) -> Any:
    """A value as its kind means it; what is none of the kind is unknown."""
    if kind == "text":
        return said if isinstance(said, str) else "" if said is None else TEXTS.get(repr(said), str(said))
    if kind == "number":
        return said if isinstance(said, int | float) and not isinstance(said, bool) else None
    if kind == "boolean":
        return int(said) if isinstance(said, bool) else None
    if kind == "multi_choice":
        return set(said) if isinstance(said, list) else set()
    if kind == "date":
        shaped = isinstance(said, str) and len(said) == 10 and said[4] == said[7] == "-" and said.replace("-", "").isdigit()
        return said if shaped else None
    return None if said is None else said if isinstance(said, str) else TEXTS.get(repr(said), str(said))


TEXTS = {"True": "true", "False": "false", "['x']": '["x"]', "{'deep': 1}": '{"deep": 1}'}


def inside(day: str, window: dict[str, Any], as_of: datetime) -> bool:
    zone_now = as_of.astimezone(ZONE)
    if "unit" in window and window["unit"] == "hours":
        start = zone_now - timedelta(hours=window["last"])
        midnight = datetime.fromisoformat(f"{_real(day)}T00:00:00").replace(tzinfo=ZONE)
        return bool(start <= midnight < zone_now)
    if "last" in window:
        first = (zone_now.date() - timedelta(days=window["last"] - 1)).isoformat()
        return first <= day <= zone_now.date().isoformat()
    return window.get("from", "0000") <= day <= window.get("to", "9999")


def _real(day: str) -> str:
    """A day that is none lies outside of every window."""
    try:
        date.fromisoformat(day)
    except ValueError:
        return "1900-01-01"
    return day


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    people=st.lists(PERSON, min_size=1, max_size=6),
    rules=st.lists(st.sampled_from(sorted(KINDS)).flatmap(condition), min_size=1, max_size=4),
)
def test_the_same_members_as_plain_python_finds(
    people: list[dict[str, Any]], rules: list[dict[str, Any]], pool: Pool, as_of: datetime
) -> None:
    if not AttributeField.objects.filter(pool=pool).exists():
        for kind in KINDS:
            declare(pool, kind)
    made = {
        factories.member(pool, "x", attributes={key: each for key, each in person.items() if each is not None}).pk: person
        for person in people
    }
    bump(pool.pk, "members")
    for rule in rules:
        name = rule["fact"].split(".")[2]
        expected = {pk for pk, person in made.items() if holds(rule, person.get(name), as_of)}
        assert ids(pool, rule, as_of) & set(made) == expected, rule
    whole = {"any": [{"all": rules}, {"not": rules[0]}]}
    told = {pk: [holds(rule, person.get(rule["fact"].split(".")[2]), as_of) for rule in rules] for pk, person in made.items()}
    assert ids(pool, whole, as_of) & set(made) == {pk for pk, each in told.items() if all(each) or not each[0]}


# -- Names ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "zh", "en"),
    [
        ({"fact": "attr.choice.band", "op": "in", "value": ["a"]}, "字段band 是「甲」", "field band is “alpha”"),
        (
            {"fact": "attr.multi_choice.likes", "op": "none", "value": ["b", "c"]},
            "字段likes 不含「乙」或「丙」",
            "field likes has none of “beta” or “丙”",
        ),
        ({"fact": "attr.multi_choice.likes", "op": "known"}, "字段likes 已知", "field likes is known"),
        ({"fact": "attr.boolean.car", "op": "in", "value": [1]}, "字段car 是是", "field car is yes"),
        (
            {"fact": "attr.number.worth", "op": "gte", "value": 50},
            "字段worth（万元）不少于 50",
            "field worth (万元) is at least 50",
        ),
        (
            {"fact": "attr.date.since", "op": "within", "window": {"last": 30}},
            "字段since 在近 30 天内",
            "field since was in the last 30 days",
        ),
    ],
)
def test_sentences(pool: Pool, fields: dict[str, AttributeField], rule: dict[str, Any], zh: str, en: str) -> None:
    AttributeField.objects.filter(pool=pool, key="worth").update(unit="万元")
    assert queries.sentence_of(pool, rule, language="zh-hans") == zh
    assert queries.sentence_of(pool, rule, language="en") == en


def test_the_catalogue_names_the_pools_own_fields(pool: Pool, fields: dict[str, AttributeField], api: Any) -> None:
    rows = {row["key"]: row for row in api("analyst").get("/api/segments/facts/").json()}
    band = rows["attr.choice.band"]
    assert (band["label"]["zh"], band["kind"]) == ("字段band", "choice")
    assert band["operators"] == ["in", "not_in", "known", "unknown"]
    assert [choice["en"] for choice in band["choices"]] == ["alpha", "beta", "丙"]
    assert "attr.number.worth" in rows


def test_another_pools_field_is_none_of_this_one(pool: Pool, other_pool: Pool, as_of: datetime) -> None:
    declare(other_pool, "number")
    with pytest.raises(RuleError):
        ids(pool, {"fact": "attr.number.worth", "op": "gte", "value": 1}, as_of)


# -- A field that is gone ------------------------------------------------------------------------
def test_a_rule_whose_field_is_gone_selects_nobody_and_says_so(pool: Pool, as_of: datetime, staff: dict[str, User]) -> None:
    factories.member(pool, "x", attributes={"car": True})
    rule = {"not": {"fact": "attr.boolean.car", "op": "in", "value": [1]}}
    with pytest.raises(RuleError):
        ids(pool, rule, as_of)  # never "everybody"
    with pytest.raises(Problem) as refused:
        services.save(pool=pool, name="x", rule=rule, actor=staff["admin"])
    assert refused.value.fields["rule"][0]["path"] == "$.not.fact"


def test_a_field_of_another_kind_under_the_same_key_is_not_the_one_that_was_meant(pool: Pool, as_of: datetime) -> None:
    attributes.create_field(pool=pool, key="worth", kind="text", label="x", actor=None)
    with pytest.raises(RuleError):
        ids(pool, {"fact": "attr.number.worth", "op": "gte", "value": 1}, as_of)


def test_a_segment_keeps_its_field(pool: Pool, fields: dict[str, AttributeField], staff: dict[str, User]) -> None:
    rule = {"all": [{"fact": "attr.choice.band", "op": "in", "value": ["a"]}]}
    services.save(pool=pool, name="甲等", rule=rule, actor=staff["admin"])
    (use,) = usage.uses(fields["choice"])
    assert use.name == "甲等"
    with pytest.raises(Problem) as refused:
        attributes.delete_field(field=fields["choice"], actor=staff["admin"])
    assert "甲等" in refused.value.message
    assert not usage.uses(fields["number"])


# -- Renamed choices -----------------------------------------------------------------------------
@pytest.mark.parametrize("said", ["b", "beta2"])
def test_both_names_of_a_renamed_choice_select_the_same_before_and_after_rewriting(
    said: str, pool: Pool, fields: dict[str, AttributeField], as_of: datetime
) -> None:
    one = factories.member(pool, "x", attributes={"band": "b", "likes": ["a", "b"]})
    factories.member(pool, "y", attributes={"band": "c", "likes": ["a"]})
    rules = [
        {"fact": "attr.choice.band", "op": "in", "value": [said]},
        {"fact": "attr.multi_choice.likes", "op": "all", "value": ["a", said]},
        {"fact": "attr.multi_choice.likes", "op": "any", "value": [said]},
    ]
    for kind in ("choice", "multi_choice"):
        renamed = [Choice("a", was="a"), Choice("beta2", was="b"), Choice("c", was="c")]
        attributes.edit_field(field=fields[kind], choices=renamed, actor=None)
    assert [ids(pool, rule, as_of) for rule in rules] == [{one.pk}] * 3
    for job in JobRun.objects.filter(status=JobRun.Status.QUEUED).order_by("pk"):
        assert running.run(job.pk, heart=False) == JobRun.Status.DONE
    one.refresh_from_db()
    assert one.attributes == {"band": "beta2", "likes": ["a", "beta2"]}
    assert [ids(pool, rule, as_of) for rule in rules] == [{one.pk}] * 3


def test_a_fact_key_that_says_nothing_is_unknown() -> None:
    for key in ("attr.", "attr.number.", "attr.shape.x", "attr.number." + "x" * 41):
        with pytest.raises(KeyError):
            fact(key)


def test_the_builder_offers_fields_and_shows_what_is_gone(pool: Pool, fields: dict[str, AttributeField], login: Any) -> None:
    page = login("analyst").get("/p/demo/segments/new/")
    assert 'value="attr.choice.band"' in page.content.decode()
    form = {
        "node": ["g:-:group", "r:g:row"],
        "g.join": "all",
        "r.fact": "attr.choice.band",
        "r.was": "attr.choice.band",
        "r.op": "in",
        "r.value": "a",
        "name": "x",
    }
    shown = login("analyst").post("/p/demo/segments/new/", form, headers={"HX-Request": "true"}).content.decode()
    assert "字段band 是「甲」" in shown
    AttributeField.objects.filter(key="band").delete()
    shown = login("analyst").post("/p/demo/segments/new/", form, headers={"HX-Request": "true"}).content.decode()
    assert own.GONE.zh in shown
    assert 'value="attr.choice.band" selected' in shown
