"""Bringing kept tags in line: whom a rule selects now, in an exclusive group the first rule that matches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members import tagging
from members.models import Pool, Tag, TagChange, TagRun
from members.tagging import keeping
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.problems import Problem
from scrm.staff.models import User
from segmentation.evaluate import CircularSegment, Evaluation, latest_snapshot, why
from segmentation.models import TagRule
from segmentation.rules.parse import RuleError, parse
from segmentation.tagging.stamps import stamp

JOB = "tags.apply"
REST = timedelta(minutes=10)  # a rule that follows changes is not applied more often
NIGHT = timedelta(hours=20)  # nightly ones are not applied twice a night
HOW = {Tag.Source.RULE: TagChange.How.RULE, Tag.Source.SEGMENT: TagChange.How.SEGMENT}
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Wanted:
    """Whom a rule's tag is for: whom the rule selects, and of them who is left after stronger ones."""

    rule: TagRule
    selected: BitMap
    left: BitMap


class Unworkable(Problem):
    """Nobody can say whom this rule selects, and so not who of its group carries what."""

    def __init__(self, rule: TagRule, error: RuleError | CircularSegment) -> None:
        said = _("「%(tag)s」的规则无法计算：%(why)s") % {"tag": rule.tag.name, "why": why(error)}
        super().__init__("tags.rule_failed", said, {"rule": [rule.tag.name]})
        self.rule = rule


def selected(rule: TagRule, look: Evaluation) -> BitMap:
    """Whom the rule selects by itself. Raises RuleError or CircularSegment when it cannot be worked out."""
    if rule.segment:
        # As it was last computed: the tag says what the segment's page says, whatever its cadence.
        found = latest_snapshot(rule.segment) if rule.segment.as_of else look.segment(rule.segment.pk)
        return found & look.universe
    tree = parse(rule.rule)
    look.prepare(tree)
    return look.of(tree) & look.universe


def wanted(rules: list[TagRule], look: Evaluation) -> list[Wanted]:
    """Rules of one exclusive group in their order (or a single one): each gets whom none before it took. Unworkable."""
    found, taken = [], _frozen(rules)
    for rule in rules:
        try:
            mine = selected(rule, look)
        except (RuleError, CircularSegment) as error:
            raise Unworkable(rule, error) from error
        left = mine - keeping.stronger(rule.tag)
        if rule.tag.group.is_exclusive:
            left -= taken
            taken |= left
        found.append(Wanted(rule, mine, left))
    return found


def _frozen(rules: list[TagRule]) -> BitMap:
    """Carriers of paused rules' tags in the group: they stay as they are."""
    group = rules[0].tag.group
    paused = TagRule.objects.filter(tag__group=group, tag__retired_at=None, is_paused=True).exclude(
        pk__in=[rule.pk for rule in rules]
    )
    return keeping.holders(tuple(paused.values_list("tag_id", flat=True))) if group.is_exclusive else BitMap()


def together(rule: TagRule) -> list[TagRule]:
    """The rules that must be applied in one go: all of an exclusive group, in order."""
    if not rule.tag.group.is_exclusive:
        return [rule]
    found = TagRule.objects.filter(tag__group=rule.tag.group, tag__retired_at=None, is_paused=False)
    return list(found.select_related("tag__group", "tag__pool", "pool").order_by("tag__place", "tag__name", "pk"))


# -- Asking and doing -----------------------------------------------------------------------------
@transaction.atomic
def ask_apply(*, rule: TagRule, actor: User | None) -> JobRun | None:
    """Have a rule applied by a worker; asking twice is asking once. A paused one is not."""
    if rule.is_paused:
        return None
    group = rule.tag.group
    key = f"tags:group:{group.pk}" if group.is_exclusive else f"tags:rule:{rule.pk}"
    job = jobs.enqueue(kind=JOB, pool_id=rule.pool_id, params={"rule": rule.pk}, actor=actor, key=key)
    TagRule.objects.filter(pk=rule.pk).update(status=TagRule.Status.BUILDING, job_id=job.pk)
    rule.status, rule.job_id = TagRule.Status.BUILDING, job.pk
    return job


def apply(*, rule: TagRule, as_of: datetime, report: Report = lambda done, total: None) -> list[TagRun]:
    """Bring a rule's tag in line with it, and with it the other rules of an exclusive group.

    What goes wrong stands on the rule it went wrong with, which need not be the one that was asked for.
    """
    rules = together(rule)
    if not rules:
        return []
    look = Evaluation(rule.pool, as_of)
    before = {each.pk: stamp(each, as_of) for each in rules}  # what changes meanwhile is looked at the next time
    try:
        found = wanted(rules, look)
    except Unworkable as error:
        fail(rule=error.rule, error=error.message)
        raise
    return [_keep(each, as_of, before[each.rule.pk], report) for each in found]


def _keep(found: Wanted, as_of: datetime, seen: dict[str, Any], report: Report) -> TagRun:
    rule = found.rule
    evidence = {"selected": len(found.selected), "wanted": len(found.left), "rule": rule.rule or {"segment": rule.segment_id}}
    how = HOW[Tag.Source(rule.tag.source)]
    run = tagging.keep(tag=rule.tag, wanted=found.left, how=how, as_of=as_of, evidence=evidence, report=report)
    figures = {"size": run.size, "gained": run.gained, "lost": run.lost, "ms": run.ms, "as_of": as_of}
    same = TagRule.objects.filter(pk=rule.pk, rule=rule.rule, segment=rule.segment_id)  # else it is asked for again: `settle`
    same.update(status=TagRule.Status.READY, error="", seen=seen, **figures)
    return run


def fail(*, rule: TagRule, error: str) -> None:
    """It did not work: say so; who carries the tag stays."""
    TagRule.objects.filter(pk=rule.pk).update(status=TagRule.Status.FAILED, error=error[:2000])


def stopped(*, rule: TagRule) -> None:
    """Nobody applies it any more: it is what it was before."""
    TagRule.objects.filter(pk=rule.pk).update(status=TagRule.Status.READY if rule.as_of else TagRule.Status.NEW)


def settle() -> int:
    """Rules said to be computing whose job is over: tell what became of it, or ask again; how many."""
    open_jobs = list(JobRun.objects.filter(kind=JOB, status__in=JobRun.OPEN).values_list("pk", flat=True))
    building = TagRule.objects.filter(status=TagRule.Status.BUILDING).exclude(job_id__in=open_jobs)
    rules = list(building.select_related("tag__group", "pool"))
    jobs_of = JobRun.objects.in_bulk([rule.job_id for rule in rules if rule.job_id])
    return sum(_settle(rule, jobs_of.get(rule.job_id or 0)) for rule in rules)


def _settle(rule: TagRule, job: JobRun | None) -> bool:
    if job and job.is_open:  # asked for this very moment
        return False
    if job and job.status == JobRun.Status.FAILED:
        fail(rule=rule, error=job.error)
    elif job and job.status == JobRun.Status.DONE and not (rule.is_paused or rule.tag.retired_at):
        ask_apply(rule=rule, actor=None)  # asked for, or changed, as the job was ending
    else:
        stopped(rule=rule)
    return True


# -- When it is time ------------------------------------------------------------------------------
def _alive() -> Any:
    mine = TagRule.objects.filter(is_paused=False, tag__retired_at=None, pool__is_archived=False)
    return mine.exclude(status=TagRule.Status.BUILDING).select_related("tag__group", "pool").order_by("as_of", "pk")


def ask_changed(*, as_of: datetime) -> int:
    """Ask for rules that follow changes and whose data changed; how many."""
    tried = JobRun.objects.filter(kind=JOB, status=JobRun.Status.FAILED, finished_at__gt=as_of - REST)
    waiting = _alive().filter(cadence=TagRule.Cadence.CHANGES).exclude(as_of__gt=as_of - REST)
    waiting = waiting.exclude(job_id__in=list(tried.values_list("pk", flat=True)))
    found = [rule for rule in waiting if rule.as_of is None or stamp(rule, as_of) != rule.seen]
    return sum(ask_apply(rule=rule, actor=None) is not None for rule in found)


def ask_nightly(*, as_of: datetime) -> int:
    """Ask for every rule's nightly run; how many."""
    waiting = _alive().exclude(cadence=TagRule.Cadence.ASKED).exclude(as_of__gt=as_of - NIGHT)
    return sum(ask_apply(rule=rule, actor=None) is not None for rule in waiting)


# -- Models ---------------------------------------------------------------------------------------
def apply_model_tags(
    *, pool: Pool, tag: Tag, members: BitMap, as_of: datetime, evidence: dict[str, Any], report: Report = lambda done, total: None
) -> TagRun:
    """Exactly these members carry a model's tag from now on; what people and rules say in an exclusive group is stronger.

    `evidence` (model, version, cutoff, hold-out figures) stays with the run, which history refers to. Problem
    "tags.not_models" when the tag is not kept by a model. Writes in chunks, each a transaction; a repeat changes nothing.
    """
    if tag.pool_id != pool.pk or tag.source != Tag.Source.MODEL:
        raise Problem("tags.not_models", f"{tag.name}: {tag.source}", {"tag": [tag.name]})
    living = members & Evaluation(pool, as_of).universe
    left = living - keeping.stronger(tag)
    return tagging.keep(tag=tag, wanted=left, how=TagChange.How.MODEL, as_of=as_of, evidence=evidence, report=report)
