"""Rules over schemes: who is selected, how it reads, what is refused."""

from datetime import timedelta

import pytest

from members.models import TagGroup
from segmentation import evaluate, tagging
from segmentation.recalculation import services
from segmentation.rules.parse import RuleError
from segmentation.segments import queries
from segmentation.segments import services as segments
from segmentation.standings import rules
from segmentation.standings import services as standings
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db


@pytest.fixture
def scheme(pool, as_of, alice, bob):
    for n, days in enumerate([90, 60, 30]):
        factories.order(alice, f"A{n}", days_before(as_of, days), 5000)
    factories.order(bob, "B1", days_before(as_of, 20), 300)
    made = standings.save(pool=pool, family="ladder", name="阶梯", settings={"steps": 3}, actor=None)
    factories.member(pool, "Nobody")
    services.recalculate(pool=pool, as_of=as_of)
    return made


def ask(pool, as_of, **condition):
    look = evaluate.Evaluation(pool, as_of)
    tree = evaluate.tree_of({"all": [condition]})
    look.prepare(tree)
    return set(look.of(tree))


def test_classes_values_and_dates_select_members(pool, as_of, scheme, alice, bob):
    key = f"standing.{scheme.pk}"
    assert ask(pool, as_of, fact=key, op="in", value=[3]) == {alice.pk}
    assert len(ask(pool, as_of, fact=key, op="not_in", value=[3])) == 2
    assert len(ask(pool, as_of, fact=key, op="unknown")) == 1
    assert ask(pool, as_of, fact=f"{key}.value", op="gte", value=2) == {alice.pk}
    window = {"last": 25, "unit": "days"}
    assert ask(pool, as_of, fact=f"{key}.since", op="within", window=window) == {bob.pk}
    assert ask(
        pool, as_of + timedelta(minutes=1), fact=f"{key}.changes", op="any", of=[1], window={"last": 2, "unit": "days"}
    ) == {bob.pk}


def test_a_rule_reads_as_the_pool_calls_things(pool, scheme):
    rule = {"all": [{"fact": f"standing.{scheme.pk}", "op": "in", "value": [3]}]}
    said = queries.sentence_of(pool, rule, language="zh-hans")
    assert "阶梯" in said
    assert "第 3 次及以上" in said
    assert "阶梯" in queries.sentence_of(pool, rule, language="en")


def test_a_scheme_of_another_pool_or_none_is_refused(pool, other_pool, as_of, scheme):
    foreign = standings.save(pool=other_pool, family="ladder", name="阶梯", settings={}, actor=None)
    for number in (foreign.pk, 999_999):
        rule = {"all": [{"fact": f"standing.{number}", "op": "in", "value": [3]}]}
        with pytest.raises(segments.BadRule):
            segments.checked(pool, rule)
        with pytest.raises(RuleError):
            ask(pool, as_of, fact=f"standing.{number}", op="not_in", value=[3])
    for key in ("standing.", "standing.x", "standing.1.", "standing.1.other", "standing.1;--"):
        with pytest.raises(segments.BadRule):
            segments.checked(pool, {"all": [{"fact": key, "op": "in", "value": [3]}]})


def test_a_scheme_segments_ask_for_is_not_put_away(pool, as_of, scheme):
    rule = {"all": [{"fact": f"standing.{scheme.pk}", "op": "in", "value": [3]}]}
    segments.save(pool=pool, name="三次以上", note="", rule=rule, actor=None)
    with pytest.raises(standings.usage.InUse):
        standings.archive(scheme=scheme, actor=None, as_of=as_of)


def test_a_scheme_a_tag_asks_for_is_not_put_away(pool, as_of, scheme):
    rule = {"all": [{"fact": f"standing.{scheme.pk}", "op": "not_in", "value": [1]}]}
    made = tagging.save_rule(
        pool=pool, group=TagGroup.objects.create(pool=pool, name="g"), name="t", rule=rule, actor=None, cadence="asked"
    )
    with pytest.raises(standings.usage.InUse) as refused:
        standings.archive(scheme=scheme, actor=None, as_of=as_of)
    assert refused.value.fields == {"uses": ["t"]}
    tagging.stop(rule=made, actor=None)
    standings.archive(scheme=scheme, actor=None, as_of=as_of)


def test_a_scheme_put_away_selects_nobody_and_says_so_until_it_is_brought_back(pool, as_of, scheme, alice):
    asked = {"fact": f"standing.{scheme.pk}", "op": "not_in", "value": [1]}
    standings.archive(scheme=scheme, actor=None, as_of=as_of)
    with pytest.raises(RuleError, match="put away"):
        ask(pool, as_of, **asked)  # never "everybody"
    with pytest.raises(segments.BadRule):
        segments.checked(pool, {"all": [asked]})
    standings.restore(scheme=scheme, actor=None, as_of=as_of)
    assert alice.pk in ask(pool, as_of, **asked)


def test_the_catalogue_names_schemes(pool, scheme):
    found = {fact.key: fact for fact in rules.facts(pool)}
    about = found[f"standing.{scheme.pk}"]
    assert about.label.zh == "阶梯"
    assert [choice.value for choice in about.choices] == [1, 2, 3]
