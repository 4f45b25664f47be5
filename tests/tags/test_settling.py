"""Rules of tags said to be computing that no job computes any more, and whose fault it is when a group cannot be worked out."""

from datetime import timedelta

import pytest

from scrm.jobs import running
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from segmentation import tagging as rules
from segmentation.models import TagRule
from segmentation.tagging import applying
from segmentation.tasks import follow_changes

pytestmark = pytest.mark.django_db


def city(name):
    return {"all": [{"fact": "city", "op": "in", "value": [name]}]}


@pytest.fixture
def pair(pool, crowd, group_of):
    """Two rules of an exclusive group, which one job applies."""
    group = group_of("城市", is_exclusive=True)
    made = [
        rules.save_rule(pool=pool, group=group, name=name, rule=city(name), actor=None, place=n)
        for n, name in enumerate(("上海", "北京"))
    ]
    assert len({rule.job_id for rule in made}) == 1
    return made


def said():
    return list(TagRule.objects.order_by("pk").values_list("status", flat=True))


def test_a_cancelled_job_leaves_nobody_computing(pair):
    follow_changes()
    assert said() == ["building", "building"]  # there still is a job
    jobs.ask(job=JobRun.objects.get(pk=pair[0].job_id), what="cancel", actor=None)
    follow_changes()
    assert said() == ["new", "new"]
    assert applying.ask_nightly(as_of=pair[0].created_at) == 2


def test_a_job_whose_workers_died_stands_on_every_rule_it_was_for(pair):
    JobRun.objects.update(status="failed", error="the worker died each time this was tried", key=None)
    follow_changes()
    assert said() == ["failed", "failed"]
    assert {rule.error for rule in TagRule.objects.all()} == {"the worker died each time this was tried"}


def test_a_rule_changed_while_it_was_applied_is_applied_again(pool, pair, monkeypatch):
    shanghai, kept = pair[0], applying.tagging.keep

    def keep(**given):
        TagRule.objects.filter(pk=shanghai.pk).update(rule=city("杭州"))
        return kept(**given)

    monkeypatch.setattr(applying.tagging, "keep", keep)
    assert running.run(shanghai.job_id, heart=False) == "done"
    assert said() == ["building", "ready"]
    monkeypatch.undo()
    assert applying.settle() == 1
    again = TagRule.objects.get(pk=shanghai.pk).job_id
    assert again != shanghai.job_id
    assert running.run(again, heart=False) == "done"
    assert said() == ["ready", "ready"]


def test_the_rule_that_cannot_be_worked_out_is_the_one_that_failed(pair, as_of):
    first, second = pair
    TagRule.objects.filter(pk=second.pk).update(rule={"all": [{"fact": "gone", "op": "is", "value": "x"}]})
    TagRule.objects.update(status="ready")
    with pytest.raises(Problem, match="北京"):
        rules.apply(rule=TagRule.objects.get(pk=first.pk), as_of=as_of)
    assert said() == ["ready", "failed"]


def test_one_that_fails_is_not_tried_every_minute(pair):
    job = JobRun.objects.get(pk=pair[0].job_id)
    TagRule.objects.update(cadence="changes", rule={"all": [{"fact": "gone", "op": "is", "value": "x"}]})
    assert running.run(job.pk, heart=False) == "failed"
    applying.settle()
    assert said() == ["failed", "failed"]
    ended = JobRun.objects.get(pk=job.pk).finished_at
    assert applying.ask_changed(as_of=ended + timedelta(minutes=9)) == 0
    assert applying.ask_changed(as_of=ended + timedelta(minutes=11)) == 2
