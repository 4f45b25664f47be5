"""The contact policy: one statement against a plain-Python reading of the same rules."""

import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members.models import Consent, Member, MemberState
from scrm.lib.problems import Problem
from tests import factories
from tests.touchpoints.conftest import agree
from touchpoints import policy, services
from touchpoints.models import Block, Delivery, Step
from touchpoints.planning import Candidates, listed

S = Delivery.Status
ZONE = ZoneInfo("Asia/Shanghai")


def plan(step, members, content, as_of, **given):
    return services.plan_deliveries(
        step=step, candidates=Candidates.of([m.pk for m in members], content.pk), as_of=as_of, **given
    )


@pytest.mark.django_db
def test_every_reason_by_hand(open_step, pool, other_pool, content, as_of):
    yes, silent, left, blocked, homeless = (
        factories.member(pool, name, email="" if name == "homeless" else f"{name}@example.com")
        for name in ("yes", "silent", "left", "blocked", "homeless")
    )
    stranger = factories.member(other_pool, "stranger", email="s@example.com")
    for member in (yes, blocked, homeless, stranger):
        agree(member)
    agree(left, granted=False)
    services.block_member(member=blocked, carrier="email", at=as_of, actor=None)
    step = open_step()
    everyone = [yes, silent, left, blocked, homeless, stranger]
    dry = plan(step, everyone, content, as_of, dry_run=True)
    assert Delivery.objects.count() == 0
    wet = plan(step, everyone, content, as_of)
    expected = {"unknown_member": 1, "no_address": 1, "blocklisted": 1, "unsubscribed": 1, "no_consent": 1}
    assert (dry.planned, dry.suppressed) == (wet.planned, wet.suppressed) == (1, expected)
    assert wet.written == 5
    assert plan(step, everyone, content, as_of).written == 0
    reasons = dict(Delivery.objects.values_list("member__name", "reason"))
    assert reasons == {
        "yes": "", "silent": "no_consent", "left": "unsubscribed", "blocked": "blocklisted", "homeless": "no_address",
    }  # fmt: skip


@pytest.mark.django_db
def test_a_dry_run_lists_who_and_why_page_by_page_for_a_step_that_is_not_saved(pool, fake, alice, bob, content, as_of):
    agree(bob)
    draft = Step(pool=pool, connector=fake, due_at=as_of, purpose="marketing")
    people = Candidates.of([alice.pk, bob.pk], content.pk)
    first = listed(step=draft, candidates=people, as_of=as_of, limit=1)
    second = listed(step=draft, candidates=people, as_of=as_of, after=first[0]["member_id"])
    assert [(row["name"], row["reason"]) for row in first + second] == [("Alice", "no_consent"), ("Bob", "")]
    assert [row["name"] for row in listed(step=draft, candidates=people, as_of=as_of, reason="")] == ["Bob"]


@pytest.mark.django_db
def test_the_cap_counts_across_steps_by_the_days_of_the_pool(open_step, alice, content, as_of):
    agree(alice)
    assert plan(open_step("a"), [alice], content, as_of).planned == 1
    assert plan(open_step("b"), [alice], content, as_of).suppressed == {"cap_day": 1}
    tomorrow = as_of + timedelta(days=1)
    assert plan(open_step("c", due_at=tomorrow), [alice], content, tomorrow).planned == 1
    assert plan(open_step("d", purpose="service"), [alice], content, as_of).planned == 1


@pytest.mark.django_db
def test_a_failed_or_cancelled_message_does_not_use_up_the_cap(open_step, alice, content, as_of):
    agree(alice)
    plan(open_step("a"), [alice], content, as_of)
    services.cancel_step(step=open_step("a"))
    assert plan(open_step("b"), [alice], content, as_of).planned == 1


@pytest.mark.django_db
def test_quiet_hours_move_the_slot_and_a_close_before_it_suppresses(open_step, alice, bob, content, as_of):
    agree(alice)
    agree(bob)
    night = as_of + timedelta(hours=10)  # 22:00 in Shanghai
    report = plan(open_step("a", due_at=night), [alice], content, night)
    assert report.is_delayed
    assert report.slot == as_of + timedelta(hours=21)
    assert Delivery.objects.get().day == policy.day_of(report.slot, ZONE)
    closing = open_step("b", due_at=night, closes_at=night + timedelta(hours=1))
    assert plan(closing, [bob], content, night).suppressed == {"quiet_hours": 1}


@pytest.mark.django_db
def test_a_block_of_an_address_ends_with_a_new_address(open_step, alice, content, as_of):
    agree(alice)
    old = alice.identities.get(kind="email")
    Block.objects.create(member=alice, carrier="email", value_hash=old.value_hash, reason="bounced", at=as_of)
    assert plan(open_step("a"), [alice], content, as_of, dry_run=True).suppressed == {"blocklisted": 1}
    fresh = factories.identity(alice, "email", "new@example.com")
    fresh.seen_at = as_of
    type(fresh).objects.filter(value_hash=fresh.value_hash).update(seen_at=as_of)
    assert plan(open_step("a"), [alice], content, as_of, dry_run=True).planned == 1


@pytest.mark.parametrize(
    ("hour", "quiet"), [(20.99, False), (21, True), (23.5, True), (0, True), (8.99, True), (9, False), (12, False)]
)
def test_quiet_hours_over_midnight(as_of, hour, quiet):
    moment = as_of.astimezone(ZONE).replace(hour=int(hour), minute=int(hour % 1 * 60))
    assert policy.Policy().is_quiet(moment, ZONE) is quiet
    slot = policy.Policy().next_slot(moment, ZONE, "marketing")
    assert (slot > moment) is quiet
    assert not policy.Policy().is_quiet(slot, ZONE)
    assert policy.Policy().next_slot(moment, ZONE, "service") == moment


@pytest.mark.parametrize(
    "values", [{"cap_day": 0}, {"cap_day": 5, "cap_week": 4}, {"quiet_start": "", "quiet_end": "09:00"}, {"quiet_start": "9 Uhr"},
               {"consent": "never"}, {"stage_caps": {"9": 1}}],
)  # fmt: skip
def test_a_senseless_policy_is_refused(values):
    with pytest.raises(Problem):
        policy.Policy(**values)


# -- The oracle ----------------------------------------------------------------------------------
person = st.fixed_dictionaries(
    {
        "address": st.booleans(),
        "consent": st.sampled_from([None, True, False]),
        "blocked": st.booleans(),
        "stage": st.sampled_from([None, 0, 1, 4]),
        "history": st.lists(st.tuples(st.integers(-8, 2), st.sampled_from([10, 40, 80, 90, 95, 99])), max_size=4),
    }
)


def oracle(who, rules, day_used, week_used, needs_consent):
    if not who["address"]:
        return "no_address"
    if who["blocked"]:
        return "blocklisted"
    if who["consent"] is False:
        return "unsubscribed"
    if who["consent"] is None and needs_consent:
        return "no_consent"
    if day_used >= rules.cap_day:
        return "cap_day"
    if week_used >= rules.cap_week:
        return "cap_week"
    cap = rules.stage_caps.get(str(who["stage"] or 0))
    return "cap_stage" if cap is not None and week_used >= cap else ""


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(person, min_size=1, max_size=12),
    caps=st.tuples(st.integers(1, 3), st.integers(0, 3)),
    consent=st.sampled_from(["required", "unless_refused"]),
    stage_caps=st.dictionaries(st.sampled_from(["0", "1", "4"]), st.integers(0, 3), max_size=3),
)
def test_the_statement_agrees_with_plain_python(pool, fake, content, as_of, people, caps, consent, stage_caps):
    for table in (Delivery, Block, Consent, MemberState):
        table.objects.all().delete()
    Step.objects.all().delete()
    rules = services.save_policy(
        pool=pool,
        values={"cap_day": caps[0], "cap_week": sum(caps), "consent": consent, "stage_caps": stage_caps},
        actor=None,
    )
    today = policy.day_of(as_of, ZONE)
    steps = [services.open_step(pool=pool, source=f"old:{n}", connector=fake, due_at=as_of) for n in range(4)]
    expected = {}
    for who in people:
        member = factories.member(pool, "x")
        if who["address"]:
            factories.identity(member, "email", f"m{member.pk}@example.com")
        if who["consent"] is not None:
            agree(member, granted=who["consent"])
        if who["blocked"]:
            services.block_member(member=member, carrier="email", at=as_of, actor=None)
        if who["stage"] is not None:
            MemberState.objects.create(member=member, pool=pool, stage=who["stage"])
        used = []
        for step, (days, status) in zip(steps, who["history"], strict=False):
            day = today + timedelta(days=days)
            Delivery.objects.create(member=member, step=step, pool=pool, status=status, next_at=as_of, day=day)
            if status not in (90, 95, 99):
                used.append(days)
        in_reach = [days for days in used if -6 <= days <= 6]
        expected[member.pk] = oracle(who, rules, in_reach.count(0), len(in_reach), consent == "required")
    step = services.open_step(pool=pool, source="new", connector=fake, due_at=as_of)
    everybody = Candidates.of(list(expected), content.pk)
    seen = {row["member_id"]: row["reason"] for row in listed(step=step, candidates=everybody, as_of=as_of)}
    assert seen == expected
    report = services.plan_deliveries(step=step, candidates=everybody, as_of=as_of)
    assert report.planned == sum(reason == "" for reason in expected.values())


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_never_exceed_the_cap(pool, fake, content, as_of):
    people = [factories.member(pool, f"m{n}", email=f"m{n}@example.com") for n in range(200)]
    Consent.objects.bulk_create(
        Consent(member=m, carrier="email", purpose="marketing", granted=True, at=as_of, source="t") for m in people
    )
    steps = [services.open_step(pool=pool, source=f"s{n}", connector=fake, due_at=as_of) for n in range(4)]
    start = threading.Barrier(4)

    def work(step):
        try:
            start.wait()
            plan(step, people, content, as_of)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    planned = Delivery.objects.filter(status=S.PLANNED)
    assert planned.count() == 200 == planned.values("member").distinct().count()
    assert Delivery.objects.filter(reason="cap_day").count() == 600
    assert Member.objects.count() == 200
